//! The end of a supervisor: by request, by a failed start, or since its intensity is used up.
//!
//! Static children stop one after the other in reverse start order, each within its own budget; the children of
//! a dynamic supervisor stop all at once (OTP's `simple_one_for_one_shutdown`).

use super::children::Intent;
use super::mutations::{self, Mutation};
use super::restarts::answer;
use super::unusual::Unusual;
use super::{ChildKey, ChildState, Core, Effect, Outcome, Phase, QueueFate, Rank, Refused};
use crate::exit::ExitReason;

impl Core {
    pub(super) fn stop(&mut self, kill: bool, effects: &mut Vec<Effect>) {
        match &mut self.phase {
            // Its end has been told already; a second one could be taken for the next incarnation's.
            Phase::Down => {}
            Phase::Running => {
                self.begin_stop(stop_reason(kill), kill, effects);
            }
            Phase::Stopping { kill: killing, .. } => {
                if kill && !*killing {
                    *killing = true;
                    self.kill_all(effects);
                }
            }
        }
    }

    /// Ends this supervisor for a reason of its own.
    pub(super) fn end(&mut self, reason: ExitReason, effects: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Running) {
            self.begin_stop(reason, false, effects);
        }
    }

    fn begin_stop(&mut self, reason: ExitReason, kill: bool, effects: &mut Vec<Effect>) {
        self.pass = None;
        self.await_no_end();
        self.phase = Phase::Stopping { reason, kill, end: Rank::END };
        for key in self.children.keys() {
            let Some(child) = self.children.get_mut(key) else { continue };
            child.if_unusual(Unusual::end_waits);
            let asked = child.intent.take().and_then(Intent::request);
            for id in asked.into_iter().chain(child.take_terminators()) {
                answer(Some(id), Err(Refused::Stopping), effects);
            }
        }
        if kill {
            self.kill_all(effects);
        } else if self.dynamic {
            for key in self.children.keys() {
                self.stop_child(key, effects);
            }
        }
        self.continue_stop(effects);
    }

    fn kill_all(&mut self, effects: &mut Vec<Effect>) {
        let alive: Vec<ChildKey> = self
            .children
            .iter()
            .rev()
            .filter(|child| child.state.is_alive() && !matches!(child.state, ChildState::Killing { .. }))
            .map(|child| child.key)
            .collect();
        for key in alive {
            self.kill(key, effects);
        }
    }

    /// Goes on stopping; when nothing is left alive, tells the parent.
    pub(super) fn continue_stop(&mut self, effects: &mut Vec<Effect>) {
        if mutations::is(Mutation::StopsInStartOrder) {
            let first = self.children.iter().find(|child| child.state.is_alive()).map(|child| child.key);
            if let Some(first) = first {
                return self.stop_child(first, effects);
            }
        }
        let Phase::Stopping { end, .. } = &mut self.phase else { return };
        if let Some(last) = self.children.last_alive(Rank::FIRST, *end) {
            *end = last.rank.next();
            let key = last.key;
            // Does nothing to a child that is stopping already.
            self.stop_child(key, effects);
            return;
        }
        let Phase::Stopping { reason, .. } = std::mem::replace(&mut self.phase, Phase::Down) else { return };
        self.complete = false;
        let added: Vec<ChildKey> =
            self.children.iter().filter(|child| !child.is_static).map(|child| child.key).collect();
        for key in added {
            // The dynamic children of a supervisor end with it.
            effects.push(Effect::Queue { key, fate: QueueFate::CloseForGood });
            self.forget_child(key, effects);
        }
        for id in std::mem::take(&mut self.stoppers) {
            answer(Some(id), Ok(()), effects);
        }
        effects.push(Effect::Up(Outcome::Exited(reason)));
    }
}

fn stop_reason(kill: bool) -> ExitReason {
    if kill { ExitReason::Killed } else { ExitReason::Shutdown }
}
