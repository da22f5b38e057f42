//! Named points where a test or a drill may inject a fault.
//!
//! A point is compiled in and off; asking costs one relaxed load. It never fires on its own.

use std::sync::atomic::{AtomicBool, Ordering};

/// One named point, declared as a `static` beside the code that asks it.
///
/// ```
/// static TORN_WRITE: tembusu::chaos::Point = tembusu::chaos::Point::new("ledger.torn_write");
/// assert!(!TORN_WRITE.is_armed());
/// TORN_WRITE.arm();
/// assert!(TORN_WRITE.take());
/// assert!(!TORN_WRITE.take(), "fires once");
/// ```
#[derive(Debug)]
pub struct Point {
    name: &'static str,
    armed: AtomicBool,
}

impl Point {
    /// A point that is off.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, armed: AtomicBool::new(false) }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Turns it on until [`disarm`](Self::disarm).
    pub fn arm(&self) {
        self.armed.store(true, Ordering::Release);
    }

    /// Turns it off.
    pub fn disarm(&self) {
        self.armed.store(false, Ordering::Release);
    }

    /// Whether it is on.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed)
    }

    /// Whether it was on; turns it off. For faults that happen once.
    pub fn take(&self) -> bool {
        self.is_armed() && self.armed.swap(false, Ordering::AcqRel)
    }
}
