//! The state of a group restart.
//!
//! A [`Pass`] first stops the members of a group in reverse start order, one after the other, then starts them
//! in order, each acknowledged before the next. Further failures feed the same pass: a member that dies while
//! the group is being stopped is absorbed; one that fails or dies later is charged and sends the pass back,
//! extending it to the left where needed. What closes while a pass is in progress stays down until the next
//! failure sends it back. There is never a second pass, and none waits without a child on its way.

use super::{ChildKey, Core, Rank, Time};

/// A group restart, or the first start of all children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    /// The first member; the group reaches from here to the last child.
    pub(super) from: Rank,
    pub(super) step: Step,
    /// The first start: a child that fails to start fails the supervisor's start.
    pub(super) first: bool,
    /// The member whose failed start sent this pass back.
    pub(super) retried: Option<ChildKey>,
    /// Back-off: once they are stopped, the members wait for this before they start.
    pub(super) not_before: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Members are being stopped, the last one first; those from `end` on are down.
    Stop { end: Rank },
    /// Members before `next` have been started.
    Start { next: Rank },
}

impl Pass {
    pub(super) fn first_start() -> Self {
        Self {
            from: Rank::FIRST,
            step: Step::Start { next: Rank::FIRST },
            first: true,
            retried: None,
            not_before: None,
        }
    }
}

impl Core {
    /// Whether a death of `key` is part of what the pass is doing anyway.
    pub(super) fn pass_absorbs(&self, key: ChildKey) -> bool {
        let rank = self.children.rank(key);
        self.pass.is_some_and(|pass| matches!(pass.step, Step::Stop { .. }) && rank >= pass.from)
    }

    /// Whether `key` is the member that the pass is starting.
    pub(super) fn pass_is_starting(&self, key: ChildKey) -> bool {
        let next = self.children.rank(key);
        self.pass.is_some_and(|pass| pass.step == Step::Start { next })
    }

    /// Whether the pass is still to start `key`.
    pub(super) fn pass_will_reach(&self, key: ChildKey) -> bool {
        let rank = self.children.rank(key);
        self.pass.is_some_and(|pass| match pass.step {
            Step::Stop { .. } => rank >= pass.from,
            Step::Start { next } => rank >= next,
        })
    }

    /// Whether `key` is to be started once more since its start has failed.
    pub(super) fn pass_retries(&self, key: ChildKey) -> bool {
        self.pass.is_some_and(|pass| pass.retried == Some(key)) && self.pass_will_reach(key)
    }
}
