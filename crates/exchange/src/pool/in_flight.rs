//! The requests in flight of one pool incarnation, as its connections see them.
//!
//! A ticket is given back by its drop, on whatever way the request ends. What a crashed incarnation had admitted finishes on its
//! old table, so for a moment more than the limit may be in flight; never more than twice as many.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The table.
#[derive(Debug)]
pub struct InFlight {
    max: usize,
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    entries: Vec<Option<Instant>>,
    free: Vec<usize>,
    admitted: u64,
    refused: u64,
}

/// What a table shows at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InFlightFigures {
    /// Requests in flight.
    pub now: usize,
    /// The limit.
    pub max: usize,
    /// Admitted since this incarnation began.
    pub admitted: u64,
    /// Refused since then.
    pub refused: u64,
    /// Age of the oldest request in flight.
    pub oldest: Duration,
}

/// A request's place. Dropping it gives the place back.
#[derive(Debug)]
#[must_use = "a ticket that is dropped ends the admission"]
pub struct Ticket {
    table: Arc<InFlight>,
    slot: usize,
}

impl InFlight {
    /// An empty table with room for `max` requests.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max, slots: Mutex::default() }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits a request that began at `first_byte`, unless there is no room.
    pub fn enter(self: &Arc<Self>, first_byte: Instant) -> Option<Ticket> {
        let mut slots = self.slots();
        let slot = match slots.free.pop() {
            Some(slot) => slot,
            None if slots.entries.len() < self.max => {
                slots.entries.push(None);
                slots.entries.len() - 1
            }
            None => {
                slots.refused += 1;
                return None;
            }
        };
        debug_assert!(slots.entries[slot].is_none(), "a free slot is empty");
        slots.entries[slot] = Some(first_byte);
        slots.admitted += 1;
        drop(slots);
        Some(Ticket { table: Arc::clone(self), slot })
    }

    /// What it shows now. Looks at every slot: for operators, not for the bid path.
    #[must_use]
    pub fn figures(&self) -> InFlightFigures {
        let slots = self.slots();
        let oldest = slots.entries.iter().flatten().min().map_or(Duration::ZERO, Instant::elapsed);
        InFlightFigures {
            now: slots.entries.len() - slots.free.len(),
            max: self.max,
            admitted: slots.admitted,
            refused: slots.refused,
            oldest,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut slots = self.table.slots();
        let entry = slots.entries[self.slot].take();
        debug_assert!(entry.is_some(), "a ticket is given back once");
        slots.free.push(self.slot);
    }
}
