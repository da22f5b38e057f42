//! Degraded mode and the way back, as the design defines them.

use super::super::*;
use super::cast::{Gate, Init, SEC, SHUTDOWN, Stop, error, exhausted, supervisor, worker};
use super::world::World;
use crate::spec::policy::Restart;

const BACKOFF: Doubling = Doubling { first: SEC, max: Duration::from_secs(8) };

fn degrading(fallback: bool, backoff: Option<Doubling>) -> ChildPolicy {
    supervisor(Restart::Permanent, Exhaustion::Degrade { fallback, backoff })
}

/// `a` and `c` are workers, `b` a supervisor that has just been exhausted.
fn degraded(strategy: Strategy, limit: u32, policy: ChildPolicy) -> World {
    let mut world = World::new(strategy, limit);
    world.add("a", worker(Restart::Permanent));
    world.add("b", policy);
    world.add("c", worker(Restart::Permanent));
    world.start();
    world.die("b", exhausted());
    world
}

fn mode(world: &World) -> Mode {
    world.child("b").expect("b is there").mode
}

#[test]
fn exhaustion_starts_the_fallback_and_is_not_charged() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            let mut world = degraded(strategy, 0, ChildPolicy { restart, ..degrading(true, None) });
            assert_eq!(world.done(), "start b's fallback", "{strategy:?}, {restart:?}");
            assert!(world.is_running("b") && mode(&world) == Mode::Degraded);
            assert_eq!(world.charges.len(), 0);
            assert_eq!(world.said_of("b"), ["started", "degraded", "started"]);
        }
    }
}

#[test]
fn exhaustion_only_degrades() {
    for reason in [error(), ExitReason::Normal, ExitReason::Killed, ExitReason::Unresponsive] {
        let mut world = World::new(Strategy::OneForOne, 1);
        world.add("b", degrading(true, None));
        world.start();
        world.die("b", reason.clone());
        assert_eq!((world.done().as_str(), world.charges.len()), ("start b", 1), "{reason}");
    }
}

#[test]
fn a_quarantined_child_has_nothing_in_its_place() {
    let mut world = degraded(Strategy::OneForAll, 0, degrading(false, None));
    assert_eq!(world.done(), "");
    assert_eq!(world.play("b").gate, Gate::Degraded);
    world.pass(1000 * SEC);
    assert_eq!(world.done(), "", "only an operator restores it");
    let answers = [world.restart("b"), world.delete("b")];
    assert_eq!(answers.map(|id| world.answer(id)), ["running"; 2]);
}

#[test]
fn a_supervisor_exhausted_before_it_has_started_degrades_too() {
    for fallback in [true, false] {
        let mut world = World::new(Strategy::RestForOne, 0);
        world.add("a", worker(Restart::Permanent));
        world.add("b", degrading(fallback, None));
        world.add("c", worker(Restart::Permanent));
        world.play("b").inits.push_back(Init::Hang);
        world.bring(Event::Start);
        world.die("b", exhausted());
        assert!(world.is_running("c") && mode(&world) == Mode::Degraded);
        assert!(matches!(world.last_up(), Some(Outcome::Started)));
    }
}

#[test]
fn an_operator_restores_from_nothing_and_from_a_fallback() {
    for (fallback, done) in [(false, "start b"), (true, "stop b, start b")] {
        let mut world = degraded(Strategy::OneForAll, 0, degrading(fallback, None));
        world.done();
        let id = world.restore("b");
        assert_eq!((world.answer(id), world.done().as_str()), ("ok", done));
        assert_eq!(mode(&world), Mode::Normal);
        assert_eq!(world.said_of("b").last().map(String::as_str), Some("restored"));
        let id = world.restore("b");
        assert_eq!(world.answer(id), "not degraded");
    }
}

#[test]
fn a_restore_answers_when_the_normal_shape_is_up() {
    let mut world = degraded(Strategy::OneForOne, 0, degrading(true, None));
    world.play("b").inits.push_back(Init::Hang);
    world.play("b").stop = Stop::Undead;
    let first = world.restore("b");
    let second = world.restore("b");
    assert_eq!([first, second].map(|id| world.answer(id)), ["none", "restarting"]);
    world.die("b", ExitReason::Shutdown);
    let third = world.restore("b");
    assert_eq!([first, third].map(|id| world.answer(id)), ["none", "restarting"]);
    world.ready("b");
    assert_eq!(world.answer(first), "ok");
}

