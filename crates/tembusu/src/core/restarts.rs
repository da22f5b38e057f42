//! Starting and stopping one child, charging a failure, and restarting by strategy.
//!
//! What concerns a group is done by driving a [`Pass`]; nothing here waits, and nothing is started twice.

use std::sync::Arc;

use super::children::{Intent, Uptime};
use super::mutations::{self, Mutation};
use super::pass::{Pass, Step};
use super::{
    Child, ChildKey, ChildState, Core, Effect, Generation, Happening, Mode, Outcome, Phase, QueueFate, Rank, Refused,
    RequestId,
};
use crate::exit::{Charge, ExitReason};
use crate::spec::policy::{Restart, Shutdown, Strategy};

impl Core {
    /// Begins an incarnation.
    pub(super) fn start_child(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get_mut(key) else { return };
        debug_assert!(!child.state.is_alive(), "a child has one incarnation at a time");
        child.generation += 1;
        child.timed_out = false;
        child.at_rest = false;
        child.uptime = Uptime::None;
        child.if_unusual(|unusual| {
            unusual.retry_at = None;
            unusual.trusted_at = None;
        });
        if std::mem::take(&mut child.closed) {
            effects.push(Effect::Queue { key, fate: QueueFate::Reopen });
        }
        let (generation, timeout) = (child.generation, child.policy.init_timeout);
        let mode = self.mode_of_start(key);
        let until = timeout.map(|timeout| self.wait_for(key, timeout));
        if let Some(child) = self.children.get_mut(key) {
            child.state = ChildState::Starting { until };
        }
        effects.push(Effect::Start { key, generation, mode });
    }

