//! Campaigns and creatives: what may be bid, for whom, at what price.

mod id;

pub use id::{CampaignId, CreativeId};
