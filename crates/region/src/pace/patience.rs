//! For how long a bid may be out at the end of a plan.
//!
//! A bid that is lost, and of which nobody says so, holds its price until it can no longer be won: half an hour where it waits in
//! an app. While much is left to be spent that costs nothing. Towards the end it is money that nobody can bid any more, and a
//! campaign falls behind its plan for want of it. Promises to keep out only bids that would come back too late to be bid once
//! more, and none while the supply is short. Pure: the time is an argument.

use super::{Pass, Plan};
use crate::day::millis;
use crate::limits::HOLD_MAX;

/// A bid may be out for half of what is left: what is lost is bid again, and mostly lost again.
const PART_OF_REST: i64 = 2;
/// Until all is to be spent, it may be out for a quarter of the time that the plan leaves free after that, whatever is left.
const PART_OF_FREE: i64 = 4;
/// And for ten minutes: most bids are over by then, and campaigns that make no others keep to their plans as well.
const OUT_MIN_MS: i64 = 10 * 60_000;

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

    /// The longest that a bid may be out which is made now; `None` if that does not matter.
    pub(crate) fn most_ms(&self, now_ms: i64, pass: Pass) -> Option<i64> {
        let Self { done_ms, over_ms } = *self;
        let most_ms = if now_ms < done_ms {
            ((done_ms - now_ms) / PART_OF_REST).max((over_ms - done_ms) / PART_OF_FREE).max(OUT_MIN_MS)
        } else {
            over_ms.saturating_sub(now_ms).max(0) / PART_OF_REST
        };
        // Who has to take half of what there is cannot choose.
        (most_ms < millis(HOLD_MAX) && pass < Pass::ratio(1.0, 2.0)).then_some(most_ms)
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
        let hours = Some(HourPlan::new(weights, Default::default()));
        let flight = Flight { starts_ms: 0, ends_ms: 24 * HOUR_MS };
        Plan { budget: Nanos(1_000_000), flight, pacing: Pacing::Even, hours, strict: false }
    }

    fn minutes(plan: &Plan, before_the_end: i64) -> Option<i64> {
        let now_ms = 16 * HOUR_MS - before_the_end * MINUTE_MS;
        Patience::of(plan).most_ms(now_ms, Pass::SLOW_START).map(|most_ms| most_ms / MINUTE_MS)
    }

    #[test]
    fn a_bid_made_towards_the_end_must_come_back_in_time_to_be_bid_again() {
        let plan = working_hours();
        // Done forty minutes before the end.
        assert_eq!(minutes(&plan, 7 * 60), None, "no bid is out for so long");
        assert_eq!(minutes(&plan, 40 + 62), Some(31), "half an hour and a minute for the notice");
        assert_eq!((minutes(&plan, 40 + 30), minutes(&plan, 41)), (Some(15), Some(10)));
        assert_eq!((minutes(&plan, 40), minutes(&plan, 12)), (Some(20), Some(6)));
        assert_eq!((minutes(&plan, 0), minutes(&plan, -30)), (Some(0), Some(0)));
    }

    #[test]
    fn who_has_to_take_half_of_all_takes_every_bid() {
        let (plan, now_ms) = (working_hours(), 15 * HOUR_MS);
        assert!(Patience::of(&plan).most_ms(now_ms, Pass::SLOW_START).is_some());
        assert_eq!(Patience::of(&plan).most_ms(now_ms, Pass::ALL), None);
        let always = Plan { hours: None, ..plan };
        assert_eq!(Patience::of(&always).most_ms(now_ms, Pass::SLOW_START), None, "it goes on for nine hours");
    }
}
