//! The index itself.
//!
//! Promises the same candidates as a look at every campaign, the best payers first. Never waits, never changes: a campaign
//! that comes or goes makes a new index; one that dies or is paused is left out by its own table.

use std::cmp::Reverse;
use std::sync::Arc;

use super::column::{Column, Columns, and, empty, or, set, words_for};
use super::source::Source;
use super::{Candidates, Want};
use crate::{CompiledCampaign, Country, Size};

/// An immutable snapshot of the campaigns, to be read by the bid path without a lock.
#[derive(Debug)]
pub struct Index {
    sources: Box<[Source]>,
    by_country: Columns<Country>,
    by_exchange: Columns<String>,
    /// The campaigns that bid on every exchange.
    any_exchange: Column,
    by_size: Columns<Size>,
    /// As `by_size`, of secure creatives alone.
    by_secure_size: Columns<Size>,
}

impl Index {
    /// Makes an index of campaigns without a subtree, for tests and tools. They are always live.
    pub fn of(campaigns: impl IntoIterator<Item = Arc<CompiledCampaign>>) -> Self {
        Self::build(campaigns.into_iter().map(|campaign| (Arc::clone(&campaign), Source::Fixed(campaign))).collect())
    }

    /// Makes an index of campaigns as last compiled, each with the source that knows whether it is live.
    pub(crate) fn build(mut campaigns: Vec<(Arc<CompiledCampaign>, Source)>) -> Self {
        // The ids break ties so that two builds of the same campaigns agree.
        campaigns.sort_by_key(|(campaign, _)| (Reverse(campaign.bid_cpm()), campaign.id()));
        let compiled = || campaigns.iter().map(|(campaign, _)| campaign);

        let mut any_exchange = empty(words_for(campaigns.len()));
        for (index, campaign) in compiled().enumerate() {
            if campaign.definition().exchanges.is_empty() {
                set(&mut any_exchange, index);
            }
        }
        let mut by_exchange =
            Columns::build(compiled().map(|campaign| campaign.definition().exchanges.iter().cloned()));
        by_exchange.fold_in(&any_exchange);

        Self {
            by_country: Columns::build(compiled().map(|campaign| campaign.definition().countries.iter().copied())),
            by_exchange,
            any_exchange,
            by_size: Columns::build(compiled().map(|campaign| campaign.sizes(false))),
            by_secure_size: Columns::build(compiled().map(|campaign| campaign.sizes(true))),
            sources: campaigns.into_iter().map(|(_, source)| source).collect(),
        }
    }

    /// How many campaigns it holds, live or not.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Tells whether it holds no campaign.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The live campaigns that fit, by bid price, the highest first.
    pub fn candidates<'a>(&'a self, want: &'a Want<'a>) -> Candidates<'a> {
        Candidates::new(&self.sources, self.fitting(want), want)
    }

    /// The campaigns whose country, exchange and sizes fit, one bit each.
    fn fitting(&self, want: &Want<'_>) -> Vec<u64> {
        let Some(of_country) = self.by_country.get(&want.country) else { return Vec::new() };
        let of_exchange = self.by_exchange.get(want.exchange).unwrap_or(&self.any_exchange);
        let by_size = if want.secure { &self.by_secure_size } else { &self.by_size };

        let mut fitting = vec![0; of_country.len()];
        want.sizes.iter().filter_map(|size| by_size.get(size)).for_each(|of_size| or(&mut fitting, of_size));
        and(&mut fitting, of_country);
        and(&mut fitting, of_exchange);
        fitting
    }
}
