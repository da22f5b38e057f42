//! Where the process stands in its life: starting, serving, draining.
//!
//! It only ever moves forward. Degraded is not a phase: a degraded process serves.

use std::sync::Arc;

use tokio::sync::watch;

/// A stage of the process's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before the start has completed: not ready.
    Starting,
    /// Ready.
    Serving,
    /// Requests in hand are answered, nothing new is taken: not ready.
    Draining,
}

/// The phase, shared.
#[derive(Debug, Clone)]
pub struct Life {
    phase: Arc<watch::Sender<Phase>>,
}

impl Life {
    /// Begins with [`Phase::Starting`].
    pub(crate) fn new() -> Life {
        Life { phase: Arc::new(watch::Sender::new(Phase::Starting)) }
    }

    /// Returns the phase.
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Moves forward to `phase`; backward it does not go.
    pub(crate) fn advance(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let is_forward = *now < phase;
            if is_forward {
                *now = phase;
            }
            is_forward
        });
    }
}
