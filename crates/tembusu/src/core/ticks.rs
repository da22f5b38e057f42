//! What follows when a deadline has passed.

use std::time::Duration;

use super::{ChildKey, ChildState, Core, Effect, Time};

impl Core {
    /// Sets the end of a wait for a child.
    pub(super) fn wait_for(&mut self, key: ChildKey, wait: Duration) -> Time {
        let at = self.now.saturating_add(wait);
        self.deadlines.set(at, key, |at, key| self.children.awaits(at, key));
        at
    }

    pub(super) fn tick(&mut self, effects: &mut Vec<Effect>) {
        while let Some(key) = self.deadlines.take_due(self.now) {
            self.tick_child(key, effects);
        }
        // A group that was stopped and waited may start.
        self.advance(effects);
        self.deadlines.skip_ended(|at, key| self.children.awaits(at, key));
    }

    fn tick_child(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        let now = self.now;
        let Some(child) = self.children.get_mut(key) else { return };
        if child.unusual().restore_at.is_some_and(|at| at <= now) {
            return self.restore(key, None, effects);
        }
        if child.unusual().trusted_at.is_some_and(|at| at <= now) {
            self.trust(key, effects);
        }
        let Some(child) = self.children.get_mut(key) else { return };
        if child.unusual().retry_at.is_some_and(|at| at <= now) {
            // Under a strategy that was changed meanwhile, its group may have taken the wait over.
            child.if_unusual(|unusual| unusual.retry_at = None);
            return self.start_in_turn(key, effects);
        }
        if child.state.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        match child.state {
            ChildState::Starting { .. } => {
                child.timed_out = true;
                self.kill(key, effects);
            }
            ChildState::Stopping { .. } => self.kill(key, effects),
            ChildState::Killing { .. } => {
                let generation = child.generation;
                self.abandon(key, generation, effects);
            }
            ChildState::Idle | ChildState::Running { .. } => {}
        }
    }
}

/// Why a child whose `init` took too long was given up.
#[derive(Debug, thiserror::Error)]
#[error("init did not finish within {0:?}")]
pub(crate) struct InitTimedOut(pub(crate) Duration);
