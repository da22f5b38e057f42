//! How far spend was from plan, minute by minute.
//!
//! Looked at outside of outages and a while after them, for campaigns whose supply was ample in every quarter of an hour of
//! their plan.

use super::plan::Schedule;
use super::supply::{SLOT_MS, SupplyBook};
use crate::record::Win;
use crate::world::{MINUTE_MS, Part, Scenario};

/// Supply is ample if this times the plan was left in every slot.
const AMPLE: f64 = 2.0;

/// After an outage, spend has so long to be on plan again.
const RECOVERY_MS: i64 = 10 * MINUTE_MS;

/// How far from plan, in percent of the budget.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Deviation {
    /// Root of the mean square of what was booked.
    pub rms: f64,
    /// The greatest of what was booked.
    pub max: f64,
    /// Root of the mean square of what was to be billed in the end, at the time of its auction: without the notices' delay.
    pub rms_at_auction: f64,
}

/// Whether there was ample supply for a campaign all along its plan.
pub fn is_ample(scenario: &Scenario, place: usize, part: &Part, supply: &SupplyBook) -> bool {
    let (schedule, (from_ms, to_ms)) = (Schedule::of(part), part.flight_ms);
    let mut begins_ms = from_ms + (SLOT_MS - (from_ms - scenario.starts_ms).rem_euclid(SLOT_MS)) % SLOT_MS;
    while begins_ms + SLOT_MS <= to_ms {
        let ends_ms = begins_ms + SLOT_MS;
        let outage = scenario.outages().any(|(from, to)| from < ends_ms && begins_ms < to);
        let wanted = (schedule.planned(ends_ms) - schedule.planned(begins_ms)) * part.budget as f64;
        if !outage && (supply.left(place, begins_ms, ends_ms) as f64) < wanted * AMPLE {
            return false;
        }
        begins_ms = ends_ms;
    }
    true
}

/// How far a campaign was from its plan; `wins` are its own.
pub fn deviation(scenario: &Scenario, part: &Part, wins: &[&Win]) -> Deviation {
    let mut booked: Vec<_> = wins.iter().filter_map(|win| Some((win.billed_ms?, win.price))).collect();
    let mut bid: Vec<_> = wins.iter().filter(|win| win.billed_ms.is_some()).map(|win| (win.at_ms, win.price)).collect();
    booked.sort_unstable();
    bid.sort_unstable();
    let (mut booked, mut bid) = (Spent::of(booked), Spent::of(bid));
    let (mut squares, mut squares_at_auction, mut samples, mut max) = (0.0, 0.0, 0.0, 0.0_f64);
    let schedule = Schedule::of(part);
    let mut now_ms = part.flight_ms.0;
    while now_ms < part.flight_ms.1 {
        let outage = scenario.outages().any(|(from, to)| from <= now_ms && now_ms < to + RECOVERY_MS);
        let plan = schedule.planned(now_ms) * part.budget as f64;
        let off = |spent: i64| (spent as f64 - plan) * 100.0 / part.budget as f64;
        let (now, at_auction) = (off(booked.by(now_ms)), off(bid.by(now_ms)));
        if !outage {
            squares += now * now;
            squares_at_auction += at_auction * at_auction;
            max = max.max(now.abs());
            samples += 1.0;
        }
        now_ms += MINUTE_MS;
    }
    let root = |squares: f64| (squares / f64::max(samples, 1.0)).sqrt();
    Deviation { rms: root(squares), max, rms_at_auction: root(squares_at_auction) }
}

/// What was spent up to a time that only grows.
struct Spent {
    amounts: std::iter::Peekable<std::vec::IntoIter<(i64, i64)>>,
    sum: i64,
}

impl Spent {
    fn of(amounts: Vec<(i64, i64)>) -> Self {
        Self { amounts: amounts.into_iter().peekable(), sum: 0 }
    }

    fn by(&mut self, now_ms: i64) -> i64 {
        while let Some((_, amount)) = self.amounts.next_if(|(at_ms, _)| *at_ms <= now_ms) {
            self.sum += amount;
        }
        self.sum
    }
}
