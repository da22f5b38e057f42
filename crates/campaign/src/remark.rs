//! What is sound in a definition and yet hardly meant.
//!
//! Promises what it is, where it stands and what to do about it. Never refuses anything: that is for
//! [`Campaign::check`](crate::Campaign::check).

use crate::targeting::{Dimension, Hours, Side};
use crate::{Campaign, Flaw, HourPlan, Place};

const HOURS: u8 = 168;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Campaign {
    /// Finds what has no effect, or another than it seems to have: hours that the campaign is to spend in and cannot,
    /// users whom no cap counts.
    ///
    /// A campaign that has flaws may have none of these.
    #[must_use]
    pub fn remarks(&self) -> Vec<Flaw> {
        if self.check().is_err() {
            return Vec::new();
        }
        let mut remarks: Vec<Flaw> =
            self.hour_weights.iter().enumerate().flat_map(|(at, _)| self.of_line(at)).collect();
        remarks.extend(self.of_all_lines());
        remarks.extend(self.of_day_part());
        remarks.extend(self.of_uncounted_users());
        remarks
    }

    /// What is odd about one line of `hour_weights`.
    fn of_line(&self, at: usize) -> Option<Flaw> {
        let line = self.hour_weights[at];
        let remark = |advice: String| Some(Flaw { place: Place::HourWeight(at), advice });
        let later = self.hour_weights[at + 1..].iter().fold(Hours::default(), |sum, line| sum.union(line.hours));
        let counts = line.hours.without(later);
        let (first, count) = first_and_count(|hour| counts.contains(hour));
        if count == 0 {
            return remark(format!(
                "\"{line}\" has no effect: later lines name all its hours; remove it, or put it after them"
            ));
        }
        if line.weight == 0 {
            return None;
        }
        let bids = |hour: u8| self.bids_in(hour);
        let (first_out, out) = first_and_count(|hour| counts.contains(hour) && !bids(hour));
        if out > 0 {
            let how_many = if out == count { "its".to_owned() } else { format!("{out} of its {count}") };
            return remark(format!(
                "\"{line}\" weighs hours in which the campaign does not bid: {how_many} hours, the first {}, are none of its include and exclude hours and get nothing; change the line or the hours",
                named(first_out)
            ));
        }
        let in_flight = |hour: u8| self.comes_in_flight(hour);
        let (_, within) = first_and_count(|hour| counts.contains(hour) && in_flight(hour));
        if within == 0 {
            return remark(format!(
                "\"{line}\" has no effect: none of its hours, the first {}, comes between starts and ends; remove it or change the flight",
                named(first)
            ));
        }
        None
    }

    fn of_all_lines(&self) -> Option<Flaw> {
        if self.hour_weights.is_empty() {
            return None;
        }
        let weights = HourPlan::of(self)?.weights();
        let mut counted = (0..HOURS).filter(|hour| self.bids_in(*hour)).map(|hour| weights[usize::from(hour)]);
        let first = counted.next()?;
        counted.all(|weight| weight == first).then(|| Flaw {
            place: Place::HourWeights,
            advice: format!(
                "every hour in which the campaign bids weighs {first}, which is an even plan: remove the lines, or let hours differ"
            ),
        })
    }

    /// A day-part that leaves the flight nothing.
    fn of_day_part(&self) -> Option<Flaw> {
        let plan = HourPlan::of(self).filter(|_| self.hour_weights.is_empty())?;
        let is_empty = plan.between(self.flight.starts_ms, self.flight.ends_ms) == 0;
        let side = if self.include().hours.is_empty() { Side::Exclude } else { Side::Include };
        is_empty.then(|| Flaw {
            place: Place::Rule(side, Dimension::Hours, 0),
            advice: "no hour in which the campaign bids comes between starts and ends: it never bids; change its hours or its flight".into(),
        })
    }

    /// A choice about caps where there are none.
    fn of_uncounted_users(&self) -> Option<Flaw> {
        let is_capped = !self.caps.is_empty() || self.creatives.iter().any(|creative| !creative.caps.is_empty());
        let is_idle = self.bid_on_uncounted_users && !is_capped;
        is_idle.then(|| Flaw {
            place: Place::BidOnUncountedUsers,
            advice: "it has no effect without caps: the campaign bids for everybody; remove it or set caps".into(),
        })
    }

    /// Whether its day-part has an hour.
    fn bids_in(&self, hour: u8) -> bool {
        let among = |list: &[Hours]| list.iter().any(|hours| hours.contains(hour));
        let (include, exclude) = (&self.include().hours, &self.exclude().hours);
        (include.is_empty() || among(include)) && !among(exclude)
    }

    fn comes_in_flight(&self, hour: u8) -> bool {
        let offset = self.targeting.as_ref().and_then(|targeting| targeting.utc_offset).unwrap_or_default();
        let alone = std::array::from_fn(|at| u8::from(at == usize::from(hour)));
        HourPlan::new(alone, offset).between(self.flight.starts_ms, self.flight.ends_ms) > 0
    }
}

/// The first hour of the week that is one of them, and how many there are.
fn first_and_count(is_one: impl Fn(u8) -> bool) -> (u8, usize) {
    let mut hours = (0..HOURS).filter(|hour| is_one(*hour));
    let first = hours.next();
    (first.unwrap_or(0), usize::from(first.is_some()) + hours.count())
}

fn named(hour: u8) -> String {
    format!("{} {}-{}", DAYS[usize::from(hour / 24) % DAYS.len()], hour % 24, hour % 24 + 1)
}
