//! What can go wrong at the library's surface, each error with what was wrong, where, and what to do.
//!
//! An error that could not deliver a message hands the message back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::core::Refused;
use crate::exit::ExitReason;
use crate::mailbox::Refusal;
use crate::scope::Lost;

/// Why a message was not accepted. The message is handed back.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TellError<M> {
    /// The queue has no room.
    Full(M),
    /// The child's supervisor is degraded, and nothing stands in for this child.
    Degraded(M),
    /// The child is being drained: it handles what waits and accepts nothing more.
    Draining(M),
    /// The child has been terminated, or its tree has ended.
    Gone(M),
}

impl<M> TellError<M> {
    pub(crate) fn from_refusal((refusal, message): (Refusal, M)) -> Self {
        match refusal {
            Refusal::Full => Self::Full(message),
            Refusal::Degraded => Self::Degraded(message),
            Refusal::Draining => Self::Draining(message),
            Refusal::Gone => Self::Gone(message),
        }
    }

    /// The message that was not sent.
    pub fn into_inner(self) -> M {
        match self {
            Self::Full(message) | Self::Degraded(message) | Self::Draining(message) | Self::Gone(message) => message,
        }
    }
}

impl<M> fmt::Debug for TellError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Degraded(_) => "Degraded(..)",
            Self::Draining(_) => "Draining(..)",
            Self::Gone(_) => "Gone(..)",
        })
    }
}

impl<M> fmt::Display for TellError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the queue is full",
            Self::Degraded(_) => "the actor is degraded and nothing stands in for it",
            Self::Draining(_) => "the actor is being drained: it accepts nothing more",
            Self::Gone(_) => "the actor is gone",
        })
    }
}

impl<M> std::error::Error for TellError<M> {}

/// What became of a call that has no answer.
#[non_exhaustive]
pub enum CallError<M> {
    /// The deadline passed.
    Timeout {
        /// Whether the message had been accepted, so that it may have been handled.
        enqueued: bool,
    },
    /// The queue has no room. The message is handed back.
    Full(M),
    /// The actor crashed while it held the call, or turned out to be [stuck](crate::Supervisor::heartbeat) in it.
    ///
    /// A reply that a stuck actor keeps in its state, from an earlier message, is in its hands until it returns: that
    /// caller waits until its deadline. So does, rarely, one that shares its exact deadline with another call that
    /// waits in the same queue.
    Died(ExitReason),
    /// The actor finished handling the message in order and dropped the reply.
    Unanswered,
    /// The child's supervisor is degraded, and nothing stands in for this child.
    Degraded(Option<M>),
    /// The child is being drained: it handles what waits and accepts nothing more. The message is handed back.
    Draining(M),
    /// The queue was full, and its [overflow policy](crate::Overflow) dropped the call unhandled.
    Shed,
    /// The child has been terminated. The message is handed back unless it had been waiting in the queue.
    Gone(Option<M>),
}

impl<M> CallError<M> {
    /// The message, unless it was accepted: what became of it then, the error says.
    pub fn into_inner(self) -> Option<M> {
        match self {
            Self::Full(message) | Self::Draining(message) => Some(message),
            Self::Degraded(message) | Self::Gone(message) => message,
            Self::Timeout { .. } | Self::Died(_) | Self::Unanswered | Self::Shed => None,
        }
    }

    pub(crate) fn from_refusal((refusal, message): (Refusal, M)) -> Self {
        match refusal {
            Refusal::Full => Self::Full(message),
            Refusal::Degraded => Self::Degraded(Some(message)),
            Refusal::Draining => Self::Draining(message),
            Refusal::Gone => Self::Gone(Some(message)),
        }
    }

    pub(crate) fn from_lost(lost: Lost) -> Self {
        match lost {
            Lost::Unanswered => Self::Unanswered,
            Lost::Died(reason) => Self::Died(reason),
            Lost::Gone => Self::Gone(None),
            Lost::Expired => Self::Timeout { enqueued: true },
            Lost::Shed => Self::Shed,
        }
    }
}

impl<M> fmt::Debug for CallError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout { enqueued } => f.debug_struct("Timeout").field("enqueued", enqueued).finish(),
            Self::Full(_) => f.write_str("Full(..)"),
            Self::Died(reason) => f.debug_tuple("Died").field(reason).finish(),
            Self::Unanswered => f.write_str("Unanswered"),
            Self::Degraded(_) => f.write_str("Degraded(..)"),
            Self::Draining(_) => f.write_str("Draining(..)"),
            Self::Shed => f.write_str("Shed"),
            Self::Gone(_) => f.write_str("Gone(..)"),
        }
    }
}

