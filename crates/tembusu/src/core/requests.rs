//! What operators ask of a running supervisor, with OTP's answers (`supervisor`: `start_child/2`,
//! `terminate_child/2`, `restart_child/2`, `delete_child/2`).

use super::children::{Child, Intent};
use super::restarts::answer;
use super::{ChildKey, ChildState, Core, Effect, Mode, Phase, Refused, Request, RequestId};
use crate::exit::ExitReason;

impl Core {
    pub(super) fn request(&mut self, id: RequestId, request: Request, effects: &mut Vec<Effect>) {
        if let (Phase::Stopping { .. }, Request::Stop) = (&self.phase, &request) {
            return self.stoppers.push(id);
        }
        if !matches!(self.phase, Phase::Running) {
            match &request {
                Request::Add { key, .. } => effects.push(Effect::Removed { key: *key }),
                Request::Change(change) => return self.refuse_change(id, change, Refused::Stopping, effects),
                _ => {}
            }
            return answer(Some(id), Err(Refused::Stopping), effects);
        }
        match request {
            Request::Add { key, .. } if self.max_children.is_some_and(|max| self.children.count() >= max) => {
                effects.push(Effect::Removed { key });
                answer(Some(id), Err(Refused::MaxChildren), effects);
            }
            Request::Add { key, name, policy } => {
                self.children.insert(key, name, policy, false);
                self.begin(key, Intent::Add(id), effects);
            }
            Request::Terminate { key } => self.terminate(id, key, effects),
            Request::Restart { .. } | Request::Delete { .. } if self.dynamic => {
                answer(Some(id), Err(Refused::Dynamic), effects);
            }
            Request::Restart { key } => match self.children.get(key) {
                None => answer(Some(id), Err(Refused::NotFound), effects),
                Some(child) => match self.refusal(child) {
                    Some(refused) => answer(Some(id), Err(refused), effects),
                    None if child.unusual().retry_at.is_some() => self.begin(key, Intent::Hasten(id), effects),
                    None => self.begin(key, Intent::Restart(id), effects),
                },
            },
            Request::Delete { key } => match self.children.get(key) {
                None => answer(Some(id), Err(Refused::NotFound), effects),
                // One that was terminated is not waited for by its group.
                Some(child) => match self.refusal(child).filter(|_| !child.at_rest || child.state.is_alive()) {
                    Some(refused) => answer(Some(id), Err(refused), effects),
                    None => {
                        self.forget(key, effects);
                        answer(Some(id), Ok(()), effects);
                    }
                },
            },
            Request::Restore { key } => self.restore(key, Some(id), effects),
            Request::Change(change) => self.change(id, *change, effects),
            Request::Stop => {
                self.stoppers.push(id);
                self.end(ExitReason::Normal, effects);
            }
        }
    }

    fn begin(&mut self, key: ChildKey, intent: Intent, effects: &mut Vec<Effect>) {
        if let Some(child) = self.children.get_mut(key) {
            child.intent = Some(intent);
        }
        self.start_in_turn(key, effects);
    }

    /// Why a child that should be at rest is not.
    fn refusal(&self, child: &Child) -> Option<Refused> {
        let in_pass = self.pass.is_some_and(|pass| child.rank >= pass.from);
        match child.state {
            ChildState::Running { .. } => Some(Refused::Running),
            ChildState::Idle if child.mode == Mode::Degraded => Some(Refused::Running),
            ChildState::Idle if in_pass => Some(Refused::Restarting),
            ChildState::Idle => None,
            ChildState::Starting { .. } | ChildState::Stopping { .. } | ChildState::Killing { .. } => {
                Some(Refused::Restarting)
            }
        }
    }

    fn terminate(&mut self, id: RequestId, key: ChildKey, effects: &mut Vec<Effect>) {
        let Some(child) = self.children.get_mut(key) else {
            return answer(Some(id), Err(Refused::NotFound), effects);
        };
        let alive = child.state.is_alive();
        let may_decide = child.policy.significant || self.pass.is_some();
        let overtaken = child.intent.take().and_then(Intent::request);
        if alive {
            child.intent = Some(Intent::Terminate);
            child.unusual_mut().terminators.push(id);
            // Does nothing to a child that is stopping already.
            self.stop_child(key, effects);
        }
        answer(overtaken, Err(Refused::Stopping), effects);
        if may_decide {
            // OTP would have let that start succeed before it looked at the request.
            self.await_no_end();
        }
        if !alive {
            // Terminating a child that is not running is no error.
            let retried = self.pass_retries(key).then(|| self.children.rank(key));
            self.put_away(key, effects);
            answer(Some(id), Ok(()), effects);
            if let Some(rank) = retried {
                self.give_up_from(rank, effects);
            }
        }
    }

    fn forget(&mut self, key: ChildKey, effects: &mut Vec<Effect>) {
        // Deleted is deleted: unlike an ended temporary, it does not come back with the supervisor.
        if let Some(child) = self.children.get_mut(key) {
            child.is_static = false;
        }
        self.remove(key, effects);
    }
}
