//! Deadlines that travel on: a call made while a call is handled does not wait longer than the caller does.
//!
//! The deadline of the message at hand stands in the incarnation's scope, which the thread knows while it polls
//! the handler. Tasks that a handler spawns are on their own.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::scope::Scope;

/// Stands for no deadline.
const NONE: i64 = i64::MIN;

/// What the nanoseconds are counted from, in both directions.
static BASE: LazyLock<Instant> = LazyLock::new(Instant::now);

thread_local! {
    static IGNORED: Cell<bool> = const { Cell::new(false) };
}

/// A deadline that one task writes and whichever thread polls it reads.
pub(crate) struct Shared(AtomicI64);

impl Default for Shared {
    fn default() -> Self {
        Self(AtomicI64::new(NONE))
    }
}

impl Shared {
    pub(crate) fn set(&self, deadline: Option<Instant>) {
        let nanos = match deadline {
            None => NONE,
            Some(at) => match at.checked_duration_since(*BASE) {
                Some(after) => nanos(after),
                None => -nanos(*BASE - at),
            },
        };
        self.0.store(nanos, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Option<Instant> {
        let nanos = self.0.load(Ordering::Relaxed);
        let distance = Duration::from_nanos(nanos.unsigned_abs());
        match nanos {
            NONE => None,
            0.. => BASE.checked_add(distance),
            _ => BASE.checked_sub(distance),
        }
    }
}

/// In 64 bits, which hold 292 years.
#[inline]
fn nanos(time: Duration) -> i64 {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    seconds.saturating_mul(1_000_000_000).saturating_add(i64::from(time.subsec_nanos()))
}

/// The earlier of `deadline` and what the message at hand allows.
pub(crate) fn bounded(deadline: Instant) -> Instant {
    match Scope::current_deadline() {
        Some(outer) if outer < deadline && !IGNORED.get() => outer,
        _ => deadline,
    }
}

/// Runs `future` without the deadline of the message at hand: calls in it wait as long as they say themselves.
///
/// For what must be done although the caller may have given up by then, such as giving back what it had taken.
///
/// ```
/// # use std::time::Duration;
/// # use tembusu::{Address, Reply};
/// # enum Ledger { Release(Reply<()>) }
/// # async fn example(ledger: Address<Ledger>) {
/// // In `handle` of a call with 5 ms left:
/// let released = tembusu::without_deadline(ledger.call(Ledger::Release, Duration::from_secs(1))).await;
/// # }
/// ```
pub async fn without_deadline<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(move |cx| {
        struct Back(bool);
        impl Drop for Back {
            fn drop(&mut self) {
                IGNORED.set(self.0);
            }
        }
        let _back = Back(IGNORED.replace(true));
        future.as_mut().poll(cx)
    })
    .await
}
