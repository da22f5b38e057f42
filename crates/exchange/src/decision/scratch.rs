//! What a search for candidates writes on, one for each thread.
//!
//! Promises that a decision allocates none once its thread has decided before. Never shared: a decision inside of another, or
//! after one that panicked, gets a new one.

use std::cell::Cell;

use campaign::Scratch;

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Lends the thread's scratch.
pub(super) fn with_scratch<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    let mut scratch = SCRATCH.take().unwrap_or_default();
    let result = work(&mut scratch);
    SCRATCH.set(Some(scratch));
    result
}
