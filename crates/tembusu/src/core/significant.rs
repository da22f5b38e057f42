//! Significant children: a supervisor whose work is done when theirs is (OTP, `supervisor`, "auto_shutdown").
//!
//! What counts is an end that nobody asked for and that is not followed by a restart. Nothing is charged, and
//! the supervisor ends with the reason `Shutdown`, so that a transient one stays down.
//!
//! OTP's supervisor does not look at an end before the start that it waits for is over (`supervisor.erl`,
//! `do_auto_shutdown/2`, where `undefined` is not alive and `restarting` is). Here an end is seen at once; so under
//! `all_significant` one that comes while starts are in flight, and finds nobody else alive, is *awaited*: what comes
//! of those starts decides.

use super::children::Intent;
use super::mutations::{self, Mutation};
use super::pass::Step;
use super::restarts::answer;
use super::{Child, ChildKey, ChildState, Core, Effect, Generation, Happening, Mode, RequestId};
use crate::exit::ExitReason;
use crate::spec::policy::{AutoShutdown, Restart, Strategy};

/// What is to be said of significant children; of several, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outlook {
    /// There is none, and none is on its way.
    Gone,
    /// A start that is in flight decides.
    Undecided,
    /// There is one, or its restart is tried again.
    Alive,
}

impl Core {
    /// Whether the end of `key`, which is not followed by a restart, is the end of this supervisor.
    pub(super) fn auto_shuts_down(&mut self, key: ChildKey) -> bool {
        let significant = self.children.get(key).is_some_and(|child| child.policy.significant);
        if !significant || mutations::is(Mutation::NobodyIsSignificant) {
            return false;
        }
        match self.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => true,
            AutoShutdown::AllSignificant if mutations::is(Mutation::AnyIsAll) => true,
            AutoShutdown::AllSignificant => {
                let outlook = self.outlook(Some(key));
                self.end_awaited = (outlook == Outlook::Undecided).then_some(key);
                outlook == Outlook::Gone
            }
        }
    }

    /// A start of `key` is over, and there is nothing that runs: whether that was the last one that an end was awaited
    /// for. To be asked before `key` is put away.
    pub(super) fn decides_the_end(&mut self, key: ChildKey, generation: Generation, effects: &mut Vec<Effect>) -> bool {
        if self.end_awaited.is_none() || self.outlook(Some(key)) != Outlook::Gone {
            return false;
        }
        self.report_awaited(key, generation, effects);
        true
    }

    /// The end that was awaited is this supervisor's; `key` has decided it.
    pub(super) fn report_awaited(&mut self, key: ChildKey, generation: Generation, effects: &mut Vec<Effect>) {
        let Some(ended) = self.end_awaited.take() else { return };
        match self.children.get(ended).map(|child| child.generation) {
            Some(generation) => self.report(ended, generation, Happening::AutoShutdown, effects),
            // It was temporary.
            None => self.report(key, generation, Happening::AutoShutdown, effects),
        }
    }

    /// The same for a start that has failed and is to be tried again: its child is alive. Whom the attempt of a group
    /// has not reached is not, as in OTP.
    pub(super) fn failure_decides_the_end(&mut self, key: ChildKey) -> bool {
        if self.end_awaited.is_none() {
            return false;
        }
        let groups = self.strategy != Strategy::OneForOne;
        let reached = |child: &&Child| !(groups && child.state == ChildState::Idle && self.pass_will_reach(child.key));
        let others = self.children.iter().filter(|child| child.key != key && child.policy.significant).filter(reached);
        let others = others.map(|child| self.outlook_of(child)).max().unwrap_or(Outlook::Gone);
        if self.children.get(key).is_some_and(|child| child.policy.significant) || others == Outlook::Alive {
            self.end_awaited = None;
            return false;
        }
        groups && others == Outlook::Gone
    }

    /// What has been awaited is not any more: somebody is alive, or would have been.
    pub(super) fn await_no_end(&mut self) {
        self.end_awaited = None;
    }

    /// An operator's start has failed, and what was asked for is answered; it may have been awaited.
    pub(super) fn answer_failed_start(
        &mut self,
        id: RequestId,
        reason: ExitReason,
        ends: bool,
        effects: &mut Vec<Effect>,
    ) {
        answer(Some(id), Err(super::Refused::Failed(reason)), effects);
        if ends {
            return self.end(ExitReason::Shutdown, effects);
        }
        self.advance(effects);
    }

    /// What is to be said of all significant children but one.
    pub(super) fn outlook(&self, but: Option<ChildKey>) -> Outlook {
        let others = self.children.iter().filter(|child| Some(child.key) != but && child.policy.significant);
        others.map(|child| self.outlook_of(child)).max().unwrap_or(Outlook::Gone)
    }

    fn outlook_of(&self, child: &Child) -> Outlook {
        let temporary = child.policy.restart == Restart::Temporary;
        let is_bystander = temporary && self.is_bystander(child);
        let is_to_come = || !child.at_rest && !is_bystander && self.pass_will_reach(child.key);
        if child.mode != Mode::Normal {
            // Waiting for its restart, for its turn in a group restart, or for the end of degraded mode.
            let alive = child.state.is_alive() || child.mode == Mode::Degraded || child.unusual().retry_at.is_some();
            return if alive || is_to_come() { Outlook::Alive } else { Outlook::Gone };
        }
        // Its group stops it and starts it again, unless it is temporary.
        let restarted = if temporary { Outlook::Gone } else { Outlook::Undecided };
        let is_stopped =
            self.pass.is_some_and(|pass| matches!(pass.step, Step::Stop { .. }) && child.rank >= pass.from);
        match child.state {
            ChildState::Idle if child.unusual().retry_at.is_some() => Outlook::Alive,
            ChildState::Idle if is_to_come() => Outlook::Undecided,
            ChildState::Idle => Outlook::Gone,
            ChildState::Starting { .. } => match child.intent {
                Some(Intent::RestoreStart(_)) => Outlook::Alive,
                _ => Outlook::Undecided,
            },
            ChildState::Running { .. } if is_stopped => restarted,
            ChildState::Running { .. } => Outlook::Alive,
            ChildState::Stopping { .. } | ChildState::Killing { .. } => match child.intent {
                Some(Intent::Terminate) => Outlook::Gone,
                Some(Intent::GroupStop) => restarted,
                Some(Intent::Add(_) | Intent::Restart(_) | Intent::Hasten(_)) => Outlook::Undecided,
                Some(Intent::RestoreStop(_) | Intent::RestoreStart(_)) => Outlook::Alive,
                None if is_stopped => restarted,
                // It is ending by itself, and nobody has seen the end.
                None => Outlook::Alive,
            },
        }
    }
}
