//! The alerts that stand now and the last ones that ended.
//!
//! The board outlives the aggregator, so that `telemetry off` can be read while telemetry is off.
//! Raising what already stands, or clearing what does not, changes nothing and logs nothing: the
//! aggregator and a watcher outside telemetry may both report.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tembusu::{Event, EventKind, ExitReason, Kind, NodeSnapshot, State};
use tokio::sync::broadcast;

use crate::alert::{Alert, Cause, Severity, cause_of, locate};

/// How many ended alerts are kept for an operator to read.
pub const ALERTS_ENDED_MAX: usize = 256;

/// How many events a subscriber may lag behind before it loses the oldest.
pub const ALERT_EVENTS_KEPT: usize = 256;

/// What is told to subscribers.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AlertEvent {
    /// The alert stands.
    Raised(Alert),
    /// It has ended.
    Ended(Alert),
}

/// The alerts of one process.
#[derive(Debug)]
pub struct AlertBoard {
    alerts: Mutex<Alerts>,
    events: broadcast::Sender<AlertEvent>,
}

#[derive(Debug, Default)]
struct Alerts {
    standing: BTreeMap<String, Alert>,
    ended: VecDeque<Alert>,
    raised: BTreeMap<Cause, u64>,
}

impl AlertBoard {
    /// Makes an empty board.
    pub fn new() -> Arc<AlertBoard> {
        Arc::new(AlertBoard { alerts: Mutex::default(), events: broadcast::Sender::new(ALERT_EVENTS_KEPT) })
    }

    /// Tells of every alert raised or ended from now on, in order. Who lags behind is told how much it missed, and
    /// finds the rest on the board.
    pub fn subscribe(&self) -> broadcast::Receiver<AlertEvent> {
        self.events.subscribe()
    }

    /// Returns the alerts that stand now, by path.
    pub fn standing(&self) -> Vec<Alert> {
        self.lock().standing.values().cloned().collect()
    }

    /// Returns the alerts that ended, the latest first.
    pub fn ended(&self) -> Vec<Alert> {
        self.lock().ended.iter().rev().cloned().collect()
    }

    /// Returns how often each cause was raised since the process started.
    pub fn raised(&self) -> Vec<(Cause, u64)> {
        self.lock().raised.iter().map(|(cause, count)| (*cause, *count)).collect()
    }

    /// Raises an alert for `subtree`, unless the same one stands already; another one that stands
    /// for the same subtree ends with it.
    pub fn raise(&self, cause: Cause, subtree: &str, detail: String, at: SystemTime) {
        let mut alerts = self.lock();
        if alerts.standing.get(subtree).is_some_and(|standing| standing.cause == cause) {
            return;
        }
        self.end(&mut alerts, subtree, at);
        let severity = cause.severity();
        let (severity_label, cause_label) = (severity.label(), cause.label());
        let advice = cause.advice();
        match severity {
            Severity::Critical => {
                tracing::error!(severity = severity_label, cause = cause_label, subtree, detail, "alert: {advice}");
            }
            Severity::Warning => {
                tracing::warn!(severity = severity_label, cause = cause_label, subtree, detail, "alert: {advice}");
            }
        }
        *alerts.raised.entry(cause).or_default() += 1;
        let alert = Alert { severity, cause, subtree: subtree.to_owned(), detail, at, cleared_at: None };
        alerts.standing.insert(subtree.to_owned(), alert.clone());
        // Nobody may be listening.
        let _ = self.events.send(AlertEvent::Raised(alert));
    }

    /// Ends the alert that stands for `subtree`, if one does.
    pub fn clear(&self, subtree: &str, at: SystemTime) {
        self.end(&mut self.lock(), subtree, at);
    }

    /// Follows one event of the tree, so that an alert stands with the time of its event. What ends without
    /// an event of its own is found by [`AlertBoard::reconcile`].
    pub fn observe(&self, event: &Event) {
        let (place, subtree) = locate(&event.path);
        let at_its_head = subtree == &*event.path;
        match &event.kind {
            EventKind::Degraded { report } => {
                if let Some(cause) = cause_of(place, State::Degraded, true) {
                    self.raise(cause, subtree, report.to_string(), event.at);
                }
            }
            EventKind::Stopped { reason: reason @ ExitReason::Exhausted(_) } if at_its_head => {
                if let Some(cause) = cause_of(place, State::Stopped, true) {
                    self.raise(cause, subtree, reason.to_string(), event.at);
                }
            }
            EventKind::Restored if at_its_head => {
                self.clear(subtree, event.at);
            }
            _ => {}
        }
    }

    /// Brings the board in line with the tree itself, after events were missed or by a watcher
    /// that does not follow them.
    pub fn reconcile(&self, root: &NodeSnapshot) {
        let standing: BTreeMap<_, _> = root.walk().filter_map(alert_of).collect();
        let on_its_way: BTreeSet<&str> =
            root.walk().filter(|node| is_on_its_way(node)).map(|node| &*node.path).collect();
        let now = SystemTime::now();
        for alert in self.standing() {
            let of_the_tree = alert.cause.is_of_the_tree();
            let subtree = alert.subtree.as_str();
            if of_the_tree && !standing.contains_key(subtree) && !on_its_way.contains(subtree) {
                self.clear(&alert.subtree, now);
            }
        }
        for (subtree, (cause, detail)) in standing {
            self.raise(cause, subtree, detail, now);
        }
    }

    fn end(&self, alerts: &mut Alerts, subtree: &str, at: SystemTime) {
        let Some(mut alert) = alerts.standing.remove(subtree) else { return };
        tracing::info!(cause = alert.cause.label(), subtree, "alert ended");
        alert.cleared_at = Some(at);
        if alerts.ended.len() == ALERTS_ENDED_MAX {
            alerts.ended.pop_front();
        }
        alerts.ended.push_back(alert.clone());
        let _ = self.events.send(AlertEvent::Ended(alert));
    }

    fn lock(&self) -> MutexGuard<'_, Alerts> {
        self.alerts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Between one state that lasts and the next, as at the begin and the end of a trial: what stands for it is not over.
fn is_on_its_way(node: &NodeSnapshot) -> bool {
    node.kind == Kind::Supervisor
        && matches!(node.state, State::Waiting | State::Starting | State::Restarting | State::Stopping)
}

/// The alert that a node stands for, by the path that it is raised for.
fn alert_of(node: &NodeSnapshot) -> Option<(&str, (Cause, String))> {
    if node.kind != Kind::Supervisor {
        return None;
    }
    let (place, subtree) = locate(&node.path);
    let exhausted = matches!(node.last_exit, Some(ExitReason::Exhausted(_)));
    let cause = cause_of(place, node.state, exhausted)?;
    let detail = node.last_exit.as_ref().map(ToString::to_string).unwrap_or_default();
    Some((subtree, (cause, detail)))
}
