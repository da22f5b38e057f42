//! Deliberate panics in one campaign, for tests and drills.
//!
//! Promises one relaxed load where nothing is armed. Never strikes a campaign that was not named.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tembusu::chaos::Point;

use crate::CampaignId;

/// Strikes while a definition is compiled, in `init`.
pub static DEFINITION_INIT: CampaignPoint = CampaignPoint::new("campaign_definition_init");
/// Strikes when a definition handles a message.
pub static DEFINITION_HANDLE: CampaignPoint = CampaignPoint::new("campaign_definition_handle");
/// Strikes while a campaign is evaluated on the bid path.
pub static EVALUATION: CampaignPoint = CampaignPoint::new("campaign_evaluation");

/// Strikes when the index publisher handles a message; it belongs to no campaign.
pub static INDEX_PUBLISHER: Point = Point::new("index_publisher_handle");

/// A point in the code that panics for the campaigns that it is armed for.
#[derive(Debug)]
pub struct CampaignPoint {
    point: Point,
    campaigns: Mutex<BTreeSet<CampaignId>>,
}

impl CampaignPoint {
    const fn new(name: &'static str) -> Self {
        Self { point: Point::new(name), campaigns: Mutex::new(BTreeSet::new()) }
    }

    /// The point's name.
    pub fn name(&self) -> &'static str {
        self.point.name()
    }

    /// Makes the point panic for `campaign`, until disarmed.
    pub fn arm(&self, campaign: CampaignId) {
        let mut campaigns = self.lock();
        campaigns.insert(campaign);
        self.point.arm();
    }

    /// Makes the point harmless for `campaign` again.
    pub fn disarm(&self, campaign: CampaignId) {
        let mut campaigns = self.lock();
        campaigns.remove(&campaign);
        if campaigns.is_empty() {
            self.point.disarm();
        }
    }

    /// Tells whether the point is armed for `campaign`.
    pub fn is_armed(&self, campaign: CampaignId) -> bool {
        self.point.is_armed() && self.lock().contains(&campaign)
    }

    /// Panics if armed for `campaign`.
    pub(crate) fn strike(&self, campaign: CampaignId) {
        if self.is_armed(campaign) {
            panic!("chaos point {} is armed for campaign {campaign}", self.name());
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<CampaignId>> {
        self.campaigns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
