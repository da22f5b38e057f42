//! One child: what was specified, and what it is doing. All of them: [`super::siblings`].

use std::sync::Arc;
use std::time::Duration;

use super::unusual::Unusual;
use super::{ChildKey, Generation, Rank, RequestId, Time};
use crate::exit::ExitReason;
use crate::snapshot::Kind;
use crate::spec::policy::{Restart, Shutdown};

/// How a child is treated; fixed when it is added.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Stopped by an operator, or by several: see [`Unusual::terminators`].
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

/// How long an incarnation has been up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uptime {
    /// It is not up yet, or it ended before it was.
    None,
    Since(Time),
    /// It has ended after this long.
    Was(Duration),
}

impl Uptime {
    /// The incarnation ends.
    pub(super) fn end(self, now: Time) -> Self {
        match self {
            Self::Since(since) => Self::Was(now.saturating_sub(since)),
            Self::None | Self::Was(_) => Self::None,
        }
    }

    /// How long the one that has ended had been up; `None` when it did not start.
    pub(super) fn of_ended(self) -> Option<Duration> {
        match self {
            Self::Was(uptime) => Some(uptime),
            Self::None | Self::Since(_) => None,
        }
    }
}

/// One child. A supervisor has one of these for each, a million times over: see [`Unusual`] before adding to it.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    pub(crate) key: ChildKey,
    /// Its place in the start order.
    pub(crate) rank: Rank,
    pub(crate) name: Arc<str>,
    /// Shared with the others that were added with the same one.
    pub(crate) policy: Arc<ChildPolicy>,
    /// Part of the first specification: back after a restart of the supervisor.
    pub(crate) is_static: bool,
    /// False once a temporary child has ended.
    pub(crate) present: bool,
    pub(crate) state: ChildState,
    pub(crate) mode: Mode,
    pub(crate) intent: Option<Intent>,
    pub(crate) generation: Generation,
    pub(crate) restarts: u64,
    pub(crate) crashed: bool,
    pub(crate) timed_out: bool,
    /// It has not been up in this life of its supervisor.
    pub(crate) fresh: bool,
    /// It ended, ignored or was terminated, and is not restarted: it stays down until it is asked for, or until
    /// a later failure restarts its group.
    pub(crate) at_rest: bool,
    /// Its queue is closed; it reopens with the next incarnation.
    pub(crate) closed: bool,
    /// Boxed with the first: most children never end.
    pub(crate) last_exit: Option<Box<ExitReason>>,
    pub(crate) uptime: Uptime,
    /// See [`Child::unusual`].
    pub(super) unusual: Option<Box<Unusual>>,
}

impl Child {
    pub(crate) fn new(key: ChildKey, name: Arc<str>, policy: Arc<ChildPolicy>, is_static: bool) -> Self {
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
            generation: 0,
            restarts: 0,
            crashed: false,
            timed_out: false,
            fresh: true,
            at_rest: false,
            closed: false,
            last_exit: None,
            uptime: Uptime::None,
            unusual: None,
        }
    }

    pub(crate) fn is_supervisor(&self) -> bool {
        self.policy.kind == Kind::Supervisor
    }

    /// Whether degraded mode has nothing to run.
    pub(crate) fn is_vacant(&self) -> bool {
        self.mode == Mode::Degraded && !matches!(self.policy.exhaustion, Exhaustion::Degrade { fallback: true, .. })
    }

    /// Forgets degraded mode and the trial after it; true when it was in degraded mode.
    pub(crate) fn leave_degraded(&mut self) -> bool {
        self.if_unusual(Unusual::forget_degraded);
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
        self.if_unusual(Unusual::end_waits);
        self.leave_degraded()
    }
}
