//! What waits for its moment.
//!
//! Promises it in the order of the moments, and within one in the order of the numbers. Never looks at the clock.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A queue by time.
#[derive(Debug)]
pub(crate) struct InTime<T>(BinaryHeap<Waiting<T>>);

#[derive(Debug)]
struct Waiting<T> {
    /// When, and the number; reversed, since a heap gives out its largest.
    at: Reverse<(i64, u64)>,
    what: T,
}

impl<T> InTime<T> {
    /// Puts something in, by a number that nothing else of its moment has.
    pub(crate) fn put(&mut self, at_ms: i64, number: u64, what: T) {
        self.0.push(Waiting { at: Reverse((at_ms, number)), what });
    }

    /// When the next one is due.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        self.0.peek().map(|waiting| waiting.at.0.0)
    }

    /// Takes the next one out, due or not.
    pub(crate) fn take(&mut self) -> Option<T> {
        self.0.pop().map(|waiting| waiting.what)
    }
}

impl<T> Default for InTime<T> {
    fn default() -> Self {
        Self(BinaryHeap::new())
    }
}

impl<T> Ord for Waiting<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

impl<T> PartialOrd for Waiting<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Waiting<T> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl<T> Eq for Waiting<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_comes_by_its_moment_and_then_by_its_number() {
        let mut queue = InTime::default();
        for (at_ms, number, what) in [(20, 1, "third"), (10, 7, "second"), (10, 2, "first"), (30, 0, "last")] {
            queue.put(at_ms, number, what);
        }
        let mut seen = Vec::new();
        while let Some(at_ms) = queue.next_ms() {
            seen.push((at_ms, queue.take().expect("it waits")));
        }
        assert_eq!(seen, [(10, "first"), (10, "second"), (20, "third"), (30, "last")]);
        assert!(queue.take().is_none());
    }
}
