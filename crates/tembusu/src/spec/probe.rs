//! The specification of half-open probing: when an exhausted subtree is tried, and when it is trusted again.

use std::time::Duration;

use super::backoff::fault_of_waits;
use super::supervisor::{Exhausted, Supervisor};
use crate::error::SpecError;

/// How many healthy intervals a subtree on trial has to show, unless the specification says otherwise.
const DEFAULT_INTERVALS: u32 = 3;

/// See [`DEFAULT_INTERVALS`].
const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);

/// Half-open probing: the way back from degraded mode on trial.
///
/// After `first` the fallback is stopped and the normal subtree is started on trial, with an intensity of 0 for it and
/// for every supervisor in it: the first failure that would be charged returns it to degraded mode, and the next
/// trial comes after twice as long, up to `max`. After a number of healthy intervals in a row it is trusted: it has
/// its ordinary intensity again, and starts with a clean record.
///
/// The parent is charged for nothing of this. A group restart of the parent starts the trial anew; a restart of the
/// parent begins normal; an operator's [`restore`](crate::SupervisorRef::restore) trusts a running trial at once.
///
/// ```
/// use std::time::Duration;
/// use tembusu::{Probe, SpecError, StartError, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let probe = Probe::after(Duration::from_secs(5), Duration::from_secs(60)).healthy(3, Duration::from_secs(10));
/// let mut root = Supervisor::one_for_one("root");
/// root.supervisor(Supervisor::one_for_one("exchange").quarantine().probe(probe));
/// assert!(root.start().await.is_ok());
/// // What never degrades is never probed.
/// let mut root = Supervisor::one_for_one("root");
/// root.supervisor(Supervisor::one_for_one("exchange").probe(probe));
/// assert!(matches!(root.start().await, Err(StartError::Spec(SpecError::ProbeWithoutDegrade { .. }))));
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a probe does nothing until it is given to a supervisor"]
pub struct Probe {
    pub(super) first: Duration,
    pub(super) max: Duration,
    intervals: u32,
    interval: Duration,
}

impl Probe {
    /// The first trial after `first`; after each one that fails, the next after twice as long, up to `max`. Trusted
    /// after three intervals of 10 s, unless set.
    pub fn after(first: Duration, max: Duration) -> Self {
        Self { first, max, intervals: DEFAULT_INTERVALS, interval: DEFAULT_INTERVAL }
    }

    /// How many healthy intervals in a row make it trusted.
    pub fn healthy(mut self, intervals: u32, interval: Duration) -> Self {
        self.intervals = intervals;
        self.interval = interval;
        self
    }

    /// How long a trial lasts.
    pub(super) fn probation(&self) -> Duration {
        self.interval.saturating_mul(self.intervals)
    }
}

pub(super) fn check(supervisor: &Supervisor, path: &str) -> Result<(), SpecError> {
    let Some(probe) = supervisor.probe else { return Ok(()) };
    let supervisor_path = path.to_owned();
    if matches!(supervisor.exhausted, Exhausted::Escalate) {
        return Err(SpecError::ProbeWithoutDegrade { supervisor: supervisor_path });
    }
    if supervisor.restore_after.is_some() {
        return Err(SpecError::ProbeAndRestore { supervisor: supervisor_path });
    }
    let Probe { first, max, intervals, interval } = probe;
    let healthy = || format!("there are {intervals} healthy intervals of {interval:?}");
    match fault_of_waits(first, max).or_else(|| probe.probation().is_zero().then(healthy)) {
        Some(figure) => Err(SpecError::BadProbe { supervisor: supervisor_path, figure }),
        None => Ok(()),
    }
}
