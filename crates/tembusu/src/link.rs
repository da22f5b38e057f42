//! Links: incarnations that end together (Erlang, `erlang:link/1`).
//!
//! A link is between two incarnations and has no direction. When one of them ends for any reason but
//! [`Normal`](crate::ExitReason::Normal), the other is crashed; an actor that traps exits gets a message instead,
//! for a normal end as well.

use std::sync::{Arc, MutexGuard};

use crate::exit::ExitReason;
use crate::shell::incarnation::{Held, Incarnation};
use crate::ties::Notice;

/// The end of a linked incarnation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exit {
    /// The path of the child that ended.
    pub path: Arc<str>,
    /// Which incarnation it was; 0 when none was running.
    pub incarnation: u64,
    /// Why it ended; [`ExitReason::NotRunning`] when none was running. When it was itself ended by a link this is
    /// [`ExitReason::Linked`], which names the first of the chain.
    pub reason: ExitReason,
}

impl Exit {
    /// What an incarnation that does not trap this ends with: the first cause is passed on, as OTP does, together
    /// with who it was.
    fn into_reason(self) -> ExitReason {
        match self.reason {
            ExitReason::Linked(first) => ExitReason::Linked(first),
            _ => ExitReason::Linked(Arc::new(self)),
        }
    }
}

/// Links two incarnations. False when `other` has ended.
pub(crate) fn link(own: &Arc<Incarnation>, other: &Arc<Incarnation>) -> bool {
    if own.owner == other.owner {
        return true;
    }
    let (mut ours, mut theirs) = both(own, other);
    if own.scope.is_replaced() {
        // The fence: what it does has no effect.
        return true;
    }
    if other.scope.is_replaced() {
        return false;
    }
    ours.ties().links.insert(other.owner, Arc::downgrade(other));
    theirs.ties().links.insert(own.owner, Arc::downgrade(own));
    true
}

/// Takes a link back. False when there was none.
pub(crate) fn unlink(own: &Arc<Incarnation>, other: &Arc<Incarnation>) -> bool {
    if own.owner == other.owner {
        return false;
    }
    let (mut ours, mut theirs) = both(own, other);
    if own.scope.is_replaced() {
        return false;
    }
    theirs.ties().links.remove(&own.owner);
    ours.ties().links.remove(&other.owner).is_some()
}

/// Locks both, the older first: whoever links whom, nobody waits for a lock in a circle.
fn both<'a>(own: &'a Incarnation, other: &'a Incarnation) -> (MutexGuard<'a, Held>, MutexGuard<'a, Held>) {
    if own.owner < other.owner {
        let ours = own.held();
        (ours, other.held())
    } else {
        let theirs = other.held();
        (own.held(), theirs)
    }
}

/// Tells `peer` that an incarnation linked to it has ended, unless the link is gone by now.
pub(crate) fn propagate(peer: &Arc<Incarnation>, from: u64, exit: Exit) {
    let mut held = peer.held();
    if peer.scope.is_replaced() || held.ties().links.remove(&from).is_none() {
        return;
    }
    drop(held);
    deliver(peer, exit);
}

/// Crashes an incarnation or tells it, as it has chosen.
pub(crate) fn deliver(peer: &Arc<Incarnation>, exit: Exit) {
    if peer.traps_exits() {
        peer.notify(Notice::Exit(exit));
    } else if !matches!(exit.reason, ExitReason::Normal) {
        peer.crash_with(exit.into_reason());
    }
}
