//! Campaign definitions in TOML.
//!
//! [`parse_campaigns`] reads them; [`CampaignError`] says which line is wrong and what to do.

mod error;
mod locate;
mod read;
mod rules;
mod scalar;
mod table;

pub use error::CampaignError;
pub use read::parse_campaigns;
