//! Campaign definitions in TOML.
//!
//! [`parse_campaigns`] reads them, and [`parse_every_campaign`] goes on after the first flaw; [`Campaign::to_toml`](crate::Campaign::to_toml) writes them; [`CampaignError`] says which line is wrong and what to do.

mod error;
mod locate;
mod pieces;
mod read;
mod rules;
mod scalar;
mod table;
mod write;

pub use error::{CampaignError, CampaignWarning};
pub use read::{campaign_warnings, parse_campaigns, parse_campaigns_for, parse_every_campaign};
