//! The identities of campaigns and creatives.
//!
//! Promises plain numbers that are distinct types, so that one cannot be passed for the other. Never says whether the
//! campaign or creative exists.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Identifies a campaign, in definitions, in the ledger and in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CampaignId(pub u32);

impl fmt::Display for CampaignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Identifies a creative, unique over all campaigns; it is the `crid` of a bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CreativeId(pub u32);

impl fmt::Display for CreativeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
