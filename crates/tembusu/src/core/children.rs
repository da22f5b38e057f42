//! One child: what was specified, and what it is doing. All of them: [`super::siblings`].

use std::sync::Arc;
use std::time::Duration;

use super::doomed::Doom;
use super::{ChildKey, Generation, Rank, RequestId, Time};
use crate::exit::ExitReason;
use crate::snapshot::Kind;
use crate::spec::policy::{Restart, Shutdown};

/// How a child is treated; fixed when it is added.
#[derive(Clone, Debug)]
pub(crate) struct ChildPolicy {
    pub(crate) kind: Kind,
    pub(crate) restart: Restart,
    /// Whether its end may end its supervisor; see [`AutoShutdown`](crate::AutoShutdown).
    pub(crate) significant: bool,
    pub(crate) shutdown: Shutdown,
    /// `None`: as long as it takes. Supervisors have none, since their children's waits are bounded.
    pub(crate) init_timeout: Option<Duration>,
    pub(crate) exhaustion: Exhaustion,
    /// How long it is on trial after degraded mode. `None`: a restore trusts it at once.
    pub(crate) probation: Option<Duration>,
}

/// What follows when a child that is a supervisor has used up its intensity.
#[derive(Clone, Debug)]
pub(crate) enum Exhaustion {
    /// An ordinary end: the restart type decides.
    Escalate,
    /// The child goes on in degraded mode.
    Degrade {
        /// Whether something runs in its place.
        fallback: bool,
        /// `None`: an operator restores.
        backoff: Option<Doubling>,
    },
}

/// Delays that double from `first` to `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doubling {
    pub(crate) first: Duration,
    pub(crate) max: Duration,
}

/// Which of a child's two shapes runs, and whether it is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Normal,
    Degraded,
    /// The normal shape, on trial after degraded mode.
    Probing,
}

/// What a child is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChildState {
    /// No process: not started yet, terminated, ended, ignored, or degraded with nothing in its place.
    Idle,
    /// `until` is `None` for supervisors, here and below: the waits of their children are bounded.
    Starting {
        until: Option<Time>,
    },
    Running {
        since: Time,
    },
    Stopping {
        until: Option<Time>,
    },
    Killing {
        until: Option<Time>,
    },
}

impl ChildState {
    pub(crate) fn is_alive(self) -> bool {
        !matches!(self, Self::Idle)
    }

    pub(crate) fn deadline(self) -> Option<Time> {
        match self {
            Self::Starting { until } | Self::Stopping { until } | Self::Killing { until } => until,
            Self::Idle | Self::Running { .. } => None,
        }
    }
}

/// Why a child starts or stops, when it is not an ordinary restart. It outlives a group's stop, so that what was
/// asked for is answered when the group is up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Stopped by its group or by its supervisor's end: its exit is expected.
    GroupStop,
    /// Stopped by an operator, or by several: see [`Child::terminators`].
    Terminate,
    /// First start of an added child.
    Add(RequestId),
    /// Restarted by an operator.
    Restart(RequestId),
    /// Started by an operator who did not wait for the end of its back-off: a failure is charged as any other.
    Hasten(RequestId),
    /// The fallback is being stopped so that the normal shape can start.
    RestoreStop(Option<RequestId>),
    /// The normal shape is starting after degraded mode.
    RestoreStart(Option<RequestId>),
}

impl Intent {
    /// The request that is still to be answered.
    pub(crate) fn request(self) -> Option<RequestId> {
        match self {
            Self::Add(id) | Self::Restart(id) | Self::Hasten(id) => Some(id),
            Self::RestoreStop(id) | Self::RestoreStart(id) => id,
            Self::GroupStop | Self::Terminate => None,
        }
    }
}

/// One child.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    pub(crate) key: ChildKey,
    /// Its place in the start order.
    pub(crate) rank: Rank,
    pub(crate) name: Arc<str>,
    pub(crate) policy: ChildPolicy,
    /// Part of the first specification: back after a restart of the supervisor.
    pub(crate) is_static: bool,
    /// False once a temporary child has ended.
    pub(crate) present: bool,
    pub(crate) state: ChildState,
    pub(crate) mode: Mode,
    pub(crate) intent: Option<Intent>,
    /// Who waits for its termination.
    pub(crate) terminators: Vec<RequestId>,
    pub(crate) generation: Generation,
    pub(crate) restarts: u64,
    pub(crate) crashed: bool,
    pub(crate) timed_out: bool,
    /// Why it is being killed although nobody asked it to end.
    pub(crate) doom: Option<Doom>,
    /// It has not been up in this life of its supervisor.
    pub(crate) fresh: bool,
    /// It ended, ignored or was terminated, and is not restarted: it stays down until it is asked for, or until
    /// a later failure restarts its group.
    pub(crate) at_rest: bool,
    /// Its queue is closed; it reopens with the next incarnation.
    pub(crate) closed: bool,
    pub(crate) last_exit: Option<ExitReason>,
    /// Since when the incarnation has been up.
    pub(crate) up_since: Option<Time>,
    /// How long the last incarnation that ended had been up; `None` when it did not start.
    pub(crate) ran_for: Option<Duration>,
    /// Restarted alone, when its back-off is over.
    pub(crate) retry_at: Option<Time>,
    /// The wait before the next automatic restore.
    pub(crate) backoff: Option<Duration>,
    /// Degraded, and restored when the time has come.
    pub(crate) restore_at: Option<Time>,
    /// It was to be restored while its group was being restarted: it is afterwards.
    pub(crate) restore_due: bool,
    pub(crate) restored_at: Option<Time>,
    /// On trial until then.
    pub(crate) trusted_at: Option<Time>,
}

impl Child {
    pub(crate) fn new(key: ChildKey, name: Arc<str>, policy: ChildPolicy, is_static: bool) -> Self {
        Self {
            key,
            rank: Rank::default(),
            name,
            policy,
            is_static,
            present: true,
            state: ChildState::Idle,
            mode: Mode::Normal,
            intent: None,
            terminators: Vec::new(),
            generation: 0,
            restarts: 0,
            crashed: false,
            timed_out: false,
            doom: None,
            fresh: true,
            at_rest: false,
            closed: false,
            last_exit: None,
            up_since: None,
            ran_for: None,
            retry_at: None,
            backoff: None,
            restore_at: None,
            restore_due: false,
            restored_at: None,
            trusted_at: None,
        }
    }

    pub(crate) fn is_supervisor(&self) -> bool {
        self.policy.kind == Kind::Supervisor
    }

    /// When it is to be looked at.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.state.deadline().into_iter().chain(self.restore_at).chain(self.retry_at).chain(self.trusted_at).min()
    }

    /// Whether degraded mode has nothing to run.
    pub(crate) fn is_vacant(&self) -> bool {
        self.mode == Mode::Degraded && !matches!(self.policy.exhaustion, Exhaustion::Degrade { fallback: true, .. })
    }

    /// Forgets degraded mode and the trial after it; true when it was in degraded mode.
    pub(crate) fn leave_degraded(&mut self) -> bool {
        self.backoff = None;
        self.restore_at = None;
        self.restore_due = false;
        self.restored_at = None;
        self.trusted_at = None;
        std::mem::replace(&mut self.mode, Mode::Normal) == Mode::Degraded
    }

    /// Prepares for a start of its supervisor; true when it leaves degraded mode.
    pub(super) fn revive(&mut self) -> bool {
        self.present = true;
        self.state = ChildState::Idle;
        self.intent = None;
        self.crashed = false;
        self.fresh = true;
        self.at_rest = false;
        self.retry_at = None;
        self.leave_degraded()
    }
}
