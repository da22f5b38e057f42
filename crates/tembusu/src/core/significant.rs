//! Significant children: a supervisor whose work is done when theirs is (OTP, `supervisor`, "auto_shutdown").
//!
//! What counts is an end that nobody asked for and that is not followed by a restart. Nothing is charged, and
//! the supervisor ends with the reason `Shutdown`, so that a transient one stays down.

use super::children::Intent;
use super::mutations::{self, Mutation};
use super::{Child, ChildKey, ChildState, Core, Mode};
use crate::spec::policy::{AutoShutdown, Restart};

impl Core {
    /// Whether the end of `key`, which is not followed by a restart, is the end of this supervisor.
    pub(super) fn auto_shuts_down(&self, key: ChildKey) -> bool {
        let mut others = self.children.iter().filter(|child| child.key != key);
        self.children.get(key).is_some_and(|child| child.policy.significant)
            && match self.auto_shutdown {
                AutoShutdown::AllSignificant if mutations::is(Mutation::AnyIsAll) => true,
                _ if mutations::is(Mutation::NobodyIsSignificant) => false,
                AutoShutdown::Never => false,
                AutoShutdown::AnySignificant => true,
                AutoShutdown::AllSignificant => !others.any(|child| self.is_significant_and_alive(child)),
            }
    }

    /// One that waits for its restart, for its turn in a group restart, or for the end of degraded mode, is alive.
    fn is_significant_and_alive(&self, child: &Child) -> bool {
        let comes_back = || match child.mode {
            Mode::Degraded => true,
            Mode::Normal | Mode::Probing if child.unusual().retry_at.is_some() => true,
            Mode::Normal | Mode::Probing => {
                let is_bystander = child.policy.restart == Restart::Temporary && !child.fresh;
                !child.at_rest && !is_bystander && self.pass_will_reach(child.key)
            }
        };
        child.policy.significant
            && match child.state {
                ChildState::Idle => comes_back(),
                // OTP has seen the end of what is being stopped before it looks at the next exit.
                ChildState::Stopping { .. } | ChildState::Killing { .. } => match child.intent {
                    Some(Intent::Terminate) => false,
                    Some(Intent::GroupStop) => child.policy.restart != Restart::Temporary,
                    _ => true,
                },
                ChildState::Starting { .. } | ChildState::Running { .. } => true,
            }
    }
}
