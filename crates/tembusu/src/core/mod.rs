//! The sans-io core of a supervisor: a pure state machine.
//!
//! [`Core::step`] takes an event and says what is to be done; it knows no clock, no task, no channel, and runs
//! no code of a user. The shell (`crate::shell`) carries the effects out and brings the events: what the
//! children did, what operators ask, and that a deadline has passed. The same function is driven by the
//! running tree and by the tests.
//!
//! Every wait is a deadline: while anything is pending, [`Core::deadline`] says when to come back with
//! [`Event::Tick`].

mod backoff;
mod census;
mod change;
mod children;
mod deadlines;
mod degrade;
mod doomed;
mod events;
mod exits;
mod history;
mod intensity;
#[cfg(not(feature = "mutations"))]
mod mutations;
#[cfg(feature = "mutations")]
pub mod mutations;
mod order;
mod pass;
mod probe;
mod requests;
mod restarts;
mod siblings;
mod significant;
mod stopping;
#[cfg(test)]
mod tests;
mod ticks;
mod unusual;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use change::{Change, PolicyChange};
pub(crate) use children::{Child, ChildPolicy, ChildState, Doubling, Exhaustion, Mode};
use deadlines::Deadlines;
pub(crate) use events::{Effect, Event, Happening, Outcome, QueueFate, Refused, Request, RequestId};
pub(crate) use intensity::Intensity;
use pass::Pass;
pub(crate) use siblings::{KeyHashes, Rank, Siblings};
pub(crate) use ticks::InitTimedOut;

use crate::exit::ExitReason;
use crate::spec::policy::{AutoShutdown, Strategy};

/// Time since an epoch that the shell chooses.
pub(crate) type Time = Duration;

/// Names an incarnation of a child: 0 before the first start, then 1, 2, …
pub(crate) type Generation = u64;

/// How long a killed child may take to end before its slot is taken away from it.
pub(crate) const KILL_GRACE: Duration = Duration::from_secs(1);

/// A child of one supervisor; never reused. Its place in the start order is its [`Rank`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChildKey(pub(crate) u64);

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
enum Phase {
    Down,
    Running,
    /// Everything from `end` on is down.
    Stopping {
        reason: ExitReason,
        kill: bool,
        end: Rank,
    },
}

/// The state of one supervisor.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Core {
    path: Arc<str>,
    strategy: Strategy,
    dynamic: bool,
    auto_shutdown: AutoShutdown,
    /// Of a dynamic supervisor: how many children it may have, the ones being restarted included.
    max_children: Option<usize>,
    intensity: Intensity,
    /// The failures that were charged last.
    history: history::History,
    /// `None`: restarts do not wait.
    waits: Option<backoff::Waits>,
    /// Some child is to be restored when the pass is over.
    restores_due: bool,
    /// No restart is granted: the parent has started it on trial.
    on_trial: bool,
    children: Siblings,
    phase: Phase,
    /// Who waits for the end.
    stoppers: Vec<RequestId>,
    /// Whether all children have been up since the last `Start`.
    complete: bool,
    /// The group restart, or the first start, that is in progress.
    pass: Option<Pass>,
    /// A significant child that has ended, and whose end may be this supervisor's: see [`significant`].
    end_awaited: Option<ChildKey>,
    deadlines: Deadlines,
    now: Time,
}

impl Core {
    pub(crate) fn new(path: Arc<str>, strategy: Strategy, dynamic: bool, intensity: Intensity) -> Self {
        Self {
            path,
            strategy,
            dynamic,
            auto_shutdown: AutoShutdown::Never,
            max_children: None,
            intensity,
            history: history::History::default(),
            waits: None,
            restores_due: false,
            on_trial: false,
            children: Siblings::default(),
            phase: Phase::Down,
            stoppers: Vec::new(),
            complete: false,
            pass: None,
            end_awaited: None,
            deadlines: Deadlines::default(),
            now: Time::ZERO,
        }
    }

    /// With another rule for the end of significant children than [`AutoShutdown::Never`].
    pub(crate) fn with_auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.auto_shutdown = auto_shutdown;
        self
    }

    pub(crate) fn with_max_children(mut self, max_children: Option<usize>) -> Self {
        self.max_children = max_children;
        self
    }

    pub(crate) fn auto_shutdown(&self) -> AutoShutdown {
        self.auto_shutdown
    }

    /// Adds a child of the first specification, before the start.
    pub(crate) fn add(&mut self, key: ChildKey, name: Arc<str>, policy: ChildPolicy) {
        assert!(matches!(self.phase, Phase::Down), "first children are added before the start");
        self.children.insert(key, name, policy, true);
    }

    pub(crate) fn children(&self) -> &Siblings {
        &self.children
    }

    pub(crate) fn is_dynamic(&self) -> bool {
        self.dynamic
    }

    pub(crate) fn is_down(&self) -> bool {
        matches!(self.phase, Phase::Down)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Stopping { .. })
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Running) && self.complete
    }

    /// Whether a group is being restarted: who ends is, as a rule, started again soon.
    pub(crate) fn restarts_group(&self) -> bool {
        self.pass.is_some_and(|pass| !pass.first)
    }

    /// When to bring the next [`Event::Tick`], at the latest. May be earlier than needed, never later.
    pub(crate) fn deadline(&self) -> Option<Time> {
        // While a group is being stopped, its members' deadlines count.
        let group = self.pass.and_then(|pass| pass.not_before).filter(|&at| at > self.now);
        self.deadlines.earliest().into_iter().chain(group).min()
    }

    /// The one transition function.
    pub(crate) fn step(&mut self, now: Time, event: Event, effects: &mut Vec<Effect>) {
        debug_assert!(now >= self.now, "time does not run backwards");
        self.now = self.now.max(now);
        match event {
            Event::Start => self.start(false, effects),
            Event::StartOnTrial => self.start(true, effects),
            Event::Trust => self.trusted(effects),
            Event::Stop { kill } => self.stop(kill, effects),
            Event::Started { key, generation } => self.started(key, generation, effects),
            Event::Ignored { key, generation } => self.ignored(key, generation, effects),
            Event::Exited { key, generation, reason } => self.exited(key, generation, reason, effects),
            Event::Condemned { key, generation, reason } => self.condemned(key, generation, reason, effects),
            Event::Stuck { key, generation } => self.stuck(key, generation, effects),
            Event::Stranded { key, generation } => self.stranded(key, generation, effects),
            Event::Tick => self.tick(effects),
            Event::Request { id, request } => self.request(id, request, effects),
        }
        debug_assert!(self.pass.is_none() || matches!(self.phase, Phase::Running), "a pass runs only while running");
    }

    fn start(&mut self, on_trial: bool, effects: &mut Vec<Effect>) {
        if !matches!(self.phase, Phase::Down) {
            return;
        }
        self.phase = Phase::Running;
        self.complete = false;
        self.await_no_end();
        self.on_trial = on_trial;
        if !mutations::is(mutations::Mutation::RemembersItsFormerLife) {
            self.intensity.clear();
        }
        self.forget_failures(effects);
        for key in self.children.revive() {
            effects.push(Effect::Queue { key, fate: QueueFate::Restore });
        }
        self.pass = Some(Pass::first_start());
        self.advance(effects);
    }

    fn report(&self, key: ChildKey, generation: Generation, what: Happening, effects: &mut Vec<Effect>) {
        effects.push(Effect::Report { key, generation, what });
    }
}
