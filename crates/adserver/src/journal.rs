//! The journal: one log line for each crash, and for what became of it.
//!
//! It follows the tree from outside, so that no crash in it takes the lines along. It never holds the tree up: what
//! comes faster than it writes is lost, and it says how much.

use tembusu::{Event, EventKind, Events, EventsError, SupervisorRef};

/// The actor whose crashes leave a payload.
const ENGINE: &str = "/bid_engine";

/// Writes the events of one tree to the log.
#[derive(Debug)]
pub struct Journal {
    events: Events,
}

impl Journal {
    /// Follows `tree` from now on.
    pub fn of(tree: &SupervisorRef) -> Journal {
        Journal { events: tree.events() }
    }

    /// Waits for one event and writes it; false once the tree is gone.
    ///
    /// # Cancel safety
    ///
    /// No event is lost by dropping the wait.
    pub async fn next(&mut self) -> bool {
        let next = self.events.recv().await;
        write(next)
    }

    /// Writes what has happened up to now.
    pub fn catch_up(&mut self) {
        while self.events.try_recv().is_some_and(write) {}
    }
}

/// Writes one line; false if there will be no further one.
fn write(next: Result<Event, EventsError>) -> bool {
    match next {
        Ok(event) => line(&event),
        Err(EventsError::Lagged(lost)) => tracing::warn!(lost, "events of the tree came too fast to be written"),
        Err(_) => return false,
    }
    true
}

fn line(event: &Event) {
    let (path, incarnation) = (&*event.path, event.incarnation);
    match &event.kind {
        EventKind::Crashed { reason, charge } => {
            let restart = charge.as_ref().map(|charge| format!("{} of {}", charge.k, charge.limit));
            let payload = path.ends_with(ENGINE).then_some("GET /crash-payloads, under this path and incarnation");
            tracing::warn!(path, incarnation, %reason, restart, payload, "crashed");
        }
        EventKind::Restarted { latency } => {
            tracing::info!(path, incarnation, took = ?latency.caught_to_ready, "restarted");
        }
        EventKind::StartFailed { reason, .. } => tracing::warn!(path, incarnation, %reason, "start failed"),
        EventKind::Escalated { report } => tracing::error!(path, incarnation, %report, "escalated"),
        EventKind::Degraded { report } => tracing::error!(path, incarnation, %report, "degraded"),
        EventKind::Restored => tracing::info!(path, incarnation, "restored"),
        EventKind::RestoreFailed { reason, retry_in } => {
            tracing::error!(path, incarnation, %reason, ?retry_in, "restore failed");
        }
        EventKind::Unresponsive => tracing::error!(path, incarnation, "unresponsive; what it holds leaks"),
        // Starts and orderly ends are no news.
        _ => {}
    }
}
