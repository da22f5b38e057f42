//! Campaigns and creatives: definitions, compilation, targeting, and their supervised subtrees.
//!
//! An operator writes [`Campaign`]s in TOML ([`parse_campaigns`]); [`compile`] makes one ready for the bid path; an
//! [`Index`] finds the [`Candidate`]s for what an imp [`Want`]s. Whether a campaign still has money is not known here: that
//! is the region's and the ledger's.

#![warn(clippy::disallowed_methods)]

pub mod actors;
mod advertised;
mod campaign;
mod cap;
mod category;
pub mod chaos;
mod check;
mod compiled;
mod definition;
mod domain;
mod explain;
mod facts;
mod gate;
mod hour_plan;
mod id;
mod index;
mod parallel;
mod remark;
mod size;
pub mod targeting;
pub mod technology;

pub use actors::{
    AddError, CampaignState, CampaignStatus, CampaignView, CampaignsHandle, ChangeError, Changes, CheckedChanges,
    ControlError, Unpublished, campaigns_supervisor, campaigns_supervisor_of,
};
pub use advertised::Advertised;
pub use campaign::{Campaign, Creative, Flight, Pacing};
pub use cap::{CAP_MAX, CapMemory, CapWindow, Caps};
pub use check::{
    BID_CPM_MAX, CREATIVES_PER_CAMPAIGN_MAX, Flaw, MARKUP_BYTES_MAX, NAME_BYTES_MAX, Place, SIZES_PER_CREATIVE_MAX,
};
pub use compiled::{CompileError, CompiledCampaign, Placement, compile, compile_shared};
pub use definition::{
    CampaignError, CampaignWarning, FileCampaign, TextKey, campaign_warnings, parse_campaigns, parse_campaigns_for,
    parse_every_campaign, read_campaigns,
};
pub use explain::{DropReason, explain};
pub use facts::{CONTENT_CATEGORIES_MAX, Facts, Formats, SEGMENTS_MAX, Setting, Want};
pub use hour_plan::{HOUR_WEIGHT_MAX, HOUR_WEIGHTS_MAX, HourPlan, HourWeight, ParseHourWeightError};
pub use id::{CampaignId, CreativeId};
pub use index::{Candidate, Candidates, Condemned, Index, Scratch};
pub use openrtb::Country;
pub use size::{ParseSizeError, SIDE_MAX, Size};
