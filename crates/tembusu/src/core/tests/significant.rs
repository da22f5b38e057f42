//! Significant children and automatic shutdown (cases 77 to 83).

use super::super::*;
use super::cast::{Init, error, exhausted, significant, supervisor, worker};
use super::world::World;
use crate::spec::policy::Restart;

const STRATEGIES: [Strategy; 3] = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
const ALL: [AutoShutdown; 3] = [AutoShutdown::Never, AutoShutdown::AnySignificant, AutoShutdown::AllSignificant];

/// `s` and `t` are significant, `n` is not; up to four failures are granted.
fn world(strategy: Strategy, auto_shutdown: AutoShutdown, restart: Restart) -> World {
    let mut world = World::new(strategy, 4);
    world.shut_down_automatically(auto_shutdown);
    world.add("s", significant(restart));
    world.add("t", significant(restart));
    world.add("n", worker(restart));
    world.start();
    world
}

fn reasons() -> [ExitReason; 4] {
    [ExitReason::Normal, ExitReason::Shutdown, ExitReason::Killed, error()]
}

#[test]
fn case_77_78_the_end_of_a_child_that_is_not_significant_ends_nobody_else() {
    for auto_shutdown in ALL {
        for restart in [Restart::Temporary, Restart::Transient] {
            for reason in reasons() {
                let mut world = world(Strategy::OneForOne, auto_shutdown, restart);
                world.die("n", reason);
                assert!(world.ended().is_none() && world.is_running("s") && world.is_running("t"));
            }
        }
    }
}

#[test]
fn case_79_80_any_significant_child_that_ends_for_good_ends_its_supervisor() {
    for strategy in STRATEGIES {
        for restart in [Restart::Temporary, Restart::Transient] {
            for reason in reasons() {
                let mut world = world(strategy, AutoShutdown::AnySignificant, restart);
                let restarts = restart == Restart::Transient && reason.is_abnormal();
                world.die("s", reason.clone());
                let ended = matches!(world.ended(), Some(ExitReason::Shutdown));
                assert_eq!(ended, !restarts, "{strategy:?} {restart:?} {reason}");
                assert_eq!(world.said_of("s").contains(&"auto shutdown".to_owned()), ended);
                assert_eq!(world.charges.len(), usize::from(restarts));
            }
        }
    }
}

#[test]
fn case_79_80_the_last_significant_child_ends_its_supervisor_when_all_count() {
    for strategy in STRATEGIES {
        let mut world = world(strategy, AutoShutdown::AllSignificant, Restart::Transient);
        world.die("t", ExitReason::Normal);
        assert!(world.ended().is_none() && world.is_running("s"));
        world.die("s", error());
        assert!(world.ended().is_none() && world.is_running("s"), "it is restarted");
        // In a group restart, the other one has come back.
        let back = world.is_running("t");
        assert_eq!(back, strategy != Strategy::OneForOne);
        world.done();
        world.die("s", ExitReason::ShutdownWith("done".into()));
        assert_eq!(world.ended().is_some(), !back);
        if back {
            world.die("t", ExitReason::Normal);
        }
        assert!(matches!(world.ended(), Some(ExitReason::Shutdown)));
        assert_eq!(world.done(), "stop n");
    }
}

#[test]
fn case_79_80_what_an_operator_ends_does_not_count() {
    for auto_shutdown in ALL {
        let mut world = world(Strategy::OneForOne, auto_shutdown, Restart::Transient);
        world.terminate("s");
        world.terminate("t");
        assert!(world.ended().is_none() && world.is_running("n"));
        let id = world.restart("s");
        assert_eq!(world.answer(id), "ok");
        // The other one is down, and so does not hold it up.
        world.die("s", ExitReason::Normal);
        assert_eq!(world.ended().is_some(), auto_shutdown != AutoShutdown::Never);
    }
}

