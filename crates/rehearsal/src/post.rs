//! The notices that exchanges have to send: which is due next, which are under way, and when one is repeated.
//!
//! Promises that a notice which was not acknowledged comes again, ever more seldom, as often as it takes. Never looks at the
//! clock, and never waits for a delivery.

use std::sync::{Arc, Mutex, PoisonError};

use crate::in_time::InTime;
use crate::mailroom::{Mailroom, Stamp};

/// How long an exchange waits before it repeats a notice that was not acknowledged: doubled from the first to the last.
const REPEAT_MS: (i64, i64) = (2_000, 120_000);

/// A notice that waits for its time.
#[derive(Debug)]
pub(crate) struct Due {
    /// When.
    pub(crate) at_ms: i64,
    /// What is sent.
    pub(crate) stamp: Stamp,
    /// Place among the exchanges.
    pub(crate) exchange: usize,
    /// Place among the countries.
    pub(crate) region: usize,
    /// Place among the record's wins, if it is about one.
    pub(crate) win: Option<usize>,
    /// How often it was sent.
    pub(crate) tries: u32,
}

/// A notice that was delivered or not.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) due: Due,
    pub(crate) sent_ms: i64,
    pub(crate) acknowledged: bool,
}

/// All notices that are to come.
#[derive(Debug, Default)]
pub(crate) struct Post {
    waiting: InTime<Due>,
    posted: u64,
    came: Arc<Mutex<Vec<Came>>>,
    in_hand: usize,
}

impl Post {
    /// Sends a notice when it is due; those of one moment in the order of these calls.
    pub(crate) fn put(&mut self, due: Due) {
        self.posted += 1;
        self.waiting.put(due.at_ms, self.posted, due);
    }

    /// Sends one that was not acknowledged again, after a while.
    pub(crate) fn repeat(&mut self, due: Due, sent_ms: i64) {
        let wait_ms = (REPEAT_MS.0 << due.tries.min(10)).min(REPEAT_MS.1);
        self.put(Due { at_ms: sent_ms + wait_ms, tries: due.tries + 1, ..due });
    }

    /// When the next one is due.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        self.waiting.next_ms()
    }

    /// The next one, if it is due.
    pub(crate) fn next_due(&mut self, now_ms: i64) -> Option<Due> {
        self.next_ms().filter(|at_ms| *at_ms <= now_ms)?;
        self.waiting.take()
    }

    /// Delivers one; what came of it is among [`came`](Self::came) some time later.
    pub(crate) fn deliver(&mut self, mailroom: Mailroom, due: Due, now_ms: i64) {
        let came = Arc::clone(&self.came);
        self.in_hand += 1;
        tokio::spawn(async move {
            let acknowledged = mailroom.deliver(&due.stamp).await;
            came.lock().unwrap_or_else(PoisonError::into_inner).push(Came { due, sent_ms: now_ms, acknowledged });
        });
    }

    /// The deliveries that have ended since the last call.
    pub(crate) fn came(&mut self) -> Vec<Came> {
        let came = std::mem::take(&mut *self.came.lock().unwrap_or_else(PoisonError::into_inner));
        self.in_hand -= came.len();
        came
    }

    /// Whether no delivery is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_hand == 0
    }
}