    /// Asks an incarnation to end; one that is still in `init` has nothing to stop and is killed.
    pub(super) fn stop_child(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get(key) else { return };
        let shutdown = child.policy.shutdown;
        match (child.state, shutdown) {
            (ChildState::Running { .. }, Shutdown::Kill) => self.kill(key, effects),
            (ChildState::Starting { .. }, _) if !child.is_supervisor() => self.kill(key, effects),
            (ChildState::Running { .. } | ChildState::Starting { .. }, _) => {
                let until = match shutdown {
                    Shutdown::Within(budget) => Some(self.wait_for(key, budget)),
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

    /// Ends an incarnation at once. A supervisor has no deadline for that: it ends when its children have, whose
    /// deadlines begin now.
    pub(super) fn kill(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get(key).filter(|child| child.state.is_alive()) else { return };
        let grace = (!child.is_supervisor()).then_some(super::KILL_GRACE);
        let until = grace.map(|grace| self.wait_for(key, grace));
        if let Some(child) = self.children.get_mut(key) {
            child.state = ChildState::Killing { until };
        }
        effects.push(Effect::Kill { key });
    }

    /// Charges a failure and reports it; when it is one too many, ends this supervisor and returns false.
    pub(super) fn charge(
        &mut self,
        key: ChildKey,
        generation: Generation,
        reason: ExitReason,
        what: fn(ExitReason, Option<Charge>) -> Happening,
        effects: &mut Vec<Effect>,
    ) -> bool {
        self.remember(key, &reason, effects);
        if mutations::is(Mutation::ChargesTwice) {
            let _ = self.intensity.charge(self.now);
        }
        let granted = if self.on_trial { None } else { self.intensity.charge(self.now).ok() };
        if let Some(charge) = granted {
            self.report(key, generation, what(reason, Some(charge)), effects);
            return true;
        }
        let report = Arc::new(self.report_of(key, &reason));
        self.report(key, generation, what(reason, None), effects);
        self.report(key, generation, Happening::Exhausted { report: Arc::clone(&report) }, effects);
        self.end(ExitReason::Exhausted(report), effects);
        false
    }

    /// Restarts after a charged failure of `key`, as the strategy says.
    pub(super) fn restart_from(&mut self, key: ChildKey, failed_to_start: bool, effects: &mut Vec<Effect>) {
        if let Some(child) = self.children.get_mut(key) {
            child.crashed = true;
        }
        let not_before = self.wait_before_restart(key, effects);
        let from = match self.strategy {
            Strategy::OneForOne => return self.start_not_before(key, not_before, effects),
            Strategy::OneForAll if mutations::is(Mutation::LeavesSiblingsRunning) => self.children.rank(key),
            Strategy::RestForOne if mutations::is(Mutation::RestartsTheEarlier) => Rank::FIRST,
            Strategy::OneForAll => Rank::FIRST,
            Strategy::RestForOne => self.children.rank(key),
        };
        self.await_no_end();
        // A pass in progress goes back to stopping; earlier members that are up again stay up.
        let first = self.pass.is_some_and(|pass| pass.first);
        if !mutations::is(Mutation::LeavesTheDownDown) {
            self.children.rouse(from);
        }
        let retried = failed_to_start.then_some(key);
        let not_before = not_before.max(self.pass.and_then(|pass| pass.not_before));
        let step = Step::Stop { end: Rank::END };
        self.pass = Some(Pass { from, step, first, retried, not_before });
        self.advance(effects);
    }

    /// Starts a child, unless the pass in progress is to start it in its turn.
    pub(super) fn start_in_turn(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        if self.pass_will_reach(key) {
            self.advance(effects);
        } else {
            self.start_child(key, effects);
        }
    }

    /// Ends the attempts to bring back a group from `first` on: whom the pass has not reached stays down, but for
    /// what an operator waits for (OTP's `hanging_restart_loop_rest_for_one`).
    pub(super) fn give_up_from(&mut self, first: Rank, effects: &mut Vec<Effect>) {
        let Some(pass) = &mut self.pass else { return };
        pass.retried = None;
        let unreached: Vec<ChildKey> = self
            .children
            .from(first)
            .filter(|child| !child.state.is_alive() && !child.is_vacant() && !child.at_rest && child.intent.is_none())
            .map(|child| child.key)
            .collect();
        for key in unreached {
            self.put_away(key, effects);
        }
    }

    /// Drives the pass as far as it goes without waiting.
    pub(super) fn advance(&mut self, effects: &mut Vec<Effect>) {
        while let (Some(pass), Phase::Running) = (self.pass, &self.phase) {
            match pass.step {
                Step::Stop { end } => {
                    if let Some(last) = self.stop_last_of(pass.from, end, effects) {
                        self.pass = Some(Pass { step: Step::Stop { end: last.next() }, ..pass });
                        return;
                    }
                    self.pass = Some(Pass { step: Step::Stop { end: pass.from }, ..pass });
                    if self.pass_waits(pass) {
                        return;
                    }
                    self.pass = Some(Pass { step: Step::Start { next: pass.from }, not_before: None, ..pass });
                }
                Step::Start { next } => {
                    let Some(child) = self.children.from(next).next() else {
                        self.pass = None;
                        if !self.complete {
                            self.complete = true;
                            effects.push(Effect::Up(Outcome::Started));
                        }
                        return self.restore_those_due(effects);
                    };
                    let (key, rank) = (child.key, child.rank);
                    let has_none = child.is_vacant() || child.at_rest;
                    match child.state {
                        ChildState::Starting { .. } | ChildState::Stopping { .. } | ChildState::Killing { .. } => {
                            return;
                        }
                        ChildState::Idle if !has_none => {
                            self.pass = Some(Pass { step: Step::Start { next: rank }, ..pass });
                            self.start_child(key, effects);
                            return;
                        }
                        ChildState::Idle | ChildState::Running { .. } => {
                            self.pass = Some(Pass { step: Step::Start { next: rank.next() }, ..pass });
                        }
                    }
                }
            }
        }
    }

    /// Stops the members before `end` one by one, the last first: the one that is waited for, or `None` when no
    /// member is left alive.
    fn stop_last_of(&mut self, from: Rank, end: Rank, effects: &mut Vec<Effect>) -> Option<Rank> {
        let Some(child) = self.children.last_alive(from, end) else {
            self.drop_temporaries(from, effects);
            return None;
        };
        let (key, rank, state) = (child.key, child.rank, child.state);
        if matches!(state, ChildState::Starting { .. } | ChildState::Running { .. }) {
            if let Some(child) = self.children.get_mut(key) {
                debug_assert!(child.intent.is_none() || matches!(state, ChildState::Starting { .. }));
                if child.intent.is_none() {
                    child.intent = Some(Intent::GroupStop);
                }
            }
            self.stop_child(key, effects);
        }
        Some(rank)
    }

    /// A group restart never revives a temporary child (OTP's `temporary_bystander`).
    fn drop_temporaries(&mut self, from: Rank, effects: &mut Vec<Effect>) {
        let temporaries: Vec<ChildKey> = self
            .children
            .from(from)
            .filter(|child| child.policy.restart == Restart::Temporary && self.is_bystander(child))
            .filter(|_| !mutations::is(Mutation::RevivesTemporaries))
            .map(|child| child.key)
            .collect();
        for key in temporaries {
            self.remove(key, effects);
        }
    }

    /// One that waits for its first start is no bystander; one that a change has added, and nobody has started, is.
    pub(super) fn is_bystander(&self, child: &Child) -> bool {
        let waits = child.intent.is_some() || self.pass.is_some_and(|pass| pass.first);
        !(child.fresh && waits)
    }

    /// Closes the queue of a child that has ended and may be restarted by request.
    pub(super) fn close(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        if let Some(child) = self.children.get_mut(key) {
            child.closed = true;
            child.at_rest = true;
            effects.push(Effect::Queue { key, fate: QueueFate::Close });
        }
    }

    /// Removes a child with its specification.
    pub(super) fn remove(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get_mut(key) else { return };
        debug_assert!(!child.state.is_alive(), "only what has ended is removed");
        let asked = child.intent.take().and_then(Intent::request);
        effects.push(Effect::Queue { key, fate: QueueFate::CloseForGood });
        if child.is_static {
            child.present = false;
            child.closed = true;
        } else {
            self.forget_child(key, effects);
        }
        answer(asked, Err(Refused::Stopping), effects);
    }

    pub(super) fn started(&mut self, key: ChildKey, generation: Generation, effects: &mut Vec<Effect>) {
        let now = self.now;
        let Some(child) = self.children.get_mut(key).filter(|child| child.generation == generation) else { return };
        if !matches!(child.state, ChildState::Starting { .. }) {
            // It was told to stop meanwhile; its exit is on the way.
            return;
        }
        child.state = ChildState::Running { since: now };
        child.uptime = Uptime::Since(now);
        child.fresh = false;
        let after_crash = std::mem::take(&mut child.crashed);
        if after_crash {
            child.restarts += 1;
        }
        let significant = child.policy.significant;
        let intent = child.intent.take();
        let restored = matches!(intent, Some(Intent::RestoreStart(_))) && child.mode == Mode::Normal;
        if restored {
            child.unusual_mut().restored_at = Some(now);
        }
        if significant {
            self.await_no_end();
        }
        self.report(key, generation, Happening::Started { after_crash }, effects);
        if restored {
            self.report(key, generation, Happening::Restored, effects);
        }
        self.on_probation(key, effects);
        answer(intent.and_then(Intent::request), Ok(()), effects);
        self.advance(effects);
    }
}

/// Answers a request, if there is one.
pub(super) fn answer(id: Option<RequestId>, result: Result<(), Refused>, effects: &mut Vec<Effect>) {
    if let Some(id) = id {
        effects.push(Effect::Answer { id, result });
    }
}
