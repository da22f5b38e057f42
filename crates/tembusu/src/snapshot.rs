//! A tree as it is: states and counts, to show and to resynchronise with.

use std::sync::Arc;
use std::time::Duration;

use crate::exit::ExitReason;

/// One child, with everything below it.
#[derive(Clone, Debug)]
pub struct NodeSnapshot {
    /// From the root: `root/exchanges/google_adx`.
    pub path: Arc<str>,
    /// The last part of the path.
    pub name: Arc<str>,
    /// Worker or supervisor.
    pub kind: Kind,
    /// What it is doing.
    pub state: State,
    /// How often it has been started; 0 before the first time.
    pub incarnation: u64,
    /// How often it came back after a failure of its own.
    pub restarts: u64,
    /// How long until something happens to it without being asked for: it is started or restored
    /// ([`BackingOff`](State::BackingOff), [`Degraded`](State::Degraded)), or trusted ([`Probing`](State::Probing)).
    pub time_left: Option<Duration>,
    /// How many messages wait. 0 for supervisors.
    pub mailbox_len: usize,
    /// How many messages were dropped unhandled, since the queue was closed or full, or is fresh for each
    /// incarnation.
    pub dead_letters: u64,
    /// How many of them the [overflow policy](crate::Overflow) dropped.
    pub shed: u64,
    /// How many dead letters (expired calls included) their
    /// [collector](crate::ChildSpec::dead_letters) had no room for.
    pub uncollected: u64,
    /// How many calls were not handled since their callers no longer waited.
    pub expired: u64,
    /// How many incarnations were stuck and have not come back: what they hold leaks until they do.
    pub leaked: u64,
    /// Why the last incarnation that ended did.
    pub last_exit: Option<ExitReason>,
    /// The children, in start order. In degraded mode those of the fallback follow.
    pub children: Vec<NodeSnapshot>,
}

impl NodeSnapshot {
    /// This node or the one below it with that path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Self> {
        if &*self.path == path {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(path))
    }

    /// This node and all below it, parents first.
    pub fn walk(&self) -> impl Iterator<Item = &Self> {
        let mut stack = vec![self];
        std::iter::from_fn(move || {
            let node = stack.pop()?;
            stack.extend(node.children.iter().rev());
            Some(node)
        })
    }
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An actor.
    Worker,
    /// A supervisor.
    Supervisor,
}

/// What a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Not started yet.
    Waiting,
    /// In `init`, for the first time or with its group.
    Starting,
    /// Serving.
    Running,
    /// Running, but an operator lets its messages wait.
    Suspended,
    /// Asked to stop, or being killed.
    Stopping,
    /// In `init` after a failure of its own.
    Restarting,
    /// Its intensity was used up: its fallback runs, or nothing does.
    Degraded,
    /// Waiting for its restart after a failure, or degraded with nothing in its place: it will be started, or
    /// restored, without being asked.
    BackingOff,
    /// Back from degraded mode on trial: its first failure makes it degraded again.
    Probing,
    /// Ended, terminated or ignored.
    Stopped,
}

impl State {
    /// A lower-case word, for labels.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Stopping => "stopping",
            Self::Restarting => "restarting",
            Self::Degraded => "degraded",
            Self::BackingOff => "backing_off",
            Self::Probing => "probing",
            Self::Stopped => "stopped",
        }
    }
}
