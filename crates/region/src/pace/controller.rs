//! The controller of one campaign in one region.
//!
//! Promises a pass probability between none and all for any observation, whatever its numbers. Never looks at a clock.
//!
//! What it learns, tick by tick:
//!
//! - how many bids ask to pass in a second. A silence in which many were expected is an outage and teaches nothing, so that
//!   traffic that comes back does not find the gate wide open;
//! - what a pass holds: its price, less what finds no money;
//! - what is billed of what is held. What was bid matures over the mean delay between bid and billing before it is compared
//!   with what was billed, so that neither a surge nor a slow exchange looks like a change of the win rate;
//! - what is out. A bid that was told to be won counts with what such bids cost; of the others, which nobody has told of yet
//!   or of whose wins nobody tells, as much is expected as was the case so far. A small campaign waits for the one bid that it
//!   has just won, and bids again when that one was lost.

use campaign::Pacing;
use money::Nanos;

use super::{Course, Pass, Plan};

/// What one control tick has seen of a campaign in its region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// Length of the tick.
    pub length_ms: i64,
    /// Bids that asked to pass.
    pub eligible: u64,
    /// Bids that were held.
    pub bids: u64,
    /// What those bids would cost if all were billed.
    pub bid_value: Nanos,
    /// What was billed.
    pub billed: Nanos,
    /// How many billings told how long after their bid they came.
    pub delays: u64,
    /// The sum of those times.
    pub delay_ms: i64,
    /// The dearest bid so far: what a bid costs before one was held.
    pub price_max: Nanos,
    /// The prices of all bids that were told to be won and are not billed, each as likely as it is to be billed still.
    pub won: Nanos,
    /// The prices of bids that had been told to be won and were billed.
    pub won_shown: Nanos,
    /// What was billed of those.
    pub won_billed: Nanos,
    /// How many wins told how long after their bid they came.
    pub told: u64,
    /// The sum of those times.
    pub told_ms: i64,
}

/// What a campaign would spend in a region if everything passed, and what it may still be billed for what is out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Supply {
    /// Nano-USD a second at a pass probability of one.
    pub per_second: f64,
    /// Nano-USD that open bids will cost on average.
    pub in_flight: f64,
}

impl Supply {
    /// Two regions together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { per_second: self.per_second + other.per_second, in_flight: self.in_flight + other.in_flight }
    }

    /// As much of it.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { per_second: self.per_second * factor, in_flight: self.in_flight * factor }
    }
}

/// Ticks with traffic before the controller trusts its figures: until then it passes [`Pass::SLOW_START`] at most.
const SLOW_START_TICKS: u32 = 3;
/// The weight of the newest tick in the average of busy traffic, and in that of a trickle.
const NEWEST_MAX: f64 = 0.1;
const NEWEST_MIN: f64 = 0.01;
/// Averages of traffic are over some so many bids: below it noise would move the gate more than the traffic does.
const TRAFFIC_BIDS: f64 = 50.0;
/// So many bids that were expected and did not come make a silence an outage: by chance once in 150 silences.
const SILENCE_BIDS: f64 = 5.0;
/// An outage that lasts so long is one that others make up for.
const STOPPED_SECONDS: f64 = 15.0;
/// The proportional term corrects a fiftieth of the deviation from plan a tick.
const GAIN: f64 = 0.02;
/// What a pass holds is averaged over so many passes.
const HOLDS: f64 = 200.0;
/// A pass holds at least this part of a price: nobody waits for money for long.
const HOLD_MIN: f64 = 0.5;
/// What is billed is compared over at least so many prices, and over half an hour if there are more.
const WINS: f64 = 50.0;
const YIELD_SECONDS: f64 = 1_800.0;
/// Before anything is known, so many bids count as billed in full: errs towards spending too little.
const PRIOR_BIDS: f64 = 2.0;
/// From bid to billing before one was seen, in seconds; and over how many billings it is averaged.
const DELAY_SECONDS: f64 = 60.0;
const DELAYS: f64 = 200.0;
/// From bid to win notice before one was seen, in seconds.
const TOLD_SECONDS: f64 = 1.0;
/// Bids lead the plan by that delay, so that spend keeps to it; by so many seconds at most, since notices that an exchange
/// has kept back say nothing of the next bids.
const LEAD_SECONDS_MAX: f64 = 120.0;

