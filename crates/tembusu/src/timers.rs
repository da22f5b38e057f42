//! An incarnation's timers: messages that are due later, once or again and again.
//!
//! They belong to the context of one incarnation and are dropped with it. There is one sleep for all of them,
//! set to the earliest; setting, cancelling and delivering cost the logarithm of their number.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::context::NEVER;

/// A timer that was set with [`Context::after`](crate::Context::after) or [`Context::every`](crate::Context::every).
///
/// It means something to the incarnation that set it, and to no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimerId(u64);

/// What [`Context::every`](crate::Context::every) does about ticks that could not be delivered in time, since the
/// actor was busy (Tokio, `MissedTickBehavior`).
///
/// With a period of 10 s and an actor that is busy from second 5 to second 34:
///
/// | | ticks at |
/// |---|---|
/// | `Burst` | 34, 34, 34, 40, 50 |
/// | `Delay` | 34, 44, 54 |
/// | `Skip` | 34, 40, 50 |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Missed {
    /// Delivers every one of them, one after the other, until it has caught up: the number of ticks is right.
    Burst,
    /// Delivers one, and counts the next period from then: ticks are never closer than a period.
    Delay,
    /// Delivers one, and goes on at the multiples of the period: ticks stay in step with the clock.
    #[default]
    Skip,
}

enum What<M> {
    Once(M),
    Again { period: Duration, missed: Missed, make: Box<dyn FnMut() -> M + Send> },
}

/// The timers of one incarnation, the earliest first; equal instants in the order in which they were set.
pub(crate) struct Timers<M> {
    due: BTreeMap<(Instant, u64), What<M>>,
    instants: HashMap<u64, Instant>,
    set: u64,
    /// Made with the first timer.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<M> Default for Timers<M> {
    fn default() -> Self {
        Self { due: BTreeMap::new(), instants: HashMap::new(), set: 0, sleep: None }
    }
}

impl<M> Timers<M> {
    pub(crate) fn once(&mut self, delay: Duration, message: M) -> TimerId {
        self.add(later(Instant::now(), delay), What::Once(message))
    }

    pub(crate) fn again(&mut self, period: Duration, missed: Missed, make: Box<dyn FnMut() -> M + Send>) -> TimerId {
        assert!(!period.is_zero(), "a period of zero would leave no time for anything else; give it a length");
        self.add(later(Instant::now(), period), What::Again { period, missed, make })
    }

    fn add(&mut self, at: Instant, what: What<M>) -> TimerId {
        self.set += 1;
        self.due.insert((at, self.set), what);
        self.instants.insert(self.set, at);
        TimerId(self.set)
    }

    pub(crate) fn cancel(&mut self, TimerId(id): TimerId) -> bool {
        let Some(at) = self.instants.remove(&id) else { return false };
        self.due.remove(&(at, id)).is_some()
    }

    pub(crate) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<M> {
        let Some((&(at, id), _)) = self.due.first_key_value() else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.instants.remove(&id);
        match self.due.remove(&(at, id)) {
            None => Poll::Pending,
            Some(What::Once(message)) => Poll::Ready(message),
            Some(What::Again { period, missed, mut make }) => {
                let next = next_tick(at, Instant::now(), period, missed);
                let message = make();
                self.due.insert((next, id), What::Again { period, missed, make });
                self.instants.insert(id, next);
                Poll::Ready(message)
            }
        }
    }
}

fn later(from: Instant, delay: Duration) -> Instant {
    from.checked_add(delay).unwrap_or_else(|| from + NEVER)
}

fn next_tick(at: Instant, now: Instant, period: Duration, missed: Missed) -> Instant {
    let next = later(at, period);
    if next > now {
        return next;
    }
    match missed {
        Missed::Burst => next,
        Missed::Delay => later(now, period),
        Missed::Skip => {
            let late = now.saturating_duration_since(at).as_nanos() % period.as_nanos();
            // The remainder is shorter than the period, and so are its nanoseconds than what a duration holds.
            let late = Duration::from_nanos(u64::try_from(late).unwrap_or(u64::MAX));
            later(now, period.saturating_sub(late))
        }
    }
}

impl<M> fmt::Debug for Timers<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers").field("pending", &self.due.len()).finish_non_exhaustive()
    }
}