#[test]
fn a_failed_restore_is_degraded_again_and_not_charged() {
    for fallback in [true, false] {
        let mut world = degraded(Strategy::OneForAll, 0, degrading(fallback, None));
        world.play("b").inits.push_back(Init::Fail);
        let id = world.restore("b");
        assert_eq!((world.answer(id), mode(&world)), ("failed", Mode::Degraded));
        assert_eq!(world.is_running("b"), fallback);
        assert!(world.said_of("b").contains(&"restore failed".to_owned()));
        assert!(world.ended().is_none() && world.charges.is_empty());
        let id = world.restore("b");
        assert_eq!(world.answer(id), "ok");
    }
}

#[test]
fn the_failure_of_a_fallback_is_charged_and_restarts_the_fallback() {
    let mut world = degraded(Strategy::OneForOne, 1, degrading(true, None));
    world.done();
    world.die("b", error());
    assert_eq!((world.done().as_str(), world.charges.len(), mode(&world)), ("start b's fallback", 1, Mode::Degraded));
    world.die("b", exhausted());
    assert!(matches!(world.ended(), Some(ExitReason::Exhausted(_))), "an exhausted fallback is no new degradation");
}

#[test]
fn an_exhausted_fallback_of_a_transient_child_ends_it() {
    let policy = ChildPolicy { restart: Restart::Transient, ..degrading(true, None) };
    let mut world = degraded(Strategy::OneForOne, 0, policy);
    world.die("b", exhausted());
    assert!(!world.is_running("b") && mode(&world) == Mode::Normal);
    assert_eq!((world.play("b").gate, world.charges.len()), (Gate::Closed, 0));
    world.done();
    let id = world.restart("b");
    assert_eq!((world.answer(id), world.done().as_str()), ("ok", "start b"));
}

#[test]
fn a_sibling_s_group_restart_leaves_it_degraded() {
    for (fallback, done) in
        [(true, "stop c, stop b, start a, start b's fallback, start c"), (false, "stop c, start a, start c")]
    {
        let mut world = degraded(Strategy::OneForAll, 1, degrading(fallback, None));
        world.done();
        world.die("a", error());
        assert_eq!(world.done(), done);
        assert_eq!(mode(&world), Mode::Degraded);
    }
}

#[test]
fn exhaustion_while_the_group_is_being_stopped_waits_for_the_group() {
    for (fallback, done) in [(true, "start a, start b's fallback, start c"), (false, "start a, start c")] {
        let mut world = World::new(Strategy::OneForAll, 1);
        world.add("a", worker(Restart::Permanent));
        world.add("b", degrading(fallback, None));
        world.add("c", worker(Restart::Permanent));
        world.start();
        world.play("c").stop = Stop::Deaf;
        world.die("a", error());
        world.die("b", exhausted());
        assert_eq!(world.done(), "stop c");
        world.pass(SHUTDOWN);
        assert_eq!(world.done(), format!("kill c, {done}"));
        assert_eq!(world.charges.len(), 1);
    }
}

#[test]
fn a_restart_of_its_supervisor_begins_normal() {
    for fallback in [true, false] {
        let mut world = degraded(Strategy::OneForOne, 0, degrading(fallback, Some(BACKOFF)));
        world.bring(Event::Stop { kill: false });
        world.done();
        world.bring(Event::Start);
        assert_eq!(world.done(), "start a, start b, start c");
        assert_eq!(mode(&world), Mode::Normal);
        world.pass(100 * SEC);
        assert_eq!(world.done(), "", "no restore is left over");
    }
}

#[test]
fn it_is_restored_by_itself_after_the_back_off_with_and_without_a_fallback() {
    for (fallback, done) in [(false, "start b"), (true, "stop b, start b")] {
        let mut world = degraded(Strategy::OneForOne, 0, degrading(fallback, Some(BACKOFF)));
        world.done();
        world.pass(SEC - Duration::from_nanos(1));
        assert_eq!(world.done(), "");
        world.pass(Duration::from_nanos(1));
        assert_eq!(world.done(), done);
        assert_eq!(mode(&world), Mode::Normal);
        world.pass(100 * SEC);
        assert_eq!(world.done(), "");
    }
}

