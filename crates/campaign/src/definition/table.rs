//! The shape of a file of campaigns, each value with its place in the text.
//!
//! Promises that an unknown key is refused, so that a misspelt cap is never ignored. Never judges a value.

use serde::Deserialize;
use toml::Spanned;

use super::scalar::{Amount, When};

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
    pub(super) budget: Spanned<Amount>,
    pub(super) bid_cpm: Spanned<Amount>,
    pub(super) starts: Spanned<When>,
    pub(super) ends: Spanned<When>,
    pub(super) pacing: Option<Spanned<PacingName>>,
    pub(super) strict_budget: Option<Spanned<bool>>,
    pub(super) countries: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) exchanges: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) categories: Vec<Spanned<String>>,
    pub(super) cap_per_user_per_day: Option<Spanned<u32>>,
    #[serde(default)]
    pub(super) creative: Vec<Spanned<CreativeTable>>,
}

/// `pacing`.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum PacingName {
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
    #[serde(default)]
    pub(super) attributes: Vec<Spanned<u8>>,
}
