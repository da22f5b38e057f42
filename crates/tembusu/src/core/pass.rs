//! The state of a group restart.
//!
//! A [`Pass`] first stops the members of a group in reverse start order, one after the other, then starts them
//! in order, each acknowledged before the next. Further failures feed the same pass: a member that dies while
//! the group is being stopped is absorbed; one that fails or dies later is charged and sends the pass back,
//! extending it to the left where needed. What closes while a pass is in progress stays down until the next
//! failure sends it back. There is never a second pass, and none waits without a child on its way.

use super::{ChildKey, Time};

/// A group restart, or the first start of all children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    /// The first member; the group reaches from here to the last child.
    pub(super) from: ChildKey,
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
    /// Members are being stopped, the last one first.
    Stop,
    /// Members before `next` have been started.
    Start { next: ChildKey },
}

impl Pass {
    pub(super) fn first_start() -> Self {
        Self {
            from: ChildKey(0),
            step: Step::Start { next: ChildKey(0) },
            first: true,
            retried: None,
            not_before: None,
        }
    }

    /// Whether a death of `key` is part of what this pass is doing anyway.
    pub(super) fn absorbs(&self, key: ChildKey) -> bool {
        self.step == Step::Stop && key >= self.from
    }

    /// Whether `key` is the member that is being started.
    pub(super) fn is_starting(&self, key: ChildKey) -> bool {
        self.step == Step::Start { next: key }
    }

    /// Whether `key` is being started once more since its start has failed.
    pub(super) fn retries(&self, key: ChildKey) -> bool {
        self.is_starting(key) && self.retried == Some(key)
    }

    /// Whether this pass is still to start `key`.
    pub(super) fn will_reach(&self, key: ChildKey) -> bool {
        match self.step {
            Step::Stop => key >= self.from,
            Step::Start { next } => key >= next,
        }
    }
}
