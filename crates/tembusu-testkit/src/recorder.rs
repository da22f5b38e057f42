//! The events of a tree, one line each, in order.
//!
//! A line leaves out what no test can know beforehand: times and texts of errors.

use std::fmt::Write;

use tembusu::{Charge, Event, EventKind, Events, EventsError, SupervisorRef};
use tokio::time::timeout;

use crate::world::PATIENCE;

/// Reads a subscription; loses nothing unless the subscription does.
#[derive(Debug)]
pub struct EventRecorder {
    events: Events,
}

impl EventRecorder {
    /// Records from now on what happens in the tree of `supervisor`.
    #[must_use]
    pub fn of(supervisor: &SupervisorRef) -> Self {
        Self { events: supervisor.events() }
    }

    /// The next event.
    ///
    /// # Panics
    ///
    /// When none comes within [`PATIENCE`], or the subscription lagged or was closed.
    pub async fn next(&mut self) -> Event {
        match timeout(PATIENCE, self.events.recv()).await {
            Ok(Ok(event)) => event,
            Ok(Err(error)) => panic!("no next event: {error}"),
            Err(_) => panic!("no next event within {PATIENCE:?}"),
        }
    }

    /// Waits for an event, skipping those before it.
    ///
    /// # Panics
    ///
    /// As [`next`](Self::next).
    pub async fn wait_for(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.next().await;
            if wanted(&event) {
                return event;
            }
        }
    }

    /// Waits for an event with this [line](line()), skipping those before it.
    ///
    /// # Panics
    ///
    /// When it does not come, with what came instead.
    pub async fn wait_for_line(&mut self, wanted: &str) -> Event {
        let mut skipped = Vec::new();
        loop {
            let Ok(Ok(event)) = timeout(PATIENCE, self.events.recv()).await else {
                panic!("{wanted:?} did not come; there were {skipped:#?}");
            };
            if line(&event) == wanted {
                return event;
            }
            skipped.push(line(&event));
        }
    }

    /// Waits for as many events as there are lines, and compares them one by one.
    ///
    /// # Panics
    ///
    /// When another event comes, or none.
    #[track_caller]
    pub fn expect<'a>(&'a mut self, lines: &'a [&'a str]) -> impl Future<Output = ()> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let mut seen = Vec::new();
            for wanted in lines {
                let next = timeout(PATIENCE, self.events.recv()).await;
                let Ok(Ok(event)) = next else { panic!("{at}: {wanted:?} did not come after {seen:#?}: {next:?}") };
                seen.push(line(&event));
                assert!(seen.last().is_some_and(|seen| seen == wanted), "{at}: {wanted:?} was expected: {seen:#?}");
            }
        }
    }

    /// What has come and was not read yet.
    ///
    /// # Panics
    ///
    /// When the subscription lagged.
    pub fn take(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(next) = self.events.try_recv() {
            match next {
                Ok(event) => lines.push(line(&event)),
                Err(EventsError::Closed) => break,
                Err(error) => panic!("{error}"),
            }
        }
        lines
    }

    /// Reads until the tree is gone.
    ///
    /// # Panics
    ///
    /// When that takes longer than [`PATIENCE`], or the subscription lagged.
    pub async fn rest(mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match timeout(PATIENCE, self.events.recv()).await {
                Ok(Ok(event)) => lines.push(line(&event)),
                Ok(Err(EventsError::Closed)) => return lines,
                other => panic!("{other:?} after {lines:#?}"),
            }
        }
    }
}

/// An event as a line: `root/a#1 crashed panic 1/2` is the first of two failures that are granted; one that was
/// not charged has no figures.
#[must_use]
pub fn line(event: &Event) -> String {
    let mut line = format!("{}#{} ", event.path, event.incarnation);
    let written = match &event.kind {
        EventKind::Started => write!(line, "started"),
        EventKind::Ignored => write!(line, "ignored"),
        EventKind::Crashed { reason, charge } => write!(line, "crashed {}{}", reason.label(), figures(charge)),
        EventKind::Restarted { .. } => write!(line, "restarted"),
        EventKind::StartFailed { reason, charge } => write!(line, "start failed {}{}", reason.label(), figures(charge)),
        EventKind::Stopped { reason } => write!(line, "stopped {}", reason.label()),
        EventKind::Escalated { report } => write!(line, "escalated by {}", report.child),
        EventKind::AutoShutdown { child } => write!(line, "auto shutdown by {child}"),
        EventKind::Degraded { report } => write!(line, "degraded by {}", report.child),
        EventKind::Restored => write!(line, "restored"),
        EventKind::RestoreFailed { reason, .. } => write!(line, "restore failed {}", reason.label()),
        EventKind::Probing { .. } => write!(line, "probing"),
        EventKind::ProbeFailed { reason, .. } => write!(line, "probe failed {}", reason.label()),
        EventKind::BackingOff { .. } => write!(line, "backing off"),
        EventKind::Unresponsive => write!(line, "unresponsive"),
        other => write!(line, "{other:?}"),
    };
    written.expect("a String takes any text");
    line
}

fn figures(charge: &Option<Charge>) -> String {
    charge.map_or_else(String::new, |charge| format!(" {}/{}", charge.k, charge.limit))
}
