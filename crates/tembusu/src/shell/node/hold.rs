//! Holding a supervisor's inbox, for tests of simultaneous events.
//!
//! While it is held, what happens below is queued as it would be if another thread were stepping the core;
//! nothing is lost, and the release handles it in order. It is never held by the library itself.

use std::sync::Arc;

use super::{Node, lock};
use crate::scope::Scope;
use crate::shell::member::Member;

impl Node {
    /// Holds the inbox; false when it is being run or held already.
    pub(crate) fn hold(&self) -> bool {
        !std::mem::replace(&mut lock(&self.inbox).running, true)
    }

    /// How many events wait.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.inbox).events.len()
    }

    /// Handles what waits, and goes on as usual.
    pub(crate) fn release_hold(self: &Arc<Self>) {
        let (first, now) = {
            let mut inbox = lock(&self.inbox);
            let first = inbox.events.pop_front();
            inbox.running = first.is_some();
            (first, inbox.now)
        };
        if let Some(first) = first {
            Scope::enter(None, || self.run(first, now, Vec::new()));
        }
    }

    /// Kills the incarnation of a worker from outside, as `exit(Pid, kill)` does; false when there is no such child.
    pub(crate) fn kill_worker(&self, name: &str) -> bool {
        let Some(key) = self.with_members(|members| members.key(name)) else { return false };
        match self.member(key) {
            Some(Member::Worker(slot)) => slot.kill(),
            _ => return false,
        }
        true
    }
}
