//! The request that an engine is working on, visible to the next incarnation if this one dies of it.
//!
//! One cell an engine. Setting and clearing it costs an uncontended lock each.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Holds at most one request body. Cheap to clone; all clones are the same cell.
#[derive(Clone, Debug, Default)]
pub struct InHand(Arc<Mutex<Option<(u64, Bytes)>>>);

impl InHand {
    /// An incarnation begins to work on `body`.
    pub fn begin(&self, incarnation: u64, body: &Bytes) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((incarnation, body.clone()));
    }

    /// It has ended without a crash.
    pub fn end(&self) {
        let _ = self.take();
    }

    /// What was in hand, if anything, and whose hand it was.
    #[must_use]
    pub fn take(&self) -> Option<(u64, Bytes)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
