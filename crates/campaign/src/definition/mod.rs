//! Campaign definitions in TOML.
//!
//! [`parse_campaigns`] reads them, [`parse_every_campaign`] goes on after the first flaw, and [`read_campaigns`] reads what has
//! changed in a file; [`Campaign::to_toml`](crate::Campaign::to_toml) writes them; [`CampaignError`] says which line is wrong and what to do.

mod error;
mod file;
mod locate;
mod pieces;
mod plain;
mod read;
mod rules;
mod scalar;
mod table;
mod write;

pub use error::{CampaignError, CampaignWarning};
pub use file::{FileCampaign, TextKey, read_campaigns};
pub use read::{campaign_warnings, parse_campaigns, parse_campaigns_for, parse_every_campaign};
