//! The script of a scenario: what is done to its tree.

use super::Flavour;
use crate::rng::Rng;
use crate::scenario::{Auto, Fate, How, Node, Restart, Step, Stop, Strategy, Sup, Worker};

/// A supervisor and who may be under it by now, those that were added included.
struct Place {
    sup: Sup,
    /// Workers that can be told to end.
    workers: Vec<String>,
    /// Children that can be asked about.
    names: Vec<String>,
    /// Children that can be deleted. Under the root, all: it is never restarted, and so brings nobody back. Elsewhere
    /// those whose coming back in OTP changes nothing for the others.
    deletable: Vec<String>,
    /// Workers of whom a start fails.
    failing: Vec<String>,
}

pub(super) fn write(rng: &mut Rng, root: &Sup, flavour: Flavour) -> Vec<Step> {
    let mut places: Vec<Place> = root.all().into_iter().map(|sup| place(sup, sup.name == root.name)).collect();
    let gaps = flavour == Flavour::Gaps;
    let mut steps = Vec::new();
    let count = if gaps { 4 + rng.below(3) } else { 3 + rng.below(12) };
    for at in 0..count {
        if gaps && at > 0 && rng.chance(60) {
            steps.push(Step::Wait { ms: 2300 });
        }
        if let Some(step) = step(rng, &mut places, at, flavour, &mut steps) {
            steps.push(step);
        }
    }
    steps.extend(places.iter().map(|place| Step::Which { sup: place.sup.name.clone() }));
    steps
}

