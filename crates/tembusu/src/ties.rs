//! What connects an incarnation with others: who waits for its end, whom it is linked to, and what it has been
//! told. All of it ends with the incarnation; an actor that uses none of it has none of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use tokio::sync::oneshot;

use crate::exit::ExitReason;
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
    pub(crate) by_key: BTreeMap<u64, Tie>,
    /// By the owner's number of the other one.
    pub(crate) links: BTreeMap<u64, Weak<Incarnation>>,
    /// Bounded by the number of monitors and links that this incarnation has had a hand in.
    pub(crate) notices: VecDeque<Notice>,
    pub(crate) traps_exits: bool,
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

    /// Tells everybody who asked to be told, and ends what is linked.
    pub(crate) fn tell(self, owner: u64, path: &Arc<str>, incarnation: u64, reason: &ExitReason) {
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
                    panics::drop_quietly(panics::catch(|| waiter.send(down())));
                }
                Tie::Withdraw(entry) => {
                    panics::drop_quietly(entry);
                }
            }
        }
        for (_, peer) in self.links {
            if let Some(peer) = peer.upgrade() {
                let Down { path, incarnation, reason } = down();
                link::propagate(&peer, owner, Exit { path, incarnation, reason });
            }
        }
        panics::drop_quietly(self.asked);
    }
}
