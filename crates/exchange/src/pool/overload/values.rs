//! What requests of each class were worth lately. Counted by any thread; half of it is forgotten every few seconds.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::class::{CLASSES, Class};
use super::plan::Sight;

#[derive(Debug, Default)]
struct Cell {
    seen: AtomicU64,
    asked: AtomicU64,
    worth: AtomicU64,
}

/// One cell a class.
#[derive(Debug)]
pub(super) struct Values(Box<[Cell]>);

impl Values {
    pub(super) fn new() -> Self {
        Self((0..CLASSES).map(|_| Cell::default()).collect())
    }

    /// A request came.
    pub(super) fn seen(&self, class: Class) {
        self.0[class.index()].seen.fetch_add(1, Relaxed);
    }

    /// The engine was asked, and bid so much.
    pub(super) fn worth(&self, class: Class, worth: u64) {
        let cell = &self.0[class.index()];
        cell.asked.fetch_add(1, Relaxed);
        cell.worth.fetch_add(worth, Relaxed);
    }

    pub(super) fn sights(&self) -> Box<[Sight; CLASSES]> {
        let mut sights = Box::new([Sight::default(); CLASSES]);
        for (cell, sight) in self.0.iter().zip(sights.iter_mut()) {
            let worth = cell.worth.load(Relaxed).checked_div(cell.asked.load(Relaxed)).unwrap_or(0);
            *sight = Sight { seen: cell.seen.load(Relaxed), worth };
        }
        sights
    }

    /// Forgets half. What is counted meanwhile may be lost: it is an estimate.
    pub(super) fn fade(&self) {
        for Cell { seen, asked, worth } in &self.0 {
            // Together, so that the average stays.
            for count in [seen, asked, worth] {
                count.store(count.load(Relaxed) / 2, Relaxed);
            }
        }
    }
}
