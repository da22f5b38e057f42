//! The effects' way out of a supervisor: what its core has decided is done to its members, and told above.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{Above, Last, Node};
use crate::core::{ChildKey, Effect, Event as CoreEvent, Mode, Outcome, QueueFate};
use crate::later;
use crate::shell::member::{Member, Nested};
use crate::shell::tree::Shared;

impl Node {
    /// Carries out an effect of what happened `at`. Returns whether the start of a worker has begun.
    pub(super) fn carry_out(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        at: Instant,
        effect: Effect,
        last: &mut Last,
    ) -> bool {
        match effect {
            Effect::Start { key, generation, mode } => match self.recall(key, last) {
                Some(Member::Worker(slot)) => {
                    if slot.start(generation) {
                        self.parking.leave();
                    }
                    return true;
                }
                Some(Member::Supervisor(nested)) => {
                    let Nested { normal, fallback, shape } = &**nested;
                    let fallback = fallback.as_ref().filter(|_| mode == Mode::Degraded);
                    shape.set_fallback(fallback.is_some());
                    return fallback.unwrap_or(normal).start_as(generation, mode);
                }
                None => {}
            },
            Effect::Trust { key } => {
                if let Some(Member::Supervisor(nested)) = self.member(key) {
                    nested.normal.on_trial.store(false, Ordering::Release);
                    nested.normal.send(CoreEvent::Trust);
                }
            }
            Effect::Stop { key } => stop_member(self.recall(key, last), false),
            Effect::Kill { key } => stop_member(self.recall(key, last), true),
            Effect::Abandon { key } => {
                if let Some(Member::Worker(slot)) = self.member(key) {
                    slot.abandon();
                }
            }
            Effect::Queue { key, fate } => {
                if let Some(member) = self.member(key) {
                    member.settle_queues(fate);
                }
            }
            Effect::Removed { key } => {
                // The last reference is the one that is dropped quietly below.
                *last = None;
                let member = self.with_members(|members| members.remove(key));
                if let Some(member) = member {
                    member.settle_queues(QueueFate::CloseForGood);
                    later::drop_member(member);
                }
            }
            Effect::Answer { id, result } => self.answer(id, result),
            Effect::Report { key, generation, what } => self.report(shared, at, key, generation, what, last),
            Effect::Discard(reason) => later::drop_reason(reason),
            Effect::Up(outcome) => self.tell_above(outcome),
        }
        false
    }

    /// Looks a member up, unless it is the one that was looked up last.
    pub(super) fn recall<'a>(&self, key: ChildKey, last: &'a mut Last) -> Option<&'a Member> {
        if last.as_ref().is_none_or(|(known, _)| *known != key) {
            *last = self.member(key).map(|member| (key, member));
        }
        last.as_ref().map(|(_, member)| member)
    }

    pub(super) fn tell_above(self: &Arc<Self>, outcome: Outcome) {
        let generation = self.generation.load(Ordering::Acquire);
        if let Outcome::Exited(reason) = &outcome {
            self.has_ended(reason);
        }
        match self.above.get() {
            Some(Above::Parent { node, key }) => {
                if let Some(parent) = node.upgrade() {
                    let key = *key;
                    parent.send(match outcome {
                        Outcome::Started => CoreEvent::Started { key, generation },
                        Outcome::Exited(reason) => CoreEvent::Exited { key, generation, reason },
                    });
                }
            }
            Some(Above::Program) => {
                let Some(shared) = self.shared.get() else { return };
                match outcome {
                    Outcome::Started => shared.up(),
                    Outcome::Exited(reason) => {
                        self.settle_queues(QueueFate::CloseForGood);
                        self.release();
                        let shared = Arc::clone(shared);
                        later::afterwards(move || shared.down(reason));
                    }
                }
            }
            None => {}
        }
    }

    pub(crate) fn settle_queues(&self, fate: QueueFate) {
        for (_, member) in self.with_members(|members| members.all()) {
            member.settle_queues(fate);
        }
    }

    /// Lets go of everything below, arguments included: one that holds a handle to its own tree keeps nothing alive.
    fn release(&self) {
        for (key, member) in self.with_members(|members| members.all()) {
            if let Member::Supervisor(nested) = &member {
                let Nested { normal, fallback, .. } = &**nested;
                normal.release();
                if let Some(fallback) = fallback {
                    fallback.release();
                }
            }
            let last = self.with_members(|members| members.remove(key));
            later::drop_member(member);
            if let Some(last) = last {
                later::drop_member(last);
            }
        }
    }
}

/// Stops a worker, or whichever shape of a supervisor was started.
fn stop_member(member: Option<&Member>, kill: bool) {
    match member {
        Some(Member::Worker(slot)) if kill => slot.kill(),
        Some(Member::Worker(slot)) => slot.stop(),
        Some(Member::Supervisor(nested)) => {
            let Nested { normal, fallback, shape } = &**nested;
            let fallback = fallback.as_ref().filter(|_| shape.is_fallback());
            fallback.unwrap_or(normal).send(CoreEvent::Stop { kill });
        }
        None => {}
    }
}
