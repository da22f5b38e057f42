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
    /// Workers of whom a restart says that there is nothing to run.
    ignoring: Vec<String>,
    /// The supervisors above, the nearest first. Of those in the tree from the beginning only.
    above: Option<Vec<String>>,
    /// Its code has been changed.
    changed: bool,
    /// It, or a supervisor above, restarts groups.
    grouped: bool,
}

pub(super) fn write(rng: &mut Rng, root: &Sup, flavour: Flavour) -> Vec<Step> {
    let mut places: Vec<Place> = root.all().into_iter().map(|sup| place(sup, sup.name == root.name)).collect();
    for place in &mut places {
        let above: Vec<&Sup> =
            root.all().into_iter().filter(|sup| sup.name != place.sup.name && sup.contains(&place.sup.name)).collect();
        place.grouped |= above.iter().any(|sup| is_group(sup));
        // `all` tells parents first.
        place.above = Some(above.iter().rev().map(|sup| sup.name.clone()).collect());
    }
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
    let plans = |fate: Fate| move |child: &&Node| matches!(child, Node::Worker(worker) if worker.plan.contains(&fate));
    let name = |child: &Node| child.name().to_owned();
    Place {
        sup: sup.clone(),
        deletable: children.clone().filter(|child| is_root || is_plain(child)).map(name).collect(),
        failing: children.clone().filter(plans(Fate::Fail)).map(name).collect(),
        ignoring: children.clone().filter(plans(Fate::Ignore)).map(name).collect(),
        above: None,
        changed: false,
        grouped: is_group(sup),
        workers: children.clone().filter(is_worker).map(name).collect(),
        names: children.map(name).collect(),
    }
}

impl Place {
    fn learn(&mut self, name: &str, plan: &[Fate]) {
        self.failing.extend(plan.contains(&Fate::Fail).then(|| name.to_owned()));
        self.ignoring.extend(plan.contains(&Fate::Ignore).then(|| name.to_owned()));
    }
}

fn is_group(sup: &Sup) -> bool {
    matches!(sup.strategy, Strategy::OneForAll | Strategy::RestForOne)
}

#[derive(Clone, Copy)]
enum Kind {
    Crash,
    Burst,
    Bursts,
    Meanwhile,
    Change,
    Start,
    Terminate,
    Restart,
    Delete,
    Which,
    Count,
}

