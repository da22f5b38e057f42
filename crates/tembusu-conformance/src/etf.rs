//! Scenarios in Erlang's external term format, as `tembusu_diff.erl` expects them.

use crate::scenario::{Auto, Fate, How, Node, Restart, Scenario, Step, Stop, Strategy, Sup, Worker};

/// Everything is inside this period, in seconds.
pub(crate) const LONG_PERIOD_S: u32 = 1_000_000;

/// A term.
enum Term {
    Atom(&'static str),
    Name(String),
    Int(u64),
    Tuple(Vec<Term>),
    List(Vec<Term>),
}

use Term::{Atom, Int, List, Tuple};

/// `{Id, Sup, Steps}`
pub(crate) fn encode(id: u64, scenario: &Scenario) -> Vec<u8> {
    let steps = scenario.steps.iter().map(step).collect();
    let mut bytes = vec![131];
    Tuple(vec![Int(id), sup(&scenario.root), List(steps)]).write(&mut bytes);
    bytes
}

impl Term {
    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Atom(text) => write_atom(text, bytes),
            Self::Name(text) => write_atom(text, bytes),
            Int(value) => {
                // SMALL_BIG_EXT: a length of eight, a sign, little-endian digits.
                bytes.extend([110, 8, 0]);
                bytes.extend(value.to_le_bytes());
            }
            Tuple(terms) => {
                bytes.extend([104, u8::try_from(terms.len()).expect("small tuples only")]);
                terms.iter().for_each(|term| term.write(bytes));
            }
            List(terms) => {
                if !terms.is_empty() {
                    bytes.push(108);
                    bytes.extend(u32::try_from(terms.len()).expect("short lists only").to_be_bytes());
                    terms.iter().for_each(|term| term.write(bytes));
                }
                bytes.push(106);
            }
        }
    }
}

fn write_atom(text: &str, bytes: &mut Vec<u8>) {
    bytes.extend([119, u8::try_from(text.len()).expect("short atoms only")]);
    bytes.extend(text.as_bytes());
}

fn name(text: &str) -> Term {
    Term::Name(text.to_owned())
}

fn sup(sup: &Sup) -> Term {
    let strategy = match sup.strategy {
        Strategy::OneForOne => "one_for_one",
        Strategy::OneForAll => "one_for_all",
        Strategy::RestForOne => "rest_for_one",
        Strategy::Dynamic => "simple_one_for_one",
    };
    let auto = match sup.auto {
        Auto::Never => "never",
        Auto::Any => "any_significant",
        Auto::All => "all_significant",
    };
    let children = sup.children.iter().map(|child| match child {
        Node::Worker(template) if sup.strategy == Strategy::Dynamic => {
            Tuple(vec![Atom("template"), restart(template.restart), stop(template.stop)])
        }
        child => node(child),
    });
    Tuple(vec![
        Atom("sup"),
        name(&sup.name),
        Atom(strategy),
        Int(sup.limit.into()),
        Int(sup.period_s.unwrap_or(LONG_PERIOD_S).into()),
        restart(sup.restart),
        Atom(auto),
        flag(sup.significant),
        List(children.collect()),
    ])
}

fn node(node: &Node) -> Term {
    match node {
        Node::Worker(child) => worker(child),
        Node::Sup(child) => sup(child),
    }
}

fn worker(worker: &Worker) -> Term {
    let plan = worker.plan.iter().map(|fate| match fate {
        Fate::Ok => Atom("ok"),
        Fate::Fail => Atom("fail"),
        Fate::Ignore => Atom("ignore"),
        Fate::Slow => Atom("slow"),
    });
    Tuple(vec![
        Atom("worker"),
        name(&worker.name),
        restart(worker.restart),
        flag(worker.significant),
        stop(worker.stop),
        List(plan.collect()),
    ])
}

fn restart(restart: Restart) -> Term {
    Atom(match restart {
        Restart::Permanent => "permanent",
        Restart::Transient => "transient",
        Restart::Temporary => "temporary",
    })
}

fn stop(stop: Stop) -> Term {
    Atom(match stop {
        Stop::Prompt => "prompt",
        Stop::Kill => "kill",
        Stop::Deaf => "deaf",
        Stop::Bang => "bang",
    })
}

fn flag(flag: bool) -> Term {
    Atom(if flag { "true" } else { "false" })
}

fn how(how: How) -> Term {
    Atom(match how {
        How::Error => "error",
        How::Panic => "panic",
        How::Kill => "kill",
        How::Normal => "normal",
        How::Shutdown => "shutdown",
    })
}

fn step(to_do: &Step) -> Term {
    Tuple(match to_do {
        Step::Crash { sup, name: child, how: end } => vec![Atom("crash"), name(sup), name(child), how(*end)],
        Step::Burst { sup, hits } => {
            let hits = hits.iter().map(|(child, end)| Tuple(vec![name(child), how(*end)]));
            vec![Atom("burst"), name(sup), List(hits.collect())]
        }
        Step::Bursts { sups, hits } => {
            let hits = hits.iter().map(|(sup, child, end)| Tuple(vec![name(sup), name(child), how(*end)]));
            vec![Atom("bursts"), List(sups.iter().map(|sup| name(sup)).collect()), List(hits.collect())]
        }
        Step::Meanwhile { sup, name: child, how: end, ask } => {
            vec![Atom("meanwhile"), name(sup), name(child), how(*end), step(ask)]
        }
        Step::Change { sup: changed, to } => vec![Atom("change"), name(changed), sup(to)],
        Step::Start { sup, child } => vec![Atom("start"), name(sup), node(child)],
        Step::Terminate { sup, name: child } => vec![Atom("terminate"), name(sup), name(child)],
        Step::Restart { sup, name: child } => vec![Atom("restart"), name(sup), name(child)],
        Step::Delete { sup, name: child } => vec![Atom("delete"), name(sup), name(child)],
        Step::Which { sup } => vec![Atom("which"), name(sup)],
        Step::Count { sup } => vec![Atom("count"), name(sup)],
        Step::Wait { ms } => vec![Atom("wait"), Int(*ms)],
    })
}
