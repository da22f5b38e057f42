//! What follows when an incarnation has ended.

use super::children::{Exhaustion, Intent};
use super::restarts::answer;
use super::{
    ChildKey, ChildState, Core, Effect, Generation, Happening, InitTimedOut, Mode, Phase, Refused,
};
use crate::exit::ExitReason;
use crate::spec::policy::Restart;

impl Core {
    pub(super) fn ignored(&mut self, key: ChildKey, generation: Generation, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get_mut(key).filter(|child| child.generation == generation) else { return };
        if !matches!(child.state, ChildState::Starting { .. }) {
            return self.exited(key, generation, ExitReason::Normal, effects);
        }
        child.state = ChildState::Idle;
        child.crashed = false;
        let intent = child.intent.take();
        let forget = child.policy.restart == Restart::Temporary || self.dynamic;
        self.report(key, generation, Happening::Ignored, effects);
        if forget {
            self.remove(key, effects);
        } else {
            self.close(key, effects);
        }
        if let Some(Intent::Add(id) | Intent::Restart(id)) = intent {
            answer(Some(id), Ok(()), effects);
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
        let Some(child) = self.children.get_mut(key).filter(|child| child.generation == generation) else { return };
        if !child.state.is_alive() {
            return;
        }
        let reason = match (child.timed_out, child.policy.init_timeout) {
            (true, Some(timeout)) => ExitReason::Error(std::sync::Arc::new(InitTimedOut(timeout))),
            _ => reason,
        };
        let was_starting = child.timed_out || matches!(child.state, ChildState::Starting { .. });
        child.state = ChildState::Idle;
        child.last_exit = Some(reason.clone());
        let intent = child.intent.take();
        if matches!(self.phase, Phase::Stopping { .. }) {
            self.report(key, generation, Happening::Stopped { reason }, effects);
            return self.continue_stop(effects);
        }
        match intent {
            None if was_starting => self.failed_to_start(key, generation, reason, effects),
            None => self.ended(key, generation, reason, effects),
            Some(Intent::GroupStop) => {
                self.report(key, generation, Happening::Stopped { reason }, effects);
                self.advance(effects);
            }
            Some(Intent::Terminate(id)) => self.terminated(key, generation, reason, id, effects),
            Some(Intent::Add(id)) => {
                self.report(key, generation, Happening::StartFailed { reason: reason.clone(), charge: None }, effects);
                self.remove(key, effects);
                answer(Some(id), Err(Refused::Failed(reason)), effects);
            }
            Some(Intent::Restart(id)) => {
                self.report(key, generation, Happening::StartFailed { reason: reason.clone(), charge: None }, effects);
                self.close(key, effects);
                answer(Some(id), Err(Refused::Failed(reason)), effects);
                self.advance(effects);
            }
            Some(Intent::RestoreStop(id)) => {
                self.report(key, generation, Happening::Stopped { reason }, effects);
                self.start_restored(key, id, effects);
            }
            Some(Intent::RestoreStart(id)) => self.restore_failed(key, generation, reason, id, effects),
        }
    }

    fn terminated(
        &mut self,
        key: ChildKey,
        generation: Generation,
        reason: ExitReason,
        id: super::RequestId,
        effects: &mut Vec<Effect>,
    ) {
        self.report(key, generation, Happening::Stopped { reason }, effects);
        self.put_away(key, effects);
        answer(Some(id), Ok(()), effects);
        // OTP: terminating the child that a group restart is retrying ends that restart.
        match self.pass {
            Some(pass) if !pass.first && key >= pass.from => self.pass = None,
            _ => self.advance(effects),
        }
    }

    /// After an end that is not followed by a restart: the specification stays if it can be restarted by request.
    pub(super) fn put_away(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get_mut(key) else { return };
        let degraded = std::mem::replace(&mut child.mode, Mode::Normal) == Mode::Degraded;
        let forget = child.policy.restart == Restart::Temporary || self.dynamic;
        if degraded {
            effects.push(Effect::Queue { key, fate: super::QueueFate::Restore });
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
        if self.degrades(key, &reason) {
            return self.enter_degraded(key, reason, effects);
        }
        if self.pass.is_some_and(|pass| pass.absorbs(key)) {
            self.report(key, generation, Happening::StartFailed { reason, charge: None }, effects);
            return self.advance(effects);
        }
        if self.pass.is_some_and(|pass| pass.first && pass.is_starting(key)) {
            self.report(key, generation, Happening::StartFailed { reason: reason.clone(), charge: None }, effects);
            return self.end(reason, effects);
        }
        let Some(charge) = self.charge(key, &reason, effects) else { return };
        self.report(key, generation, Happening::StartFailed { reason, charge: Some(charge) }, effects);
        self.restart_from(key, effects);
    }

    /// A running incarnation ended without having been asked to.
    fn ended(&mut self, key: ChildKey, generation: Generation, reason: ExitReason, effects: &mut Vec<Effect>) {
        if self.degrades(key, &reason) {
            return self.enter_degraded(key, reason, effects);
        }
        let Some(child) = self.children.get(key) else { return };
        let restart = child.policy.restart;
        let abnormal = reason.is_abnormal();
        if self.pass.is_some_and(|pass| pass.absorbs(key)) {
            // It died while its group was being stopped: one incident, charged once.
            self.report(key, generation, happening(reason, None, abnormal), effects);
            return self.advance(effects);
        }
        let restarts = match restart {
            Restart::Permanent => true,
            Restart::Transient => abnormal,
            Restart::Temporary => false,
        };
        if !restarts {
            self.report(key, generation, happening(reason, None, abnormal), effects);
            self.put_away(key, effects);
            return self.advance(effects);
        }
        let Some(charge) = self.charge(key, &reason, effects) else { return };
        self.report(key, generation, Happening::Crashed { reason, charge: Some(charge) }, effects);
        self.restart_from(key, effects);
    }

    fn degrades(&self, key: ChildKey, reason: &ExitReason) -> bool {
        matches!(reason, ExitReason::Exhausted(_))
            && self.children.get(key).is_some_and(|child| {
                child.mode == Mode::Normal && matches!(child.policy.exhaustion, Exhaustion::Degrade { .. })
            })
    }
}

fn happening(reason: ExitReason, charge: Option<crate::exit::Charge>, abnormal: bool) -> Happening {
    if abnormal { Happening::Crashed { reason, charge } } else { Happening::Stopped { reason } }
}
