//! Who wants to be told that a supervisor has ended (Erlang, `erlang:monitor/2` on a supervisor).
//!
//! A monitor is for one run of it: from its start by its parent, or by the program, until everything below it is down.
//! Whoever is told is told when no core is run by that thread any more: an error of a user's may be in the reason.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Node, lock};
use crate::core::Generation;
use crate::exit::ExitReason;
use crate::later;
use crate::ties::{Tie, Ties};

#[derive(Default)]
pub(super) struct Watched {
    /// Which run this is; `None` when it is down.
    running: Option<Generation>,
    by_key: BTreeMap<u64, Tie>,
}

impl Node {
    /// Remembers whom to tell of the end of this run; hands it back when it is down.
    pub(crate) fn tie(&self, key: u64, tie: Tie) -> Result<(), Tie> {
        let mut watched = lock(&self.watched);
        if watched.running.is_none() {
            return Err(tie);
        }
        watched.by_key.insert(key, tie);
        Ok(())
    }

    pub(crate) fn untie(&self, key: u64) -> Option<Tie> {
        lock(&self.watched).by_key.remove(&key)
    }

    /// The parent has started it as that incarnation.
    pub(super) fn begins(&self, generation: Generation) {
        self.generation.store(generation, Ordering::Release);
        lock(&self.watched).running = Some(generation);
    }

    /// Everything below is down. Those who asked for it are told why.
    pub(super) fn has_ended(&self, reason: &ExitReason) {
        let Watched { running, by_key } = std::mem::take(&mut *lock(&self.watched));
        if by_key.is_empty() {
            return;
        }
        let (path, reason) = (Arc::clone(self.path()), reason.clone());
        let ties = Ties { by_key, ..Ties::default() };
        later::act(move || {
            let linked = ties.tell(0, &path, running.unwrap_or_default(), &reason);
            debug_assert!(linked.is_none(), "nothing is linked to a supervisor");
        });
    }
}
