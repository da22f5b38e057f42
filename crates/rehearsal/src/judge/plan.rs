//! The plan of an even campaign: every second of an hour the same, every hour by its weight, done early.
//!
//! It is done when what is left of the flight would be two hours of it, or a twelfth of all if that is less. Hours in which
//! the campaign is not to bid are no hours of it: who may only bid from nine to five is done before five, as who may always
//! bid is done before midnight. Otherwise its plan would leave it nothing to make up with for what it has missed.

use crate::world::{COUNTRIES, Calendar, HOUR_MS, MINUTE_MS, Part};

/// A campaign's plan, minute by minute.
#[derive(Clone, Debug)]
pub struct Schedule {
    from_ms: i64,
    /// What is planned by the end of each minute, as a part of the budget.
    by: Vec<f64>,
}

impl Schedule {
    /// The plan of a campaign.
    pub fn of(part: &Part) -> Self {
        let (from_ms, to_ms) = part.flight_ms;
        let minutes = (to_ms - from_ms) / MINUTE_MS;
        let weight = |minute: i64| f64::from(part.weight(Calendar::hour(&COUNTRIES[0], from_ms + minute * MINUTE_MS)));
        let all: f64 = (0..minutes).map(weight).sum();
        let busy = (0..minutes).rev().map(weight).filter(|weight| 0.0 < *weight);
        let last: f64 = busy.take((2 * HOUR_MS / MINUTE_MS) as usize).sum();
        let in_time = all - last.min(all / 12.0);
        let mut sum = 0.0;
        let by = (0..minutes).map(|minute| {
            sum += weight(minute);
            if 0.0 < in_time { (sum / in_time).min(1.0) } else { 1.0 }
        });
        Self { from_ms, by: by.collect() }
    }

    /// What is to be spent by a time, as a part of the budget.
    pub fn planned(&self, now_ms: i64) -> f64 {
        let past = (now_ms - self.from_ms) as f64 / MINUTE_MS as f64;
        if past <= 0.0 {
            return 0.0;
        }
        let (whole, into) = (past as usize, past.fract());
        let by = |minutes: usize| match minutes {
            0 => 0.0,
            minutes => self.by.get(minutes - 1).or(self.by.last()).copied().unwrap_or(1.0),
        };
        by(whole) + (by(whole + 1) - by(whole)) * into
    }
}
