//! The way back from degraded mode: by an operator alone, or half-open, on trial with a share of the requests.
//!
//! The tree decides when a trial begins and how it ends; here stands only which requests meet it. A request that does not
//! gets the degraded no-bid at once, and never waits for the trial.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tembusu::{Probe, Supervisor, SupervisorRef};

/// How a degraded exchange comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Restore {
    /// An operator restores it; it stays degraded until then.
    Operator,
    /// It is tried by itself, and trusted when it has been healthy for long enough. An operator may still be faster.
    Probe(Trials),
}

/// When a degraded exchange is tried, with how many requests, and when it is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trials {
    /// One request in so many meets the engine on trial; the others get the degraded no-bid.
    pub one_in: NonZeroU32,
    /// The wait before the first trial.
    pub first: Duration,
    /// The longest wait: each trial that fails doubles it up to this.
    pub max: Duration,
    /// Healthy intervals in a row after which it is trusted.
    pub intervals: u32,
    /// How long each is.
    pub interval: Duration,
}

impl Default for Trials {
    /// 1 % of the requests; first after 10 s, at the latest every 10 minutes; trusted after three intervals of 10 s.
    fn default() -> Self {
        Self {
            one_in: NonZeroU32::new(100).unwrap_or(NonZeroU32::MIN),
            first: Duration::from_secs(10),
            max: Duration::from_secs(600),
            intervals: 3,
            interval: Duration::from_secs(10),
        }
    }
}

impl Restore {
    /// Gives the exchange's supervisor its way back, and its port the gate that goes with it.
    pub(crate) fn apply(self, exchange: Supervisor) -> (Supervisor, Option<Gate>) {
        let Self::Probe(trials) = self else { return (exchange, None) };
        let gate = Gate { exchange: exchange.handle(), one_in: trials.one_in.get().into(), asked: Arc::default() };
        let probe = Probe::after(trials.first, trials.max).healthy(trials.intervals, trials.interval);
        (exchange.probe(probe), Some(gate))
    }
}

/// Lets one request in so many through to an engine on trial. Cheap to clone; clones count together.
#[derive(Clone)]
pub(crate) struct Gate {
    exchange: SupervisorRef,
    one_in: u64,
    /// Requests that came while it was on trial.
    asked: Arc<AtomicU64>,
}

impl Gate {
    /// Whether a request may meet the engine that is there now: every one, unless that is on trial.
    ///
    /// Asked after the engine was entered: it is on trial before it can be entered, so that no request slips through.
    pub(crate) fn admits(&self) -> bool {
        !self.exchange.is_on_trial() || self.asked.fetch_add(1, Relaxed).is_multiple_of(self.one_in)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("exchange", &self.exchange.path()).field("one_in", &self.one_in).finish()
    }
}
