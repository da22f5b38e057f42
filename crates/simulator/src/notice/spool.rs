//! Notices that wait for their time.
//!
//! Promises: given out in order of their time; bounded: a full spool hands the notice back to its caller, whose record
//! still has it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Most notices that wait: minutes of wins at any rate that one machine simulates.
pub(crate) const SPOOL_MAX: usize = 1 << 18;

/// A queue ordered by time.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    heap: BinaryHeap<Reverse<(Instant, u64)>>,
    /// Given out and not yet reported done.
    in_hand: usize,
}

impl Spool {
    /// Puts a notice in; `false` if the spool is full.
    pub(crate) fn put(&self, due: Instant, notice: u64) -> bool {
        let mut waiting = self.lock();
        if SPOOL_MAX <= waiting.heap.len() {
            return false;
        }
        waiting.heap.push(Reverse((due, notice)));
        drop(waiting);
        self.changed.notify_one();
        true
    }

    /// Waits for the next notice whose time has come; report it with [`done`](Self::done).
    pub(crate) async fn next(&self) -> u64 {
        loop {
            let changed = self.changed.notified();
            let due = {
                let mut waiting = self.lock();
                match waiting.heap.peek() {
                    Some(Reverse((due, _))) if *due <= Instant::now() => {
                        let taken = waiting.heap.pop();
                        waiting.in_hand += 1;
                        let more = !waiting.heap.is_empty();
                        drop(waiting);
                        if more {
                            self.changed.notify_one();
                        }
                        if let Some(Reverse((_, notice))) = taken {
                            return notice;
                        }
                        continue;
                    }
                    Some(Reverse((due, _))) => Some(*due),
                    None => None,
                }
            };
            match due {
                Some(due) => tokio::select! {
                    () = changed => {}
                    () = sleep_until(due) => {}
                },
                None => changed.await,
            }
        }
    }

    /// Says that a notice given out has been dealt with (and put back, if it must be repeated).
    pub(crate) fn done(&self) {
        let mut waiting = self.lock();
        debug_assert!(waiting.in_hand > 0, "a notice is reported done once");
        waiting.in_hand = waiting.in_hand.saturating_sub(1);
    }

    /// Says whether nothing waits and nothing is in hand.
    pub(crate) fn is_idle(&self) -> bool {
        let waiting = self.lock();
        waiting.heap.is_empty() && waiting.in_hand == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
