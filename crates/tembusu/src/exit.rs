//! Why an incarnation ended.
//!
//! Reasons are cheap to clone, carry no reference to the state that is gone, and never decide anything:
//! what follows from one is the supervisor's business.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use crate::report::FAILURES_REPORTED;
pub use crate::report::{Failure, Report};

/// Why an incarnation ended.
///
/// *Abnormal* is everything except [`Normal`](Self::Normal), [`Shutdown`](Self::Shutdown),
/// [`ShutdownWith`](Self::ShutdownWith) and [`Exhausted`](Self::Exhausted), and a [`Linked`](Self::Linked) whose
/// cause is one of these: a transient child is restarted
/// after an abnormal end only (OTP, `supervisor`, "restart").
#[derive(Clone)]
#[non_exhaustive]
pub enum ExitReason {
    /// The actor returned [`Flow::Stop`](crate::Flow::Stop).
    Normal,
    /// The supervisor asked for it, and the actor stopped in order.
    Shutdown,
    /// The actor returned [`Flow::Shutdown`](crate::Flow::Shutdown) with this text.
    ShutdownWith(Arc<str>),
    /// `init` or `handle` returned this error.
    Error(Arc<dyn Error + Send + Sync>),
    /// `init`, `handle` or `stop` panicked.
    Panic {
        /// The panic's message, or a note that the payload was no text.
        message: Arc<str>,
        /// `file:line:column` of the panic, when the hook saw it.
        location: Option<Arc<str>>,
    },
    /// It was killed: brutally, or since it did not stop within its budget.
    Killed,
    /// It did not even end after it was killed: its slot was taken away from it.
    Unresponsive,
    /// A [link](crate::Context::link) ended it: this is the first of the chain that ended, and why. Counts for
    /// restart types as that reason does.
    Linked(Arc<crate::Exit>),
    /// There was no incarnation to monitor or to link to (Erlang's `noproc`).
    NotRunning,
    /// A supervisor did not start, since a child of it did not (OTP's `failed_to_start_child`): which one, and why.
    FailedToStart(Arc<StartFailure>),
    /// A supervisor's restart intensity was used up. Counts as a shutdown for restart types, as in OTP.
    Exhausted(Arc<Report>),
}

impl ExitReason {
    /// Whether a transient child is restarted after this.
    ///
    /// ```
    /// use tembusu::ExitReason;
    /// assert!(!ExitReason::Shutdown.is_abnormal());
    /// assert!(ExitReason::Killed.is_abnormal());
    /// ```
    #[must_use]
    pub fn is_abnormal(&self) -> bool {
        match self {
            Self::Normal | Self::Shutdown | Self::ShutdownWith(_) | Self::Exhausted(_) => false,
            Self::FailedToStart(_)
            | Self::Error(_)
            | Self::Panic { .. }
            | Self::Killed
            | Self::Unresponsive
            | Self::NotRunning => true,
            Self::Linked(exit) => exit.reason.is_abnormal(),
        }
    }

    /// Whether a restart could only fail in the same way, at once and for ever.
    pub(crate) fn is_for_good(&self) -> bool {
        matches!(self, Self::FailedToStart(failure) if failure.for_good)
    }

    /// A short word for the kind, for metric labels: `normal`, `panic`, and so on.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Shutdown => "shutdown",
            Self::ShutdownWith(_) => "shutdown_with",
            Self::Error(_) => "error",
            Self::Panic { .. } => "panic",
            Self::Killed => "killed",
            Self::Unresponsive => "unresponsive",
            Self::Linked(_) => "linked",
            Self::NotRunning => "not_running",
            Self::FailedToStart(_) => "failed_to_start",
            Self::Exhausted(_) => "exhausted",
        }
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShutdownWith(text) => write!(f, "shutdown: {text}"),
            Self::Error(error) => write!(f, "error: {error}"),
            Self::Panic { message, location: Some(location) } => write!(f, "panic at {location}: {message}"),
            Self::Panic { message, location: None } => write!(f, "panic: {message}"),
            Self::Linked(exit) => write!(f, "linked to {}#{}: {}", exit.path, exit.incarnation, exit.reason),
            Self::FailedToStart(failure) => fmt::Display::fmt(failure, f),
            Self::Exhausted(report) => write!(f, "exhausted: {report}"),
            other => f.write_str(other.label()),
        }
    }
}

/// So that `?` passes on why a [task](crate::TaskHandle) ended. The error of an actor or of a report is in the chain.
impl Error for ExitReason {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Error(error) => error.source(),
            Self::Exhausted(report) => Some(&report.reason),
            Self::FailedToStart(failure) => Some(&failure.reason),
            _ => None,
        }
    }
}

/// The child whose failed start was that of its supervisor.
///
/// When the child was itself a supervisor, `reason` holds the next link of the chain.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StartFailure {
    /// Its path.
    pub child: Arc<str>,
    /// Why it did not start.
    pub reason: ExitReason,
    /// Nothing that runs where it runs can ever start.
    for_good: bool,
}

impl StartFailure {
    pub(crate) fn new(child: Arc<str>, reason: ExitReason) -> Self {
        let for_good = reason.is_for_good();
        Self { child, reason, for_good }
    }

    /// Of a child whose task was dropped before its first poll: its runtime is gone.
    pub(crate) fn without_runtime(child: Arc<str>) -> Self {
        Self { child, reason: ExitReason::Killed, for_good: true }
    }

    /// The first cause: the path of the child that no other one kept from starting, and its reason.
    #[must_use]
    pub fn root_cause(&self) -> (&Arc<str>, &ExitReason) {
        match &self.reason {
            ExitReason::FailedToStart(below) => below.root_cause(),
            reason => (&self.child, reason),
        }
    }
}

impl fmt::Display for StartFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (child, reason) = self.root_cause();
        write!(f, "{child} failed to start: {reason}")
    }
}

impl fmt::Debug for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One failure's place in the restart intensity: the k-th of `limit` within `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// How many failures lie within the period, this one included. `limit + 1` is one too many.
    pub k: u32,
    /// How many restarts are granted within the period.
    pub limit: u32,
    /// The period.
    pub period: Duration,
}
