//! A tree of cores whose children do at once what they are told, so that what is seen of it can be compared with
//! the reference model step by step.
//!
//! It knows nothing of the model's rules; it only speaks its words (`Step`, `Reason`, `Start`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tembusu_model::{Id, Life, Reason, Start, Step};

use super::super::*;
use super::cast::error;

/// A child's place: which core, under which key.
type Place = (usize, ChildKey);

struct Node {
    id: Id,
    core: Core,
    above: Option<Place>,
    generation: Generation,
    started: bool,
}

/// A worker's process.
#[derive(Clone, Debug)]
enum Process {
    Lives(Generation),
    /// It has ended; its supervisor has not heard of it.
    Ended(Generation, ExitReason),
}

pub(super) struct Stage {
    nodes: Vec<Node>,
    places: BTreeMap<Id, Place>,
    names: BTreeMap<Place, Id>,
    shapes: BTreeMap<Place, usize>,
    workers: BTreeMap<Place, Process>,
    inbox: VecDeque<(usize, Event)>,
    /// Restarts that have failed and are not told yet, by child, while `holds`.
    held: BTreeMap<Id, (usize, Event)>,
    pub(super) holds: bool,
    pub(super) now: Time,
    pub(super) starts: BTreeMap<Id, VecDeque<Start>>,
    pub(super) deaf: BTreeSet<Id>,
    steps: Vec<Step>,
    answers: BTreeMap<RequestId, Result<(), Refused>>,
    asked: u64,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            places: BTreeMap::new(),
            names: BTreeMap::new(),
            shapes: BTreeMap::new(),
            workers: BTreeMap::new(),
            inbox: VecDeque::new(),
            held: BTreeMap::new(),
            holds: false,
            now: Time::ZERO,
            starts: BTreeMap::new(),
            deaf: BTreeSet::new(),
            steps: Vec::new(),
            answers: BTreeMap::new(),
            asked: 0,
        }
    }

    /// Adds a supervisor; the first is the root. Returns its number.
    pub(super) fn supervisor(&mut self, id: Id, core: Core, above: Option<(usize, ChildPolicy)>) -> usize {
        let node = self.nodes.len();
        let above = above.map(|(of, policy)| (of, self.place(of, id, policy)));
        if let Some(place) = above {
            self.shapes.insert(place, node);
        }
        self.nodes.push(Node { id, core, above, generation: 0, started: false });
        node
    }

    pub(super) fn worker(&mut self, of: usize, id: Id, policy: ChildPolicy) {
        self.place(of, id, policy);
    }

    fn place(&mut self, of: usize, id: Id, policy: ChildPolicy) -> ChildKey {
        let key = self.name(of, id);
        self.nodes[of].core.add(key, id.to_string().into(), policy);
        key
    }

    fn name(&mut self, of: usize, id: Id) -> ChildKey {
        // Keys ascend in the order of `add`, as in the shell.
        let key = ChildKey(self.names.keys().filter(|place| place.0 == of).count() as u64);
        self.places.insert(id, (of, key));
        self.names.insert((of, key), id);
        key
    }

    pub(super) fn start(&mut self) {
        self.bring(0, Event::Start);
    }

    pub(super) fn stop(&mut self) {
        self.bring(0, Event::Stop { kill: false });
    }

    // === what happens ===

    /// Ends several workers at the same moment; their supervisors hear of one after the other.
    pub(super) fn crash_together(&mut self, ends: &[(Id, Reason)]) {
        for &(id, reason) in ends {
            let place = self.places[&id];
            let Some(Process::Lives(generation)) = self.workers.get(&place).cloned() else { continue };
            self.workers.insert(place, Process::Ended(generation, reason_of(reason)));
            self.steps.push(Step::Ended(id, reason));
        }
        for &(id, _) in ends {
            self.tell_end(self.places[&id]);
            self.settle();
        }
    }

    /// Lets a supervisor hear that a restart has failed.
    pub(super) fn release(&mut self, id: Id) {
        let told = self.held.remove(&id).expect("it failed to start");
        self.inbox.push_back(told);
        self.settle();
    }

    /// Adds a worker to a running supervisor.
    pub(super) fn start_child(&mut self, of: usize, id: Id, policy: ChildPolicy) -> Result<(), Refused> {
        let key = self.name(of, id);
        self.ask(of, Request::Add { key, name: id.to_string().into(), policy })
    }

    pub(super) fn ask_about(&mut self, id: Id, request: impl FnOnce(ChildKey) -> Request) -> Result<(), Refused> {
        let (of, key) = self.places[&id];
        self.ask(of, request(key))
    }

    /// A place for a worker that a change adds.
    pub(super) fn place_for(&mut self, of: usize, id: Id) -> ChildKey {
        self.name(of, id)
    }

    pub(super) fn key(&self, id: Id) -> ChildKey {
        self.places[&id].1
    }

    pub(super) fn ask(&mut self, of: usize, request: Request) -> Result<(), Refused> {
        let id = RequestId(self.asked);
        self.asked += 1;
        self.bring(of, Event::Request { id, request });
        self.answers.remove(&id).expect("every request is answered")
    }

    fn bring(&mut self, node: usize, event: Event) {
        self.inbox.push_back((node, event));
        self.settle();
    }

    /// Lets everything that follows happen; time passes only while somebody deaf is waited for.
    fn settle(&mut self) {
        loop {
            while let Some((node, event)) = self.inbox.pop_front() {
                let mut effects = Vec::new();
                self.nodes[node].core.step(self.now, event, &mut effects);
                effects.into_iter().for_each(|effect| self.carry_out(node, effect));
            }
            let waited_for = |child: &Child| child.state.deadline().filter(|_| !is_starting(child));
            let next =
                self.nodes.iter().filter_map(|node| node.core.children().iter().filter_map(waited_for).min()).min();
            let Some(next) = next else { return };
            self.now = self.now.max(next);
            self.inbox.extend((0..self.nodes.len()).map(|node| (node, Event::Tick)));
        }
    }

    fn carry_out(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Start { key, generation, .. } => self.begin((node, key), generation),
            Effect::Stop { key } | Effect::Kill { key } if self.held.contains_key(&self.names[&(node, key)]) => {
                let told = self.held.remove(&self.names[&(node, key)]).expect("it has just been seen");
                self.inbox.push_back(told);
            }
            Effect::Stop { key } => match self.shapes.get(&(node, key)) {
                Some(&below) => self.inbox.push_back((below, Event::Stop { kill: false })),
                None => self.told_to_end((node, key), false),
            },
            Effect::Kill { key } => match self.shapes.get(&(node, key)) {
                Some(&below) => self.inbox.push_back((below, Event::Stop { kill: true })),
                None => self.told_to_end((node, key), true),
            },
            Effect::Abandon { .. } => panic!("nobody here is undead"),
            Effect::Answer { id, result } => {
                let before = self.answers.insert(id, result);
                assert!(before.is_none(), "{id:?} is answered once");
            }
            Effect::Report { what, .. } => self.report(node, &what),
            Effect::Up(outcome) => self.up(node, outcome),
            Effect::Queue { .. } | Effect::Removed { .. } | Effect::Discard(_) => {}
            Effect::Trust { .. } => panic!("nobody here is on trial"),
        }
    }

    fn begin(&mut self, place: Place, generation: Generation) {
        if let Some(&below) = self.shapes.get(&place) {
            self.nodes[below].generation = generation;
            self.inbox.push_back((below, Event::Start));
            return;
        }
        let (node, key) = place;
        let id = self.names[&place];
        assert!(!self.workers.contains_key(&place), "{id} has one process at a time");
        match self.starts.get_mut(&id).and_then(VecDeque::pop_front).unwrap_or(Start::Ok) {
            Start::Ok => {
                self.workers.insert(place, Process::Lives(generation));
                self.steps.push(Step::Started(id));
                self.inbox.push_back((node, Event::Started { key, generation }));
            }
            Start::Ignore => {
                self.steps.push(Step::Ignored(id));
                self.inbox.push_back((node, Event::Ignored { key, generation }));
            }
            Start::Fail => {
                self.steps.push(Step::StartFailed(id));
                self.failed_to_start(id, node, Event::Exited { key, generation, reason: error() });
            }
        }
    }

    /// A failed restart waits to be told; a failed first start does not.
    fn failed_to_start(&mut self, id: Id, node: usize, event: Event) {
        if self.holds && self.nodes[node].core.is_up() {
            self.held.insert(id, (node, event));
        } else {
            self.inbox.push_back((node, event));
        }
    }

    fn told_to_end(&mut self, place: Place, kill: bool) {
        let id = self.names[&place];
        if let Some(Process::Lives(generation)) = self.workers.get(&place).cloned() {
            if self.deaf.contains(&id) && !kill {
                return;
            }
            let reason = if kill { Reason::Killed } else { Reason::Shutdown };
            self.workers.insert(place, Process::Ended(generation, reason_of(reason)));
            self.steps.push(Step::Ended(id, reason));
        }
        self.tell_end(place);
    }

    /// The supervisor hears of an end, if there is one that it has not heard of.
    fn tell_end(&mut self, place: Place) {
        if let Some(Process::Ended(generation, reason)) = self.workers.get(&place).cloned() {
            self.workers.remove(&place);
            self.inbox.push_back((place.0, Event::Exited { key: place.1, generation, reason }));
        }
    }

    fn report(&mut self, node: usize, what: &Happening) {
        let id = self.nodes[node].id;
        match what {
            Happening::Crashed { charge: Some(_), .. } | Happening::StartFailed { charge: Some(_), .. } => {
                self.steps.push(Step::Charged(id));
            }
            Happening::AutoShutdown => self.steps.push(Step::AutoShutdown(id)),
            Happening::Exhausted { .. } => self.steps.push(Step::Exhausted(id)),
            _ => {}
        }
    }

    fn up(&mut self, node: usize, outcome: Outcome) {
        let Node { id, above, generation, started, .. } = &mut self.nodes[node];
        let (id, generation, above) = (*id, *generation, *above);
        let step = match &outcome {
            Outcome::Started => {
                *started = true;
                Step::Started(id)
            }
            Outcome::Exited(reason) if std::mem::take(started) => Step::Ended(id, word_for(reason)),
            Outcome::Exited(_) => Step::StartFailed(id),
        };
        self.steps.push(step);
        let Some((parent, key)) = above else { return };
        match outcome {
            Outcome::Started => self.inbox.push_back((parent, Event::Started { key, generation })),
            Outcome::Exited(reason) => {
                let event = Event::Exited { key, generation, reason };
                match step {
                    Step::StartFailed(_) => self.failed_to_start(id, parent, event),
                    _ => self.inbox.push_back((parent, event)),
                }
            }
        }
    }

    // === what is seen ===

    pub(super) fn steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    /// A running supervisor's children, the last started first.
    pub(super) fn which_children(&self, node: usize) -> Option<Vec<(Id, Life)>> {
        let Node { core, .. } = &self.nodes[node];
        let life = |child: &Child| match child.state {
            ChildState::Running { .. } => Life::Running,
            ChildState::Idle => Life::Undefined,
            _ => Life::Restarting,
        };
        core.is_up()
            .then(|| core.children().iter().rev().map(|child| (self.names[&(node, child.key)], life(child))).collect())
    }
}

fn is_starting(child: &Child) -> bool {
    matches!(child.state, ChildState::Starting { .. })
}

fn reason_of(word: Reason) -> ExitReason {
    match word {
        Reason::Normal => ExitReason::Normal,
        Reason::Shutdown => ExitReason::Shutdown,
        Reason::Killed => ExitReason::Killed,
        Reason::Error => error(),
    }
}

fn word_for(reason: &ExitReason) -> Reason {
    match reason {
        ExitReason::Normal => Reason::Normal,
        ExitReason::Shutdown | ExitReason::ShutdownWith(_) | ExitReason::Exhausted(_) => Reason::Shutdown,
        ExitReason::Killed | ExitReason::Unresponsive => Reason::Killed,
        ExitReason::Linked(exit) => word_for(&exit.reason),
        ExitReason::FailedToStart(failure) => word_for(&failure.reason),
        ExitReason::Error(_) | ExitReason::Panic { .. } | ExitReason::NotRunning => Reason::Error,
    }
}