fn step(rng: &mut Rng, places: &mut Vec<Place>, at: usize, flavour: Flavour, steps: &mut Vec<Step>) -> Option<Step> {
    let (burst, bursts, delete, meanwhile, change) = match flavour {
        Flavour::Deletes => (0, 0, 8, 0, 0),
        Flavour::Bursts => (20, 20, 0, 0, 0),
        Flavour::Meanwhile => (0, 0, 0, 40, 0),
        Flavour::Changes => (10, 0, 0, 0, 20),
        Flavour::Plain | Flavour::Gaps => (10, 0, 0, 0, 0),
    };
    let kind = if flavour == Flavour::Gaps {
        Kind::Crash
    } else {
        rng.weighed(&[
            (44, Kind::Crash),
            (burst, Kind::Burst),
            (bursts, Kind::Bursts),
            (meanwhile, Kind::Meanwhile),
            (change, Kind::Change),
            (12, Kind::Start),
            (9, Kind::Terminate),
            (9, Kind::Restart),
            (delete, Kind::Delete),
            (6, Kind::Which),
            (6, Kind::Count),
        ])
    };
    let index = rng.below(places.len());
    match kind {
        Kind::Bursts => return several_bursts(rng, places),
        Kind::Change => return code_change(rng, &mut places[index], at, flavour),
        _ => {}
    }
    let place = match kind {
        Kind::Crash | Kind::Burst | Kind::Meanwhile => {
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
            if flavour != Flavour::Bursts {
                // The order of start: no death makes a restart pointless that was begun for another.
                hits.sort_by_key(|(name, _)| place.workers.iter().position(|worker| worker == name));
            }
            Some(Step::Burst { sup, hits })
        }
        Kind::Meanwhile => ask_meanwhile(rng, place, at, flavour),
        Kind::Bursts | Kind::Change => unreachable!("they have returned"),
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

/// Deaths under two or three supervisors at once. Everybody above them is held, too, so that those see what has come of
/// it in a certain order.
fn several_bursts(rng: &mut Rng, places: &[Place]) -> Option<Step> {
    let mut inhabited: Vec<&Place> =
        places.iter().filter(|place| place.above.is_some() && !place.workers.is_empty()).collect();
    if inhabited.len() < 2 {
        return None;
    }
    let mut hits = Vec::new();
    let mut held: Vec<(usize, String)> = Vec::new();
    for _ in 0..2 + rng.below(2) {
        if inhabited.is_empty() {
            break;
        }
        let place = inhabited.swap_remove(rng.below(inhabited.len()));
        let above = place.above.as_deref().unwrap_or_default();
        let chain = std::iter::once(&place.sup.name).chain(above);
        held.extend(chain.enumerate().map(|(up, name)| (above.len() - up, name.clone())));
        let mut names = place.workers.clone();
        for _ in 0..1 + rng.below(2) {
            if !names.is_empty() {
                let name = names.swap_remove(rng.below(names.len()));
                hits.push((place.sup.name.clone(), name, how(rng)));
            }
        }
    }
    // The lowest first.
    held.sort_by(|a, b| b.cmp(a));
    held.dedup();
    for at in (1..hits.len()).rev() {
        hits.swap(at, rng.below(at + 1));
    }
    Some(Step::Bursts { sups: held.into_iter().map(|(_, name)| name).collect(), hits })
}

/// A death, and a request while the start that follows is in flight.
fn ask_meanwhile(rng: &mut Rng, place: &mut Place, at: usize, flavour: Flavour) -> Option<Step> {
    let sup = place.sup.name.clone();
    let is_dynamic = place.sup.strategy == Strategy::Dynamic;
    let name = rng.pick(&place.workers).clone();
    let how = how(rng);
    // What ignores can be started or deleted when OTP comes to it, and what of a dynamic supervisor has failed to
    // start has no name there.
    let is_simple = |name: &String| !(place.ignoring.contains(name) || is_dynamic && place.failing.contains(name));
    let about = if is_simple(&name) && rng.chance(25) {
        name.clone()
    } else {
        let names = if is_dynamic { &place.workers } else { &place.names };
        one_of(rng, &names.iter().filter(|name| is_simple(name)).cloned().collect::<Vec<_>>())
    };
    // Where they have no names there, they can be counted.
    let has_names = !is_dynamic || place.failing.is_empty();
    let ask = match rng.below(if is_dynamic { 8 } else { 12 }) {
        at if at >= if is_dynamic { 6 } else { 10 } => {
            if has_names && rng.chance(50) {
                Step::Which { sup: sup.clone() }
            } else {
                Step::Count { sup: sup.clone() }
            }
        }
        0..4 => Step::Terminate { sup: sup.clone(), name: about },
        4..6 => Step::Start { sup: sup.clone(), child: Node::Worker(added(rng, place, at, flavour)) },
        6..9 => Step::Restart { sup: sup.clone(), name: about },
        // A deleted one comes back with its supervisor there.
        _ if place.ignoring.contains(&name) => return Some(Step::Crash { sup, name, how }),
        _ => Step::Delete { sup: sup.clone(), name: name.clone() },
    };
    Some(Step::Meanwhile { sup, name, how, ask: Box::new(ask) })
}

/// Another strategy, intensity, order, restart types, significance; sometimes a new child, sometimes a faulty one.
fn code_change(rng: &mut Rng, place: &mut Place, at: usize, flavour: Flavour) -> Option<Step> {
    if place.above.is_none() || place.changed || place.sup.strategy == Strategy::Dynamic {
        return None;
    }
    let mut to = place.sup.clone();
    to.strategy = rng.weighed(&[(3, Strategy::OneForOne), (3, Strategy::OneForAll), (3, Strategy::RestForOne)]);
    to.limit = rng.weighed(&[(1, 0), (3, 1), (4, 2), (4, 4), (2, 10)]);
    to.auto = rng.weighed(&[(4, to.auto), (1, Auto::Never), (1, Auto::Any), (1, Auto::All)]);
    let faulty = rng.chance(15);
    let mut treat = |restart: &mut Restart, significant: &mut bool| {
        if rng.chance(30) {
            *restart = rng.weighed(&[(3, Restart::Permanent), (3, Restart::Transient), (1, Restart::Temporary)]);
        }
        let may = to.auto != Auto::Never && *restart != Restart::Permanent;
        *significant = (may || faulty) && (*significant || rng.chance(30));
    };
    for child in &mut to.children {
        match child {
            Node::Worker(worker) => treat(&mut worker.restart, &mut worker.significant),
            Node::Sup(sup) => treat(&mut sup.restart, &mut sup.significant),
        }
    }
    for child in &mut to.children {
        if let Node::Worker(worker) = child
            && matches!(worker.stop, Stop::Prompt | Stop::Kill)
        {
            worker.stop = rng.weighed(&[(3, Stop::Prompt), (1, Stop::Kill)]);
        }
    }
    if rng.chance(30) {
        let restart = rng.weighed(&[(3, Restart::Permanent), (2, Restart::Transient), (1, Restart::Temporary)]);
        let plan = super::plan(rng, flavour, 5);
        let name = format!("c{at}");
        to.children.push(Node::Worker(Worker { name, restart, significant: false, stop: Stop::Prompt, plan }));
    }
    if rng.chance(60) {
        for at in (1..to.children.len()).rev() {
            to.children.swap(at, rng.below(at + 1));
        }
    }
    // A temporary one that has ended would be added again.
    place.changed = to.children.iter().any(|child| match child {
        Node::Worker(worker) => worker.restart == Restart::Temporary,
        Node::Sup(sup) => sup.restart == Restart::Temporary,
    });
    place.sup = Sup { name: place.sup.name.clone(), ..to.clone() };
    for child in &to.children {
        if !place.names.iter().any(|name| name == child.name()) {
            place.names.push(child.name().to_owned());
            place.workers.push(child.name().to_owned());
            if matches!(child, Node::Worker(worker) if worker.plan.contains(&Fate::Fail)) {
                place.failing.push(child.name().to_owned());
            }
        }
    }
    // Those who die at once do so in the order of start.
    let rank = |name: &String| to.children.iter().position(|child| child.name() == name).unwrap_or(usize::MAX);
    place.workers.sort_by_key(rank);
    Some(Step::Change { sup: to.name.clone(), to })
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
        let worker = Worker { name, plan, ..template.clone() };
        place.learn(&worker.name, &worker.plan);
        return worker;
    }
    let known = !place.workers.is_empty() && rng.chance(25);
    let name = if known { rng.pick(&place.workers).clone() } else { format!("n{at}") };
    let restart = rng.weighed(&[(5, Restart::Permanent), (3, Restart::Transient), (2, Restart::Temporary)]);
    let in_vain = flavour == Flavour::Meanwhile && place.grouped;
    let plan = if known || in_vain { Vec::new() } else { super::plan(rng, flavour, first_fails) };
    place.learn(&name, &plan);
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
        let plan = if flavour == Flavour::Meanwhile { Vec::new() } else { super::plan(rng, flavour, 5) };
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
