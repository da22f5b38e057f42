//! When to look at which child again.
//!
//! A wait that has ended otherwise stays in the heap until its time has come or until such waits are the
//! greater part of it; so setting one costs little, and nothing ever looks at all children.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{ChildKey, Time};

/// Below this many waits there is nothing to tidy up.
const FEW: usize = 64;

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Deadlines {
    heap: BinaryHeap<Reverse<(Time, ChildKey)>>,
    /// How many there were after the last tidying.
    tidy: usize,
}

impl Deadlines {
    /// The earliest, which may have ended otherwise.
    pub(super) fn earliest(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Adds a wait. `holds` tells whether a wait set before has not ended otherwise.
    pub(super) fn set(&mut self, at: Time, key: ChildKey, holds: impl Fn(Time, ChildKey) -> bool) {
        if self.heap.len() >= 2 * self.tidy.max(FEW) {
            self.heap.retain(|Reverse((at, key))| holds(*at, *key));
            self.tidy = self.heap.len();
        }
        self.heap.push(Reverse((at, key)));
    }

    /// Whose time has come.
    pub(super) fn take_due(&mut self, now: Time) -> Option<ChildKey> {
        self.earliest().filter(|&at| at <= now)?;
        self.heap.pop().map(|Reverse((_, key))| key)
    }

    /// Lets go of the earliest ones as long as they have ended otherwise, so that nobody wakes up for them.
    pub(super) fn skip_ended(&mut self, holds: impl Fn(Time, ChildKey) -> bool) {
        while self.heap.peek().is_some_and(|Reverse((at, key))| !holds(*at, *key)) {
            self.heap.pop();
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }
}
