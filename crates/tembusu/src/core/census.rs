//! What a supervisor says about its children when it is asked; nothing here changes anything.

use super::{Child, ChildState, Core, Mode};
use crate::admin::ChildCounts;
use crate::snapshot::{Kind, State};

impl Core {
    /// What a child is doing. One whose turn in a group restart is still to come is not at rest.
    pub(crate) fn state_of(&self, child: &Child) -> State {
        let degraded = child.mode == Mode::Degraded;
        match child.state {
            ChildState::Idle if self.starts_at(child).is_some() => State::BackingOff,
            ChildState::Idle if degraded && child.is_vacant() => State::Degraded,
            ChildState::Idle if !child.at_rest && self.pass_will_reach(child.key) => {
                if child.crashed {
                    State::Restarting
                } else {
                    State::Waiting
                }
            }
            ChildState::Idle if child.generation == 0 => State::Waiting,
            ChildState::Idle => State::Stopped,
            ChildState::Starting { .. } if child.crashed => State::Restarting,
            ChildState::Starting { .. } => State::Starting,
            ChildState::Running { .. } if degraded => State::Degraded,
            ChildState::Running { .. } if child.mode == Mode::Probing => State::Probing,
            ChildState::Running { .. } => State::Running,
            ChildState::Stopping { .. } | ChildState::Killing { .. } => State::Stopping,
        }
    }

    /// OTP's `count_children/1`: those of a dynamic supervisor have one specification, its template.
    pub(crate) fn counts(&self) -> ChildCounts {
        let mut counts = ChildCounts::default();
        for child in self.children.iter() {
            counts.specs += 1;
            match child.policy.kind {
                Kind::Supervisor => counts.supervisors += 1,
                Kind::Worker => counts.workers += 1,
            }
            if child.is_active() {
                counts.active += 1;
            }
        }
        if self.dynamic {
            counts.specs = 1;
        }
        counts
    }
}

impl Child {
    /// Whether an incarnation of it is past its `init`.
    pub(crate) fn is_active(&self) -> bool {
        !matches!(self.state, ChildState::Idle | ChildState::Starting { .. })
    }
}