/// Waits until the normal shape is started, and says how long that took in seconds.
fn seconds_to_restore(world: &mut World) -> u64 {
    let before = world.generation("b");
    for seconds in 1..100 {
        world.pass(SEC);
        if world.generation("b") > before {
            return seconds;
        }
    }
    panic!("it is never restored");
}

#[test]
fn failed_restores_double_the_back_off_up_to_its_maximum() {
    let mut world = degraded(Strategy::OneForOne, 0, degrading(false, Some(BACKOFF)));
    world.play("b").always = Init::Fail;
    let waits: Vec<u64> = (0..6).map(|_| seconds_to_restore(&mut world)).collect();
    assert_eq!(waits, [1, 2, 4, 8, 8, 8]);
}

#[test]
fn relapses_double_the_back_off_and_health_resets_it() {
    let mut world = degraded(Strategy::OneForOne, 0, degrading(false, Some(BACKOFF)));
    assert_eq!(seconds_to_restore(&mut world), 1);
    world.die("b", exhausted());
    assert_eq!(seconds_to_restore(&mut world), 2);
    world.pass(BACKOFF.max);
    world.die("b", exhausted());
    assert_eq!(seconds_to_restore(&mut world), 4, "healthy for exactly the maximum is a relapse");
    world.pass(BACKOFF.max + Duration::from_nanos(1));
    world.die("b", exhausted());
    assert_eq!(seconds_to_restore(&mut world), 1);
}

#[test]
fn a_restore_that_is_due_while_the_group_restarts_comes_after_it() {
    for fallback in [true, false] {
        let mut world = degraded(Strategy::OneForAll, 1, degrading(fallback, Some(BACKOFF)));
        world.play("c").stop = Stop::Deaf;
        world.die("a", error());
        let id = world.restore("b");
        assert_eq!(world.answer(id), "restarting");
        world.pass(SHUTDOWN);
        assert!(world.is_running("a") && world.is_running("c"));
        assert_eq!(mode(&world), Mode::Normal, "as soon as the group is up");
        assert!(world.is_running("b"));
    }
}

#[test]
fn one_that_is_exhausted_when_its_group_stops_it_is_degraded_with_the_group() {
    for (fallback, done) in [(true, "start a, start b's fallback, start c"), (false, "start a, start c")] {
        let mut world = World::new(Strategy::OneForAll, 1);
        world.add("a", worker(Restart::Permanent));
        world.add("b", degrading(fallback, Some(BACKOFF)));
        world.add("c", worker(Restart::Permanent));
        world.start();
        world.play("b").stop = Stop::Undead;
        world.die("a", error());
        // It had been on its way down when it was asked to stop.
        world.die("b", exhausted());
        assert_eq!(world.done(), format!("stop c, stop b, {done}"));
        assert_eq!((mode(&world), world.charges.len()), (Mode::Degraded, 1));
    }
}

#[test]
fn a_restore_caught_by_a_group_restart_goes_on_with_the_group() {
    // Caught while the fallback stops, and while the normal shape starts.
    for while_stopping in [true, false] {
        let mut world = degraded(Strategy::OneForAll, 1, degrading(true, None));
        world.play("b").inits.push_back(Init::Hang);
        if while_stopping {
            world.play("b").stop = Stop::Undead;
        }
        let id = world.restore("b");
        assert_eq!(world.answer(id), "none");
        world.die("a", error());
        if while_stopping {
            world.die("b", ExitReason::Shutdown);
            world.ready("b");
        }
        assert_eq!(world.answer(id), "ok", "while stopping: {while_stopping}");
        assert!(["a", "b", "c"].iter().all(|name| world.is_running(name)));
        assert_eq!((mode(&world), world.charges.len()), (Mode::Normal, 1));
    }
}

