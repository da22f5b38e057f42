//! What a test tells the children and the operators of a [`World`] to do, and what it reads off afterwards.

use super::super::*;
use super::cast::{Init, Play};
use super::world::World;
use crate::exit::Charge;

impl World {
    pub(super) fn key(&self, name: &str) -> ChildKey {
        let found = self.plays.iter().find(|(_, play)| play.name == name);
        *found.unwrap_or_else(|| panic!("a child is called {name}")).0
    }

    pub(super) fn play(&mut self, name: &str) -> &mut Play {
        let key = self.key(name);
        self.plays.get_mut(&key).expect("it has just been found")
    }

    pub(super) fn child(&self, name: &str) -> Option<&Child> {
        let key = self.plays.iter().find(|(_, play)| play.name == name)?.0;
        self.core.children().get(*key)
    }

    pub(super) fn is_running(&self, name: &str) -> bool {
        self.child(name).is_some_and(|child| matches!(child.state, ChildState::Running { .. }))
    }

    pub(super) fn generation(&self, name: &str) -> Generation {
        self.plays[&self.key(name)].generation
    }

    /// A child says that its `init` is through.
    pub(super) fn ready(&mut self, name: &str) {
        let (key, generation) = (self.key(name), self.generation(name));
        self.bring(Event::Started { key, generation });
    }

    /// A child says that there is nothing to run.
    pub(super) fn ignore(&mut self, name: &str) {
        let (key, generation) = self.end_by_itself(name);
        self.step(Event::Ignored { key, generation });
    }

    /// A child ends by itself, with all that follows.
    pub(super) fn die(&mut self, name: &str, reason: ExitReason) {
        self.die_silently(name, reason);
        self.settle();
    }

    /// A child ends by itself; nobody else says anything before the test goes on.
    pub(super) fn die_silently(&mut self, name: &str, reason: ExitReason) {
        let (key, generation) = self.end_by_itself(name);
        self.step(Event::Exited { key, generation, reason });
    }

    fn end_by_itself(&mut self, name: &str) -> (ChildKey, Generation) {
        let key = self.key(name);
        let play = self.play(name);
        assert!(std::mem::replace(&mut play.alive, false), "{name} lives");
        let generation = play.generation;
        // Whatever it had still to say is not said any more.
        self.said.retain(|event| speaker(event) != Some(key));
        (key, generation)
    }

    pub(super) fn request(&mut self, request: Request) -> RequestId {
        let id = self.request_silently(request);
        self.settle();
        id
    }

    /// Asks; nobody says anything before the test goes on.
    pub(super) fn request_silently(&mut self, request: Request) -> RequestId {
        let id = RequestId(self.asked);
        self.asked += 1;
        self.step(Event::Request { id, request });
        id
    }

    pub(super) fn start_child(&mut self, name: &'static str, policy: ChildPolicy) -> RequestId {
        self.start_child_that(name, policy, Init::Ready)
    }

    pub(super) fn start_child_that(&mut self, name: &'static str, policy: ChildPolicy, init: Init) -> RequestId {
        let id = self.start_child_as(name, policy, vec![init]);
        self.settle();
        id
    }

    /// Adds a child with its next inits; nobody says anything before the test goes on.
    pub(super) fn start_child_as(&mut self, name: &'static str, policy: ChildPolicy, inits: Vec<Init>) -> RequestId {
        let key = self.place(name);
        self.play(name).inits.extend(inits);
        self.request_silently(Request::Add { key, name: name.into(), policy })
    }

    pub(super) fn terminate(&mut self, name: &str) -> RequestId {
        let key = self.key(name);
        self.request(Request::Terminate { key })
    }

    pub(super) fn restart(&mut self, name: &str) -> RequestId {
        let key = self.key(name);
        self.request(Request::Restart { key })
    }

    pub(super) fn delete(&mut self, name: &str) -> RequestId {
        let key = self.key(name);
        self.request(Request::Delete { key })
    }

    pub(super) fn restore(&mut self, name: &str) -> RequestId {
        let key = self.key(name);
        self.request(Request::Restore { key })
    }

    /// What the core is to take no notice of.
    pub(super) fn bring_stale(&mut self, event: Event) {
        self.step(Event::Tick);
        let before = format!("{:?}", self.core);
        let mut effects = Vec::new();
        self.core.step(self.now, event.clone(), &mut effects);
        assert!(effects.is_empty(), "{event:?} is stale and has effects: {effects:?}");
        assert_eq!(format!("{:?}", self.core), before, "{event:?} is stale and changes something");
    }

    /// The answer in a word: `ok`, `not found`, …; `none` while there is none.
    pub(super) fn answer(&self, id: RequestId) -> &'static str {
        match self.answers.get(&id) {
            None => "none",
            Some(Ok(())) => "ok",
            Some(Err(Refused::NotFound)) => "not found",
            Some(Err(Refused::Running)) => "running",
            Some(Err(Refused::Restarting)) => "restarting",
            Some(Err(Refused::NotDegraded)) => "not degraded",
            Some(Err(Refused::Faulty(_))) => "faulty",
            Some(Err(Refused::Dynamic)) => "dynamic",
            Some(Err(Refused::MaxChildren)) => "max children",
            Some(Err(Refused::Stopping)) => "stopping",
            Some(Err(Refused::Failed(_))) => "failed",
        }
    }

    /// What the supervisor has done to its children since the last look.
    pub(super) fn done(&mut self) -> String {
        std::mem::take(&mut self.log).join(", ")
    }

    /// What has been said of a child, in words.
    pub(super) fn said_of(&self, name: &str) -> Vec<String> {
        let of = self.reports.iter().filter(|(of, _)| *of == name);
        of.map(|(_, what)| word(what)).collect()
    }

    pub(super) fn last_up(&self) -> Option<&Outcome> {
        self.up.last()
    }

    /// Why the supervisor has ended, if it has.
    pub(super) fn ended(&self) -> Option<&ExitReason> {
        match self.up.last() {
            Some(Outcome::Exited(reason)) => Some(reason),
            _ => None,
        }
    }
}

fn speaker(event: &Event) -> Option<ChildKey> {
    match event {
        Event::Started { key, .. } | Event::Ignored { key, .. } | Event::Exited { key, .. } => Some(*key),
        _ => None,
    }
}

fn word(what: &Happening) -> String {
    match what {
        Happening::Started { after_crash: true } => "restarted".into(),
        Happening::Started { after_crash: false } => "started".into(),
        Happening::Ignored => "ignored".into(),
        Happening::Crashed { reason, charge } => format!("crashed {}{}", reason.label(), charged(*charge)),
        Happening::StartFailed { reason, charge } => format!("start failed {}{}", reason.label(), charged(*charge)),
        Happening::Stopped { reason } => format!("stopped {}", reason.label()),
        Happening::Exhausted { .. } => "exhausted".into(),
        Happening::AutoShutdown => "auto shutdown".into(),
        Happening::Degraded { .. } => "degraded".into(),
        Happening::Restored => "restored".into(),
        Happening::RestoreFailed { .. } => "restore failed".into(),
        Happening::Probing { .. } => "probing".into(),
        Happening::ProbeFailed { .. } => "probe failed".into(),
        Happening::BackingOff { wait } => format!("backing off {wait:?}"),
        Happening::Unresponsive => "unresponsive".into(),
    }
}

fn charged(charge: Option<Charge>) -> String {
    charge.map_or_else(String::new, |charge| format!(" {}/{}", charge.k, charge.limit))
}
