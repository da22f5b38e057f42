//! Half-open probing: the normal shape on trial.
//!
//! Seen from above, a child on trial is neither degraded nor trusted ([`Mode::Probing`]): its first failure returns
//! it to degraded mode and is not charged; when it has been healthy for long enough it is trusted. Seen from within,
//! a supervisor on trial grants no restart, and passes the trial on to the supervisors below it, so that a failure
//! anywhere in the subtree ends it.

use std::time::Duration;

use super::{ChildKey, ChildState, Core, Effect, Generation, Happening, Mode, Phase};
use crate::exit::ExitReason;
use crate::spec::policy::Restart;

impl Core {
    // === from above ===

    /// The normal shape has started on trial.
    pub(super) fn on_probation(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get(key).filter(|child| child.mode == Mode::Probing) else { return };
        let (generation, probation) = (child.generation, child.policy.probation.unwrap_or(Duration::ZERO));
        let at = self.wait_for(key, probation);
        if let Some(child) = self.children.get_mut(key) {
            child.unusual_mut().trusted_at = Some(at);
        }
        self.report(key, generation, Happening::Probing { probation }, effects);
    }

    /// It has been healthy for long enough, or an operator says so: ordinary intensity, a clean record.
    pub(super) fn trust(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        let now = self.now;
        let Some(child) = self.children.get_mut(key) else { return };
        child.unusual_mut().trusted_at = None;
        if child.mode != Mode::Probing || !matches!(child.state, ChildState::Running { .. }) {
            // Its group is stopping it; the trial begins anew with the next incarnation.
            return;
        }
        child.mode = Mode::Normal;
        child.unusual_mut().restored_at = Some(now);
        let generation = child.generation;
        effects.push(Effect::Trust { key });
        self.report(key, generation, Happening::Restored, effects);
    }

    /// Whether this end of a child is the failure of its trial.
    pub(super) fn fails_probe(&self, key: ChildKey, reason: &ExitReason) -> bool {
        self.children.get(key).filter(|child| child.mode == Mode::Probing).is_some_and(|child| {
            let failed = match child.policy.restart {
                Restart::Permanent => true,
                Restart::Transient | Restart::Temporary => reason.is_abnormal(),
            };
            failed || matches!(reason, ExitReason::Exhausted(_))
        })
    }

    /// Whether it is on trial, or starts on trial.
    pub(super) fn is_on_trial(&self, key: ChildKey) -> bool {
        self.children.get(key).is_some_and(|child| child.mode == Mode::Probing)
    }

    pub(super) fn is_exhausted_on_trial(&self, key: ChildKey, reason: &ExitReason) -> bool {
        self.is_on_trial(key) && matches!(reason, ExitReason::Exhausted(_))
    }

    /// Degraded again; the next trial comes later.
    pub(super) fn probe_failed(
        &mut self,
        key: ChildKey,
        generation: Generation,
        reason: ExitReason,
        effects: &mut Vec<Effect>,
    ) {
        self.restore_failed(key, generation, reason, None, effects);
    }

    /// Restores that came due while their group was being restarted.
    pub(super) fn restore_those_due(&mut self, effects: &mut Vec<Effect>) {
        debug_assert!(self.pass.is_none(), "they wait for the end of the pass");
        if !std::mem::take(&mut self.restores_due) {
            return;
        }
        let due: Vec<ChildKey> =
            self.children.iter().filter(|child| child.unusual().restore_due).map(|child| child.key).collect();
        for key in due {
            if let Some(child) = self.children.get_mut(key) {
                child.unusual_mut().restore_due = false;
            }
            self.restore(key, None, effects);
        }
    }

    // === from within ===

    /// The parent trusts this supervisor: what is below it is trusted too.
    pub(super) fn trusted(&mut self, effects: &mut Vec<Effect>) {
        if !std::mem::take(&mut self.on_trial) || !matches!(self.phase, Phase::Running) {
            return;
        }
        self.intensity.clear();
        self.forget_failures(effects);
        let below = self.children.iter().filter(|child| child.is_supervisor() && child.state.is_alive());
        effects.extend(below.map(|child| Effect::Trust { key: child.key }));
    }

    /// In which mode a child starts: on trial with its supervisor.
    pub(super) fn mode_of_start(&self, key: ChildKey) -> Mode {
        match self.children.get(key) {
            Some(child) if self.on_trial && child.is_supervisor() && child.mode == Mode::Normal => Mode::Probing,
            child => child.map_or(Mode::Normal, |child| child.mode),
        }
    }
}
