//! What campaigns had spent and were to have spent, every quarter of an hour of the last day.
//!
//! Promises bounded memory: a day of steps of four bytes, of campaigns that have spent something. Never money: it is for a
//! picture, in which the newest moment is exact and each step before it to a part of 256.

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
pub(crate) struct History(Arc<Mutex<Days>>);

#[derive(Debug, Default)]
struct Days {
    /// When it was noted, oldest first: the same moments for all campaigns.
    moments: VecDeque<i64>,
    /// How many moments there were before these.
    forgotten: u64,
    campaigns: HashMap<CampaignId, Day>,
}

/// The last day of one campaign.
#[derive(Debug)]
struct Day {
    /// Which moment was the last one, and what was then.
    last: u64,
    planned: Nanos,
    spent: Nanos,
    /// The steps that led there, oldest first.
    steps: Vec<[Step; 2]>,
}

/// A difference of nano-USD: the upper half of a float, so that its error is a part of 256 of itself.
#[derive(Debug, Clone, Copy)]
struct Step(u16);

impl History {
    /// Notes where campaigns stand; those that are not named are forgotten after a day.
    pub(crate) fn note(&self, now_ms: i64, points: impl IntoIterator<Item = (CampaignId, Nanos, Nanos)>) {
        let mut all = self.lock();
        let Days { moments, forgotten, campaigns } = &mut *all;
        moments.push_back(now_ms);
        if POINTS_MAX < moments.len() {
            moments.pop_front();
            *forgotten += 1;
        }
        let now = *forgotten + moments.len() as u64 - 1;
        for (campaign, planned, spent) in points {
            let day = campaigns.entry(campaign).or_insert_with(|| Day { last: now, planned, spent, steps: Vec::new() });
            day.go_on(now, planned, spent);
        }
        campaigns.retain(|_, day| *forgotten <= day.last);
    }

    /// The last day of one campaign, oldest first. In moments at which it did not stand there it stood where it had before.
    pub(crate) fn of(&self, campaign: CampaignId) -> Vec<Point> {
        let all = self.lock();
        let Some(day) = all.campaigns.get(&campaign) else { return Vec::new() };
        let at_ms = |moment: u64| all.moments.get(usize::try_from(moment.checked_sub(all.forgotten)?).ok()?).copied();
        let Day { last, mut planned, mut spent, .. } = *day;
        let mut points = Vec::with_capacity(day.steps.len() + 1);
        for (back, step) in day.steps.iter().rev().map(Some).chain([None]).enumerate() {
            let Some(at_ms) = last.checked_sub(back as u64).and_then(at_ms) else { break };
            points.push(Point { at_ms, planned, spent });
            if let Some([of_plan, of_spend]) = step {
                (planned, spent) = (of_plan.back(planned), of_spend.back(spent));
            }
        }
        points.reverse();
        points
    }

    fn lock(&self) -> MutexGuard<'_, Days> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Day {
    fn go_on(&mut self, now: u64, planned: Nanos, spent: Nanos) {
        let passed = usize::try_from(now - self.last).unwrap_or(usize::MAX).min(POINTS_MAX);
        for to_come in (0..passed).rev() {
            let (to_planned, to_spent) = if to_come == 0 { (planned, spent) } else { (self.planned, self.spent) };
            if POINTS_MAX <= self.steps.len() + 1 {
                self.steps.remove(0);
            } else if self.steps.len() == self.steps.capacity() {
                // A quarter of a day at a time: doubling would end far beyond a day.
                self.steps.reserve_exact(POINTS_MAX / 4);
            }
            self.steps.push([Step::between(self.planned, to_planned), Step::between(self.spent, to_spent)]);
            (self.planned, self.spent) = (to_planned, to_spent);
        }
        (self.last, self.planned, self.spent) = (now, planned, spent);
    }
}

impl Step {
    fn between(from: Nanos, to: Nanos) -> Self {
        let bits = (to.saturating_sub(from).0 as f32).to_bits();
        // Half of what is cut off is added first: to the nearest. No difference of two amounts is near the largest float.
        Self(((bits + 0x8000) >> 16) as u16)
    }

    /// Where somebody was before the step.
    fn back(self, to: Nanos) -> Nanos {
        to.saturating_sub(Nanos(f32::from_bits(u32::from(self.0) << 16) as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEVEN: CampaignId = CampaignId(7);

    #[test]
    fn a_day_is_kept_and_no_more() {
        let history = History::default();
        let point = |at: i64| Point { at_ms: at * NOTE_MS, planned: Nanos(at), spent: Nanos(2 * at) };
        for at in 0..300 {
            let silent = (at < 100).then_some((CampaignId(8), Nanos(at), Nanos(at)));
            history.note(at * NOTE_MS, std::iter::once((SEVEN, Nanos(at), Nanos(2 * at))).chain(silent));
        }
        let points = history.of(SEVEN);
        assert_eq!((points.len(), points[0], points[96]), (97, point(203), point(299)));
        assert_eq!(history.of(CampaignId(8)), [], "it has not been heard of for a day");
    }

    #[test]
    fn a_day_of_a_campaign_takes_four_hundred_bytes() {
        let history = History::default();
        (0..300).for_each(|at| history.note(at * NOTE_MS, [(SEVEN, Nanos(at), Nanos(at))]));
        let capacity = history.lock().campaigns[&SEVEN].steps.capacity();
        assert!(capacity * size_of::<[Step; 2]>() <= 400, "{capacity} steps");
    }

    #[test]
    fn the_newest_moment_is_exact_and_the_day_before_it_is_off_by_a_part_of_what_was_moved() {
        let history = History::default();
        // A plan that falls once, for its budget was cut, and spend in steps of all sizes.
        let planned = |at: i64| Nanos(if at < 50 { at * 1_234_567_891 } else { at * 617_283_945 });
        let spent = |at: i64| Nanos((0..=at).map(|step| 7_i64.pow((step % 13) as u32) * 1_001).sum());
        (0..97).for_each(|at| history.note(at * NOTE_MS + 17, [(SEVEN, planned(at), spent(at))]));
        let points = history.of(SEVEN);
        assert_eq!(points[96], Point { at_ms: 96 * NOTE_MS + 17, planned: planned(96), spent: spent(96) });
        for (point, at) in points.iter().zip(0..) {
            let moved =
                |of: fn(&Point) -> i64| points.windows(2).map(|pair| (of(&pair[1]) - of(&pair[0])).abs()).sum::<i64>();
            assert_eq!(point.at_ms, at * NOTE_MS + 17);
            assert!((point.planned.0 - planned(at).0).abs() <= moved(|point| point.planned.0) / 256);
            assert!((point.spent.0 - spent(at).0).abs() <= moved(|point| point.spent.0) / 256);
        }
    }

    #[test]
    fn a_campaign_that_was_away_for_some_moments_is_drawn_where_it_stood() {
        let history = History::default();
        for at in 0..10 {
            let here = !(3..6).contains(&at);
            history.note(at * NOTE_MS, here.then_some((SEVEN, Nanos(at), Nanos(at))));
        }
        let planned: Vec<i64> = history.of(SEVEN).iter().map(|point| point.planned.0).collect();
        assert_eq!(planned, [0, 1, 2, 2, 2, 2, 6, 7, 8, 9]);
    }
}
