//! Runs scenarios on tembusu: the real shell, real supervisors, real tasks, on a virtual clock.
//!
//! The runtime's clock jumps when nothing else is to do. So a sleep returns when everything that a step has set off
//! is done, and costs no time.

mod worker;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tembusu::held::{self, Held};
use tembusu::{
    Address, AdminError, AutoShutdown, Change, ChildChange, Dynamic, DynamicSupervisor, EventKind, Events, State,
    Supervisor, SupervisorRef, Tree,
};
use tokio::runtime::{Builder, Runtime};

use crate::etf::LONG_PERIOD_S;
use crate::scenario::{Auto, How, Node, Scenario, Step, Strategy, Sup, Worker};
use crate::trace::{Event, Line, Trace};
use worker::{Child, Journal, Script};

/// Longer than anything that a step sets off, and far shorter than a period.
const REST: Duration = Duration::from_secs(600);

/// The same where real time matters, and nothing is slow.
const SHORT_REST: Duration = Duration::from_millis(1);

/// A group is stopped within that time, so that the start that is waited for has begun.
const GATED_WITHIN_MS: u64 = 1000;

/// No scenario takes that long unless something hangs.
const FOREVER: Duration = Duration::from_secs(900_000);

/// Runs scenarios one after the other.
#[derive(Debug)]
pub struct Runner {
    runtime: Runtime,
}

impl Default for Runner {
    fn default() -> Self {
        Self::new()
    }
}

impl Runner {
    /// A runner with a clock of its own.
    ///
    /// # Panics
    ///
    /// When the runtime cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        Self { runtime }
    }

    /// What tembusu makes of a scenario.
    #[must_use]
    pub fn trace(&self, scenario: &Scenario) -> Trace {
        let hung = || Trace { lines: vec![Line { events: Vec::new(), result: "hung".to_owned() }] };
        self.runtime.block_on(async { tokio::time::timeout(FOREVER, run(scenario)).await }).unwrap_or_else(|_| hung())
    }
}

type Template = Dynamic<Script, tembusu::ChildSpec<Child>>;

/// A scenario that is being run.
struct Run {
    journal: Journal,
    sups: HashMap<String, SupervisorRef>,
    /// Supervisors that were added, whether they started or not.
    added: HashSet<String>,
    templates: HashMap<String, (Worker, Template)>,
    /// By specification.
    addresses: HashMap<u64, Address<How>>,
    events: Option<Events>,
}

async fn run(scenario: &Scenario) -> Trace {
    let rest = if scenario.has_gaps() { SHORT_REST } else { REST };
    let mut run = Run {
        journal: Journal::default(),
        sups: HashMap::new(),
        added: HashSet::new(),
        templates: HashMap::new(),
        addresses: HashMap::new(),
        events: None,
    };
    let mut lines = Vec::new();
    let root = run.supervisor(&scenario.root);
    run.sups.insert(scenario.root.name.clone(), root.handle());
    run.events = Some(root.handle().events());
    let tree = match root.start().await {
        Ok(tree) => tree,
        Err(_) => {
            lines.push(run.line("failed".to_owned(), Some((&scenario.root, 'x'))));
            return Trace { lines };
        }
    };
    tokio::time::sleep(rest).await;
    lines.push(run.line("ok".to_owned(), None));
    for step in &scenario.steps {
        let result = run.step(step, rest).await;
        tokio::time::sleep(rest).await;
        let ended = has_ended(&tree).await;
        lines.push(run.line(result, ended.then_some((&scenario.root, 's'))));
        if ended {
            return Trace { lines };
        }
    }
    tree.shutdown().await;
    lines.push(run.line(String::new(), Some((&scenario.root, 's'))));
    Trace { lines }
}

async fn has_ended(tree: &Tree) -> bool {
    tokio::time::timeout(Duration::ZERO, tree.wait()).await.is_ok()
}

