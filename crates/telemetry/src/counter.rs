//! Counters and gauges that a hot path may touch: plain atomics with relaxed order.
//!
//! They never lock, never allocate and never wait. A reader that sums two of them may see one
//! ahead of the other by the requests in hand; it never sees a count go back.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// A count that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Returns a counter at zero.
    pub const fn new() -> Counter {
        Counter(AtomicU64::new(0))
    }

    /// Adds one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Returns the count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A level that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Returns a gauge at zero.
    pub const fn new() -> Gauge {
        Gauge(AtomicI64::new(0))
    }

    /// Adds one.
    pub fn inc(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one away.
    pub fn dec(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Sets the level.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Returns the level.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many labels a [`Labelled`] tells apart. The largest set is the no-bid reasons, about thirty
/// of them; what comes after the last slot is counted as [`Labelled::OTHER`], so that no input can
/// make the number of series grow.
pub const LABELS_MAX: usize = 64;

/// Counters told apart by a label that the program's text fixes, such as a no-bid reason.
///
/// A label takes a slot when it is first counted and keeps it. Counting is one short scan that
/// compares addresses first, so a label should always come from the same constant.
#[derive(Debug)]
pub struct Labelled {
    slots: Box<[Slot]>,
    other: Counter,
}

#[derive(Debug, Default)]
struct Slot {
    label: OnceLock<&'static str>,
    count: Counter,
}

impl Default for Labelled {
    fn default() -> Labelled {
        Labelled::new()
    }
}

impl Labelled {
    /// The label under which everything is counted that found no slot.
    pub const OTHER: &'static str = "other";

    /// Returns an empty set.
    pub fn new() -> Labelled {
        Labelled { slots: (0..LABELS_MAX).map(|_| Slot::default()).collect(), other: Counter::new() }
    }

    /// Adds one under `label`.
    pub fn inc(&self, label: &'static str) {
        self.add(label, 1);
    }

    /// Adds `n` under `label`.
    pub fn add(&self, label: &'static str, n: u64) {
        self.of(label).add(n);
    }

    /// Returns the counter of `label`, to be kept by a caller that counts it often.
    pub fn of(&self, label: &'static str) -> &Counter {
        if label == Labelled::OTHER {
            return &self.other;
        }
        for slot in &self.slots {
            let held: &'static str = slot.label.get_or_init(|| label);
            if std::ptr::eq(held, label) || held == label {
                return &slot.count;
            }
        }
        &self.other
    }

    /// Returns the count under `label`, zero if it was never counted.
    pub fn get(&self, label: &str) -> u64 {
        self.iter().find(|(held, _)| *held == label).map_or(0, |(_, count)| count)
    }

    /// Returns the sum over all labels.
    pub fn total(&self) -> u64 {
        self.iter().map(|(_, count)| count).sum()
    }

    /// Goes over the labels counted so far, in the order in which they appeared.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let overflow = Some(self.other.get()).filter(|count| *count > 0).map(|count| (Labelled::OTHER, count));
        self.slots.iter().map_while(|slot| slot.label.get().map(|label| (*label, slot.count.get()))).chain(overflow)
    }
}
