//! What a running supervisor and its children are doing, read for whoever asks.
//!
//! Each core is locked just long enough to copy its children; nothing here changes anything or waits for anybody.

use super::member::{Member, Nested};
use super::node::{Node, lock};
use super::slot::Slot;
use crate::core::{Child, ChildKey, Core, Mode, Time};
use crate::error::SpecError;
use crate::snapshot::{Kind, NodeSnapshot, State};
use crate::spec::Entry;
use crate::spec::backoff;
use crate::spec::policy::AutoShutdown;

impl Member {
    /// What a child is doing, which the core takes for `state`: of suspensions it knows nothing.
    pub(crate) fn state(&self, state: State) -> State {
        let is_suspended = |slot: &Slot| slot.current().is_some_and(|current| current.signals().suspended());
        match self {
            Self::Worker(slot) if state == State::Running && is_suspended(slot) => State::Suspended,
            _ => state,
        }
    }
}

impl Node {
    pub(crate) fn snapshot(&self) -> Vec<NodeSnapshot> {
        let Some(core) = self.core.get() else { return Vec::new() };
        let children: Vec<(Child, State, Option<Time>)> = {
            let core = lock(core);
            let read = |child: &Child| (child.clone(), core.state_of(child), core.starts_at(child));
            core.children().iter().map(read).collect()
        };
        children.into_iter().filter_map(|(child, state, starts_at)| self.snapshot_of(child, state, starts_at)).collect()
    }

    pub(crate) fn child_snapshot(&self, key: ChildKey) -> Option<NodeSnapshot> {
        let (child, state, starts_at) = {
            let core = lock(self.core.get()?);
            let child = core.children().get(key)?;
            (child.clone(), core.state_of(child), core.starts_at(child))
        };
        self.snapshot_of(child, state, starts_at)
    }

    fn snapshot_of(&self, child: Child, state: State, starts_at: Option<Time>) -> Option<NodeSnapshot> {
        let member = self.member(child.key)?;
        let degraded = child.mode == Mode::Degraded;
        let awaited = starts_at.or(child.unusual().trusted_at).or(child.unusual().restore_at);
        let mut snapshot = NodeSnapshot {
            path: self.child_path(child.key),
            name: child.name,
            kind: Kind::Supervisor,
            state,
            incarnation: child.generation,
            restarts: child.restarts,
            time_left: awaited.map(|at| at.saturating_sub(self.shared().map_or(at, |shared| shared.now()))),
            mailbox_len: 0,
            dead_letters: 0,
            shed: 0,
            uncollected: 0,
            expired: 0,
            leaked: 0,
            last_exit: child.last_exit.map(|reason| *reason),
            children: Vec::new(),
        };
        match &member {
            Member::Worker(slot) => {
                snapshot.kind = Kind::Worker;
                snapshot.mailbox_len = slot.queue().len();
                snapshot.dead_letters = slot.queue().dead_letters();
                snapshot.shed = slot.queue().shed();
                snapshot.uncollected = slot.queue().uncollected();
                snapshot.expired = slot.queue().expired();
                snapshot.state = member.state(state);
                snapshot.leaked = slot.leaked();
            }
            Member::Supervisor(nested) => {
                let Nested { normal, fallback, .. } = &**nested;
                snapshot.children = normal.snapshot();
                if let (true, Some(fallback)) = (degraded, fallback) {
                    snapshot.children.extend(fallback.snapshot());
                }
            }
        }
        Some(snapshot)
    }

    /// Reads the core; `None` before the supervisor is placed into a tree.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Core) -> T) -> Option<T> {
        self.core.get().map(|core| read(&lock(core)))
    }

    /// What the specification of a child is checked against.
    pub(crate) fn flags(&self) -> Option<(bool, AutoShutdown)> {
        let core = lock(self.core.get()?);
        Some((core.is_dynamic(), core.auto_shutdown()))
    }

    /// Whether a child that is to be added leaves the intensity reachable.
    pub(crate) fn check_reach(&self, entry: &Entry) -> Result<(), SpecError> {
        let Some(core) = self.core.get() else { return Ok(()) };
        lock(core).check_reach(backoff::start_of(entry))
    }

    pub(crate) fn own_state(&self) -> State {
        match self.core.get().map(|core| lock(core)) {
            None => State::Waiting,
            Some(core) if core.is_up() => State::Running,
            Some(core) if core.is_stopping() => State::Stopping,
            Some(core) if core.is_down() => State::Stopped,
            Some(_) => State::Starting,
        }
    }
}
