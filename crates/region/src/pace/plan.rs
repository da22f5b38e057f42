//! What a campaign is to spend, and when.
//!
//! Promises a plan that begins at nothing, never falls, and reaches the budget before the last hour ends in which the campaign
//! may bid: by two hours of those in which it may, or by a twelfth of the flight's weight if that is less. Pure arithmetic on
//! integers; the time is an argument.

use std::sync::Arc;

use campaign::{CompiledCampaign, Flight, HourPlan, Pacing};
use money::Nanos;

use super::Pass;

/// A plan finishes early by what would be spent in this time, or by a twelfth of all if that is less (LinkedIn's 22 of 24
/// hours): what is behind then is delivered before the end. Only time in which something is to be spent counts: a campaign of
/// the day's working hours is done some time before these are over, not before midnight.
const EARLY_FINISH_MS: i64 = 2 * 60 * 60 * 1000;
/// See [`EARLY_FINISH_MS`].
const EARLY_FINISH_PART: i128 = 12;
/// What is left is never to be spent in less than this, so that the end of a plan is no burst.
const TAIL_MS: i64 = 60_000;

/// What a campaign is to spend and when.
///
/// # Examples
///
/// ```
/// use campaign::{Flight, Pacing};
/// use money::Nanos;
/// use region::Plan;
///
/// let day = 24 * 60 * 60 * 1000;
/// let flight = Flight { starts_ms: 0, ends_ms: day };
/// let plan = Plan { budget: Nanos(22_000), flight, pacing: Pacing::Even, hours: None, strict: false };
/// assert_eq!(plan.planned(0), Nanos(0));
/// assert_eq!(plan.planned(day / 2), Nanos(12_000), "spent in 22 of the 24 hours");
/// assert_eq!(plan.planned(day / 12 * 11), Nanos(22_000));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The whole budget of the campaign, over all regions.
    pub budget: Nanos,
    /// When it bids.
    pub flight: Flight,
    /// How it is spent.
    pub pacing: Pacing,
    /// How the hours of the week differ; `None` if they are all alike. A campaign that plans by its supply has those here in
    /// which it bids at all; how they differ is learnt ([`Course`](super::Course)). Shared by all that follow the same.
    pub hours: Option<Arc<HourPlan>>,
    /// Whether each bid holds its whole price until its outcome is known.
    pub strict: bool,
}

impl Plan {
    /// The plan of a campaign.
    #[must_use]
    pub fn of(campaign: &CompiledCampaign) -> Self {
        Self {
            budget: campaign.budget(),
            flight: campaign.flight(),
            pacing: campaign.pacing(),
            hours: campaign.hour_plan().cloned(),
            strict: campaign.strict_budget(),
        }
    }

    /// What passes before the first tick: nothing of a plan, for traffic teaches without bids, and a small budget would be ahead
    /// of its plan for an hour after a second of them.
    #[must_use]
    pub fn first_pass(&self) -> Pass {
        match self.pacing {
            Pacing::Asap => Pass::ALL,
            Pacing::Supply | Pacing::Even => Pass::NONE,
        }
    }

    /// What is to be spent by now, over all regions: the whole budget from shortly before the end of the flight. A campaign
    /// that spends as fast as it can plans to have spent everything.
    #[must_use]
    pub fn planned(&self, now_ms: i64) -> Nanos {
        if self.pacing == Pacing::Asap {
            return if now_ms < self.flight.starts_ms { Nanos(0) } else { self.budget };
        }
        let (passed, all) = (self.passed(now_ms), self.all());
        if all <= passed { self.budget } else { share(self.budget, passed, all) }
    }

    /// What of `remaining` is to be spent from now on in `length_ms`: its share of the time that is left by weight.
    #[must_use]
    pub fn forward(&self, remaining: Nanos, now_ms: i64, length_ms: i64) -> Nanos {
        let length_ms = length_ms.max(1);
        let coming = self.between(now_ms, now_ms.saturating_add(length_ms)).max(0);
        let tail = coming * i128::from(TAIL_MS.max(length_ms)) / i128::from(length_ms);
        let left = (self.all() - self.passed(now_ms)).max(tail);
        if remaining.0 <= 0 || left <= 0 { Nanos(0) } else { share(remaining, coming, left) }
    }

    /// Whether nothing is to be spent at this hour of the week.
    #[must_use]
    pub fn rests(&self, now_ms: i64) -> bool {
        self.between(now_ms, now_ms.saturating_add(1)) == 0
    }

    /// When all is to be spent, and when the last hour ends in which anything is.
    pub(super) fn last_moments(&self) -> (i64, i64) {
        let Flight { starts_ms, ends_ms } = self.flight;
        let (all, whole) = (self.all(), self.whole());
        let first = |weight: i128| {
            let (mut from_ms, mut to_ms) = (starts_ms, ends_ms.max(starts_ms));
            while from_ms < to_ms {
                let middle_ms = from_ms + (to_ms - from_ms) / 2;
                if self.passed(middle_ms) < weight { from_ms = middle_ms + 1 } else { to_ms = middle_ms }
            }
            from_ms
        };
        (first(all), first(whole))
    }

    pub(super) fn passed(&self, now_ms: i64) -> i128 {
        self.between(self.flight.starts_ms, now_ms.min(self.flight.ends_ms))
    }

    /// The weight of the time in which everything is to be spent.
    pub(super) fn all(&self) -> i128 {
        let Flight { starts_ms, ends_ms } = self.flight;
        let all = self.whole();
        let last = match &self.hours {
            Some(hours) => hours.last(starts_ms, ends_ms, EARLY_FINISH_MS),
            None => i128::from(EARLY_FINISH_MS),
        };
        all - last.min(all / EARLY_FINISH_PART)
    }

    /// The weight of the whole flight.
    pub(super) fn whole(&self) -> i128 {
        self.between(self.flight.starts_ms, self.flight.ends_ms)
    }

    fn between(&self, from_ms: i64, to_ms: i64) -> i128 {
        match &self.hours {
            Some(hours) => hours.between(from_ms, to_ms),
            None => i128::from(to_ms.saturating_sub(from_ms).max(0)),
        }
    }
}

/// `amount * part / whole`, rounded down; at most `amount`.
pub(super) fn share(amount: Nanos, part: i128, whole: i128) -> Nanos {
    // A flight of a century in milliseconds at the highest weight stays below 2^49, an amount below 2^63.
    let share = i128::from(amount.0).saturating_mul(part) / whole;
    Nanos(i64::try_from(share).unwrap_or(i64::MAX).min(amount.0))
}
