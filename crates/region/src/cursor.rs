//! Where an actor stands in the ledger's sequence of events for its region.
//!
//! Promises that every event after the snapshot is applied once and in order. Never guesses: an event that arrives
//! ahead of its turn is a gap, to be fetched from the ledger before anything else is applied.

/// The place of an actor in its region's event sequence.
///
/// It starts from a snapshot at sequence number n: everything up to n is already part of that snapshot.
///
/// # Examples
///
/// ```
/// use region::{EventCursor, Step};
///
/// let mut cursor = EventCursor::at(7);
/// assert_eq!(cursor.offer(7), Step::Ignore);
/// assert_eq!(cursor.offer(8), Step::Apply);
/// assert_eq!(cursor.offer(10), Step::Gap { after: 8 });
/// assert_eq!(cursor.applied(), 8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventCursor {
    applied: u64,
}

/// What to do with an event, by its sequence number alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an event that is not in turn must not be applied"]
pub enum Step {
    /// It is the next one: the cursor has moved past it, apply it.
    Apply,
    /// It is already counted, by the snapshot or by an earlier delivery.
    Ignore,
    /// Events are missing: fetch those after this sequence number. The cursor has not moved.
    Gap {
        /// The last sequence number that has been applied.
        after: u64,
    },
}

impl EventCursor {
    /// A cursor at a snapshot taken at sequence number `applied`.
    #[must_use]
    pub const fn at(applied: u64) -> Self {
        Self { applied }
    }

    /// The last sequence number that is counted.
    #[must_use]
    pub const fn applied(&self) -> u64 {
        self.applied
    }

    /// Offers an event; moves past it only if it is the next one.
    pub fn offer(&mut self, region_seq: u64) -> Step {
        if region_seq <= self.applied {
            return Step::Ignore;
        }
        if region_seq != self.applied + 1 {
            return Step::Gap { after: self.applied };
        }
        self.applied = region_seq;
        Step::Apply
    }
}
