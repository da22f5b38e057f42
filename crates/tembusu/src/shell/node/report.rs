//! What a supervisor says of what happens: events for whoever listens, and what is kept of them when nobody does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use super::{Last, Node};
use crate::core::{ChildKey, Generation, Happening};
use crate::event::{Event, EventKind, Latency};
use crate::exit::ExitReason;
use crate::later;
use crate::shell::member::Member;
use crate::shell::tree::Shared;

impl Node {
    /// The wall clock is read when observers are told: see [`Shared::flush`].
    pub(super) fn report(
        &self,
        shared: &Shared,
        instant: Instant,
        key: ChildKey,
        generation: Generation,
        what: Happening,
        last: &mut Last,
    ) {
        if !shared.events().is_heard() {
            return self.nobody_hears(instant, key, what, last);
        }
        let member = self.recall(key, last);
        let path = self.path_of(member);
        let kind = match what {
            Happening::Started { after_crash: true } => match member.and_then(latency) {
                Some(latency) => EventKind::Restarted { latency },
                None => EventKind::Started,
            },
            Happening::Started { after_crash: false } => EventKind::Started,
            Happening::Ignored => EventKind::Ignored,
            Happening::Crashed { reason, charge } => EventKind::Crashed { reason, charge },
            Happening::StartFailed { reason, charge } => EventKind::StartFailed { reason, charge },
            Happening::Stopped { reason } => EventKind::Stopped { reason },
            Happening::Exhausted { report } => {
                return self.note_own(shared, instant, EventKind::Escalated { report });
            }
            Happening::AutoShutdown => {
                return self.note_own(shared, instant, EventKind::AutoShutdown { child: path });
            }
            Happening::Degraded { report } => EventKind::Degraded { report },
            Happening::Restored => EventKind::Restored,
            Happening::RestoreFailed { reason, retry_in } => EventKind::RestoreFailed { reason, retry_in },
            Happening::Probing { probation } => EventKind::Probing { probation },
            Happening::ProbeFailed { reason, retry_in } => EventKind::ProbeFailed { reason, retry_in },
            Happening::BackingOff { wait } => EventKind::BackingOff { wait },
            Happening::Unresponsive => EventKind::Unresponsive,
        };
        shared.note(Event { path, incarnation: generation, at: SystemTime::UNIX_EPOCH, instant, kind });
    }

    /// What is kept of what nobody is told: when a child ended, for whoever listens by the time that it is back.
    fn nobody_hears(&self, instant: Instant, key: ChildKey, what: Happening, last: &mut Last) {
        if let Happening::Crashed { reason, .. } | Happening::StartFailed { reason, .. } = &what
            // That of a panic is known better.
            && !matches!(reason, ExitReason::Panic { .. })
            && let Some(Member::Worker(slot)) = self.recall(key, last)
        {
            slot.ended_at(instant);
        }
        let_go(what);
    }

    /// What happened to this supervisor itself.
    fn note_own(&self, shared: &Shared, instant: Instant, kind: EventKind) {
        let incarnation = self.generation.load(Ordering::Acquire);
        shared.note(Event { path: Arc::clone(self.path()), incarnation, at: SystemTime::UNIX_EPOCH, instant, kind });
    }

    pub(in crate::shell) fn child_path(&self, key: ChildKey) -> Arc<str> {
        self.path_of(self.member(key).as_ref())
    }

    fn path_of(&self, member: Option<&Member>) -> Arc<str> {
        match member {
            Some(Member::Worker(slot)) => Arc::clone(slot.path()),
            Some(Member::Supervisor(nested)) => Arc::clone(nested.normal.path()),
            None => format!("{}/?", self.path()).into(),
        }
    }
}

/// What nobody is told may hold the last reference to an error of a user's.
fn let_go(what: Happening) {
    match what {
        Happening::Crashed { reason, .. }
        | Happening::StartFailed { reason, .. }
        | Happening::Stopped { reason }
        | Happening::RestoreFailed { reason, .. }
        | Happening::ProbeFailed { reason, .. } => match reason {
            // The core has it as the child's last reason, or it lies in the bin.
            ExitReason::Error(ref error) if Arc::strong_count(error) > 1 => {}
            ExitReason::Error(_) | ExitReason::Exhausted(_) | ExitReason::FailedToStart(_) => {
                later::drop_reason(reason)
            }
            _ => {}
        },
        Happening::Exhausted { report } | Happening::Degraded { report } => {
            later::drop_reason(ExitReason::Exhausted(report));
        }
        Happening::Started { .. }
        | Happening::Ignored
        | Happening::AutoShutdown
        | Happening::Restored
        | Happening::Probing { .. }
        | Happening::BackingOff { .. }
        | Happening::Unresponsive => {}
    }
}

/// How long the restart took that has just ended.
fn latency(member: &Member) -> Option<Latency> {
    let Member::Worker(slot) = member else { return None };
    let ended = slot.take_end()?;
    Some(Latency {
        crash_to_caught: ended.raised.map(|raised| ended.caught.saturating_duration_since(raised)),
        caught_to_ready: ended.caught.elapsed(),
    })
}
