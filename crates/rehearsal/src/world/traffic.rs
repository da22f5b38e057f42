//! Requests as they come: each country's by its hour, each exchange's by its part, some users in bursts.
//!
//! Promises arrivals in order of time, Poisson by minute, the same for the same seed whatever the bidder does.

use simulator::Dice;

use super::calendar::Calendar;
use super::opportunity::Opportunity;
use super::places::{COUNTRIES, EXCHANGES, Format, PROPERTIES, property_share};
use super::trouble::Trouble;
use super::{Scenario, exponential, uniform};
use crate::in_time::InTime;

/// Mean of the best rival's price, in micros.
pub(super) const RIVAL_MEAN: f64 = 2_500_000.0;
/// Impressions of 1000 that nobody else bids on.
const UNRIVALLED_PER_MILLE: u32 = 50;
/// The range of most floors, in micros.
const FLOORS: (i64, i64) = (50_000, 350_000);
/// Users of a country who are seen now and then, and those who are seen all day.
const USERS: u64 = 150_000;
const HEAVY_USERS: u64 = 1_500;
/// Requests of 1000 from heavy users, and from users who may not be followed.
const HEAVY_PER_MILLE: u32 = 250;
const UNKNOWN_PER_MILLE: u32 = 60;
/// Requests of 1000 that are the first of a page or screen with many slots.
const BURST_PER_MILLE: u32 = 30;
const BURST: (i64, i64) = (2, 8);
const BURST_GAP_MS: (i64, i64) = (20, 900);

/// The requests of a scenario, in order.
#[derive(Debug)]
pub struct Traffic {
    dice: Dice,
    ends_ms: i64,
    /// The day's mean of a millisecond, over everything.
    per_ms: f64,
    surges: Vec<(i64, i64, f64)>,
    gone: Vec<(usize, i64, i64)>,
    numbered: u64,
    candidate_ms: f64,
    peak: f64,
    properties: Vec<f64>,
    waiting: InTime<Opportunity>,
}

impl Traffic {
    /// The traffic of a scenario.
    pub fn of(scenario: &Scenario) -> Self {
        let surges: Vec<_> = scenario.troubles.iter().filter_map(Trouble::as_surge).collect();
        let peak = Calendar::busiest() * surges.iter().map(|surge| surge.2).fold(1.0, f64::max);
        let mut sum = 0.0;
        let properties = (0..PROPERTIES).map(|property| {
            sum += property_share(property);
            sum
        });
        Self {
            dice: Dice::derive(scenario.seed, 1),
            ends_ms: scenario.ends_ms(),
            per_ms: scenario.requests_per_second / 1_000.0 / bursts(),
            gone: scenario.troubles.iter().filter_map(Trouble::as_gone).collect(),
            numbered: 0,
            candidate_ms: scenario.starts_ms as f64,
            peak,
            properties: properties.collect(),
            waiting: InTime::default(),
            surges,
        }
    }

    /// The next request; `None` when the day is over.
    pub fn next_request(&mut self) -> Option<Opportunity> {
        loop {
            let is_due = self.waiting.next_ms().is_some_and(|due| due as f64 <= self.candidate_ms);
            if is_due || self.ends_ms as f64 <= self.candidate_ms {
                return self.waiting.take();
            }
            // Thinned: candidates come at the rate of the busiest moment, and as many are left as the hour has.
            let at_ms = self.candidate_ms as i64;
            self.candidate_ms += exponential(&mut self.dice, 1.0 / (self.per_ms * self.peak));
            let country = self.pick_country();
            let busy = Calendar::busy(&COUNTRIES[country], at_ms) * self.surge(at_ms);
            if uniform(&mut self.dice) * self.peak < busy {
                self.arrive(at_ms, country);
            }
        }
    }

    fn arrive(&mut self, at_ms: i64, country: usize) {
        let exchange = self.pick(EXCHANGES.iter().map(|exchange| exchange.share));
        let format = Format::ALL[self.pick(Format::ALL.iter().map(|format| format.share()))];
        let user = self.user(country);
        let property = self.property();
        let burst = self.dice.chance(BURST_PER_MILLE);
        let slots = if burst { 1 + self.dice.between(BURST.0, BURST.1) } else { 1 };
        let mut at_ms = at_ms;
        for _ in 0..slots {
            self.numbered += 1;
            let floor = self.dice.between(FLOORS.0, FLOORS.1);
            let rivalled = !self.dice.chance(UNRIVALLED_PER_MILLE);
            let rival = if rivalled { exponential(&mut self.dice, RIVAL_MEAN) as i64 } else { 0 };
            let number = self.numbered;
            let opportunity = Opportunity { number, at_ms, country, exchange, format, property, user, floor, rival };
            if at_ms < self.ends_ms && !self.is_gone(exchange, at_ms) {
                self.waiting.put(at_ms, number, opportunity);
            }
            at_ms += self.dice.between(BURST_GAP_MS.0, BURST_GAP_MS.1);
        }
    }

    fn surge(&self, now_ms: i64) -> f64 {
        let now = self.surges.iter().find(|(from, to, _)| (*from..*to).contains(&now_ms));
        now.map_or(1.0, |(_, _, factor)| *factor)
    }

    fn is_gone(&self, exchange: usize, now_ms: i64) -> bool {
        self.gone.iter().any(|(of, from, to)| *of == exchange && (*from..*to).contains(&now_ms))
    }

    fn pick_country(&mut self) -> usize {
        self.pick(COUNTRIES.iter().map(|country| country.share))
    }

    /// A place by shares in percent.
    fn pick(&mut self, shares: impl Iterator<Item = u32>) -> usize {
        let draw = self.dice.below(100);
        let mut sum = 0;
        shares
            .map(u64::from)
            .take_while(|share| {
                sum += share;
                sum <= draw
            })
            .count()
    }

    fn property(&mut self) -> usize {
        let draw = uniform(&mut self.dice);
        self.properties.partition_point(|sum| *sum < draw).min(PROPERTIES - 1)
    }

    fn user(&mut self, country: usize) -> u64 {
        if self.dice.chance(UNKNOWN_PER_MILLE) {
            return 0;
        }
        let heavy = self.dice.chance(HEAVY_PER_MILLE);
        let number = self.dice.below(if heavy { HEAVY_USERS } else { USERS });
        1 + country as u64 * 10_000_000 + u64::from(!heavy) * 1_000_000 + number
    }
}

/// Requests for one arrival, on average.
fn bursts() -> f64 {
    1.0 + f64::from(BURST_PER_MILLE) / 1_000.0 * (BURST.0 + BURST.1) as f64 / 2.0
}
