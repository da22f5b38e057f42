//! What follows when an incarnation has ended.

use std::sync::Arc;

use super::children::{Exhaustion, Intent};
use super::mutations::{self, Mutation};
use super::restarts::answer;
use super::{
    Child, ChildKey, ChildState, Core, Effect, Generation, Happening, InitTimedOut, Mode, Phase, QueueFate, Refused,
};
use crate::exit::{Charge, ExitReason, StartFailure};
use crate::spec::policy::Restart;

impl Core {
    pub(super) fn ignored(&mut self, key: ChildKey, generation: Generation, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get_mut(key).filter(|child| child.generation == generation) else { return };
        if !matches!(child.state, ChildState::Starting { .. }) {
            return self.exited(key, generation, ExitReason::Normal, effects);
        }
        child.state = ChildState::Idle;
        child.crashed = false;
        child.fresh = false;
        let intent = child.intent.take();
        self.report(key, generation, Happening::Ignored, effects);
        let ends = self.decides_the_end(key, generation, effects);
        match intent {
            // OTP, `restart_child/2`: "the pid remains set to undefined", also of one that is temporary.
            Some(Intent::Restart(_)) => self.close(key, effects),
            _ => self.put_away(key, effects),
        }
        let asked = intent.and_then(Intent::request);
        answer(asked, Ok(()), effects);
        if ends {
            return self.end(ExitReason::Shutdown, effects);
        }
        if matches!(self.phase, Phase::Stopping { .. }) {
            return self.continue_stop(effects);
        }
        self.advance(effects);
    }

    pub(super) fn exited(
        &mut self,
        key: ChildKey,
        generation: Generation,
        reason: ExitReason,
        effects: &mut Vec<Effect>,
    ) {
        let now = self.now;
        let Some(child) = self.children.get_mut(key).filter(|child| child.generation == generation) else { return };
        if !child.state.is_alive() {
            return;
        }
        let reason = match (child.timed_out, child.policy.init_timeout) {
            (true, Some(timeout)) => ExitReason::Error(Arc::new(InitTimedOut(timeout))),
            _ => reason,
        };
        let doom = child.take_doom();
        let was_starting = child.timed_out
            || matches!(child.state, ChildState::Starting { .. })
            || doom.as_ref().is_some_and(|doom| doom.starting);
        let was_running = matches!(child.state, ChildState::Running { .. }) || doom.is_some();
        let reason = doom.map_or(reason, |doom| doom.reason);
        child.uptime = child.uptime.end(now);
        child.state = ChildState::Idle;
        child.note_exit(&reason, effects);
        let intent = child.intent.take();
        if matches!(self.phase, Phase::Stopping { .. }) {
            let what = if was_starting { failed(reason, None) } else { stopped(reason) };
            self.report(key, generation, what, effects);
            return self.continue_stop(effects);
        }
        match intent {
            None if was_starting => self.failed_to_start(key, generation, reason, effects),
            None => {
                debug_assert!(was_running, "a child that is asked to end has an intent");
                self.ended(key, generation, reason, effects);
            }
            // It follows exhaustion, also of one that was to be stopped by its group: the pass starts the fallback.
            Some(Intent::GroupStop) if self.degrades(key, &reason) => self.enter_degraded(key, reason, effects),
            Some(Intent::GroupStop) if self.is_exhausted_on_trial(key, &reason) => {
                self.probe_failed(key, generation, reason, effects);
            }
            Some(Intent::RestoreStart(id)) if matches!(reason, ExitReason::Exhausted(_)) => {
                self.restore_failed(key, generation, reason, id, effects);
            }
            Some(Intent::GroupStop) => {
                self.report(key, generation, stopped(reason), effects);
                self.advance(effects);
            }
            Some(Intent::Terminate) => self.terminated(key, generation, reason, effects),
            Some(Intent::RestoreStop(id)) => {
                self.report(key, generation, stopped(reason), effects);
                self.start_restored(key, id, effects);
            }
            Some(intent) if !was_starting => {
                // Its group stopped it on its way up: the pass starts it again, and what was asked for stands.
                if let Some(child) = self.children.get_mut(key) {
                    child.intent = Some(intent);
                }
                self.report(key, generation, stopped(reason), effects);
                self.advance(effects);
            }
            Some(Intent::Add(id)) => {
                self.report(key, generation, failed(reason.clone(), None), effects);
                let ends = self.decides_the_end(key, generation, effects);
                self.remove(key, effects);
                self.answer_failed_start(id, reason, ends, effects);
            }
            Some(Intent::Restart(id)) => {
                self.report(key, generation, failed(reason.clone(), None), effects);
                let ends = self.decides_the_end(key, generation, effects);
                self.close(key, effects);
                self.answer_failed_start(id, reason, ends, effects);
            }
            Some(Intent::Hasten(id)) => {
                answer(Some(id), Err(Refused::Failed(reason.clone())), effects);
                self.failed_to_start(key, generation, reason, effects);
            }
            Some(Intent::RestoreStart(id)) => self.restore_failed(key, generation, reason, id, effects),
        }
    }

    fn terminated(&mut self, key: ChildKey, generation: Generation, reason: ExitReason, effects: &mut Vec<Effect>) {
        self.report(key, generation, stopped(reason), effects);
        let retried = self.pass_retries(key).then(|| self.children.rank(key));
        let waiting = self.children.get_mut(key).map(Child::take_terminators);
        self.put_away(key, effects);
        for id in waiting.into_iter().flatten() {
            answer(Some(id), Ok(()), effects);
        }
        if let Some(rank) = retried {
            self.give_up_from(rank, effects);
        }
        self.advance(effects);
    }

