//! Back-off: how long the restarts of a supervisor wait, and whether its intensity can still be reached.
//!
//! A value and arithmetic on it: no clock, and no randomness but what is handed in. A back-off that would make the
//! restart intensity unreachable, so that a supervisor restarts for ever, is found before anything starts.

use std::time::Duration;

use super::supervisor::{Entry, Supervisor};
use crate::error::SpecError;

/// How much longer each wait is than the one before, unless the specification says otherwise.
const DEFAULT_FACTOR: f64 = 2.0;

/// How long the restarts of a [`Supervisor`] wait: the k-th within its period for `first · factor^(k-1)`, at most
/// `max`, give or take the jitter.
///
/// A first start never waits. While a child waits, it is [`BackingOff`](crate::State::BackingOff), requests are
/// served, and a shutdown does not wait for it. In a group, the members are stopped at once and the start of the
/// group waits.
///
/// ```
/// use std::time::Duration;
/// use tembusu::{Backoff, SpecError, StartError, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(5)).jitter(0.2);
/// // 0.1 + 0.2 + 0.4 s, a fifth more with jitter, are less than 10 s: the fourth failure is one too many.
/// let tree = Supervisor::one_for_one("root").intensity(3, Duration::from_secs(10)).backoff(backoff).start().await;
/// assert!(tree.is_ok());
/// // Within one second it could never be: refused before anything starts.
/// let tree = Supervisor::one_for_one("root").intensity(4, Duration::from_secs(1)).backoff(backoff).start().await;
/// assert!(matches!(tree, Err(StartError::Spec(SpecError::UnreachableIntensity { .. }))));
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a back-off does nothing until it is given to a supervisor"]
pub struct Backoff {
    first: Duration,
    max: Duration,
    factor: f64,
    jitter: f64,
    at_once: bool,
}

impl Backoff {
    /// Waits that double from `first` to `max`.
    pub fn exponential(first: Duration, max: Duration) -> Self {
        Self { first, max, factor: DEFAULT_FACTOR, jitter: 0.0, at_once: false }
    }

    /// Waits that are all the same.
    pub fn constant(wait: Duration) -> Self {
        Self::exponential(wait, wait).factor(1.0)
    }

    /// How much longer each wait is than the one before: 2 unless set, at least 1.
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// Spreads the waits, so that supervisors that failed together do not come back together: each is drawn
    /// uniformly from `1 - fraction` to `1 + fraction` of what it would be. From 0, which is the default, to 1.
    pub fn jitter(mut self, fraction: f64) -> Self {
        self.jitter = fraction;
        self
    }

    /// The first restart within the period does not wait, and the second is the first that does: a single crash
    /// costs microseconds, a crash loop is slowed down.
    pub fn first_at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// How long the k-th restart within the period waits; `chance` is drawn from 0 to 1.
    pub(crate) fn wait(&self, k: u32, chance: f64) -> Duration {
        debug_assert!((0.0..=1.0).contains(&chance), "a chance lies between 0 and 1");
        let base = self.base(k);
        if self.jitter == 0.0 {
            return base;
        }
        scaled(base, 1.0 + self.jitter * (2.0 * chance - 1.0))
    }

    /// Without jitter.
    fn base(&self, k: u32) -> Duration {
        let Some(doublings) = k.checked_sub(1 + u32::from(self.at_once)) else { return Duration::ZERO };
        let grown = self.factor.powi(i32::try_from(doublings).unwrap_or(i32::MAX));
        scaled(self.first, grown).min(self.max)
    }

    /// How long the first `n` restarts wait altogether, with the largest jitter; anything above `enough` will do.
    fn longest(&self, n: u32, enough: Duration) -> Duration {
        let mut sum = Duration::ZERO;
        for k in 1..=n {
            let wait = self.wait(k, 1.0);
            let next = self.wait(k.saturating_add(1), 1.0);
            if wait == next {
                // They grow no more.
                return sum.saturating_add(wait.saturating_mul(n - k + 1));
            }
            sum = sum.saturating_add(wait);
            if sum > enough {
                break;
            }
        }
        sum
    }

    /// Which figure makes no sense.
    fn fault(&self) -> Option<String> {
        let Self { first, max, factor, jitter, .. } = *self;
        let grows = factor.is_finite() && factor >= 1.0;
        fault_of_waits(first, max)
            .or_else(|| (!grows).then(|| format!("the factor is {factor}")))
            .or_else(|| (!(0.0..=1.0).contains(&jitter)).then(|| format!("the jitter is {jitter}")))
    }
}

/// What is wrong with waits that begin with `first` and grow up to `max`.
pub(super) fn fault_of_waits(first: Duration, max: Duration) -> Option<String> {
    if first.is_zero() {
        return Some("the first wait is zero".to_owned());
    }
    (max < first).then(|| format!("the first wait is {first:?} and the maximum {max:?}"))
}

/// Saturates where a duration ends.
fn scaled(wait: Duration, by: f64) -> Duration {
    Duration::try_from_secs_f64(wait.as_secs_f64() * by).unwrap_or(Duration::MAX)
}

/// Checks that a back-off leaves the intensity of its supervisor reachable when each start of a child takes up to
/// `start`.
///
/// # Errors
///
/// [`SpecError::UnreachableIntensity`] with the figures.
pub(crate) fn check_reach(
    backoff: Option<&Backoff>,
    path: &str,
    limit: u32,
    period: Duration,
    start: Duration,
) -> Result<(), SpecError> {
    let Some(backoff) = backoff else { return Ok(()) };
    if let Some(figure) = backoff.fault() {
        return Err(SpecError::BadRestartBackoff { supervisor: path.to_owned(), figure });
    }
    let waits = backoff.longest(limit, period);
    let starts = start.saturating_mul(limit);
    let total = waits.saturating_add(starts);
    if limit == 0 || total < period {
        return Ok(());
    }
    Err(SpecError::UnreachableIntensity { supervisor: path.to_owned(), limit, period, waits, starts, total })
}

/// How long the start of a child of this supervisor may take at most before it has failed.
pub(super) fn longest_start(supervisor: &Supervisor) -> Duration {
    supervisor.entries.iter().map(start_of).max().unwrap_or_default()
}

/// How long one start may take: a worker's init time-out, and a supervisor's children after one another.
pub(crate) fn start_of(entry: &Entry) -> Duration {
    match entry {
        Entry::Worker(worker) => worker.init_timeout,
        Entry::Supervisor(child) => {
            child.entries.iter().map(start_of).fold(Duration::ZERO, |sum, start| sum.saturating_add(start))
        }
    }
}
