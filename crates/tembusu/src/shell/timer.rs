//! One timer for a tree: it wakes supervisors whose deadlines have come.
//!
//! A supervisor arms it only for a deadline that is earlier than the one it has armed already, and a wake-up
//! that proves needless only recomputes: arming is not on the restart path.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::node::Node;

#[derive(Default)]
pub(crate) struct Timer {
    armed: Mutex<Armed>,
    earlier: Notify,
}

#[derive(Default)]
struct Armed {
    heap: BinaryHeap<Reverse<Alarm>>,
    set: u64,
}

struct Alarm {
    at: Instant,
    order: u64,
    node: Weak<Node>,
}

impl Timer {
    pub(crate) fn arm(&self, at: Instant, node: Weak<Node>) {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        let first = armed.heap.peek().is_none_or(|Reverse(alarm)| at < alarm.at);
        armed.set += 1;
        let order = armed.set;
        armed.heap.push(Reverse(Alarm { at, order, node }));
        drop(armed);
        if first {
            self.earlier.notify_one();
        }
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        let armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        armed.heap.peek().map(|Reverse(alarm)| alarm.at)
    }

    fn take_due(&self, now: Instant) -> Option<Weak<Node>> {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        if armed.heap.peek().is_none_or(|Reverse(alarm)| alarm.at > now) {
            return None;
        }
        armed.heap.pop().map(|Reverse(alarm)| alarm.node)
    }

    /// Runs until the tree ends and drops it.
    pub(crate) async fn run(&self) {
        loop {
            match self.next() {
                None => self.earlier.notified().await,
                Some(at) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => {}
                        () = self.earlier.notified() => {}
                    }
                }
            }
            self.tick_due();
        }
    }

    /// Wakes the supervisors whose deadlines have come.
    pub(crate) fn tick_due(&self) {
        let now = Instant::now();
        while let Some(node) = self.take_due(now) {
            if let Some(node) = node.upgrade() {
                node.tick();
            }
        }
    }
}

impl PartialEq for Alarm {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Alarm {}

impl PartialOrd for Alarm {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Alarm {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}
