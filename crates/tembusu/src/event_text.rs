//! Events as one line each, for a log or an operator.
//!
//! It says what happened in words; what a program decides by is in the fields. Tests that compare events use the
//! lines of `tembusu-testkit`, which leave out times and texts.

use std::fmt;
use std::time::Duration;

use crate::event::{Event, EventKind};
use crate::exit::Charge;

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{} {}", self.path, self.incarnation, self.kind)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("started"),
            Self::Ignored => f.write_str("has nothing to run"),
            Self::Crashed { reason, charge } => write!(f, "crashed: {reason}{}", Place(*charge)),
            Self::Restarted { latency } => write!(f, "restarted within {:?}", latency.caught_to_ready),
            Self::StartFailed { reason, charge } => write!(f, "failed to start: {reason}{}", Place(*charge)),
            Self::Stopped { reason } => write!(f, "stopped: {reason}"),
            Self::Escalated { report } => write!(f, "gives up: {report}"),
            Self::AutoShutdown { child } => write!(f, "shuts down, since {child} has done its work"),
            Self::Degraded { report } => write!(f, "runs degraded: {report}"),
            Self::Restored => f.write_str("restored"),
            Self::RestoreFailed { reason, retry_in } => {
                write!(f, "could not be restored: {reason}{}", Again(*retry_in))
            }
            Self::Probing { probation } => write!(f, "on trial for {probation:?}"),
            Self::ProbeFailed { reason, retry_in } => write!(f, "failed its trial: {reason}{}", Again(*retry_in)),
            Self::BackingOff { wait } => write!(f, "backs off for {wait:?}"),
            Self::Unresponsive => f.write_str("unresponsive: its slot is taken away from it, and what it holds leaks"),
            Self::AllWorkersStuck { workers } => write!(f, "all {workers} threads of a runtime are stuck"),
        }
    }
}

/// Where in the restart intensity a failure stands, if it was charged.
struct Place(Option<Charge>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Charge { k, limit, period, .. }) = self.0 else { return Ok(()) };
        write!(f, " (restart {k} of {limit} within {period:?})")
    }
}

/// When something is tried again, if it is.
struct Again(Option<Duration>);

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |wait| write!(f, "; again in {wait:?}"))
    }
}
