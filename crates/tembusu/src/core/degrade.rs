//! Degraded mode: what runs when a child has used up its intensity, and the way back.
//!
//! Entering it is not charged to this supervisor, so that it cannot loop; a failure of the fallback is an
//! ordinary failure of that child, and is charged.

use std::sync::Arc;
use std::time::Duration;

use super::children::{Exhaustion, Intent};
use super::restarts::answer;
use super::{ChildKey, ChildState, Core, Effect, Generation, Happening, Mode, QueueFate, Refused, RequestId};
use crate::exit::ExitReason;

impl Core {
    pub(super) fn enter_degraded(&mut self, key: ChildKey, reason: ExitReason, effects: &mut Vec<Effect>) {
        let ExitReason::Exhausted(report) = reason else { return };
        let now = self.now;
        let Some(child) = self.children.get_mut(key) else { return };
        let generation = child.generation;
        child.mode = Mode::Degraded;
        child.crashed = false;
        // Exhausted again soon after a restore: wait longer; healthy for long enough: begin anew.
        if let Exhaustion::Degrade { backoff: Some(backoff), .. } = child.policy.exhaustion {
            let unusual = child.unusual_mut();
            let relapsed = unusual.restored_at.is_some_and(|at| now.saturating_sub(at) <= backoff.max);
            unusual.backoff = match unusual.backoff {
                Some(wait) if relapsed => Some(wait.saturating_mul(2).min(backoff.max)),
                _ => Some(backoff.first),
            };
        }
        effects.push(Effect::Queue { key, fate: QueueFate::Degrade });
        self.report(key, generation, Happening::Degraded { report: Arc::clone(&report) }, effects);
        self.run_degraded(key, effects);
    }

    /// Starts what runs in the place of the normal shape, if anything does, and sets the time of the restore.
    fn run_degraded(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get(key) else { return };
        let (vacant, backoff) = (child.is_vacant(), child.unusual().backoff);
        if let Some(wait) = backoff {
            self.restore_in(key, wait);
        }
        if vacant {
            self.advance(effects);
        } else {
            self.start_in_turn(key, effects);
        }
    }

    fn restore_in(&mut self, key: ChildKey, wait: Duration) {
        let at = self.wait_for(key, wait);
        if let Some(child) = self.children.get_mut(key) {
            child.unusual_mut().restore_at = Some(at);
        }
    }

    /// Stops the fallback, then starts the normal shape.
    pub(super) fn restore(&mut self, key: ChildKey, id: Option<RequestId>, effects: &mut Vec<Effect>) {
        let busy = self.pass_will_reach(key);
        let Some(child) = self.children.get_mut(key) else {
            return answer(id, Err(Refused::NotFound), effects);
        };
        match (child.mode, child.intent) {
            (Mode::Degraded, None) if !busy => {
                child.unusual_mut().restore_at = None;
                if child.state.is_alive() {
                    child.intent = Some(Intent::RestoreStop(id));
                    self.stop_child(key, effects);
                } else {
                    self.start_restored(key, id, effects);
                }
            }
            (Mode::Degraded, _) => {
                answer(id, Err(Refused::Restarting), effects);
                if id.is_none() {
                    // Its group is being restarted: when it is up again. One that is being terminated is not restored.
                    let due = self.pass.is_some();
                    let unusual = child.unusual_mut();
                    unusual.restore_at = None;
                    unusual.restore_due = due;
                    self.restores_due |= due;
                }
            }
            (Mode::Probing, None) if matches!(child.state, ChildState::Running { .. }) => {
                // The operator knows better than the clock.
                self.trust(key, effects);
                answer(id, Ok(()), effects);
            }
            (Mode::Probing, _) => answer(id, Err(Refused::Restarting), effects),
            (Mode::Normal, Some(Intent::RestoreStart(_))) => answer(id, Err(Refused::Restarting), effects),
            (Mode::Normal, _) => answer(id, Err(Refused::NotDegraded), effects),
        }
    }

    pub(super) fn start_restored(&mut self, key: ChildKey, id: Option<RequestId>, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get_mut(key) else { return };
        let on_trial = id.is_none() && child.policy.probation.is_some();
        child.mode = if on_trial { Mode::Probing } else { Mode::Normal };
        child.crashed = false;
        child.intent = Some(Intent::RestoreStart(id));
        effects.push(Effect::Queue { key, fate: QueueFate::Restore });
        self.start_in_turn(key, effects);
    }

    /// The normal shape failed to start: degraded again, and nothing is charged.
    pub(super) fn restore_failed(
        &mut self,
        key: ChildKey,
        generation: Generation,
        reason: ExitReason,
        id: Option<RequestId>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(child) = self.children.get_mut(key) else { return };
        child.unusual_mut().trusted_at = None;
        child.crashed = false;
        let was_trial = std::mem::replace(&mut child.mode, Mode::Degraded) == Mode::Probing;
        if let Exhaustion::Degrade { backoff: Some(backoff), .. } = child.policy.exhaustion {
            let unusual = child.unusual_mut();
            let doubled = unusual.backoff.map_or(backoff.first, |wait| wait.saturating_mul(2));
            unusual.backoff = Some(doubled.min(backoff.max));
        }
        let retry_in = child.unusual().backoff;
        effects.push(Effect::Queue { key, fate: QueueFate::Degrade });
        let what = match was_trial {
            true => Happening::ProbeFailed { reason: reason.clone(), retry_in },
            false => Happening::RestoreFailed { reason: reason.clone(), retry_in },
        };
        self.report(key, generation, what, effects);
        answer(id, Err(Refused::Failed(reason)), effects);
        self.run_degraded(key, effects);
    }
}
