//! The closed list of what tembusu does otherwise than OTP, on purpose.
//!
//! Each row has an id that stands in `docs/otp-deviations.md`, and a normaliser: it takes away from both traces what
//! this one deviation accounts for, and nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::compare::Order;
use crate::scenario::{Scenario, Step};
use crate::trace::{Event, Line, Trace};

/// A row of the list.
#[derive(Clone, Copy, Debug)]
pub struct Deviation {
    /// As in the document.
    pub id: &'static str,
    /// In one sentence.
    pub what: &'static str,
    /// Takes away what it accounts for, from OTP's trace and from ours.
    pub normalise: fn(&Scenario, &Trace, &Trace) -> (Trace, Trace),
}

/// All of them.
pub const ALL: &[Deviation] = &[
    Deviation {
        id: "preempted-start",
        what: "a start that a later death of the same moment makes pointless is given up; OTP finishes it first",
        normalise: preempted_start,
    },
    Deviation {
        id: "deleted-stays-deleted",
        what: "a deleted child does not come back when its supervisor is restarted; OTP reads the specification anew",
        normalise: deleted_stays_deleted,
    },
    Deviation {
        id: "served-while-starting",
        what: "a request is served while a start is in flight; OTP's supervisor serves it when that start is over",
        normalise: served_while_starting,
    },
];

/// From the deletion on, nothing is compared that the deleted child itself did or was asked.
fn deleted_stays_deleted(scenario: &Scenario, theirs: &Trace, ours: &Trace) -> (Trace, Trace) {
    let (mut theirs, mut ours) = (theirs.clone(), ours.clone());
    for (at, step) in scenario.steps.iter().enumerate() {
        let Step::Delete { sup, name } = step else { continue };
        let line = at + 1;
        let deleted = |trace: &Trace| trace.lines.get(line).is_some_and(|line| line.result == "ok");
        let is_specified = scenario.root.find(sup).is_some_and(|sup| sup.contains(name));
        if !(deleted(&theirs) && deleted(&ours) && is_specified) {
            continue;
        }
        for trace in [&mut theirs, &mut ours] {
            for (at, line) in trace.lines.iter_mut().enumerate().skip(line + 1) {
                line.events.retain(|event| event.name != *name);
                match scenario.steps.get(at - 1) {
                    Some(Step::Count { sup: asked }) if asked == sup => line.result.clear(),
                    Some(Step::Which { sup: asked }) if asked == sup => {
                        let is_other = |word: &&str| word.split_once('=').is_none_or(|(child, _)| child != name);
                        line.result = line.result.split(',').filter(is_other).collect::<Vec<_>>().join(",");
                    }
                    _ => {}
                }
            }
        }
    }
    (theirs, ours)
}

fn preempted_start(scenario: &Scenario, theirs: &Trace, ours: &Trace) -> (Trace, Trace) {
    let (mut theirs, mut ours) = (theirs.clone(), ours.clone());
    for (at, (theirs, ours)) in theirs.lines.iter_mut().zip(&mut ours.lines).enumerate() {
        let step = at.checked_sub(1).and_then(|at| scenario.steps.get(at));
        if matches!(step, Some(Step::Burst { .. } | Step::Bursts { .. })) {
            give_starts_up(theirs, ours);
        }
    }
    renumber(&mut theirs);
    renumber(&mut ours);
    (theirs, ours)
}

/// What is asked while a start is in flight: one that is terminated is given up in `init`, or never begun, and so is
/// one that is asked for when its supervisor gives up meanwhile; whoever asked is told that. That a child is being
/// restarted is said of one that OTP lets start first, also to whoever asks for the children or their counts.
fn served_while_starting(scenario: &Scenario, theirs: &Trace, ours: &Trace) -> (Trace, Trace) {
    let (mut theirs, mut ours) = (theirs.clone(), ours.clone());
    let order = Order::of(scenario);
    for (at, (theirs, ours)) in theirs.lines.iter_mut().zip(&mut ours.lines).enumerate() {
        let step = at.checked_sub(1).and_then(|at| scenario.steps.get(at));
        let Some(Step::Meanwhile { sup, ask, .. }) = step else { continue };
        let too_late = (&*theirs.result, &*ours.result) == ("ok", "down") && has_ended(sup, ours);
        match (&**ask, &*theirs.result, &*ours.result) {
            (Step::Restart { .. } | Step::Delete { .. }, "running", "restarting")
            | (Step::Start { .. }, "already_started", "already_present") => theirs.result.clone_from(&ours.result),
            _ if too_late => theirs.result.clone_from(&ours.result),
            (Step::Which { .. } | Step::Count { .. }, "down", _) if has_ended(sup, theirs) => {
                theirs.result.clone_from(&ours.result);
            }
            (Step::Which { .. }, ..) if told_before(theirs, ours, &order) => theirs.result.clone_from(&ours.result),
            (Step::Count { .. }, ..) if counted_before(theirs, ours, &order) => theirs.result.clone_from(&ours.result),
            _ => {}
        }
        if too_late || matches!(**ask, Step::Terminate { .. }) {
            give_starts_up(theirs, ours);
        }
        // What was asked for comes about now or later, in the same order.
        if let Step::Terminate { name, .. } | Step::Restart { name, .. } = &**ask {
            theirs.events.sort_by_key(|event| order.is_within(&event.name, name));
            ours.events.sort_by_key(|event| order.is_within(&event.name, name));
        }
    }
    renumber(&mut theirs);
    renumber(&mut ours);
    (theirs, ours)
}

