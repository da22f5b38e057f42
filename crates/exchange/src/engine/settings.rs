//! What every incarnation of an engine is made from.
//!
//! Snapshots and handles only: making an engine builds nothing.

use std::sync::Arc;

use campaign::{Country, Index};
use ledger::{Clock, TokenKeys};
use money::Rates;
use region::{CapKeys, RegionPort};
use telemetry::{ExchangeMeters, RegionMeters};
use tembusu::Table;

use crate::Dialect;
use crate::drops::DropSampler;

/// Shared by all incarnations of one exchange's engine.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// The exchange's name in the configuration: in campaigns, tokens and meters.
    pub exchange: Arc<str>,
    /// How it speaks.
    pub dialect: Arc<Dialect>,
    /// The campaigns, as published.
    pub index: Table<Index>,
    /// Exchange rates.
    pub rates: Arc<Rates>,
    /// The regions and their countries.
    pub territories: Vec<Territory>,
    /// The place in `territories` of requests whose country is unknown or served by none.
    pub default_territory: Option<usize>,
    /// Makes the keys by which users are counted.
    pub cap_keys: CapKeys,
    /// Seals the tokens of notice URLs.
    pub token_keys: Arc<TokenKeys>,
    /// The wall clock.
    pub clock: Clock,
    /// What is counted.
    pub meters: Arc<ExchangeMeters>,
    /// Sets requests aside, to ask afterwards why campaigns drop out.
    pub samples: DropSampler,
}

/// A region and the countries that it serves.
#[derive(Clone, Debug)]
pub struct Territory {
    /// The countries; the first stands for a request that names none.
    pub countries: Vec<Country>,
    /// The region.
    pub port: RegionPort,
}

/// One exchange's meters of its regions, by place in its territories.
pub type RegionCells = Arc<[Option<Arc<RegionMeters>>]>;

impl EngineSettings {
    /// The meters of the territories' regions.
    #[must_use]
    pub fn region_cells(&self) -> RegionCells {
        self.territories.iter().map(|territory| self.meters.region(territory.port.name()).cloned()).collect()
    }

    /// Where a request belongs: its own country's region, else the default.
    ///
    /// A request whose country is known keeps it for targeting, even in the default region.
    #[must_use]
    pub fn place(&self, country: Option<Country>) -> Option<(usize, Country)> {
        let serves =
            |country: Country| self.territories.iter().position(|territory| territory.countries.contains(&country));
        if let Some(country) = country
            && let Some(place) = serves(country)
        {
            return Some((place, country));
        }
        let place = self.default_territory?;
        let first = || self.territories.get(place)?.countries.first().copied();
        Some((place, country.or_else(first)?))
    }
}