/// The averages that a campaign's pacing carries from tick to tick in one region.
///
/// # On restart
///
/// A new incarnation goes on with its predecessor's averages ([`aged`](Self::aged)), which hold no money: what is spent it
/// hears from the ledger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Controller {
    /// Ticks with traffic.
    ticks: u32,
    pass: Pass,
    /// Bids a second that ask to pass.
    eligible: f64,
    /// Seconds since one did.
    silence: f64,
    /// Sums over the latest passes: expected passes, held bids, their value.
    passes: f64,
    bids: f64,
    value: f64,
    price_max: f64,
    /// The value of bids that have not matured.
    unripe: f64,
    /// Sums over the latest half an hour: the value of matured bids, and what was billed.
    matured: f64,
    billed: f64,
    /// Mean delay from bid to billing in seconds, and over how many.
    delay: f64,
    delays: f64,
    /// The value of bids of whose wins nobody can have been told.
    untold: f64,
    /// The value of bids that were told to be won and will be billed.
    won: f64,
    /// What an earlier incarnation's won bids will cost: nobody follows them any more.
    left: f64,
    /// Sums over the time of `billed`: the value of bids that were told to be won and billed, and what was billed of them.
    won_shown: f64,
    won_billed: f64,
    /// Mean delay from bid to win notice in seconds, and over how many.
    told: f64,
    tolds: f64,
}

impl Default for Controller {
    fn default() -> Self {
        Self {
            ticks: 0,
            pass: Pass::NONE,
            eligible: 0.0,
            silence: 0.0,
            passes: 0.0,
            bids: 0.0,
            value: 0.0,
            price_max: 0.0,
            unripe: 0.0,
            matured: 0.0,
            billed: 0.0,
            delay: DELAY_SECONDS,
            delays: 0.0,
            untold: 0.0,
            won: 0.0,
            left: 0.0,
            won_shown: 0.0,
            won_billed: 0.0,
            told: TOLD_SECONDS,
            tolds: 0.0,
        }
    }
}

impl Controller {
    /// Learns from a tick.
    pub fn observe(&mut self, seen: &Observation) {
        let seconds = seconds(seen.length_ms);
        self.learn_traffic(seen.eligible as f64, seconds);
        self.learn_holds(seen);
        self.learn_billing(seen, seconds);
        self.learn_wins(seen, seconds);
    }

    /// What would be spent here if everything passed, and what is out. After an outage it is what it was before.
    #[must_use]
    pub fn supply(&self) -> Supply {
        let per_second = self.eligible * self.value_of_a_pass() * self.billed_part();
        Supply { per_second, in_flight: self.in_flight() }
    }

    /// The same as others are to count on it: nothing comes from a region whose traffic has stopped.
    #[must_use]
    pub fn supply_for_others(&self) -> Supply {
        let stopped = self.silence >= STOPPED_SECONDS && self.eligible * self.silence > SILENCE_BIDS;
        let supply = self.supply();
        if stopped { Supply { per_second: 0.0, ..supply } } else { supply }
    }

    /// What passes until the next tick. `all` is the supply of all regions that follow the plan, this one included;
    /// `spent` what was billed to the campaign over all of them.
    pub fn decide(&mut self, plan: &Plan, now_ms: i64, length_ms: i64, spent: Nanos, all: Supply) -> Pass {
        self.follow(&Course::of(plan.clone()), now_ms, length_ms, spent, all)
    }

    /// The same for a plan under way.
    pub fn follow(&mut self, course: &Course, now_ms: i64, length_ms: i64, spent: Nanos, all: Supply) -> Pass {
        let plan = course.plan();
        self.pass = if plan.pacing == Pacing::Asap {
            Pass::ALL
        } else if plan.rests(now_ms) || self.ticks == 0 {
            Pass::NONE
        } else {
            // What is bid now is billed later, and belongs to the plan of then.
            let billed_ms = now_ms.saturating_add((self.delay.clamp(0.0, LEAD_SECONDS_MAX) * 1_000.0) as i64);
            let committed = spent.0 as f64 + all.in_flight;
            let remaining = Nanos((plan.budget.0 as f64 - committed) as i64);
            let forward = plan.forward(remaining, billed_ms, length_ms).0 as f64;
            let correction = GAIN * (course.planned(billed_ms).0 as f64 - committed);
            let pass = Pass::ratio(forward + correction, all.per_second * seconds(length_ms));
            if self.ticks < SLOW_START_TICKS { pass.min(Pass::SLOW_START) } else { pass }
        };
        self.pass
    }

    /// The probability that was decided last.
    #[must_use]
    pub fn pass(&self) -> Pass {
        self.pass
    }

    /// The controller after a time in which it saw nothing: what was out has matured meanwhile.
    #[must_use]
    pub fn aged(self, length_ms: i64) -> Self {
        let seconds = seconds(length_ms);
        let ripe = self.ripe_in(seconds);
        Self {
            unripe: self.unripe - ripe,
            matured: self.matured + ripe,
            untold: self.untold - ripe_part(self.untold, self.told, seconds),
            left: self.left - ripe_part(self.left, self.delay, seconds),
            silence: self.silence + seconds,
            ..self
        }
    }

    /// The controller of the next incarnation, which is told nothing more of this one's wins.
    #[must_use]
    pub(super) fn succeeded(self) -> Self {
        Self { left: self.left + self.won * self.billed_part_of_won(), won: 0.0, ..self }
    }

