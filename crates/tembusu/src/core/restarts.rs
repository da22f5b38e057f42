//! Starting, and restarting by strategy: the group's state machine.
//!
//! A [`Pass`] first stops the members of a group in reverse start order, one after the other, then starts them
//! in order, each acknowledged before the next. Further failures feed the same pass: a member that dies while
//! the group is being stopped is absorbed; one that fails or dies later is charged and sends the pass back,
//! extending it to the left where needed. A pass is never overwritten by another and never waits without a
//! deadline.

use std::sync::Arc;

use super::children::Intent;
use super::{ChildKey, ChildState, Core, Effect, Happening, Outcome, Phase, QueueFate};
use crate::exit::{Charge, ExitReason, Report};
use crate::spec::policy::{Restart, Shutdown, Strategy};

/// A group restart, or the first start of all children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    /// The first member; the group reaches from here to the last child.
    pub(super) from: ChildKey,
    pub(super) step: Step,
    /// The first start: a child that fails to start fails the supervisor's start.
    pub(super) first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Members are being stopped, the last one first.
    Stop,
    /// Members before `next` have been started.
    Start { next: ChildKey },
}

impl Pass {
    pub(super) fn first_start() -> Self {
        Self { from: ChildKey(0), step: Step::Start { next: ChildKey(0) }, first: true }
    }

    /// Whether a death of `key` is part of what this pass is doing anyway.
    pub(super) fn absorbs(&self, key: ChildKey) -> bool {
        self.step == Step::Stop && key >= self.from
    }

    /// Whether `key` is the member that is being started.
    pub(super) fn is_starting(&self, key: ChildKey) -> bool {
        self.step == Step::Start { next: key }
    }
}

impl Core {
    /// Begins an incarnation.
    pub(super) fn start_child(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get_mut(key) else { return };
        debug_assert!(!child.state.is_alive(), "a child has one incarnation at a time");
        child.generation += 1;
        child.timed_out = false;
        if std::mem::take(&mut child.closed) {
            effects.push(Effect::Queue { key, fate: QueueFate::Reopen });
        }
        let (generation, mode, timeout) = (child.generation, child.mode, child.policy.init_timeout);
        let until = timeout.map(|timeout| self.wait_for(timeout));
        if let Some(child) = self.children.get_mut(key) {
            child.state = ChildState::Starting { until };
        }
        effects.push(Effect::Start { key, generation, mode });
    }

    /// Asks an incarnation to end; one that is still in `init` has nothing to stop and is killed.
    pub(super) fn stop_child(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get(key) else { return };
        let shutdown = child.policy.shutdown;
        let is_worker = child.policy.init_timeout.is_some();
        match (child.state, shutdown) {
            (ChildState::Running { .. }, Shutdown::Kill) => self.kill(key, effects),
            (ChildState::Starting { .. }, _) if is_worker => self.kill(key, effects),
            (ChildState::Running { .. } | ChildState::Starting { .. }, _) => {
                let until = match shutdown {
                    Shutdown::Within(budget) => Some(self.wait_for(budget)),
                    Shutdown::Kill | Shutdown::Unlimited => None,
                };
                if let Some(child) = self.children.get_mut(key) {
                    child.state = ChildState::Stopping { until };
                }
                effects.push(Effect::Stop { key });
            }
            _ => {}
        }
    }

    pub(super) fn kill(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        let until = self.wait_for(super::KILL_GRACE);
        if let Some(child) = self.children.get_mut(key).filter(|child| child.state.is_alive()) {
            child.state = ChildState::Killing { until };
            effects.push(Effect::Kill { key });
        }
    }

    /// Charges a failure; when it is one too many, ends this supervisor and returns `None`.
    pub(super) fn charge(&mut self, key: ChildKey, reason: &ExitReason, effects: &mut Vec<Effect>) -> Option<Charge> {
        match self.intensity.charge(self.now) {
            Ok(charge) => Some(charge),
            Err(_) => {
                let (child, incarnation) = self.children.get(key).map_or_else(
                    || (self.path.clone(), 0),
                    |child| (format!("{}/{}", self.path, child.name).into(), child.generation),
                );
                let report = Report {
                    supervisor: self.path.clone(),
                    child,
                    incarnation,
                    reason: reason.clone(),
                    limit: self.intensity.limit(),
                    period: self.intensity.period(),
                };
                let report = Arc::new(report);
                let generation = self.children.get(key).map_or(0, |child| child.generation);
                self.report(key, generation, Happening::Crashed { reason: reason.clone(), charge: None }, effects);
                self.report(key, generation, Happening::Exhausted { report: Arc::clone(&report) }, effects);
                self.end(ExitReason::Exhausted(report), effects);
                None
            }
        }
    }

    /// Restarts after a charged failure of `key`, as the strategy says.
    pub(super) fn restart_from(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        if let Some(child) = self.children.get_mut(key) {
            child.crashed = true;
        }
        let from = match self.strategy {
            Strategy::OneForOne => {
                self.start_child(key, effects);
                return;
            }
            Strategy::OneForAll => ChildKey(0),
            Strategy::RestForOne => key,
        };
        // A pass in progress goes back to stopping; earlier members that are up again stay up.
        let first = self.pass.is_some_and(|pass| pass.first);
        self.pass = Some(Pass { from, step: Step::Stop, first });
        self.advance(effects);
    }

