//! Hooks for the comparison with Erlang: a supervisor that is held, and a child that is killed from outside.
//!
//! No part of the API: programs have no use for either. A held supervisor is what `sys:suspend` makes of one.

use std::fmt;

use crate::tree::SupervisorRef;

/// A supervisor whose inbox is held until this is dropped.
pub struct Held {
    supervisor: SupervisorRef,
}

impl Held {
    /// Holds a supervisor; `None` when it is busy or held already.
    #[must_use]
    pub fn hold(supervisor: &SupervisorRef) -> Option<Self> {
        supervisor.node().hold().then(|| Self { supervisor: supervisor.clone() })
    }

    /// How many events wait to be handled.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.supervisor.node().waiting()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.supervisor.node().release_hold();
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("supervisor", &self.supervisor).finish_non_exhaustive()
    }
}

/// Kills a worker as `exit(Pid, kill)` does; false when there is no such child.
pub fn kill(supervisor: &SupervisorRef, name: &str) -> bool {
    supervisor.node().kill_worker(name)
}
