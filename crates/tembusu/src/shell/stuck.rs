//! The tree's side of the watchdog: who is being polled, and what follows from a verdict.
//!
//! The watchdog's own thread runs no code of a user and carries nothing out: what follows from its verdicts, which
//! may drop what users have published, is done on a thread that is made for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::incarnation::Incarnation;
use super::member::{Member, Nested};
use super::node::Node;
use super::slot::Slot;
use super::tree::Shared;
use crate::core::Event as CoreEvent;
use crate::event::{Event, EventKind};
use crate::exit::ExitReason;
use crate::panics;
use crate::watchdog::AllStuck;

/// How often a healthy child lets go of its thread, unless its tree's specification says otherwise.
///
/// A poll that is longer than two of these is stuck. Page faults, a slow disk and an overloaded machine hold up
/// an honest poll for hundreds of milliseconds; to be wrong costs a second incarnation beside the first, to be late
/// costs a second.
pub(crate) const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(1);

/// What a tree's specification says about children that are stuck.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    pub(crate) heartbeat: Duration,
    pub(crate) all_stuck: AllStuck,
}

impl Default for Watch {
    fn default() -> Self {
        Self { heartbeat: DEFAULT_HEARTBEAT, all_stuck: AllStuck::default() }
    }
}

/// A child whose poll takes its time.
pub(crate) struct Polled {
    pub(crate) slot: Arc<Slot>,
    pub(crate) incarnation: Arc<Incarnation>,
}

impl Node {
    /// The child that runs as `owner`. Looks at every slot: for the rare case that somebody is suspicious.
    fn polled(&self, owner: u64) -> Option<Polled> {
        let members = self.with_members(|members| members.all());
        members.iter().find_map(|(_, member)| match member {
            Member::Worker(slot) => {
                slot.running(owner).map(|incarnation| Polled { slot: Arc::clone(slot), incarnation })
            }
            Member::Supervisor(nested) => {
                let Nested { normal, fallback, .. } = &**nested;
                normal.polled(owner).or_else(|| fallback.as_ref()?.polled(owner))
            }
        })
    }
}

impl Shared {
    /// The child of this tree that runs as `owner`.
    pub(crate) fn polled(&self, owner: u64) -> Option<Polled> {
        self.root()?.polled(owner)
    }

    /// The shortest heartbeat in the tree.
    pub(crate) fn shortest_heartbeat(&self) -> Duration {
        Duration::from_nanos(self.shortest_heartbeat.load(Ordering::Relaxed))
    }

    pub(crate) fn count_heartbeat(&self, heartbeat: Duration) {
        let nanos = u64::try_from(heartbeat.as_nanos()).unwrap_or(u64::MAX);
        self.shortest_heartbeat.fetch_min(nanos, Ordering::Relaxed);
    }

    /// The deadline that should have been met by now, by the clock of the tree.
    pub(crate) fn overdue(&self) -> Option<Instant> {
        let _clock = self.handle.enter();
        self.timer.next().filter(|at| *at <= Instant::now())
    }

    /// Does what the timer's task should have done.
    pub(crate) fn tick_overdue(self: &Arc<Self>) {
        if self.ticking.swap(true, Ordering::AcqRel) {
            // Whoever does it is held up by the destructor of a user. One is enough.
            return;
        }
        /// Also when it panics, and when there is no thread for it.
        struct Ticks(Arc<Shared>);
        impl Drop for Ticks {
            fn drop(&mut self) {
                self.0.ticking.store(false, Ordering::Release);
            }
        }
        let ticks = Ticks(Arc::clone(self));
        aside(&self.handle, move || {
            ticks.0.timer.tick_due();
            ticks.0.flush();
        });
    }

    /// The slot is to be taken from an incarnation whose poll does not return, if it `still` has not when it is said.
    pub(crate) fn judge(self: &Arc<Self>, polled: Polled, still: impl FnOnce() -> bool + Send + 'static) {
        // With the last reference to the slot, code of a user is dropped: there, and not on the watchdog's thread.
        aside(&self.handle, move || {
            let Polled { slot, incarnation } = polled;
            if !still() {
                return;
            }
            let generation = incarnation.generation;
            slot.tell_supervisor(|key| CoreEvent::Stuck { key, generation });
            // The next incarnation would tell observers, and may not come to it.
            slot.flush_events();
        });
    }

    /// An inline call into what that incarnation has published does not return, if it `still` has not when it is said.
    pub(crate) fn judge_call(self: &Arc<Self>, callee: Polled, still: impl FnOnce() -> bool + Send + 'static) {
        aside(&self.handle, move || {
            let Polled { slot, incarnation } = callee;
            if still() {
                incarnation.crash_with(ExitReason::Unresponsive);
                slot.flush_events();
            }
        });
    }

    /// Says that no worker of `runtime` is free, and does what the tree's specification says.
    pub(crate) fn all_stuck(&self, runtime: &Handle) {
        let workers = runtime.metrics().num_workers();
        let Some(root) = self.root() else { return };
        tracing::error!(tree = %root.path(), workers, "every worker of a runtime is stuck: nothing on it goes on");
        self.note(Event {
            path: Arc::clone(root.path()),
            incarnation: 1,
            at: std::time::SystemTime::now(),
            instant: std::time::Instant::now(),
            kind: EventKind::AllWorkersStuck { workers },
        });
        self.flush();
        if let AllStuck::ExitProcess(code) = self.watch.all_stuck {
            tracing::error!(code, "ending the process, as the tree's specification says");
            std::process::exit(code);
        }
    }
}

/// Does something in the tree's name, by its clock, on a thread made for it.
fn aside(tree: &Handle, act: impl FnOnce() + Send + 'static) {
    let handle = tree.clone();
    let act = move || {
        let _clock = handle.enter();
        // Nothing that a user's destructor does there concerns anybody else.
        panics::drop_quietly(panics::catch(act));
    };
    // Without a thread there is nobody who could do it; the next look tries again.
    if let Err(error) = std::thread::Builder::new().name("tembusu-verdict".into()).spawn(act) {
        tracing::error!(%error, "no thread for a verdict of the watchdog");
    }
}
