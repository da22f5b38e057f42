//! What holds when nothing more is to happen.

use super::super::super::*;
use super::world::World;
use crate::spec::policy::Restart;

impl World {
    /// Every crash has led to a restart, an escalation or a stop, and nothing is pending.
    pub(super) fn check_rest(&self) -> Result<(), String> {
        for (level, core) in self.cores.iter().enumerate() {
            if core.end_awaited.is_some() {
                return Err(format!("whether supervisor {level} has come to its end is never decided: {core:?}"));
            }
            if core.is_stopping() || core.pass.is_some() || !(core.is_up() || core.is_down()) {
                return Err(format!("supervisor {level} is neither up nor down: {core:?}"));
            }
        }
        if !self.unanswered.is_empty() {
            return Err(format!("requests {:?} are not answered", self.unanswered));
        }
        if self.asked_to_stop && !self.cores[0].is_down() {
            return Err("it was asked to stop and is up".into());
        }
        if self.cores[0].is_down() != self.told_end[0] {
            return Err("it is down and has not said so, or the other way round".into());
        }
        for (&place, truth) in &self.workers {
            let core = &self.cores[place.0];
            let child = self.child(place);
            if core.is_down() && truth.alive {
                return Err(format!("{place:?} outlives its supervisor"));
            }
            let owed = !truth.excused
                && child.is_some_and(|child| match child.policy.restart {
                    Restart::Permanent => true,
                    Restart::Transient => !truth.finished,
                    Restart::Temporary => false,
                });
            if core.is_up() && owed && !self.is_shape(place) && !(truth.alive && truth.acked) {
                return Err(format!("{place:?} crashed and was not restarted: {child:?}"));
            }
            if child.is_some_and(|child| child.intent.is_some() || !child.unusual().terminators.is_empty()) {
                return Err(format!("somebody still wants something of {child:?}"));
            }
        }
        if let Some(key) = self.shape {
            let child = self.child((0, key));
            if let Some(child) = child.filter(|child| self.cores[0].is_up() && child.mode != Mode::Normal) {
                return Err(format!("it has not been restored: {child:?}"));
            }
            let runs = child.is_some_and(|child| matches!(child.state, ChildState::Running { .. }));
            if runs != self.cores[1].is_up() || runs == self.cores[1].is_down() {
                return Err("the supervisors do not agree on who runs".into());
            }
            let permanent = self.child((0, key)).is_some_and(|child| child.policy.restart == Restart::Permanent);
            if self.cores[0].is_up() && permanent && !self.shape_excused && !runs {
                return Err("the supervisor below has given up and was not restarted".into());
            }
        }
        Ok(())
    }
}