impl Run {
    fn supervisor(&mut self, sup: &Sup) -> Supervisor {
        let mut made = match sup.strategy {
            Strategy::OneForAll => Supervisor::one_for_all(sup.name.clone()),
            Strategy::RestForOne => Supervisor::rest_for_one(sup.name.clone()),
            Strategy::OneForOne | Strategy::Dynamic => Supervisor::one_for_one(sup.name.clone()),
        };
        made = made.intensity(sup.limit, period(sup)).restart(worker::type_of(sup.restart));
        made = made.auto_shutdown(auto(sup.auto));
        if sup.significant {
            made = made.significant();
        }
        for child in &sup.children {
            match child {
                Node::Worker(worker) => {
                    let script = self.journal.script(worker.clone());
                    self.addresses.insert(script.id, made.add(script.spec()));
                }
                Node::Sup(below) if below.strategy == Strategy::Dynamic => {
                    let restart = worker::type_of(below.restart);
                    let spec = DynamicSupervisor::new(below.name.clone(), Script::spec).restart(restart);
                    let spec = if below.significant { spec.significant() } else { spec };
                    let template = made.add_dynamic(spec.intensity(below.limit, period(below)));
                    self.sups.insert(below.name.clone(), template.supervisor().clone());
                    if let Some(Node::Worker(worker)) = below.children.first() {
                        self.templates.insert(below.name.clone(), (worker.clone(), template));
                    }
                }
                Node::Sup(below) => {
                    let nested = self.supervisor(below);
                    self.sups.insert(below.name.clone(), made.supervisor(nested));
                }
            }
        }
        made
    }

    async fn step(&mut self, step: &Step, rest: Duration) -> String {
        match step {
            Step::Wait { ms } => {
                tokio::time::sleep(Duration::from_millis(*ms)).await;
                String::new()
            }
            Step::Crash { sup, name, how } => {
                if self.hit(sup, name, *how) {
                    String::new()
                } else {
                    "absent".to_owned()
                }
            }
            Step::Bursts { sups, hits } => self.bursts(sups, hits, rest).await,
            Step::Meanwhile { sup, name, how, ask } => self.meanwhile(sup, name, *how, ask).await,
            Step::Start { sup, .. }
            | Step::Change { sup, .. }
            | Step::Burst { sup, .. }
            | Step::Terminate { sup, .. }
            | Step::Restart { sup, .. }
            | Step::Delete { sup, .. }
            | Step::Which { sup }
            | Step::Count { sup }
                // What was never started cannot be asked.
                if !self.sups.contains_key(sup) =>
            {
                "down".to_owned()
            }
            Step::Burst { sup, hits } => self.burst(sup, hits, rest).await,
            ask => self.ask(ask).await,
        }
    }

    /// Asks a supervisor for something.
    async fn ask(&mut self, ask: &Step) -> String {
        match ask {
            Step::Start { sup, child } => match child {
                Node::Worker(worker) => self.start(sup, worker).await,
                Node::Sup(added) => self.start_sup(sup, added).await,
            },
            Step::Change { sup, to } => self.change(sup, to).await,
            Step::Terminate { sup, name } => answer(self.sups[sup].terminate_child(name).await),
            Step::Restart { sup, name } => answer(self.sups[sup].restart_child(name).await),
            Step::Delete { sup, name } => answer(self.sups[sup].delete_child(name).await),
            Step::Which { sup } => self.which(sup),
            Step::Count { sup } => self.count(sup),
            other => unreachable!("{other} is not asked for"),
        }
    }

    fn hit(&self, sup: &str, name: &str, how: How) -> bool {
        let Some(script) = self.journal.running(name) else { return false };
        match how {
            How::Kill => held::kill(&self.sups[sup], name),
            how => self.addresses[&script].tell(how).is_ok(),
        }
    }

