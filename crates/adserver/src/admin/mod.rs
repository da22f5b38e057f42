//! The operators' API: health, metrics, the tree, alerts, campaigns, and the few things that an
//! operator does by hand.
//!
//! It holds handles and no state, and is never on the bid path. Its own crash takes nothing along.

mod body;
mod campaign_changes;
mod campaign_json;
mod campaigns;
mod chart;
mod drops;
mod explain;
mod guard;
mod levels;
mod limit;
mod pages;
mod plan;
mod problem;
mod router;
mod tree;

pub(crate) use router::{Desk, router};
