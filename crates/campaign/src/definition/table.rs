//! The shape of a file of campaigns, each value with its place in the text.
//!
//! Promises that an unknown key is refused, so that a misspelt cap is never ignored. Never judges a value.

use serde::Deserialize;
use toml::Spanned;

use super::scalar::{Amount, When};
use crate::targeting::Dimension;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileTable {
    #[serde(default)]
    pub(super) campaign: Vec<Spanned<CampaignTable>>,
}

/// One `[[campaign]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CampaignTable {
    pub(super) id: Spanned<u32>,
    pub(super) name: Spanned<String>,
    pub(super) advertiser_domain: Spanned<String>,
    pub(super) advertised_app: Option<Spanned<String>>,
    pub(super) language: Option<Spanned<String>>,
    pub(super) budget: Spanned<Amount>,
    pub(super) bid_cpm: Spanned<Amount>,
    pub(super) starts: Spanned<When>,
    pub(super) ends: Spanned<When>,
    pub(super) pacing: Option<Spanned<PacingName>>,
    pub(super) hour_weights: Option<Spanned<Values>>,
    pub(super) strict_budget: Option<Spanned<bool>>,
    pub(super) shading: Option<Spanned<bool>>,
    pub(super) bid_on_uncounted_users: Option<Spanned<bool>>,
    pub(super) countries: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) exchanges: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) categories: Vec<Spanned<String>>,
    pub(super) cap_per_user_per_day: Option<Spanned<u32>>,
    pub(super) caps: Option<Spanned<Values>>,
    pub(super) utc_offset: Option<Spanned<String>>,
    pub(super) include: Option<Spanned<RulesTable>>,
    pub(super) exclude: Option<Spanned<RulesTable>>,
    #[serde(default)]
    pub(super) creative: Vec<Spanned<CreativeTable>>,
}

/// Values of one rule.
pub(super) type Values = Vec<Spanned<String>>;

/// `[campaign.include]` or `[campaign.exclude]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RulesTable {
    pub(super) exchanges: Values,
    pub(super) regions: Values,
    pub(super) cities: Values,
    pub(super) within: Values,
    pub(super) inventory: Values,
    pub(super) domains: Values,
    pub(super) bundles: Values,
    pub(super) sites: Values,
    pub(super) apps: Values,
    pub(super) publishers: Values,
    pub(super) content_categories: Values,
    pub(super) devices: Values,
    pub(super) os: Values,
    pub(super) connections: Values,
    pub(super) carriers: Values,
    pub(super) languages: Values,
    pub(super) formats: Values,
    pub(super) deals: Values,
    pub(super) segments: Values,
    pub(super) hours: Values,
}

impl RulesTable {
    /// The values under one key.
    pub(super) fn values(&self, dimension: Dimension) -> &Values {
        match dimension {
            Dimension::Exchanges => &self.exchanges,
            Dimension::Regions => &self.regions,
            Dimension::Cities => &self.cities,
            Dimension::Within => &self.within,
            Dimension::Inventory => &self.inventory,
            Dimension::Domains => &self.domains,
            Dimension::Bundles => &self.bundles,
            Dimension::Sites => &self.sites,
            Dimension::Apps => &self.apps,
            Dimension::Publishers => &self.publishers,
            Dimension::ContentCategories => &self.content_categories,
            Dimension::Devices => &self.devices,
            Dimension::Os => &self.os,
            Dimension::Connections => &self.connections,
            Dimension::Carriers => &self.carriers,
            Dimension::Languages => &self.languages,
            Dimension::Formats => &self.formats,
            Dimension::Deals => &self.deals,
            Dimension::Segments => &self.segments,
            Dimension::Hours => &self.hours,
        }
    }
}

/// `pacing`.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum PacingName {
    Supply,
    Even,
    Asap,
}

/// One `[[campaign.creative]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreativeTable {
    pub(super) id: Spanned<u32>,
    pub(super) w: Option<Spanned<u32>>,
    pub(super) h: Option<Spanned<u32>>,
    pub(super) sizes: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) markup: Spanned<String>,
    pub(super) secure: Option<Spanned<bool>>,
    pub(super) caps: Option<Spanned<Values>>,
    #[serde(default)]
    pub(super) attributes: Vec<Spanned<u8>>,
    #[serde(default)]
    pub(super) banner_types: Values,
    #[serde(default)]
    pub(super) mimes: Values,
    #[serde(default)]
    pub(super) apis: Values,
}