    /// The supervisor sees all deaths at once, in order.
    async fn burst(&mut self, sup: &str, hits: &[(String, How)], rest: Duration) -> String {
        if !is_up(&self.sups[sup]) {
            return "down".to_owned();
        }
        let held = Held::hold(&self.sups[sup]).expect("nothing is going on");
        let mut count = 0;
        for (name, how) in hits {
            if self.hit(sup, name, *how) {
                tokio::time::sleep(rest.min(SHORT_REST)).await;
                count += 1;
                assert_eq!(held.waiting(), count, "each death has been told");
            }
        }
        drop(held);
        count.to_string()
    }

    /// The supervisors go on in their order, each when the one before has come to rest.
    async fn bursts(&mut self, sups: &[String], hits: &[(String, String, How)], rest: Duration) -> String {
        let mut held: Vec<(&String, Held, usize)> = Vec::new();
        for sup in sups {
            if let Some(handle) = self.sups.get(sup).filter(|handle| is_up(handle)) {
                held.push((sup, Held::hold(handle).expect("nothing is going on"), 0));
            }
        }
        let mut count = 0;
        for (sup, name, how) in hits {
            let Some((_, held, waiting)) = held.iter_mut().find(|(of, ..)| *of == sup) else { continue };
            if self.hit(sup, name, *how) {
                tokio::time::sleep(rest.min(SHORT_REST)).await;
                *waiting += 1;
                count += 1;
                assert_eq!(held.waiting(), *waiting, "each death has been told");
            }
        }
        for (_, held, _) in held {
            drop(held);
            tokio::time::sleep(rest).await;
        }
        count.to_string()
    }