impl<M> fmt::Display for CallError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout { enqueued: true } => f.write_str("no answer within the deadline"),
            Self::Timeout { enqueued: false } => f.write_str("the deadline had passed before the call was made"),
            Self::Full(_) => f.write_str("the queue is full"),
            Self::Died(reason) => write!(f, "the actor died while it held the call: {reason}"),
            Self::Unanswered => f.write_str("the actor dropped the reply"),
            Self::Degraded(_) => f.write_str("the actor is degraded and nothing stands in for it"),
            Self::Draining(_) => f.write_str("the actor is being drained: it accepts nothing more"),
            Self::Shed => f.write_str("the queue was full and its overflow policy dropped the call"),
            Self::Gone(_) => f.write_str("the actor is gone"),
        }
    }
}

impl<M> std::error::Error for CallError<M> {}

/// What is wrong with a tree's specification. Found before anything starts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// Built with `panic = "abort"`.
    #[error("built with panic = \"abort\": nothing could be supervised; set panic = \"unwind\" in the profile")]
    PanicAbort,
    /// A name is empty or contains a slash.
    #[error("{supervisor}: the child name {name:?} is empty or contains '/'; names are the parts of a path")]
    BadName {
        /// The supervisor.
        supervisor: String,
        /// The offending name.
        name: String,
    },
    /// Two children of one supervisor have the same name.
    #[error("{supervisor}: two children are named {name:?}; give each a name of its own")]
    DuplicateName {
        /// The supervisor.
        supervisor: String,
        /// The name.
        name: String,
    },
    /// The restart period is zero.
    #[error(
        "{supervisor}: the restart period is zero, and no two failures are within it; give intensity() a longer one"
    )]
    ZeroPeriod {
        /// The supervisor.
        supervisor: String,
    },
    /// A mailbox without room.
    #[error("{path}: the mailbox has no room; give it a capacity of at least 1")]
    ZeroCapacity {
        /// The child.
        path: String,
    },
    /// An `init` that may take no time.
    #[error("{path}: the init time-out is zero, and every init takes longer than that; give it some time")]
    ZeroInitTimeout {
        /// The child.
        path: String,
    },
    /// A dynamic supervisor that may have no children.
    #[error("{supervisor}: max_children is zero, so that every start is refused; allow at least 1, or leave it out")]
    ZeroMaxChildren {
        /// The supervisor.
        supervisor: String,
    },
    /// A fallback that is significant, which means nothing: it is not a child of its own.
    #[error(
        "{supervisor}: a fallback takes the place of its supervisor and cannot be significant; make that one significant"
    )]
    SignificantFallback {
        /// The fallback.
        supervisor: String,
    },
    /// A heartbeat of no time.
    #[error("{path}: the heartbeat is zero, and every poll takes longer than that; give it some time, or leave it out")]
    ZeroHeartbeat {
        /// The child, or the root.
        path: String,
    },
    /// What concerns the watch over the whole tree was set below its root.
    #[error("{path}: heartbeat and when_all_stuck concern the whole tree; set them on its root")]
    WatchBelowRoot {
        /// The supervisor.
        path: String,
    },
    /// A declared child was never added.
    #[error(
        "{supervisor}: {name:?} was declared and never added, so that its address would lead nowhere; add it, or do not declare it"
    )]
    NeverAdded {
        /// The supervisor that declared it.
        supervisor: String,
        /// The child's name.
        name: String,
    },
    /// A stand-in outside a fallback.
    #[error("{path}: a stand-in belongs into the fallback given to degrade_to; move it there, or use child()")]
    StandInOutsideFallback {
        /// The stand-in.
        path: String,
    },
    /// A stand-in for an address that its degraded supervisor does not have.
    #[error(
        "{path}: it stands in for an address that is not in the subtree which it replaces; give it an address from below the supervisor that has this fallback"
    )]
    StandInForStranger {
        /// The stand-in.
        path: String,
    },
    /// Two stand-ins for one address.
    #[error("{path}: another child stands in for the same address already; remove one of them")]
    SecondStandIn {
        /// The second one.
        path: String,
    },
    /// A back-off before restoring that is zero or whose maximum is below its first wait.
    #[error(
        "{supervisor}: the back-off before restoring must be longer than zero and its maximum not below the first wait, but {figure}"
    )]
    BadBackoff {
        /// The supervisor.
        supervisor: String,
        /// What is wrong, with the figures: `the first wait is 2s and the maximum 1s`.
        figure: String,
    },
    /// A restart back-off whose figures make no sense.
    #[error(
        "{supervisor}: a restart back-off needs a first wait above zero and not above its maximum, a factor of at least 1, and a jitter from 0 to 1, but {figure}"
    )]
    BadRestartBackoff {
        /// The supervisor.
        supervisor: String,
        /// What is wrong, with the figures: `the factor is 0.5`.
        figure: String,
    },
    /// Its restarts wait for so long that its limit could never be reached.
    #[error(
        "{supervisor}: {limit} restarts take up to {total:?} ({waits:?} of back-off with the largest jitter, {starts:?} of init time-outs), which does not fit into the period of {period:?}: the limit could never be reached, and it would restart for ever; make the period longer than {total:?}, or the waits, the init time-outs or the limit smaller"
    )]
    UnreachableIntensity {
        /// The supervisor.
        supervisor: String,
        /// How many restarts it grants …
        limit: u32,
        /// … within this time.
        period: Duration,
        /// How long those restarts wait altogether, at the longest.
        waits: Duration,
        /// How long their starts may take altogether.
        starts: Duration,
        /// Both together.
        total: Duration,
    },
    /// A partitioned supervisor without partitions.
    #[error("{supervisor}: it has no partitions, so that no key leads anywhere; ask for at least one")]
    NoPartitions {
        /// The supervisor.
        supervisor: String,
    },
    /// A probe whose figures make no sense.
    #[error(
        "{supervisor}: a probe needs a first wait above zero and not above its maximum, and at least one healthy interval longer than zero, but {figure}"
    )]
    BadProbe {
        /// The supervisor.
        supervisor: String,
        /// What is wrong, with the figures: `there are 0 healthy intervals of 10s`.
        figure: String,
    },
    /// Probing was configured for a supervisor that does not degrade.
    #[error(
        "{supervisor}: probe ends degraded mode, which it never enters; add degrade_to or quarantine, or remove probe"
    )]
    ProbeWithoutDegrade {
        /// The supervisor.
        supervisor: String,
    },
    /// Both ways back from degraded mode at once.
    #[error("{supervisor}: probe and restore_after are two ways back from degraded mode; choose one")]
    ProbeAndRestore {
        /// The supervisor.
        supervisor: String,
    },
    /// A fallback cannot be degraded itself: when it is exhausted, its supervisor's restart type decides.
    #[error("{supervisor}: a fallback has no degrade_to, quarantine, restore_after or probe of its own; remove it")]
    DegradedFallback {
        /// The fallback.
        supervisor: String,
    },
    /// Restoring was configured for a supervisor that does not degrade.
    #[error(
        "{supervisor}: restore_after ends degraded mode, which it never enters; add degrade_to or quarantine, or remove restore_after"
    )]
    RestoreWithoutDegrade {
        /// The supervisor.
        supervisor: String,
    },
    /// A significant child under a supervisor that takes no notice of it (OTP's `bad_combination`).
    #[error("{path}: it is significant, but its supervisor's auto_shutdown is Never; set one of the two otherwise")]
    SignificantUnderNever {
        /// The child.
        path: String,
    },
    /// A significant child that is always restarted (OTP's `bad_combination`).
    #[error("{path}: a permanent child cannot be significant, it is always restarted; make it transient or temporary")]
    SignificantPermanent {
        /// The child.
        path: String,
    },
    /// A significant child of a dynamic supervisor, which has no `auto_shutdown` (OTP's `bad_combination`).
    #[error("{path}: the children of a dynamic supervisor cannot be significant; remove significant()")]
    SignificantInDynamic {
        /// The child.
        path: String,
    },
    /// A change of something that cannot be changed while it runs.
    #[error("{supervisor}: {what} cannot be changed; leave it out of the change")]
    NotChangeable {
        /// The supervisor that was to be changed.
        supervisor: String,
        /// What cannot be changed.
        what: &'static str,
    },
    /// The root cannot be significant: there is nobody above it.
    #[error("{supervisor}: the root supervisor cannot be significant; nest it, or remove significant()")]
    SignificantRoot {
        /// The root.
        supervisor: String,
    },
    /// The root cannot be degraded: there is nobody above it to do it.
    #[error(
        "{supervisor}: the root supervisor cannot be degraded; nest it under one that stays, or remove degrade_to, quarantine, restore_after and probe"
    )]
    DegradedRoot {
        /// The root.
        supervisor: String,
    },
}

