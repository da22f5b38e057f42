//! Incarnations that end although nobody asked them to: condemned by a panic inside an inline call, or stuck in a
//! poll that does not return, or stranded on a runtime that is lost.
//!
//! A condemned one is killed and counts as crashed for the reason that condemned it, however it ends. A stuck
//! one loses its slot at once: it has not even noticed. What is in `init`, or
//! asked to end already, is left to its deadlines. A stranded one loses its slot whatever it is at: no deadline
//! would bring anything.

use super::{ChildKey, ChildState, Core, Effect, Generation, Happening};
use crate::exit::ExitReason;

/// Why an incarnation that was not asked to end will.
#[derive(Clone, Debug)]
pub(crate) struct Doom {
    pub(super) reason: ExitReason,
    /// It was still in `init`: its end is a failed start.
    pub(super) starting: bool,
}

impl Core {
    /// A panic in an inline call has condemned the incarnation. It ends at its next await, or loses its slot.
    pub(super) fn condemned(
        &mut self,
        key: ChildKey,
        generation: Generation,
        reason: ExitReason,
        effects: &mut Vec<Effect>,
    ) {
        let Some(child) = self.children.get_mut(key).filter(|child| child.generation == generation) else { return };
        match child.state {
            ChildState::Starting { .. } | ChildState::Running { .. } => {
                let starting = matches!(child.state, ChildState::Starting { .. });
                child.unusual_mut().doom = Some(Doom { reason, starting });
                self.kill(key, effects);
            }
            ChildState::Stopping { .. } => self.kill(key, effects),
            ChildState::Killing { .. } | ChildState::Idle => {}
        }
    }

    /// The watchdog has seen a poll of the incarnation that does not return.
    pub(super) fn stuck(&mut self, key: ChildKey, generation: Generation, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get(key).filter(|child| child.generation == generation) else { return };
        if matches!(child.state, ChildState::Running { .. }) {
            self.abandon(key, generation, effects);
        }
    }

    /// The runtime that the incarnation is on has been replaced.
    pub(super) fn stranded(&mut self, key: ChildKey, generation: Generation, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get(key).filter(|child| child.generation == generation) else { return };
        if child.state.is_alive() {
            self.abandon(key, generation, effects);
        }
    }

    /// Takes the slot away from an incarnation that does not end.
    pub(super) fn abandon(&mut self, key: ChildKey, generation: Generation, effects: &mut Vec<Effect>) {
        effects.push(Effect::Abandon { key });
        self.report(key, generation, Happening::Unresponsive, effects);
        self.exited(key, generation, ExitReason::Unresponsive, effects);
    }
}