    /// Asks while the start that follows the worker's end is in flight, if one does.
    async fn meanwhile(&mut self, sup: &str, name: &str, how: How, ask: &Step) -> String {
        self.journal.gate(name);
        if !self.hit(sup, name, how) {
            self.journal.open();
            return "absent".to_owned();
        }
        for _ in 0..GATED_WITHIN_MS {
            if self.journal.is_waiting() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The start of its supervisor is not what is meant.
        if !self.journal.is_waiting() || !is_up(&self.sups[sup]) {
            self.journal.open();
            return String::new();
        }
        let journal = self.journal.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            journal.open();
        });
        self.ask(ask).await
    }

    async fn change(&mut self, sup: &str, to: &Sup) -> String {
        let known = self.sups[sup].which_children();
        let names = to.children.iter().map(|child| child.name().to_owned());
        let mut change = Change::new()
            .strategy(match to.strategy {
                Strategy::OneForAll => tembusu::Strategy::OneForAll,
                Strategy::RestForOne => tembusu::Strategy::RestForOne,
                Strategy::OneForOne | Strategy::Dynamic => tembusu::Strategy::OneForOne,
            })
            .intensity(to.limit, period(to))
            .auto_shutdown(auto(to.auto))
            .order(names);
        let mut added = Vec::new();
        for child in &to.children {
            let (restart, significant, shutdown) = match child {
                Node::Worker(worker) => (worker.restart, worker.significant, Some(worker::shutdown_of(worker.stop))),
                Node::Sup(sup) => (sup.restart, sup.significant, None),
            };
            if known.iter().any(|known| &*known.name == child.name()) {
                let treated = ChildChange::new().restart(worker::type_of(restart)).significant(significant);
                let treated = match shutdown {
                    Some(shutdown) => treated.shutdown(shutdown),
                    None => treated,
                };
                change = change.child(child.name(), treated);
            } else if let Node::Worker(worker) = child {
                let script = self.journal.script(worker.clone());
                let id = script.id;
                added.push((id, change.add(script.spec())));
            }
        }
        match self.sups[sup].change(change).await {
            Ok(()) => {
                self.addresses.extend(added);
                "ok".to_owned()
            }
            Err(AdminError::Spec(_)) => "faulty".to_owned(),
            Err(error) => word(&error),
        }
    }

    async fn start(&mut self, sup: &str, worker: &Worker) -> String {
        let template = self.templates.get(sup);
        // The template decides how it is treated, the arguments what it does.
        let worker = template.map_or_else(
            || worker.clone(),
            |(template, _)| Worker { restart: template.restart, stop: template.stop, ..worker.clone() },
        );
        let script = self.journal.script(worker);
        let id = script.id;
        let started = match template {
            Some((_, dynamic)) => dynamic.start(script).await,
            None => self.sups[sup].start_child(script.spec()).await,
        };
        match started {
            Ok(address) => {
                self.addresses.insert(id, address);
                "ok".to_owned()
            }
            Err(error) => word(&error),
        }
    }

    async fn start_sup(&mut self, sup: &str, added: &Sup) -> String {
        self.added.insert(added.name.clone());
        let made = self.supervisor(added);
        match self.sups[sup].start_child(made).await {
            Ok(started) => {
                self.sups.insert(added.name.clone(), started);
                "ok".to_owned()
            }
            Err(error) => word(&error),
        }
    }

    fn which(&self, sup: &str) -> String {
        let sup_ref = &self.sups[sup];
        if !is_up(sup_ref) {
            return "down".to_owned();
        }
        let mut children = sup_ref.which_children();
        if self.templates.contains_key(sup) {
            children.sort_by(|a, b| a.name.cmp(&b.name));
        }
        let words: Vec<String> = children
            .iter()
            .map(|child| {
                let state = match child.state {
                    State::Running => 'u',
                    State::Restarting | State::Starting => 'r',
                    _ => 'd',
                };
                format!("{}={state}", child.name)
            })
            .collect();
        words.join(",")
    }

    fn count(&self, sup: &str) -> String {
        let sup_ref = &self.sups[sup];
        if !is_up(sup_ref) {
            return "down".to_owned();
        }
        let counts = sup_ref.count_children();
        format!("{}/{}/{}/{}", counts.specs, counts.active, counts.supervisors, counts.workers)
    }

    /// What has happened since the last line.
    fn line(&mut self, result: String, root: Option<(&Sup, char)>) -> Line {
        let mut events = self.journal.take();
        while let Some(Ok(event)) = self.events.as_mut().and_then(Events::try_recv) {
            let name = event.path.rsplit('/').next().unwrap_or_default();
            let class = match event.kind {
                EventKind::Crashed { .. } | EventKind::Stopped { .. } => 's',
                EventKind::StartFailed { .. } => 'x',
                _ => continue,
            };
            if self.sups.contains_key(name) || self.added.contains(name) {
                events.push(sup_end(name, class));
            }
        }
        events.extend(root.map(|(sup, class)| sup_end(&sup.name, class)));
        Line { events, result }
    }
}

fn sup_end(name: &str, class: char) -> Event {
    Event { name: name.to_owned(), mark: '-', k: 0, class: Some(class) }
}

fn auto(auto: Auto) -> AutoShutdown {
    match auto {
        Auto::Never => AutoShutdown::Never,
        Auto::Any => AutoShutdown::AnySignificant,
        Auto::All => AutoShutdown::AllSignificant,
    }
}

fn period(sup: &Sup) -> Duration {
    Duration::from_secs(sup.period_s.unwrap_or(LONG_PERIOD_S).into())
}

fn is_up(sup: &SupervisorRef) -> bool {
    sup.snapshot().state == State::Running
}

fn answer(result: Result<(), AdminError>) -> String {
    result.map_or_else(|error| word(&error), |()| "ok".to_owned())
}

fn word(error: &AdminError) -> String {
    match error {
        AdminError::NotFound { .. } => "not_found",
        AdminError::AlreadyStarted { .. } => "already_started",
        AdminError::AlreadyPresent { .. } => "already_present",
        AdminError::Running { .. } => "running",
        AdminError::Restarting { .. } => "restarting",
        AdminError::Stopping { .. } => "down",
        AdminError::Failed { .. } => "failed",
        other => return format!("{other:?}"),
    }
    .to_owned()
}
