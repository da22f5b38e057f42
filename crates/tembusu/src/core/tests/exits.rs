//! Restart type by exit reason by strategy (cases 34 to 42, and the same for groups).

use super::super::*;
use super::cast::{Gate, error, exhausted, panic, worker};
use super::world::World;
use crate::exit::Report;
use crate::spec::policy::Restart;

/// A reason, and whether it restarts a permanent, a transient and a temporary child.
fn table() -> [(ExitReason, [bool; 3]); 8] {
    [
        (ExitReason::Normal, [true, false, false]),
        (ExitReason::Shutdown, [true, false, false]),
        (ExitReason::ShutdownWith("text".into()), [true, false, false]),
        (error(), [true, true, false]),
        (panic(), [true, true, false]),
        (ExitReason::Killed, [true, true, false]),
        (ExitReason::Exhausted(report()), [true, false, false]),
        (ExitReason::Unresponsive, [true, true, false]),
    ]
}

fn report() -> Arc<Report> {
    match exhausted() {
        ExitReason::Exhausted(report) => report,
        other => unreachable!("{other}"),
    }
}

const TYPES: [Restart; 3] = [Restart::Permanent, Restart::Transient, Restart::Temporary];

const STRATEGIES: [(Strategy, &str); 3] = [
    (Strategy::OneForOne, "start b"),
    (Strategy::OneForAll, "stop c, stop a, start a, start b, start c"),
    (Strategy::RestForOne, "stop c, start b, start c"),
];

#[test]
fn every_strategy_restart_type_and_reason_does_what_otp_says() {
    for (strategy, group) in STRATEGIES {
        for (reason, restarts) in table() {
            for (restart, restarts) in TYPES.into_iter().zip(restarts) {
                let case = format!("{strategy:?}, {restart:?}, {reason}");
                let mut world = World::new(strategy, 1);
                world.add("a", worker(Restart::Permanent));
                world.add("b", worker(restart));
                world.add("c", worker(Restart::Permanent));
                world.start();
                world.die("b", reason.clone());
                assert_eq!(world.done(), if restarts { group } else { "" }, "{case}");
                assert_eq!(world.charges.len(), usize::from(restarts), "{case}");
                assert_eq!(world.is_running("b"), restarts, "{case}");
                assert!(world.is_running("a") && world.is_running("c"), "{case}");
                assert!(world.ended().is_none(), "{case}");
                let kept = restart != Restart::Temporary;
                assert_eq!(world.child("b").is_some(), kept, "the specification: {case}");
                let gate = if restarts { Gate::Open } else { Gate::Closed };
                assert_eq!(world.play("b").gate, gate, "the queue: {case}");
                let said = if restarts || reason.is_abnormal() { "crashed" } else { "stopped" };
                assert!(world.said_of("b")[1].starts_with(said), "{:?}: {case}", world.said_of("b"));
            }
        }
    }
}

#[test]
fn every_reason_that_restarts_is_fatal_when_nothing_is_granted() {
    for (strategy, _) in STRATEGIES {
        for (reason, restarts) in table() {
            for (restart, restarts) in TYPES.into_iter().zip(restarts) {
                let case = format!("{strategy:?}, {restart:?}, {reason}");
                let mut world = World::new(strategy, 0);
                world.add("a", worker(Restart::Permanent));
                world.add("b", worker(restart));
                world.start();
                world.die("b", reason.clone());
                assert_eq!(world.ended().is_some(), restarts, "{case}");
                if restarts {
                    let Some(ExitReason::Exhausted(report)) = world.ended() else { panic!("exhausted: {case}") };
                    assert_eq!((&*report.child, report.incarnation, report.limit), ("sup/b", 1, 0), "{case}");
                    assert_eq!(report.reason.label(), reason.label(), "{case}");
                    assert_eq!(world.done(), "stop a", "{case}");
                }
            }
        }
    }
}

#[test]
fn a_child_that_fails_to_start_again_is_tried_again_whatever_its_reason() {
    for (strategy, _) in STRATEGIES {
        for (reason, _) in table() {
            let mut world = World::running(strategy, 2, &["a"]);
            world.play("a").inits.push_back(super::cast::Init::Hang);
            world.die("a", error());
            world.die("a", reason.clone());
            assert!(world.is_running("a"), "{strategy:?}, {reason}");
            assert_eq!(world.generation("a"), 3);
            assert_eq!(world.charges.len(), 2, "{strategy:?}, {reason}");
        }
    }
}

#[test]
fn case_36_an_ended_temporary_comes_back_with_its_supervisor() {
    let mut world = World::new(Strategy::OneForOne, 1);
    world.add("a", worker(Restart::Temporary));
    world.start();
    world.die("a", ExitReason::Normal);
    assert!(world.child("a").is_none());
    world.bring(Event::Stop { kill: false });
    world.bring(Event::Start);
    assert!(world.is_running("a"));
    assert_eq!(world.generation("a"), 2);
}

#[test]
fn case_44_a_group_restart_forgets_its_temporary_bystanders() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let mut world = World::new(strategy, 2);
        world.add("a", worker(Restart::Permanent));
        world.add("b", worker(Restart::Temporary));
        world.start();
        world.die("a", ExitReason::Normal);
        assert_eq!(world.done(), "stop b, start a", "{strategy:?}");
        assert!(world.child("b").is_none(), "{strategy:?}");
    }
}

#[test]
fn case_61_a_group_restart_brings_back_who_had_ended_or_was_terminated() {
    let mut world = World::new(Strategy::OneForAll, 4);
    world.add("a", worker(Restart::Permanent));
    world.add("b", worker(Restart::Transient));
    world.add("c", worker(Restart::Transient));
    world.start();
    world.die("b", ExitReason::Normal);
    let id = world.terminate("c");
    assert_eq!(world.answer(id), "ok");
    world.die("a", error());
    assert_eq!(world.done(), "stop c, start a, start b, start c");
}

#[test]
fn an_ending_that_needs_no_restart_leaves_its_group_alone() {
    let mut world = World::new(Strategy::OneForAll, 0);
    world.add("a", worker(Restart::Permanent));
    world.add("b", worker(Restart::Transient));
    world.add("c", worker(Restart::Temporary));
    world.start();
    world.die("b", ExitReason::Shutdown);
    world.die("c", panic());
    assert_eq!(world.done(), "");
    assert!(world.ended().is_none());
}