#[test]
fn a_failed_restore_in_a_group_restart_starts_the_fallback_with_the_group() {
    let mut world = degraded(Strategy::OneForAll, 1, degrading(true, None));
    world.play("b").inits.extend([Init::Hang, Init::Fail]);
    let id = world.restore("b");
    world.done();
    world.die("a", error());
    assert_eq!(world.done(), "stop c, stop b, start a, start b, start b's fallback, start c");
    assert_eq!((world.answer(id), world.charges.len()), ("failed", 1));
}

#[test]
fn a_termination_ends_degraded_mode_and_overtakes_a_restore() {
    for fallback in [true, false] {
        let mut world = degraded(Strategy::OneForOne, 0, degrading(fallback, Some(BACKOFF)));
        world.play("b").inits.push_back(Init::Hang);
        let restored = world.restore("b");
        let terminated = world.terminate("b");
        assert_eq!([restored, terminated].map(|id| world.answer(id)), ["stopping", "ok"]);
        assert_eq!(world.play("b").gate, Gate::Closed);
        world.done();
        world.pass(100 * SEC);
        assert_eq!(world.done(), "", "a terminated child is not restored");
        let id = world.restart("b");
        assert_eq!((world.answer(id), world.done().as_str()), ("ok", "start b"));
    }
}

#[test]
fn one_that_is_being_terminated_when_its_restore_comes_due_is_not_restored() {
    let mut world = degraded(Strategy::OneForOne, 0, degrading(true, Some(BACKOFF)));
    world.play("b").stop = Stop::Undead;
    let id = world.terminate("b");
    world.pass(2 * SEC);
    assert_eq!(world.answer(id), "none");
    world.die("b", ExitReason::Shutdown);
    world.done();
    world.pass(100 * SEC);
    assert_eq!((world.answer(id), world.done().as_str()), ("ok", ""));
}

#[test]
fn a_quarantined_child_can_be_terminated_and_deleted() {
    let mut world = degraded(Strategy::OneForOne, 0, degrading(false, Some(BACKOFF)));
    let answers = [world.terminate("b"), world.delete("b")];
    assert_eq!(answers.map(|id| world.answer(id)), ["ok", "ok"]);
    world.pass(100 * SEC);
    assert_eq!(world.removed, ["b"]);
}

#[test]
fn a_dynamic_child_can_be_quarantined_and_restored() {
    let mut world = World::with(Strategy::OneForOne, true, 0, SEC);
    world.start();
    world.start_child("b", degrading(false, None));
    world.die("b", exhausted());
    assert_eq!(mode(&world), Mode::Degraded);
    let id = world.restore("b");
    assert_eq!(world.answer(id), "ok");
    world.die("b", exhausted());
    world.bring(Event::Stop { kill: false });
    assert!(world.ended().is_some());
    assert_eq!(world.removed, ["b"]);
}

#[test]
fn a_supervisor_stops_in_the_middle_of_a_restore() {
    for while_stopping in [true, false] {
        let mut world = degraded(Strategy::OneForOne, 0, degrading(true, Some(BACKOFF)));
        world.play("b").inits.push_back(Init::Hang);
        if while_stopping {
            world.play("b").stop = Stop::Undead;
        }
        let id = world.restore("b");
        world.bring(Event::Stop { kill: false });
        assert_eq!(world.answer(id), "stopping");
        if while_stopping {
            world.die("b", ExitReason::Shutdown);
        }
        assert!(world.ended().is_some());
    }
}

#[test]
fn a_restore_waits_for_a_fallback_whose_failure_restarts_its_group() {
    // While a later sibling is being stopped, and while the fallback is being started.
    let mut world = degraded(Strategy::RestForOne, 1, degrading(true, None));
    world.play("c").stop = Stop::Deaf;
    world.play("b").inits.push_back(Init::Hang);
    world.done();
    world.die("b", error());
    let while_stopping = world.restore("b");
    world.pass(SHUTDOWN);
    let while_starting = world.restore("b");
    assert_eq!([while_stopping, while_starting].map(|id| world.answer(id)), ["restarting"; 2]);
    assert_eq!(world.done(), "stop c, kill c, start b's fallback");
    world.ready("b");
    assert_eq!((world.done().as_str(), mode(&world)), ("start c", Mode::Degraded));
}
