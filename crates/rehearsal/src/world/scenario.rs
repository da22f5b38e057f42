//! What is rehearsed: how long, with how much traffic, with which troubles.
//!
//! Plain data. The standard day is the one that the project's promises are judged by.

use simulator::Dice;

use super::calendar::{HOUR_MS, MINUTE_MS};
use super::places::COUNTRIES;
use super::trouble::{Actor, Trouble};

/// Midnight in Singapore, on a Monday; the day of UTC changes eight hours later, at breakfast.
const STARTS_MS: i64 = 1_790_524_800_000;

/// A rehearsal.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Repeats it.
    pub seed: u64,
    /// When it begins, unix milliseconds.
    pub starts_ms: i64,
    /// How long requests come.
    pub length_ms: i64,
    /// How long notices may come after that.
    pub tail_ms: i64,
    /// Requests a second, on the average of a day.
    pub requests_per_second: f64,
    /// How many campaigns there are.
    pub campaigns: usize,
    /// The part of all requests that the campaigns' budgets need a bid on, about.
    pub taken: f64,
    /// What goes wrong, in order of time.
    pub troubles: Vec<Trouble>,
}

impl Scenario {
    /// Twenty-four hours of 200 campaigns.
    pub fn standard(seed: u64) -> Self {
        let mut scenario = Self {
            seed,
            starts_ms: STARTS_MS,
            length_ms: 24 * HOUR_MS,
            tail_ms: 100 * MINUTE_MS,
            requests_per_second: 40.0,
            campaigns: 200,
            taken: 0.08,
            troubles: Vec::new(),
        };
        let at = |hour: f64| STARTS_MS + (hour * HOUR_MS as f64) as i64;
        scenario.troubles = vec![
            Trouble::Surge { from_ms: at(13.0), to_ms: at(13.0) + 20 * MINUTE_MS, factor: 3.0 },
            Trouble::ExchangeGone { exchange: 1, from_ms: at(16.0), to_ms: at(16.5) },
            Trouble::DiskGone { from_ms: at(9.2), to_ms: at(9.2) + 4 * MINUTE_MS },
            Trouble::Restart { from_ms: at(19.4), to_ms: at(19.4) + 20_000 },
        ];
        scenario.crash_everyone(3);
        scenario
    }

    /// An hour of some campaigns with one of everything: what every test run plays.
    pub fn short(seed: u64) -> Self {
        let starts_ms = STARTS_MS + 8 * HOUR_MS - 30 * MINUTE_MS;
        let at = |minute: i64| starts_ms + minute * MINUTE_MS;
        let mut scenario = Self {
            seed,
            starts_ms,
            length_ms: HOUR_MS,
            tail_ms: 4 * MINUTE_MS,
            requests_per_second: 3.0,
            campaigns: 20,
            taken: 0.4,
            troubles: vec![
                Trouble::Surge { from_ms: at(15), to_ms: at(18), factor: 3.0 },
                Trouble::DiskGone { from_ms: at(26), to_ms: at(27) },
                Trouble::ExchangeGone { exchange: 1, from_ms: at(35), to_ms: at(40) },
                Trouble::Restart { from_ms: at(45), to_ms: at(45) + 5_000 },
                Trouble::Kill { from_ms: at(52), to_ms: at(52) + 5_000 },
            ],
        };
        scenario.crash_everyone(1);
        scenario
    }

    /// A quarter of an hour in which nothing goes wrong: enough to see that a bidder is broken.
    pub fn sketch(seed: u64) -> Self {
        let troubles = Vec::new();
        Self { length_ms: HOUR_MS / 4, campaigns: 10, requests_per_second: 5.0, troubles, ..Self::short(seed) }
    }

    /// When requests end.
    pub fn ends_ms(&self) -> i64 {
        self.starts_ms + self.length_ms
    }

    /// The times in which no plan could be kept.
    pub fn outages(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.troubles.iter().filter_map(Trouble::outage)
    }

    /// Adds crashes of each actor of each region, so many times, spread over the day and never in an outage.
    fn crash_everyone(&mut self, times: usize) {
        let mut dice = Dice::derive(self.seed, 2);
        let mut who: Vec<_> = (0..times)
            .flat_map(|_| (0..COUNTRIES.len()).flat_map(|region| Actor::ALL.map(|actor| (region, actor))))
            .collect();
        for place in (1..who.len()).rev() {
            who.swap(place, dice.below(place as u64 + 1) as usize);
        }
        let gap_ms = self.length_ms / (who.len() as i64 + 1);
        for (number, (region, actor)) in who.into_iter().enumerate() {
            let mut at_ms = self.starts_ms + gap_ms * (number as i64 + 1) + dice.between(-gap_ms / 3, gap_ms / 3);
            let margin_ms = (2 * MINUTE_MS).min(gap_ms / 3);
            if let Some((_, to_ms)) =
                self.outages().find(|(from, to)| (from - margin_ms..to + margin_ms).contains(&at_ms))
            {
                at_ms = to_ms + margin_ms;
            }
            self.troubles.push(Trouble::Crash { at_ms, region, actor });
        }
        self.troubles.sort_by_key(Trouble::begins_ms);
    }
}
