//! What a report of exhaustion tells: the failures that were charged, their chain, and no more than is bounded.

use super::super::*;
use super::cast::{Init, SEC, error, panic, supervisor, worker};
use super::world::World;
use crate::exit::{Charge, FAILURES_REPORTED, Report};
use crate::spec::policy::Restart;

fn exhaustion(world: &World) -> Arc<Report> {
    match world.ended() {
        Some(ExitReason::Exhausted(report)) => Arc::clone(report),
        other => panic!("it is exhausted: {other:?}"),
    }
}

#[test]
fn it_tells_each_charged_failure_and_how_long_each_had_been_up() {
    let mut world = World::running(Strategy::OneForOne, 2, &["a", "b"]);
    world.pass(SEC);
    world.die("a", error());
    world.pass(2 * SEC);
    world.play("b").inits.push_back(Init::Fail);
    world.die("b", panic());
    let report = exhaustion(&world);
    let told: Vec<_> = report
        .failures
        .iter()
        .map(|failure| (&*failure.child, failure.incarnation, failure.reason.label(), failure.ago, failure.ran_for))
        .collect();
    let zero = Duration::ZERO;
    let expected = [
        ("sup/a", 1, "error", 2 * SEC, Some(SEC)),
        ("sup/b", 1, "panic", zero, Some(3 * SEC)),
        ("sup/b", 2, "error", zero, None),
    ];
    assert_eq!(told, expected);
    assert_eq!((&*report.child, report.incarnation, report.limit, report.omitted), ("sup/b", 2, 2, 0));
}

#[test]
fn failures_that_are_too_old_or_of_an_earlier_life_are_not_told() {
    let mut world = World::running(Strategy::OneForOne, 1, &["a"]);
    world.die("a", error());
    world.pass(11 * SEC);
    world.die("a", error());
    world.die("a", error());
    assert_eq!(exhaustion(&world).failures.iter().map(|failure| failure.incarnation).collect::<Vec<_>>(), [2, 3]);
    world.bring(Event::Start);
    world.die("a", error());
    world.die("a", error());
    assert_eq!(exhaustion(&world).failures.iter().map(|failure| failure.incarnation).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn it_is_bounded_and_says_how_many_it_leaves_out() {
    let mut world = World::running(Strategy::OneForOne, 100, &["a"]);
    for _ in 0..=100 {
        world.die("a", error());
    }
    let report = exhaustion(&world);
    assert_eq!((report.failures.len(), report.omitted), (FAILURES_REPORTED, 101 - FAILURES_REPORTED as u32));
    assert_eq!(report.failures.last().map(|failure| failure.incarnation), Some(101));
}

#[test]
fn one_that_was_condemned_had_been_up() {
    let mut world = World::running(Strategy::OneForOne, 0, &["a"]);
    world.pass(SEC);
    let key = world.key("a");
    world.bring(Event::Condemned { key, generation: 1, reason: panic() });
    let report = exhaustion(&world);
    let told: Vec<_> = report.failures.iter().map(|failure| (failure.reason.label(), failure.ran_for)).collect();
    assert_eq!(told, [("panic", Some(SEC))]);
}

#[test]
fn on_trial_the_only_failure_is_told() {
    let mut world = World::new(Strategy::OneForOne, 5);
    world.add("a", worker(Restart::Permanent));
    world.bring(Event::StartOnTrial);
    world.die("a", error());
    let report = exhaustion(&world);
    assert_eq!((report.limit, report.failures.len(), report.omitted), (0, 1, 0));
}

#[test]
fn the_chain_leads_over_three_levels_to_the_first_cause() {
    let mut world = World::running(Strategy::OneForOne, 0, &["leaf"]);
    world.die("leaf", error());
    for _ in 0..2 {
        let reason = ExitReason::Exhausted(exhaustion(&world));
        world = World::new(Strategy::OneForOne, 1);
        world.add("below", supervisor(Restart::Permanent, Exhaustion::Escalate));
        world.start();
        world.die("below", reason.clone());
        world.die("below", reason);
    }
    let report = exhaustion(&world);
    let chain: Vec<_> = report.chain().map(|link| (&*link.child, link.incarnation, link.failures.len())).collect();
    assert_eq!(chain, [("sup/below", 2, 2), ("sup/below", 2, 2), ("sup/leaf", 1, 1)]);
    assert_eq!((&**report.root_cause().0, report.root_cause().1.label()), ("sup/leaf", "error"));
}

#[test]
fn errors_of_users_are_dropped_outside() {
    // Whoever holds the last reference to an error runs its `Drop`: never the core.
    let mut core = Core::new("sup".into(), Strategy::OneForOne, false, Intensity::new(1000, SEC));
    core.add(ChildKey(0), "a".into(), worker(Restart::Permanent));
    let mut effects = Vec::new();
    core.step(Time::ZERO, Event::Start, &mut effects);
    let mut dropped_inside = false;
    let watched = |dropped: &Arc<()>| {
        #[derive(Debug, thiserror::Error)]
        #[error("watched")]
        struct Watched(Arc<()>);
        ExitReason::Error(Arc::new(Watched(Arc::clone(dropped))))
    };
    let alive = Arc::new(());
    for generation in 1..=50 {
        let started = Event::Started { key: ChildKey(0), generation };
        core.step(Time::ZERO, started, &mut effects);
        let reason = watched(&alive);
        let exited = Event::Exited { key: ChildKey(0), generation, reason };
        let before = Arc::strong_count(&alive);
        core.step(Time::ZERO, exited, &mut effects);
        dropped_inside |= Arc::strong_count(&alive) < before;
    }
    assert!(!dropped_inside);
    let before = Arc::strong_count(&alive);
    assert_eq!(before, 51);
    effects.clear();
    assert!(Arc::strong_count(&alive) <= 1 + FAILURES_REPORTED, "the others are let go of");
    // Nor does it when the child goes.
    let (key, generation) = (ChildKey(0), 51);
    let request = |id, request| Event::Request { id: RequestId(id), request };
    core.step(Time::ZERO, request(1, Request::Terminate { key }), &mut effects);
    core.step(Time::ZERO, Event::Exited { key, generation, reason: watched(&alive) }, &mut effects);
    effects.clear();
    let before = Arc::strong_count(&alive);
    core.step(Time::ZERO, request(2, Request::Delete { key }), &mut effects);
    assert!(core.children().get(key).is_none());
    assert_eq!(Arc::strong_count(&alive), before);
    effects.clear();
    assert_eq!(Arc::strong_count(&alive), before - 1);
}

#[test]
fn a_charge_is_told_with_its_place() {
    let mut world = World::running(Strategy::OneForOne, 3, &["a"]);
    world.die("a", error());
    let charged = world.reports.iter().find_map(|(_, what)| match what {
        Happening::Crashed { charge, .. } => *charge,
        _ => None,
    });
    assert_eq!(charged, Some(Charge { k: 1, limit: 3, period: 10 * SEC }));
}
