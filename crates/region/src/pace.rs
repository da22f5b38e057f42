//! Pacing: the share of eligible bids that a campaign passes, from its plan and what it has spent.
//!
//! Feed-forward plus a proportional term (`reference`: LinkedIn's pass-through with in-flight spend counted): each tick
//! asks what a pass probability of one would have spent, what the plan wants, and passes the quotient.
//!
//! Promises integers throughout and the same answer for the same ticks. Never refuses a campaign for ever: a plan that
//! is behind always passes something. It is not what keeps a campaign within its budget: leases are.

use campaign::{CompiledCampaign, Flight, Pacing};
use money::Nanos;

/// A pass probability: the share of eligible bids that go on, in units of 2^-24.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pass(u32);

const PASS_BITS: u32 = 24;

impl Pass {
    /// Nothing passes.
    pub const NONE: Self = Self(0);
    /// Everything passes.
    pub const ALL: Self = Self(1 << PASS_BITS);
    /// One in ten: what a campaign starts with, before there is anything to go by.
    pub const SLOW_START: Self = Self((1 << PASS_BITS) / 10);

    /// The probability `part / whole`, at most one; one if `whole` is zero.
    #[must_use]
    pub fn ratio(part: i128, whole: i128) -> Self {
        if part <= 0 {
            return Self::NONE;
        }
        if part >= whole {
            return Self::ALL;
        }
        let units = (part << PASS_BITS) / whole;
        // A share below the resolution still passes something: zero would never be measured again.
        Self(u32::try_from(units).map_or(1 << PASS_BITS, |units| units.max(1)))
    }

    /// Whether a bid with this draw goes on. A draw is any 64 bits that look random and differ from bid to bid.
    #[must_use]
    pub fn passes(self, draw: u64) -> bool {
        (draw >> (64 - PASS_BITS)) < u64::from(self.0)
    }

    /// The probability in units of 2^-24.
    #[must_use]
    pub const fn units(self) -> u32 {
        self.0
    }

    /// The probability of so many units of 2^-24, at most one.
    #[must_use]
    pub const fn from_units(units: u32) -> Self {
        if units > Self::ALL.0 { Self::ALL } else { Self(units) }
    }
}

/// What a campaign is to spend and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The whole budget of the campaign, over all regions.
    pub budget: Nanos,
    /// When it bids.
    pub flight: Flight,
    /// How it is spent.
    pub pacing: Pacing,
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
            strict: campaign.strict_budget(),
        }
    }

    /// What passes before the first tick.
    #[must_use]
    pub fn first_pass(&self) -> Pass {
        match self.pacing {
            Pacing::Asap => Pass::ALL,
            Pacing::Even => Pass::SLOW_START,
        }
    }
}

/// What one control tick has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Now, unix milliseconds.
    pub now_ms: i64,
    /// Length of the tick.
    pub length_ms: i64,
    /// Bids of this region that asked to pass in this tick.
    pub eligible: u64,
    /// Bids of this region that were held in this tick.
    pub bids: u64,
    /// What those bids would cost if all were billed.
    pub bid_value: Nanos,
    /// What was billed to the campaign in this region in this tick.
    pub billed: Nanos,
    /// Bids of this region whose outcome is open.
    pub open_bids: u64,
    /// What was billed to the campaign so far, over all regions.
    pub spent_total: Nanos,
    /// Among how many regions the campaign's plan is shared.
    pub regions: u32,
}

/// Ticks with traffic before the controller trusts its figures.
const SLOW_START_TICKS: u32 = 3;
/// The weight of the newest tick in every average is one tenth.
const DECAY: i128 = 10;
/// Fixed point of the averages, so that small counts survive the decay.
const SCALE: i128 = 1 << 16;
/// The proportional term corrects a fiftieth of the deviation from plan a tick.
const GAIN_INVERSE: i128 = 50;
/// The assumed number of past bids, billed in full, before anything is known: errs towards spending too little.
const PRIOR_BIDS: i128 = 10;
/// A plan finishes early by this much, or by a twelfth of its flight if that is shorter.
const EARLY_FINISH_MS: i64 = 2 * 60 * 60 * 1000;

/// The controller of one campaign in one region: the averages that it carries from tick to tick.
#[derive(Clone, Copy, Debug, Default)]
pub struct Controller {
    ticks: u32,
    eligible: i128,
    bids: i128,
    bid_value: i128,
    billed: i128,
}

impl Controller {
    /// What passes until the next tick.
    pub fn tick(&mut self, plan: &Plan, seen: &Observation) -> Pass {
        self.observe(seen);
        if plan.pacing == Pacing::Asap {
            return Pass::ALL;
        }
        if self.ticks < SLOW_START_TICKS {
            return Pass::SLOW_START;
        }
        let target = self.target(plan, seen);
        // What a tick would spend if everything passed: eligible bids times what a bid costs on average.
        let rate = self.eligible * self.cost_of_bids(SCALE) / (SCALE * SCALE);
        Pass::ratio(target, rate)
    }

    fn observe(&mut self, seen: &Observation) {
        if seen.eligible > 0 {
            self.ticks = self.ticks.saturating_add(1);
        }
        let blend = |average: &mut i128, new: i128| *average += (new * SCALE - *average) / DECAY;
        blend(&mut self.eligible, i128::from(seen.eligible));
        blend(&mut self.bids, i128::from(seen.bids));
        blend(&mut self.bid_value, i128::from(seen.bid_value.0));
        blend(&mut self.billed, i128::from(seen.billed.0));
    }

    /// What `count` bids cost on average, win rate included, in nano-USD; count and result in the same fixed point.
    fn cost_of_bids(&self, count: i128) -> i128 {
        let weight = self.bids + PRIOR_BIDS * SCALE / DECAY;
        let price = if self.bids > 0 { self.bid_value * SCALE / self.bids } else { 0 };
        let prior = price * PRIOR_BIDS / DECAY;
        ((self.billed + prior) * count / weight).max(0)
    }

    /// What this region may spend in the coming tick to be on plan.
    fn target(&self, plan: &Plan, seen: &Observation) -> i128 {
        let flight_ms = plan.flight.ends_ms.saturating_sub(plan.flight.starts_ms).max(1);
        let early_ms = EARLY_FINISH_MS.min(flight_ms / 12);
        let flight_ms = i128::from((flight_ms - early_ms).max(1));
        let elapsed_ms = i128::from(seen.now_ms.saturating_sub(plan.flight.starts_ms)).clamp(0, flight_ms);
        let length_ms = i128::from(seen.length_ms.max(1));

        let regions = i128::from(seen.regions.max(1));
        let in_flight = self.cost_of_bids(i128::from(seen.open_bids) * SCALE) / SCALE;
        let committed = i128::from(seen.spent_total.0) + in_flight * regions;
        let budget = i128::from(plan.budget.0);

        let remaining = (budget - committed).max(0);
        let left_ms = (flight_ms - elapsed_ms).max(length_ms);
        let forward = remaining * length_ms / left_ms;
        let planned = budget * elapsed_ms / flight_ms;
        let correction = (planned - committed) / GAIN_INVERSE;
        (forward + correction) / regions
    }
}