    fn learn_traffic(&mut self, eligible: f64, seconds: f64) {
        if eligible == 0.0 {
            self.silence += seconds;
            return;
        }
        self.ticks = self.ticks.saturating_add(1);
        let outage = self.eligible * self.silence > SILENCE_BIDS;
        let quiet = if outage || self.ticks == 1 { 0.0 } else { self.silence / seconds };
        self.silence = 0.0;
        let expected = self.eligible * seconds;
        let newest = (expected / TRAFFIC_BIDS).clamp(NEWEST_MIN, NEWEST_MAX).max(1.0 / f64::from(self.ticks));
        // The silent ticks before it are ticks of the average as well.
        let kept = (1.0 - newest).powf(quiet + 1.0);
        self.eligible = self.eligible * kept + eligible / (seconds * (quiet + 1.0)) * (1.0 - kept);
    }

    fn learn_holds(&mut self, seen: &Observation) {
        self.passes += seen.eligible as f64 * self.pass.share();
        self.bids += seen.bids as f64;
        self.value += seen.bid_value.0 as f64;
        self.price_max = self.price_max.max(seen.price_max.0 as f64);
        if self.passes > HOLDS {
            let kept = HOLDS / self.passes;
            self.passes *= kept;
            self.bids *= kept;
            self.value *= kept;
        }
    }

    fn learn_billing(&mut self, seen: &Observation, seconds: f64) {
        learn_mean(&mut self.delay, &mut self.delays, seen.delays, seen.delay_ms);
        let ripe = self.ripe_in(seconds);
        self.unripe += seen.bid_value.0 as f64 - ripe;
        self.matured += ripe;
        self.billed += seen.billed.0 as f64;
        if self.billed > WINS * self.price() {
            let kept = (1.0 - seconds / YIELD_SECONDS).max(0.0);
            self.matured *= kept;
            self.billed *= kept;
            self.won_shown *= kept;
            self.won_billed *= kept;
        }
    }

    fn learn_wins(&mut self, seen: &Observation, seconds: f64) {
        learn_mean(&mut self.told, &mut self.tolds, seen.told, seen.told_ms);
        self.untold += seen.bid_value.0 as f64 - ripe_part(self.untold, self.told, seconds);
        self.left -= ripe_part(self.left, self.delay, seconds);
        self.won = seen.won.0 as f64;
        self.won_shown += seen.won_shown.0 as f64;
        self.won_billed += seen.won_billed.0 as f64;
    }

    /// What of the unripe matures in so many seconds.
    fn ripe_in(&self, seconds: f64) -> f64 {
        ripe_part(self.unripe, self.delay, seconds)
    }

    /// What all that is out will cost on average.
    fn in_flight(&self) -> f64 {
        // Of what is billed, so much had been told to be won before.
        let prior = PRIOR_BIDS * self.price();
        let all = self.billed + prior;
        let told = if all > 0.0 { (self.won_billed / all).min(1.0) } else { 0.0 };
        let unknown = self.untold * told + self.unripe * (1.0 - told);
        self.won * self.billed_part_of_won() + unknown * self.billed_part() + self.left
    }

    /// What is billed of bids that were won, as a part of their price.
    fn billed_part_of_won(&self) -> f64 {
        let prior = PRIOR_BIDS * self.price();
        let whole = self.won_shown + prior;
        if whole > 0.0 { ((self.won_billed + prior) / whole).min(1.0) } else { 1.0 }
    }

    fn price(&self) -> f64 {
        if self.bids > 0.0 { self.value / self.bids } else { self.price_max }
    }

    /// What a pass holds on average.
    fn value_of_a_pass(&self) -> f64 {
        let price = self.price();
        ((self.value + price) / (self.passes + 1.0)).max(price * HOLD_MIN)
    }

    /// What is billed of what is held, as a part of one.
    fn billed_part(&self) -> f64 {
        let prior = PRIOR_BIDS * self.price();
        let whole = self.matured + prior;
        if whole > 0.0 { ((self.billed + prior) / whole).min(1.0) } else { 1.0 }
    }
}

/// What of an amount matures in so many seconds, by its mean delay.
fn ripe_part(amount: f64, delay: f64, seconds: f64) -> f64 {
    amount * seconds / (delay.max(0.0) + seconds)
}

/// Takes so many delays with this sum into a mean over the latest of them.
fn learn_mean(mean: &mut f64, over: &mut f64, count: u64, sum_ms: i64) {
    if count > 0 {
        let count = count as f64;
        *over = (*over + count).min(DELAYS);
        *mean += (sum_ms as f64 / 1_000.0 / count - *mean) * (count / *over).min(1.0);
    }
}

fn seconds(length_ms: i64) -> f64 {
    length_ms.max(1) as f64 / 1_000.0
}
