//! Whether two traces of a scenario agree, and if not, which single deviation explains it.
//!
//! What must agree: every child's own history with reasons, the order of starts and ends of children that depend on
//! each other, which supervisors end and in which order, and all answers. What need not: the order between children
//! of a dynamic supervisor, and between children of a one_for_one that died at once.

use std::collections::{BTreeMap, HashMap};

use crate::deviations::{self, Deviation};
use crate::scenario::{Node, Scenario, Step, Strategy, Sup};
use crate::trace::{Event, Line, Trace};

/// What comes of a comparison.
#[derive(Clone, Copy, Debug)]
pub enum Verdict {
    /// The traces agree.
    Equal,
    /// They agree but for this one.
    Explained(&'static Deviation),
    /// No single row of the list makes them agree.
    Unexplained,
}

/// Compares what Erlang/OTP and tembusu made of a scenario.
#[must_use]
pub fn judge(scenario: &Scenario, theirs: &Trace, ours: &Trace) -> Verdict {
    let order = Order::of(scenario);
    if order.agree(theirs, ours) {
        return Verdict::Equal;
    }
    for row in deviations::ALL {
        let (theirs, ours) = (row.normalise)(scenario, theirs, ours);
        if order.agree(&theirs, &ours) {
            return Verdict::Explained(row);
        }
    }
    Verdict::Unexplained
}

/// Which events of a scenario are ordered.
pub(crate) struct Order<'a> {
    scenario: &'a Scenario,
    /// Child to supervisor, children that are added included.
    parents: HashMap<&'a str, &'a str>,
    sups: HashMap<&'a str, &'a Sup>,
}

impl<'a> Order<'a> {
    pub(crate) fn of(scenario: &'a Scenario) -> Self {
        let mut sups: HashMap<_, _> = scenario.root.all().into_iter().map(|sup| (&*sup.name, sup)).collect();
        let mut parents = HashMap::new();
        for step in &scenario.steps {
            let step = if let Step::Meanwhile { ask, .. } = step { ask } else { step };
            match step {
                Step::Start { sup, child } => {
                    parents.insert(child.name(), &**sup);
                    if let Node::Sup(added) = child {
                        sups.extend(added.all().into_iter().map(|sup| (&*sup.name, sup)));
                    }
                }
                Step::Change { sup, to } => parents.extend(to.children.iter().map(|child| (child.name(), &**sup))),
                _ => {}
            }
        }
        for sup in sups.values() {
            let children = sup.children.iter().map(Node::name);
            parents.extend(children.map(|child| (child, &*sup.name)));
        }
        Self { scenario, parents, sups }
    }

    pub(crate) fn agree(&self, theirs: &Trace, ours: &Trace) -> bool {
        theirs.lines.len() == ours.lines.len()
            && theirs.lines.iter().zip(&ours.lines).enumerate().all(|(at, (theirs, ours))| {
                // The first line is the start.
                let step = at.checked_sub(1).and_then(|at| self.scenario.steps.get(at));
                theirs.result == ours.result && self.line_agrees(at, step, theirs, ours)
            })
    }

    fn line_agrees(&self, at: usize, step: Option<&Step>, theirs: &Line, ours: &Line) -> bool {
        if theirs.events == ours.events {
            return true;
        }
        let (mut theirs_end, mut ours_end) = (ends(&theirs.events), ends(&ours.events));
        if matches!(step, Some(Step::Bursts { .. })) {
            // Here an end is told by whoever was held, later.
            theirs_end.sort();
            ours_end.sort();
        }
        if theirs_end != ours_end {
            return false;
        }
        // Those who died at once under a supervisor that restarts each for itself.
        let independent: Vec<&str> = match step {
            Some(Step::Burst { sup, hits }) if self.is_independent(sup, at) => {
                hits.iter().map(|(name, _)| &**name).collect()
            }
            Some(Step::Bursts { hits, .. }) => {
                hits.iter().filter(|(sup, ..)| self.is_independent(sup, at)).map(|(_, name, _)| &**name).collect()
            }
            _ => Vec::new(),
        };
        let hit = |event: &Event| independent.iter().any(|name| *name == event.name);
        let each = |events: &[Event]| -> Vec<Vec<Event>> {
            let of = |name: &&str| events.iter().filter(|event| event.name == **name).cloned().collect();
            independent.iter().map(of).collect()
        };
        let others = |events: &[Event]| -> Vec<Vec<Event>> {
            let mut branches: BTreeMap<Option<&str>, Vec<Event>> = BTreeMap::new();
            for event in events.iter().filter(|event| !hit(event)) {
                // Supervisors that have ended at once are restarted each for itself, too.
                let branch = matches!(step, Some(Step::Bursts { .. })).then(|| self.branch(&event.name, at)).flatten();
                branches.entry(branch).or_default().push(event.clone());
            }
            branches.into_values().map(|events| self.in_order(&events)).collect()
        };
        each(&theirs.events) == each(&ours.events) && others(&theirs.events) == others(&ours.events)
    }

    /// Itself or the highest above it that is restarted for itself.
    fn branch(&self, name: &str, at: usize) -> Option<&'a str> {
        let (name, _) = self.parents.get_key_value(name)?;
        self.branch(self.parents[name], at).or_else(|| self.is_independent(self.parents[name], at).then_some(*name))
    }

    /// The supervisors that are specified without a worker below them, whose starts nobody notes.
    pub(crate) fn silent(&self) -> impl Iterator<Item = &str> {
        let has_worker = |sup: &Sup| {
            // What stands under a dynamic one is its template.
            let mut starting = sup.all().into_iter().filter(|sup| sup.strategy != Strategy::Dynamic);
            starting.any(|sup| sup.children.iter().any(|child| matches!(child, Node::Worker(_))))
        };
        self.sups.iter().filter(move |(_, sup)| !has_worker(sup)).map(|(name, _)| *name)
    }

    /// Whether the one is the other, or somewhere below it.
    pub(crate) fn is_within(&self, name: &str, above: &str) -> bool {
        name == above || self.parents.get(name).is_some_and(|parent| self.is_within(parent, above))
    }

    /// Whether it restarts each child for itself, or has done so before the line `at`.
    fn is_independent(&self, sup: &str, at: usize) -> bool {
        let before = self.scenario.steps.iter().take(at).filter_map(|step| match step {
            Step::Change { sup: changed, to } if changed == sup => Some(to.strategy),
            _ => None,
        });
        let first = self.sups.get(sup).map(|sup| sup.strategy);
        first.into_iter().chain(before).any(|strategy| matches!(strategy, Strategy::OneForOne | Strategy::Dynamic))
    }

    /// The workers' events; neighbours under one dynamic supervisor in an order of their own.
    fn in_order(&self, events: &[Event]) -> Vec<Event> {
        let workers: Vec<&Event> = events.iter().filter(|event| event.k > 0).collect();
        let group = |event: &Event| {
            let parent = self.parents.get(&*event.name).copied()?;
            (self.sups[parent].strategy == Strategy::Dynamic).then_some(parent)
        };
        let mut ordered: Vec<Event> = Vec::with_capacity(workers.len());
        for run in workers.chunk_by(|a, b| group(a).is_some() && group(a) == group(b)) {
            let mut run: Vec<Event> = run.iter().map(|event| (*event).clone()).collect();
            if run.len() > 1 {
                run.sort_by(|a, b| a.name.cmp(&b.name));
            }
            ordered.extend(run);
        }
        ordered
    }
}

/// The ends of supervisors, in order.
fn ends(events: &[Event]) -> Vec<&Event> {
    events.iter().filter(|event| event.k == 0).collect()
}
