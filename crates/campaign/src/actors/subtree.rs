//! The subtree of one campaign.
//!
//! Promises that a campaign costs nobody but itself: its intensity is its own, and exhaustion ends in quarantine, which its
//! parent is not charged for. Never restores itself: an operator looks first.

use std::sync::Arc;
use std::time::Duration;

use tembusu::{Address, Supervisor, child};

use super::{Controller, ControllerArgs, Definition, DefinitionArgs, IndexMessage, Slot};
use crate::CampaignId;

/// Restarts that a campaign is granted within [`INTENSITY_PERIOD`]; the next failure is quarantine.
pub const INTENSITY_RESTARTS: u32 = 3;
/// The period in which a campaign's restarts are counted.
pub const INTENSITY_PERIOD: Duration = Duration::from_secs(60);

/// Messages that wait for a definition: one incarnation is charged once, the rest is pokes.
const DEFINITION_MAILBOX: usize = 16;
/// Messages that wait for a controller: an operator's clicks.
const CONTROLLER_MAILBOX: usize = 64;

/// What the subtree of a campaign is called.
pub(super) fn subtree_name(campaign: CampaignId) -> String {
    format!("campaign_{campaign}")
}

/// Makes the supervisor of one campaign.
pub(super) fn campaign_supervisor(slot: &Arc<Slot>, index_publisher: &Address<IndexMessage>) -> Supervisor {
    let mut campaign =
        Supervisor::one_for_one(subtree_name(slot.id())).intensity(INTENSITY_RESTARTS, INTENSITY_PERIOD).quarantine();
    let args = DefinitionArgs { slot: Arc::clone(slot), index_publisher: index_publisher.clone() };
    campaign.add(child::<Definition>("definition", args).mailbox(DEFINITION_MAILBOX));
    let args = ControllerArgs { slot: Arc::clone(slot) };
    campaign.add(child::<Controller>("controller", args).mailbox(CONTROLLER_MAILBOX));
    campaign
}
