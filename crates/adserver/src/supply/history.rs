//! What campaigns had spent and were to have spent, every quarter of an hour of the last day.
//!
//! Promises bounded memory: a day, and campaigns that have spent something. Never money: it is for a picture.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campaign::CampaignId;
use money::Nanos;

/// How often it is noted.
pub(crate) const NOTE_MS: i64 = 15 * 60 * 1_000;
/// A day of quarters, and where it began.
const POINTS_MAX: usize = 97;

/// One moment of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) at_ms: i64,
    pub(crate) planned: Nanos,
    pub(crate) spent: Nanos,
}

/// The last day of all campaigns. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct History(Arc<Mutex<HashMap<CampaignId, VecDeque<Point>>>>);

impl History {
    /// Notes where campaigns stand; those that are not named are forgotten after a day.
    pub(crate) fn note(&self, now_ms: i64, points: impl IntoIterator<Item = (CampaignId, Point)>) {
        let mut all = self.lock();
        for (campaign, point) in points {
            let of_campaign = all.entry(campaign).or_default();
            of_campaign.push_back(point);
            let surplus = of_campaign.len().saturating_sub(POINTS_MAX);
            of_campaign.drain(..surplus);
        }
        let day_ms = NOTE_MS * POINTS_MAX as i64;
        all.retain(|_, points| points.back().is_some_and(|last| now_ms - last.at_ms < day_ms));
    }

    /// The last day of one campaign, oldest first.
    pub(crate) fn of(&self, campaign: CampaignId) -> Vec<Point> {
        self.lock().get(&campaign).map(|points| points.iter().copied().collect()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CampaignId, VecDeque<Point>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_kept_and_no_more() {
        let history = History::default();
        let point = |at: i64| Point { at_ms: at * NOTE_MS, planned: Nanos(at), spent: Nanos(at) };
        for at in 0..300 {
            let silent = (at < 100).then(|| (CampaignId(8), point(at)));
            history.note(at * NOTE_MS, std::iter::once((CampaignId(7), point(at))).chain(silent));
        }
        let points = history.of(CampaignId(7));
        assert_eq!((points.len(), points[0], points[96]), (97, point(203), point(299)));
        assert_eq!(history.of(CampaignId(8)), [], "it has not been heard of for a day");
    }
}
