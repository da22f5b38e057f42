//! Alerts for campaigns that the tree does not know: those that could not be started.
//!
//! A campaign in quarantine is a node of the tree and raises its alert by itself; one whose compilation panicked when it was
//! to be started never became one. Never acts on a campaign.

use std::time::SystemTime;

use campaign::{CampaignId, CampaignsHandle};
use telemetry::{AlertBoard, Cause};

/// The path that a campaign's alerts are raised for.
fn subtree(campaign: CampaignId) -> String {
    format!("root/campaigns/each/campaign_{campaign}")
}

/// Raises what is missing on the board, and ends what is no longer so.
pub(crate) fn follow(board: &AlertBoard, campaigns: &CampaignsHandle) {
    let not_started = campaigns.not_started();
    let now = SystemTime::now();
    let standing = board.standing().into_iter().filter(|alert| alert.cause == Cause::CampaignNotStarted);
    let is_over = |path: &str| !not_started.keys().any(|campaign| subtree(*campaign) == path);
    standing.filter(|alert| is_over(&alert.subtree)).for_each(|alert| board.clear(&alert.subtree, now));
    for (campaign, reason) in not_started {
        board.raise(Cause::CampaignNotStarted, &subtree(campaign), reason, now);
    }
}
