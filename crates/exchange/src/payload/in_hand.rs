//! The request that an engine is working on, visible to the next incarnation if this one dies of it.
//!
//! One cell an engine. Setting and clearing it costs an uncontended lock each.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Holds at most one request. Cheap to clone; all clones are the same cell.
#[derive(Clone, Debug, Default)]
pub struct InHand(Arc<Mutex<Option<RequestInHand>>>);

/// A request and whose hand it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestInHand {
    /// The engine's path in the tree.
    pub path: Arc<str>,
    /// Its incarnation.
    pub incarnation: u64,
    /// The request's body.
    pub body: Bytes,
}

impl InHand {
    /// An incarnation of the engine at `path` begins to work on `body`.
    pub fn begin(&self, path: &Arc<str>, incarnation: u64, body: &Bytes) {
        let held = RequestInHand { path: Arc::clone(path), incarnation, body: body.clone() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }

    /// It has ended without a crash.
    pub fn end(&self) {
        let _ = self.take();
    }

    /// What was in hand, if anything, and whose hand it was.
    #[must_use]
    pub fn take(&self) -> Option<RequestInHand> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
