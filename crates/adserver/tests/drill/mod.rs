//! What drills share: waiting for what can be observed, taking turns with chaos points, and exchanges that keep
//! their connections open.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub(crate) mod keep_alive;
pub(crate) mod play;
pub(crate) mod process;
pub(crate) mod rearm;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long anything is waited for that must come by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(1);

/// Looks until `found` finds something.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(LOOK);
    }
}

/// A test's turn: chaos points belong to the process.
pub(crate) struct Turn(#[expect(dead_code, reason = "held until the test ends")] MutexGuard<'static, ()>);

static TURN: Mutex<()> = Mutex::new(());

impl Turn {
    pub(crate) fn take() -> Turn {
        Turn(TURN.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Turn {
    /// Leaves every point off, however the test ends.
    fn drop(&mut self) {
        use region::chaos as region;
        let points = [
            &exchange::chaos::NEGATIVE_FLOOR,
            &exchange::chaos::NO_BID,
            &ledger::chaos::BEFORE_COMMIT,
            &ledger::chaos::AFTER_COMMIT,
            &telemetry::chaos::FOLLOW,
            &region::BIDDING_EVENT,
            &region::PACER_EVENT,
            &region::CAPPER_EVENT,
            &region::BIDDING_FIRST_MESSAGE,
            &region::PACER_FIRST_MESSAGE,
            &region::CAPPER_FIRST_MESSAGE,
        ];
        points.into_iter().for_each(|point| point.disarm());
    }
}