/// Why a tree did not start. What had started has been stopped again.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The specification is invalid; nothing was started.
    #[error("invalid tree: {0}")]
    Spec(#[from] SpecError),
    /// A child failed to start.
    #[error("{path} failed to start: {reason}")]
    Failed {
        /// The child.
        path: Arc<str>,
        /// Why.
        reason: ExitReason,
    },
}

/// Why an operator's request was refused (OTP, `supervisor`: `start_child/2` and its kin). Each names by its path whom it
/// is about.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// There is no such child.
    #[error("{path}: there is no such child")]
    NotFound {
        /// Where it would be.
        path: Arc<str>,
    },
    /// A child of that name is running already.
    #[error("{path}: a child of that name is running already")]
    AlreadyStarted {
        /// The child.
        path: Arc<str>,
    },
    /// A child of that name is there already, and not running; restart it, or delete it.
    #[error("{path}: a child of that name is there already, and not running; restart it, or delete it first")]
    AlreadyPresent {
        /// The child.
        path: Arc<str>,
    },
    /// The dynamic supervisor has as many children as it may have.
    #[error("{path}: the dynamic supervisor has as many children as max_children allows; end one first")]
    MaxChildren {
        /// The supervisor.
        path: Arc<str>,
    },
    /// The children of a dynamic supervisor are forgotten when they end: there is nothing to restart or to delete.
    #[error("{path}: the children of a dynamic supervisor are not restarted or deleted by request; start another one")]
    Dynamic {
        /// The supervisor.
        path: Arc<str>,
    },
    /// The child is running; terminate it first.
    #[error("{path}: the child is running; terminate it first")]
    Running {
        /// The child.
        path: Arc<str>,
    },
    /// The child, or its group, is being restarted; try again.
    #[error("{path}: it is being restarted; try again")]
    Restarting {
        /// The child; of a change, the supervisor.
        path: Arc<str>,
    },
    /// The child is not running.
    #[error("{path}: the child is not running; restart it first")]
    NotRunning {
        /// The child.
        path: Arc<str>,
    },
    /// The child is a supervisor, which has neither messages nor a state of the user.
    #[error("{path}: the child is a supervisor; ask about one of its workers")]
    NotAWorker {
        /// The child.
        path: Arc<str>,
    },
    /// The child did not answer in time: it is busy with a message.
    #[error("{path}: the child is busy with a message and did not answer in time")]
    Busy {
        /// The child.
        path: Arc<str>,
    },
    /// It is not degraded.
    #[error("{path}: it is not degraded")]
    NotDegraded {
        /// The supervisor that was to be restored.
        path: Arc<str>,
    },
    /// The supervisor is not running.
    #[error("{path}: the supervisor is not running")]
    Stopping {
        /// The supervisor.
        path: Arc<str>,
    },
    /// The child did not start.
    #[error("{path} failed to start: {reason}")]
    Failed {
        /// The child.
        path: Arc<str>,
        /// Why.
        reason: ExitReason,
    },
    /// The specification is invalid.
    #[error("invalid specification: {0}")]
    Spec(#[from] SpecError),
}

impl AdminError {
    /// What a request about `child` was refused with by `supervisor`.
    pub(crate) fn of(refused: Refused, supervisor: &Arc<str>, child: Arc<str>) -> Self {
        let path = child;
        match refused {
            Refused::NotFound => Self::NotFound { path },
            Refused::Running => Self::Running { path },
            Refused::Restarting => Self::Restarting { path },
            Refused::NotDegraded => Self::NotDegraded { path },
            Refused::Failed(reason) => Self::Failed { path, reason },
            Refused::Faulty(error) => Self::Spec(error),
            Refused::Dynamic => Self::Dynamic { path: Arc::clone(supervisor) },
            Refused::MaxChildren => Self::MaxChildren { path: Arc::clone(supervisor) },
            Refused::Stopping => Self::Stopping { path: Arc::clone(supervisor) },
        }
    }
}