#[test]
fn case_82_what_the_strategy_ends_does_not_count() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        for auto_shutdown in ALL {
            for restart in [Restart::Transient, Restart::Temporary] {
                let mut world = World::new(strategy, 4);
                world.shut_down_automatically(auto_shutdown);
                world.add("first", worker(Restart::Permanent));
                world.add("s", significant(restart));
                world.start();
                world.die("first", error());
                assert!(world.ended().is_none() && world.is_running("first"));
                assert_eq!(world.is_running("s"), restart == Restart::Transient);
            }
        }
    }
}

#[test]
fn an_end_while_its_group_is_being_stopped_does_not_count() {
    let mut world = world(Strategy::OneForAll, AutoShutdown::AnySignificant, Restart::Transient);
    world.play("n").stop = super::cast::Stop::Deaf;
    world.die_silently("t", error());
    world.die("s", ExitReason::Normal);
    world.pass(super::cast::SHUTDOWN);
    assert!(world.ended().is_none());
    assert!(["s", "t", "n"].into_iter().all(|name| world.is_running(name)));
}

#[test]
fn a_significant_child_that_ignores_does_not_count() {
    let mut world = world(Strategy::OneForOne, AutoShutdown::AnySignificant, Restart::Transient);
    world.play("s").inits.push_back(Init::Ignore);
    world.die("s", error());
    assert!(world.ended().is_none() && !world.is_running("s"));
}

#[test]
fn a_significant_child_that_is_being_restarted_is_alive() {
    // Itself in its init.
    let mut one = world(Strategy::OneForOne, AutoShutdown::AllSignificant, Restart::Transient);
    one.play("t").inits.push_back(Init::Hang);
    one.die("t", error());
    one.die("s", ExitReason::Normal);
    assert!(one.ended().is_none());
    one.ready("t");
    one.die("t", ExitReason::Normal);
    assert!(one.ended().is_some());
    // Waiting for its turn behind a sibling's init.
    let mut group = World::new(Strategy::RestForOne, 4);
    group.shut_down_automatically(AutoShutdown::AllSignificant);
    group.add("s", significant(Restart::Transient));
    group.add("n", worker(Restart::Permanent));
    group.add("t", significant(Restart::Transient));
    group.start();
    group.play("n").inits.push_back(Init::Hang);
    group.die("n", error());
    group.die("s", ExitReason::Normal);
    assert!(group.ended().is_none());
    group.ready("n");
    assert!(group.is_running("t"));
}

#[test]
fn an_exhausted_transient_supervisor_has_ended_for_good_unless_it_is_degraded() {
    let degrade = Exhaustion::Degrade { fallback: false, backoff: None };
    for (exhaustion, ends) in [(Exhaustion::Escalate, true), (degrade, false)] {
        let mut world = World::new(Strategy::OneForOne, 0);
        world.shut_down_automatically(AutoShutdown::AnySignificant);
        world.add("below", ChildPolicy { significant: true, ..supervisor(Restart::Transient, exhaustion) });
        world.bring(Event::Start);
        world.ready("below");
        world.die("below", exhausted());
        assert_eq!(world.ended().is_some(), ends);
    }
}

#[test]
fn a_significant_temporary_that_its_group_is_stopping_is_gone_already() {
    let mut world = World::new(Strategy::RestForOne, 4);
    world.shut_down_automatically(AutoShutdown::AllSignificant);
    world.add("s", significant(Restart::Temporary));
    world.add("n", worker(Restart::Permanent));
    world.add("t", significant(Restart::Temporary));
    world.start();
    world.play("t").stop = super::cast::Stop::Deaf;
    world.die_silently("n", error());
    world.die("s", ExitReason::Normal);
    world.pass(super::cast::SHUTDOWN);
    assert!(matches!(world.ended(), Some(ExitReason::Shutdown)), "the last one that could end it has ended");
}

/// `s`, then `n`, which is not significant, then `t`; up to four failures are granted.
fn awaiting(strategy: Strategy, restart: Restart) -> World {
    let mut world = World::new(strategy, 4);
    world.shut_down_automatically(AutoShutdown::AllSignificant);
    world.add("s", significant(Restart::Transient));
    world.add("n", worker(Restart::Permanent));
    world.add("t", significant(restart));
    world.start();
    world
}