/// Whether the children are those of OTP's answer, but that some who came up by the start that it waited for are not yet
/// said to be up, or one that said ignore to be down.
fn told_before(theirs: &Line, ours: &Line, order: &Order<'_>) -> bool {
    let each = |result: &str| -> Option<Vec<(String, String)>> {
        let words = result.split(',').map(|word| word.split_once('='));
        words.map(|word| word.map(|(name, state)| (name.to_owned(), state.to_owned()))).collect()
    };
    let (Some(later), Some(before)) = (each(&theirs.result), each(&ours.result)) else { return false };
    let did = |name: &str, marks: &str| {
        theirs.events.iter().any(|event| marks.contains(event.mark) && order.is_within(&event.name, name))
    };
    later.len() == before.len()
        && later.iter().zip(&before).all(|((later_name, later), (name, before))| {
            let came_about = match (&**before, &**later) {
                ("r" | "d", "u") => did(name, "+") || has_ended(name, theirs) || order.silent().any(|sup| sup == name),
                ("r", "d") => did(name, "?"),
                (before, later) => before == later,
            };
            later_name == name && came_about
        })
}

/// Whether the counts are those of OTP's answer, but for some who came up by the start that it waited for.
fn counted_before(theirs: &Line, ours: &Line, order: &Order<'_>) -> bool {
    let each = |result: &str| -> Option<Vec<usize>> { result.split('/').map(|count| count.parse().ok()).collect() };
    let (Some(later), Some(before)) = (each(&theirs.result), each(&ours.result)) else { return false };
    let ([specs, later, sups, workers], [same_specs, before, same_sups, same_workers]) = (&*later, &*before) else {
        return false;
    };
    let came_up = |event: &&Event| event.mark == '+' || event.mark == '-' && event.k == 0;
    let started = theirs.events.iter().filter(came_up).map(|event| &*event.name);
    let started: BTreeSet<&str> = started.chain(order.silent()).collect();
    (specs, sups, workers) == (same_specs, same_sups, same_workers)
        && later.checked_sub(*before).is_some_and(|more| more <= started.len())
}

fn has_ended(sup: &str, line: &Line) -> bool {
    line.events.iter().any(|event| event.k == 0 && event.name == sup)
}

/// Takes away what was started only to be stopped. We give starts up; we never begin one that OTP does not.
fn give_starts_up(theirs: &mut Line, ours: &mut Line) {
    let (more, fewer) = (short_lived(&theirs.events), short_lived(&ours.events));
    if fewer.iter().all(|(name, count)| more.get(name).is_some_and(|more| more >= count)) {
        theirs.events = without_short_lived(&theirs.events);
        ours.events = without_short_lived(&ours.events);
        trim_ends(&mut theirs.events, &ours.events);
    }
}

/// Whether a start and the end of what it began, or its failure, stand in the same line.
fn is_short_lived(event: &Event, events: &[Event]) -> bool {
    let begun = |other: &&Event| other.name == event.name && other.k == event.k && "+x?".contains(other.mark);
    let ended = |other: &&Event| other.name == event.name && other.k == event.k && "-~x?".contains(other.mark);
    event.k > 0 && events.iter().any(|other| begun(&other)) && events.iter().any(|other| ended(&other))
}

/// How many incarnations of each child began and ended in this line.
fn short_lived(events: &[Event]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in events.iter().filter(|event| "+x?".contains(event.mark) && is_short_lived(event, events)) {
        *counts.entry(event.name.clone()).or_default() += 1;
    }
    counts
}

fn without_short_lived(events: &[Event]) -> Vec<Event> {
    events.iter().filter(|event| !is_short_lived(event, events)).cloned().collect()
}

/// A supervisor that was started for nothing ended once more in OTP.
fn trim_ends(theirs: &mut Vec<Event>, ours: &[Event]) {
    let count = |events: &[Event], event: &Event| events.iter().filter(|other| *other == event).count();
    // The end for which there was a reason came first.
    for at in (0..theirs.len()).rev() {
        let event = theirs[at].clone();
        if event.k == 0 && event.class == Some('s') && count(theirs, &event) > count(ours, &event) {
            theirs.remove(at);
        }
    }
}

/// Numbers the incarnations that are left of each child from 1.
fn renumber(trace: &mut Trace) {
    let mut numbers: HashMap<(String, u64), u64> = HashMap::new();
    let mut last: HashMap<String, u64> = HashMap::new();
    for event in trace.lines.iter_mut().flat_map(|line| &mut line.events).filter(|event| event.k > 0) {
        let number = numbers.entry((event.name.clone(), event.k)).or_insert_with(|| {
            let last = last.entry(event.name.clone()).or_default();
            *last += 1;
            *last
        });
        event.k = *number;
    }
}