    /// Drives the pass as far as it goes without waiting.
    pub(super) fn advance(&mut self, effects: &mut Vec<Effect>) {
        while let (Some(pass), Phase::Running) = (self.pass, &self.phase) {
            match pass.step {
                Step::Stop => {
                    if !self.stop_last_of(pass.from, effects) {
                        return;
                    }
                    self.pass = Some(Pass { step: Step::Start { next: pass.from }, ..pass });
                }
                Step::Start { next } => {
                    let Some(child) = self.children.from(next).next() else {
                        self.pass = None;
                        if !self.complete {
                            self.complete = true;
                            effects.push(Effect::Up(Outcome::Started));
                        }
                        return;
                    };
                    let (key, alive, vacant) = (child.key, child.state.is_alive(), child.is_vacant());
                    match child.state {
                        ChildState::Starting { .. } | ChildState::Stopping { .. } | ChildState::Killing { .. } => return,
                        _ if alive || vacant => {
                            self.pass = Some(Pass { step: Step::Start { next: ChildKey(key.0 + 1) }, ..pass });
                        }
                        _ => {
                            self.pass = Some(Pass { step: Step::Start { next: key }, ..pass });
                            self.start_child(key, effects);
                            return;
                        }
                    }
                }
            }
        }
    }

    /// Stops the members one by one, the last first; true when none is left alive.
    fn stop_last_of(&mut self, from: ChildKey, effects: &mut Vec<Effect>) -> bool {
        let Some(child) = self.children.from(from).rev().find(|child| child.state.is_alive()) else {
            self.drop_temporaries(from, effects);
            return true;
        };
        let (key, state) = (child.key, child.state);
        if matches!(state, ChildState::Starting { .. } | ChildState::Running { .. }) {
            if let Some(child) = self.children.get_mut(key) {
                debug_assert!(child.intent.is_none() || matches!(state, ChildState::Starting { .. }));
                if child.intent.is_none() {
                    child.intent = Some(Intent::GroupStop);
                }
            }
            self.stop_child(key, effects);
        }
        false
    }

    /// A group restart never revives a temporary child (OTP's `temporary_bystander`).
    fn drop_temporaries(&mut self, from: ChildKey, effects: &mut Vec<Effect>) {
        let first = self.pass.is_some_and(|pass| pass.first);
        let temporaries: Vec<ChildKey> = self
            .children
            .from(from)
            .filter(|child| child.policy.restart == Restart::Temporary)
            // Under the first start a temporary that has not had its first start yet is not a bystander.
            .filter(|child| !(first && child.generation == 0))
            .map(|child| child.key)
            .collect();
        for key in temporaries {
            self.remove(key, effects);
        }
    }

    /// Closes the queue of a child that has ended and may be restarted by request.
    pub(super) fn close(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        if let Some(child) = self.children.get_mut(key) {
            child.closed = true;
            effects.push(Effect::Queue { key, fate: QueueFate::Close });
        }
    }

    /// Removes a child with its specification.
    pub(super) fn remove(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        effects.push(Effect::Queue { key, fate: QueueFate::CloseForGood });
        let Some(child) = self.children.get_mut(key) else { return };
        if child.is_static {
            child.present = false;
            child.closed = true;
            child.state = ChildState::Idle;
            child.intent = None;
        } else {
            self.children.remove(key);
            effects.push(Effect::Removed { key });
        }
    }

    pub(super) fn started(&mut self, key: ChildKey, generation: u64, effects: &mut Vec<Effect>) {
        let now = self.now;
        let Some(child) = self.children.get_mut(key).filter(|child| child.generation == generation) else { return };
        if !matches!(child.state, ChildState::Starting { .. }) {
            // It was told to stop meanwhile; its exit is on the way.
            return;
        }
        child.state = ChildState::Running { since: now };
        let after_crash = std::mem::take(&mut child.crashed);
        if after_crash {
            child.restarts += 1;
        }
        let intent = child.intent.take();
        if let Some(Intent::RestoreStart(_)) = intent {
            child.restored_at = Some(now);
        }
        self.report(key, generation, Happening::Started { after_crash }, effects);
        match intent {
            Some(Intent::RestoreStart(id)) => {
                self.report(key, generation, Happening::Restored, effects);
                answer(id, Ok(()), effects);
            }
            Some(Intent::Add(id) | Intent::Restart(id)) => answer(Some(id), Ok(()), effects),
            _ => {}
        }
        self.advance(effects);
    }
}

/// Answers a request, if there is one.
pub(super) fn answer(
    id: Option<super::RequestId>,
    result: Result<(), super::Refused>,
    effects: &mut Vec<Effect>,
) {
    if let Some(id) = id {
        effects.push(Effect::Answer { id, result });
    }
}