#[test]
fn the_last_end_is_judged_when_the_start_in_flight_is_over() {
    for (init, ends) in [(Init::Ready, false), (Init::Ignore, true), (Init::Fail, false)] {
        let mut world = awaiting(Strategy::OneForOne, Restart::Transient);
        world.play("t").inits.push_back(Init::Hang);
        world.die("t", error());
        world.die("s", ExitReason::Normal);
        assert!(world.ended().is_none(), "nobody knows yet");
        match init {
            Init::Ready => world.ready("t"),
            Init::Ignore => world.ignore("t"),
            _ => {
                // One whose restart has failed is alive: the attempt that ignores later is no end.
                world.play("t").inits.push_back(Init::Ignore);
                world.die("t", error());
                assert!(!world.is_running("t"));
            }
        }
        world.settle();
        assert_eq!(matches!(world.ended(), Some(ExitReason::Shutdown)), ends, "{init:?}");
        assert_eq!(world.said_of("s").contains(&"auto shutdown".to_owned()), ends, "it is told of who ended");
    }
}

#[test]
fn the_last_end_is_judged_when_its_group_has_been_started() {
    for (init, ends) in [(Init::Ready, false), (Init::Ignore, true)] {
        let mut world = awaiting(Strategy::RestForOne, Restart::Transient);
        world.play("n").inits.push_back(Init::Hang);
        world.play("t").inits.push_back(init.clone());
        world.die("n", error());
        world.die("s", ExitReason::Normal);
        assert!(world.ended().is_none(), "nobody knows yet");
        world.ready("n");
        assert_eq!(matches!(world.ended(), Some(ExitReason::Shutdown)), ends, "{init:?}");
    }
}

#[test]
fn whom_a_failed_attempt_of_its_group_has_not_reached_does_not_hold_the_end_up() {
    let mut world = awaiting(Strategy::RestForOne, Restart::Transient);
    world.play("n").inits.push_back(Init::Hang);
    world.die("n", error());
    world.die("s", ExitReason::Normal);
    assert_eq!(world.charges.len(), 1);
    world.die("n", error());
    assert!(matches!(world.ended(), Some(ExitReason::Shutdown)));
    assert_eq!(world.charges.len(), 1, "the end came first, so that the failure is not charged");
}

#[test]
fn a_later_failure_or_a_request_shows_that_somebody_was_alive() {
    let mut grouped = awaiting(Strategy::RestForOne, Restart::Transient);
    grouped.play("t").inits.extend([Init::Hang, Init::Ignore]);
    grouped.die("n", error());
    grouped.die("s", ExitReason::Normal);
    grouped.die("n", error());
    assert!(grouped.ended().is_none() && !grouped.is_running("t"), "OTP would have started t before n failed again");
    let mut asked = awaiting(Strategy::OneForOne, Restart::Transient);
    asked.play("t").inits.push_back(Init::Hang);
    asked.die("t", error());
    asked.die("s", ExitReason::Normal);
    asked.terminate("t");
    assert!(asked.ended().is_none() && !asked.is_running("t"), "OTP would have started t before it was terminated");
}

#[test]
fn a_significant_child_whose_first_start_fails_was_never_alive() {
    for init in [Init::Fail, Init::Ignore] {
        let mut world = awaiting(Strategy::OneForOne, Restart::Transient);
        world.die("t", ExitReason::Normal);
        let id = world.start_child_that("u", significant(Restart::Transient), Init::Hang);
        world.die("s", ExitReason::Normal);
        assert!(world.ended().is_none(), "nobody knows yet");
        match init {
            Init::Ignore => world.ignore("u"),
            _ => world.die("u", error()),
        }
        world.settle();
        assert_ne!(world.answer(id), "stopping", "it is answered before the end");
        assert!(matches!(world.ended(), Some(ExitReason::Shutdown)), "{init:?}");
    }
}