    /// After an end that is not followed by a restart: the specification stays if it can be restarted by request.
    pub(super) fn put_away(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get_mut(key) else { return };
        child.if_unusual(|unusual| unusual.retry_at = None);
        let degraded = child.leave_degraded();
        // One that was added and never came up was never there.
        let temporary = child.policy.restart == Restart::Temporary && !mutations::is(Mutation::KeepsTemporaries);
        let forget = temporary || self.dynamic || (child.fresh && !child.is_static);
        if degraded {
            effects.push(Effect::Queue { key, fate: QueueFate::Restore });
        }
        if forget {
            self.remove(key, effects);
        } else {
            self.close(key, effects);
        }
    }

    /// An incarnation's `init` failed, and nobody was waiting for this one child.
    fn failed_to_start(
        &mut self,
        key: ChildKey,
        generation: Generation,
        reason: ExitReason,
        effects: &mut Vec<Effect>,
    ) {
        if self.is_on_trial(key) {
            return self.probe_failed(key, generation, reason, effects);
        }
        if self.degrades(key, &reason) {
            return self.enter_degraded(key, reason, effects);
        }
        if self.pass_absorbs(key) {
            self.report(key, generation, failed(reason, None), effects);
            return self.advance(effects);
        }
        if self.pass.is_some_and(|pass| pass.first) && self.pass_is_starting(key) {
            return self.end_since(key, generation, reason, effects);
        }
        if reason.is_for_good() {
            return self.end_since(key, generation, reason, effects);
        }
        if self.failure_decides_the_end(key) {
            // The end that was awaited came before this failure, and nothing is charged any more.
            self.report(key, generation, failed(reason, None), effects);
            self.report_awaited(key, generation, effects);
            return self.end(ExitReason::Shutdown, effects);
        }
        if mutations::is(Mutation::FailedStartsAreFree) || self.charge(key, generation, reason, failed, effects) {
            self.restart_from(key, true, effects);
        }
    }

    /// Ends this supervisor since a child did not start, and no attempt follows.
    fn end_since(&mut self, key: ChildKey, generation: Generation, reason: ExitReason, effects: &mut Vec<Effect>) {
        self.report(key, generation, failed(reason.clone(), None), effects);
        let name = self.children.get(key).map_or("?", |child| &child.name);
        let child: Arc<str> = format!("{}/{name}", self.path).into();
        let reason = match reason {
            // It says so itself.
            ExitReason::FailedToStart(failure) if failure.child == child => ExitReason::FailedToStart(failure),
            reason => ExitReason::FailedToStart(Arc::new(StartFailure::new(child, reason))),
        };
        self.end(reason, effects);
    }

    /// A running incarnation ended without having been asked to.
    fn ended(&mut self, key: ChildKey, generation: Generation, reason: ExitReason, effects: &mut Vec<Effect>) {
        if self.fails_probe(key, &reason) {
            return self.probe_failed(key, generation, reason, effects);
        }
        if self.degrades(key, &reason) {
            return self.enter_degraded(key, reason, effects);
        }
        let Some(child) = self.children.get(key) else { return };
        let restart = child.policy.restart;
        let abnormal = reason.is_abnormal();
        if self.pass_absorbs(key) {
            // It died while its group was being stopped: one incident, charged once.
            if mutations::is(Mutation::ChargesEachOfAGroup) {
                let _ = self.intensity.charge(self.now);
            }
            self.report(key, generation, stopped(reason), effects);
            return self.advance(effects);
        }
        let restarts = match restart {
            // On trial, one that is exhausted is a failure for this supervisor too.
            _ if self.on_trial && matches!(reason, ExitReason::Exhausted(_)) => true,
            Restart::Permanent if mutations::is(Mutation::NormalEndIsFinal) => !matches!(reason, ExitReason::Normal),
            Restart::Transient if mutations::is(Mutation::RestartsAfterShutdown) => {
                abnormal || matches!(reason, ExitReason::ShutdownWith(_))
            }
            Restart::Transient if mutations::is(Mutation::RestartsTheExhausted) => {
                abnormal || matches!(reason, ExitReason::Exhausted(_))
            }
            Restart::Permanent => true,
            Restart::Transient => abnormal,
            Restart::Temporary => false,
        };
        if !restarts {
            let what = if abnormal { crashed(reason, None) } else { stopped(reason) };
            self.report(key, generation, what, effects);
            let is_last = self.auto_shuts_down(key);
            if is_last {
                self.report(key, generation, Happening::AutoShutdown, effects);
            }
            self.put_away(key, effects);
            if is_last {
                return self.end(ExitReason::Shutdown, effects);
            }
            return self.advance(effects);
        }
        if reason.is_for_good() {
            // What it needs is gone: with as many restarts as there may be, it would fail as many times.
            return self.end_since(key, generation, reason, effects);
        }
        if self.charge(key, generation, reason, crashed, effects) {
            self.restart_from(key, false, effects);
        }
    }

    fn degrades(&self, key: ChildKey, reason: &ExitReason) -> bool {
        !self.on_trial
            && matches!(reason, ExitReason::Exhausted(_))
            && self.children.get(key).is_some_and(|child| {
                child.mode == Mode::Normal && matches!(child.policy.exhaustion, Exhaustion::Degrade { .. })
            })
    }
}

fn crashed(reason: ExitReason, charge: Option<Charge>) -> Happening {
    Happening::Crashed { reason, charge }
}

fn failed(reason: ExitReason, charge: Option<Charge>) -> Happening {
    Happening::StartFailed { reason, charge }
}

/// The end of a child that was to end anyway; a crash is reported as one all the same.
fn stopped(reason: ExitReason) -> Happening {
    match reason {
        ExitReason::Error(_) | ExitReason::Panic { .. } => crashed(reason, None),
        reason => Happening::Stopped { reason },
    }
}
