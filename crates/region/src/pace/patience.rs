//! For how long a bid may be out at the end of a plan.
//!
//! A bid that is lost, and of which nobody says so, holds its price until it can no longer be won: half an hour where it waits in
//! an app. While much is left to be spent that costs nothing. Towards the end it is money that nobody can bid any more, and a
//! campaign falls behind its plan for want of it. Promises to keep out only bids that would come back too late to be bid once
//! more, none that is over in ten minutes, and none while the supply is short or mostly such bids. Pure: the time is an argument.

use super::{Pass, Plan};
use crate::day::millis;
use crate::limits::HOLD_MAX;

/// A bid may be out for half of what is left: what is lost is bid again, and mostly lost again.
const PART_OF_REST: i64 = 2;
/// Until all is to be spent, it may be out for a quarter of the time that the plan leaves free after that, whatever is left.
const PART_OF_FREE: i64 = 4;
/// A bid that is over so soon may always be made.
pub(crate) const SHORT_MS: i64 = 10 * 60_000;

/// How much patience a plan has with its bids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// When all is to be spent.
    done_ms: i64,
    /// When its last hour ends.
    over_ms: i64,
}

impl Patience {
    pub(crate) fn of(plan: &Plan) -> Self {
        let (done_ms, over_ms) = plan.last_moments();
        Self { done_ms, over_ms }
    }

    /// The longest that a bid may be out which is made now; `None` if that does not matter. `is_mostly_short` says whether most
    /// bids that asked would be over soon.
    pub(crate) fn most_ms(&self, now_ms: i64, pass: Pass, is_mostly_short: bool) -> Option<i64> {
        let Self { done_ms, over_ms } = *self;
        let most_ms = if now_ms < done_ms {
            ((done_ms - now_ms) / PART_OF_REST).max((over_ms - done_ms) / PART_OF_FREE)
        } else {
            over_ms.saturating_sub(now_ms).max(0) / PART_OF_REST
        };
        // Who has to take half of what there is cannot choose; nor who is mostly offered what takes long.
        let can_choose = is_mostly_short && pass < Pass::ratio(1.0, 2.0);
        (can_choose && most_ms < millis(HOLD_MAX)).then_some(most_ms.max(SHORT_MS))
    }
}

#[cfg(test)]
mod tests {
    use campaign::{Flight, HourPlan, Pacing};
    use money::Nanos;

    use super::*;

    const MINUTE_MS: i64 = 60_000;
    const HOUR_MS: i64 = 60 * MINUTE_MS;

    /// From eight to four, of a day that has 24 hours.
    fn working_hours() -> Plan {
        let weights = std::array::from_fn(|hour| u8::from((8..16).contains(&(hour % 24))));
        // 1970 began on a Thursday; all days are alike.
        let hours = Some(HourPlan::new(weights, Default::default()).into());
        let flight = Flight { starts_ms: 0, ends_ms: 24 * HOUR_MS };
        Plan { budget: Nanos(1_000_000), flight, pacing: Pacing::Even, hours, strict: false }
    }

    fn minutes(plan: &Plan, before_the_end: i64) -> Option<i64> {
        let now_ms = 16 * HOUR_MS - before_the_end * MINUTE_MS;
        Patience::of(plan).most_ms(now_ms, Pass::SLOW_START, true).map(|most_ms| most_ms / MINUTE_MS)
    }

    #[test]
    fn a_bid_made_towards_the_end_must_come_back_in_time_to_be_bid_again() {
        let plan = working_hours();
        // Done forty minutes before the end.
        assert_eq!(minutes(&plan, 7 * 60), None, "no bid is out for so long");
        assert_eq!(minutes(&plan, 40 + 62), Some(31), "half an hour and a minute for the notice");
        assert_eq!((minutes(&plan, 40 + 30), minutes(&plan, 41)), (Some(15), Some(10)));
        assert_eq!((minutes(&plan, 40), minutes(&plan, 12)), (Some(20), Some(10)));
        assert_eq!((minutes(&plan, 0), minutes(&plan, -30)), (Some(10), Some(10)));
    }

    #[test]
    fn who_cannot_choose_takes_every_bid() {
        let (plan, now_ms) = (working_hours(), 15 * HOUR_MS);
        assert!(Patience::of(&plan).most_ms(now_ms, Pass::SLOW_START, true).is_some());
        assert_eq!(Patience::of(&plan).most_ms(now_ms, Pass::ALL, true), None, "all of it is needed");
        assert_eq!(Patience::of(&plan).most_ms(now_ms, Pass::SLOW_START, false), None, "there is hardly anything else");
        let always = Plan { hours: None, ..plan };
        assert_eq!(Patience::of(&always).most_ms(now_ms, Pass::SLOW_START, true), None, "it goes on for nine hours");
    }
}
