//! The last failures that were charged: what a report of exhaustion is made from.
//!
//! Bounded, and cheap to add to: paths are put together only when a report is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::{Child, ChildKey, Core, Effect, Generation, Time};
use crate::exit::{ExitReason, FAILURES_REPORTED, Failure, Report};
use crate::panics;

/// One failure.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Past {
    child: Arc<str>,
    generation: Generation,
    reason: ExitReason,
    at: Time,
    ran_for: Option<Duration>,
}

/// The last failures, the oldest first.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct History {
    failures: VecDeque<Past>,
}

impl Drop for History {
    /// With a supervisor that ended some other way than by starting anew. One after the other: errors are a user's, and
    /// two that panic when they are dropped would end the process.
    fn drop(&mut self) {
        for past in self.failures.drain(..) {
            panics::drop_quietly(past);
        }
    }
}

impl Drop for Core {
    /// Like its history: each child knows why it ended.
    fn drop(&mut self) {
        for key in self.children.keys() {
            if let Some(child) = self.children.get_mut(key) {
                panics::drop_quietly(child.last_exit.take());
            }
        }
    }
}

impl Core {
    /// Keeps a failure; the one that it displaces is dropped by the shell, since errors are a user's.
    pub(super) fn remember(&mut self, key: ChildKey, reason: &ExitReason, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get(key) else { return };
        let past = Past {
            child: Arc::clone(&child.name),
            generation: child.generation,
            reason: reason.clone(),
            at: self.now,
            ran_for: child.uptime.of_ended(),
        };
        let failures = &mut self.history.failures;
        if failures.len() == FAILURES_REPORTED
            && let Some(oldest) = failures.pop_front()
        {
            discard(oldest.reason, effects);
        }
        failures.push_back(past);
    }

    /// A supervisor that starts anew, or is trusted again, begins with a clean record.
    pub(super) fn forget_failures(&mut self, effects: &mut Vec<Effect>) {
        for past in self.history.failures.drain(..) {
            discard(past.reason, effects);
        }
    }

    /// A child is gone, and why it last ended is nobody's business any more.
    pub(super) fn forget_child(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        let last_exit = self.children.remove(key).and_then(|mut child| child.last_exit.take());
        effects.push(Effect::Removed { key });
        if let Some(reason) = last_exit {
            discard(*reason, effects);
        }
    }

    /// What used the intensity up; the last failure, which was one too many, has just been remembered.
    pub(super) fn report_of(&self, key: ChildKey, reason: &ExitReason) -> Report {
        let path = |name: &str| -> Arc<str> { format!("{}/{name}", self.path).into() };
        let (limit, period) = (if self.on_trial { 0 } else { self.intensity.limit() }, self.intensity.period());
        let child = self.children.get(key);
        let counted = |past: &&Past| past.at.saturating_add(period) >= self.now;
        let last = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
        let failures: Vec<Failure> = self.history.failures.iter().filter(counted).map(|past| self.told(past)).collect();
        let failures = failures[failures.len().saturating_sub(last)..].to_vec();
        let omitted = limit.saturating_add(1).saturating_sub(u32::try_from(failures.len()).unwrap_or(u32::MAX));
        Report {
            supervisor: Arc::clone(&self.path),
            child: path(child.map_or("?", |child| &child.name)),
            incarnation: child.map_or(0, |child| child.generation),
            reason: reason.clone(),
            limit,
            period,
            failures,
            omitted,
        }
    }

    fn told(&self, past: &Past) -> Failure {
        Failure {
            child: format!("{}/{}", self.path, past.child).into(),
            incarnation: past.generation,
            reason: past.reason.clone(),
            ago: self.now.saturating_sub(past.at),
            ran_for: past.ran_for,
        }
    }
}

impl Child {
    /// Why its last incarnation ended; the one before is dropped by the shell.
    pub(super) fn note_exit(&mut self, reason: &ExitReason, effects: &mut Vec<Effect>) {
        match &mut self.last_exit {
            None => self.last_exit = Some(Box::new(reason.clone())),
            Some(last) => discard(std::mem::replace(&mut **last, reason.clone()), effects),
        }
    }
}

/// Lets the shell drop what may be the last reference to an error of a user: no code of a user runs here.
fn discard(reason: ExitReason, effects: &mut Vec<Effect>) {
    match reason {
        // Each of them leads to an error, or may.
        ExitReason::Error(_) | ExitReason::Exhausted(_) | ExitReason::Linked(_) | ExitReason::FailedToStart(_) => {
            effects.push(Effect::Discard(reason));
        }
        _ => {}
    }
}
