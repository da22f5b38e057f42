//! What connects an incarnation with others: who waits for its end, whom it is linked to, and what it has been
//! told. All of it ends with the incarnation; an actor that uses none of it has none of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::exit::ExitReason;
use crate::later;
use crate::link::{self, Exit};
use crate::monitor::Down;
use crate::panics;
use crate::shell::incarnation::Incarnation;
use crate::table::Withdraw;

/// Tells apart the ties of all incarnations of the process.
pub(crate) fn new_key() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What is to be done when an incarnation ends.
pub(crate) enum Tie {
    /// Tell another incarnation, which knows the monitor by its key.
    Monitor(Weak<Incarnation>),
    /// Tell code that is no actor.
    Waiter(oneshot::Sender<Down>),
    /// Take back what it has entered somewhere.
    Withdraw(Box<dyn Withdraw>),
}

/// What an incarnation is told besides its messages.
pub(crate) enum Notice {
    Down { monitor: u64, down: Down },
    Exit(Exit),
}

#[derive(Default)]
pub(crate) struct Ties {
    /// What it has published, to be withdrawn.
    pub(crate) published: Vec<Box<dyn Withdraw>>,
    pub(crate) by_key: BTreeMap<u64, Tie>,
    /// By the owner's number of the other one.
    pub(crate) links: BTreeMap<u64, Weak<Incarnation>>,
    /// Bounded by the number of monitors and links that this incarnation has had a hand in.
    pub(crate) notices: VecDeque<Notice>,
    pub(crate) traps_exits: bool,
    /// Which of its messages was at hand when somebody looked, and when the first look saw it.
    pub(crate) seen_at_hand: Option<(u64, Instant)>,
    /// Who wants to have its state described.
    pub(crate) asked: Vec<oneshot::Sender<String>>,
}

impl Ties {
    /// Takes back what the ended incarnation has entered anywhere.
    pub(crate) fn withdraw(&mut self, owner: u64) {
        for tie in self.by_key.values() {
            if let Tie::Withdraw(entry) = tie {
                panics::drop_quietly(panics::catch(|| entry.withdraw(owner)));
            }
        }
    }

    /// Tells everybody who asked to be told. Returns what is linked, to be ended.
    pub(crate) fn tell(self, owner: u64, path: &Arc<str>, incarnation: u64, reason: &ExitReason) -> Option<Linked> {
        let down = || Down { path: Arc::clone(path), incarnation, reason: reason.clone() };
        for (monitor, tie) in self.by_key {
            match tie {
                Tie::Monitor(watcher) => {
                    if let Some(watcher) = watcher.upgrade() {
                        watcher.notify(Notice::Down { monitor, down: down() });
                    }
                }
                Tie::Waiter(waiter) => {
                    // Whoever waits may have brought a waker of its own.
                    let down = down();
                    later::act(move || drop(waiter.send(down)));
                }
                Tie::Withdraw(entry) => {
                    later::drop_value(entry);
                }
            }
        }
        if !self.asked.is_empty() {
            later::drop_value(self.asked);
        }
        if self.links.is_empty() {
            return None;
        }
        let Down { path, incarnation, reason } = down();
        Some(Linked { owner, peers: self.links.into_values().collect(), exit: Exit { path, incarnation, reason } })
    }
}

/// What was linked to an incarnation that has ended.
#[must_use = "they are to end too"]
pub(crate) struct Linked {
    owner: u64,
    peers: Vec<Weak<Incarnation>>,
    exit: Exit,
}

impl Linked {
    /// Ends or tells them: once the supervisor has been told of the first end, so that it takes it for the first, as
    /// OTP's does, to which an exit signal comes before those of whom the same signal has killed.
    pub(crate) fn end(self) {
        for peer in self.peers.iter().filter_map(Weak::upgrade) {
            link::propagate(&peer, self.owner, self.exit.clone());
        }
        // The error in it is a user's.
        panics::drop_quietly(self.exit);
    }
}