fn place(sup: &Sup, is_root: bool) -> Place {
    let is_dynamic = sup.strategy == Strategy::Dynamic;
    let children = sup.children.iter().filter(|_| !is_dynamic);
    let is_worker = |child: &&Node| matches!(child, Node::Worker(_));
    let is_plain = |child: &&Node| match child {
        Node::Worker(worker) => worker.plan.is_empty() && !worker.significant,
        Node::Sup(_) => false,
    };
    let fails = |child: &&Node| matches!(child, Node::Worker(worker) if worker.plan.contains(&Fate::Fail));
    let name = |child: &Node| child.name().to_owned();
    Place {
        sup: sup.clone(),
        deletable: children.clone().filter(|child| is_root || is_plain(child)).map(name).collect(),
        failing: children.clone().filter(fails).map(name).collect(),
        workers: children.clone().filter(is_worker).map(name).collect(),
        names: children.map(name).collect(),
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Crash,
    Burst,
    Start,
    Terminate,
    Restart,
    Delete,
    Which,
    Count,
}

fn step(rng: &mut Rng, places: &mut Vec<Place>, at: usize, flavour: Flavour, steps: &mut Vec<Step>) -> Option<Step> {
    let (burst, delete) = match flavour {
        Flavour::Deletes => (0, 8),
        Flavour::Bursts => (30, 0),
        Flavour::Plain | Flavour::Gaps => (10, 0),
    };
    let kind = if flavour == Flavour::Gaps {
        Kind::Crash
    } else {
        rng.weighed(&[
            (44, Kind::Crash),
            (burst, Kind::Burst),
            (12, Kind::Start),
            (9, Kind::Terminate),
            (9, Kind::Restart),
            (delete, Kind::Delete),
            (6, Kind::Which),
            (6, Kind::Count),
        ])
    };
    let index = rng.below(places.len());
    let place = match kind {
        Kind::Crash | Kind::Burst => {
            let inhabited: Vec<usize> = (0..places.len()).filter(|&at| !places[at].workers.is_empty()).collect();
            if inhabited.is_empty() {
                return None;
            }
            &mut places[*rng.pick(&inhabited)]
        }
        Kind::Start if rng.chance(50) => {
            // Dynamic supervisors have nothing else to live on.
            let dynamic = (0..places.len()).find(|&at| places[at].sup.strategy == Strategy::Dynamic);
            &mut places[dynamic.unwrap_or(index)]
        }
        _ => &mut places[index],
    };
    let sup = place.sup.name.clone();
    let is_dynamic = place.sup.strategy == Strategy::Dynamic;
    match kind {
        Kind::Crash => {
            let name = rng.pick(&place.workers).clone();
            Some(Step::Crash { sup, name, how: how(rng) })
        }
        Kind::Burst => {
            let mut names = place.workers.clone();
            let mut hits = Vec::new();
            for _ in 0..2 + rng.below(2) {
                if !names.is_empty() {
                    let name = names.swap_remove(rng.below(names.len()));
                    // How far each of several that fail has got when the intensity is used up, is a matter of speed.
                    let fails = place.failing.contains(&name);
                    if !fails || !hits.iter().any(|(other, _)| place.failing.contains(other)) {
                        hits.push((name, how(rng)));
                    }
                }
            }
            if flavour == Flavour::Plain {
                // The order of start: no death makes a restart pointless that was begun for another.
                hits.sort_by_key(|(name, _)| place.workers.iter().position(|worker| worker == name));
            }
            Some(Step::Burst { sup, hits })
        }
        Kind::Start if !is_dynamic && flavour != Flavour::Deletes && rng.chance(25) => {
            let added = added_sup(rng, at, flavour);
            place.names.push(added.name.clone());
            places.push(self::place(&added, false));
            Some(Step::Start { sup, child: Node::Sup(added) })
        }
        Kind::Start => Some(Step::Start { sup, child: Node::Worker(added(rng, place, at, flavour)) }),
        Kind::Terminate => {
            let names = if is_dynamic { &place.workers } else { &place.names };
            Some(Step::Terminate { sup, name: one_of(rng, names) })
        }
        Kind::Restart => {
            if is_dynamic {
                return None;
            }
            Some(Step::Restart { sup, name: one_of(rng, &place.names) })
        }
        Kind::Delete => {
            if is_dynamic {
                return None;
            }
            let name = one_of(rng, &place.deletable);
            // Mostly something that can be deleted.
            if rng.chance(70) {
                steps.push(Step::Terminate { sup: sup.clone(), name: name.clone() });
            }
            if sup != "s0" {
                place.workers.retain(|worker| *worker != name);
                place.names.retain(|child| *child != name);
                place.deletable.retain(|child| *child != name);
            }
            Some(Step::Delete { sup, name })
        }
        Kind::Which => Some(Step::Which { sup }),
        Kind::Count => Some(Step::Count { sup }),
    }
}

fn one_of(rng: &mut Rng, names: &[String]) -> String {
    if names.is_empty() || rng.chance(5) { "nobody".to_owned() } else { rng.pick(names).clone() }
}

/// A child to add: new, or of a name that was there already, to be refused or to come back.
fn added(rng: &mut Rng, place: &mut Place, at: usize, flavour: Flavour) -> Worker {
    let first_fails = 12;
    if let (Strategy::Dynamic, Some(Node::Worker(template))) = (place.sup.strategy, place.sup.children.first()) {
        let name = format!("n{at}");
        place.workers.push(name.clone());
        let mut plan = super::plan(rng, flavour, first_fails);
        // OTP 25 keeps a child whose restart said ignore and cannot end its supervisor then; later releases drop it.
        plan.iter_mut().skip(1).filter(|fate| **fate == Fate::Ignore).for_each(|fate| *fate = Fate::Ok);
        if plan.contains(&Fate::Fail) {
            place.failing.push(name.clone());
        }
        return Worker { name, plan, ..template.clone() };
    }
    let known = !place.workers.is_empty() && rng.chance(25);
    let name = if known { rng.pick(&place.workers).clone() } else { format!("n{at}") };
    let restart = rng.weighed(&[(5, Restart::Permanent), (3, Restart::Transient), (2, Restart::Temporary)]);
    let plan = if known { Vec::new() } else { super::plan(rng, flavour, first_fails) };
    if plan.contains(&Fate::Fail) {
        place.failing.push(name.clone());
    }
    if !known {
        place.workers.push(name.clone());
        place.names.push(name.clone());
    }
    Worker { name, restart, significant: false, stop: Stop::Prompt, plan }
}

/// A supervisor to add, with one or two workers.
fn added_sup(rng: &mut Rng, at: usize, flavour: Flavour) -> Sup {
    let name = format!("a{at}");
    let restart = rng.weighed(&[(5, Restart::Permanent), (3, Restart::Transient), (2, Restart::Temporary)]);
    let worker = |(rng, letter): (&mut Rng, char)| {
        let restart = rng.weighed(&[(5, Restart::Permanent), (3, Restart::Transient), (2, Restart::Temporary)]);
        let plan = super::plan(rng, flavour, 5);
        Node::Worker(Worker { name: format!("a{at}{letter}"), restart, significant: false, stop: Stop::Prompt, plan })
    };
    let mut children = vec![worker((rng, 'v'))];
    if rng.chance(60) {
        children.push(worker((rng, 'w')));
    }
    let strategy = rng.weighed(&[(1, Strategy::OneForOne), (1, Strategy::OneForAll), (1, Strategy::RestForOne)]);
    let limit = rng.weighed(&[(2, 0), (3, 1), (3, 2)]);
    Sup { name, strategy, limit, period_s: None, restart, significant: false, auto: Auto::Never, children }
}

fn how(rng: &mut Rng) -> How {
    rng.weighed(&[(30, How::Error), (20, How::Panic), (20, How::Kill), (20, How::Normal), (10, How::Shutdown)])
}
