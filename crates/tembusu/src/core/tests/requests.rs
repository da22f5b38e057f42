//! What operators ask, and OTP's answers (cases 3, 5 to 7, 10, 11, 25, 26, 60, 64 to 66).

use super::super::*;
use super::cast::{Gate, INIT, Init, SEC, SHUTDOWN, Stop, error, worker};
use super::world::World;
use crate::spec::policy::Restart;

const ABC: [&str; 3] = ["a", "b", "c"];

#[test]
fn case_25_child_administration() {
    let mut world = World::running(Strategy::OneForOne, 1, &["a", "gone"]);
    let gone = world.key("gone");
    world.terminate("gone");
    world.delete("gone");
    let requests = [
        Request::Terminate { key: gone },
        Request::Restart { key: gone },
        Request::Delete { key: gone },
        Request::Restore { key: gone },
    ];
    for request in requests {
        let id = world.request(request);
        assert_eq!(world.answer(id), "not found");
    }
    let answers = [world.restart("a"), world.delete("a"), world.restore("a")];
    assert_eq!(answers.map(|id| world.answer(id)), ["running", "running", "not degraded"]);
    let answers = [world.terminate("a"), world.terminate("a"), world.restart("a"), world.restart("a")];
    assert_eq!(answers.map(|id| world.answer(id)), ["ok", "ok", "ok", "running"]);
    assert_eq!(world.generation("a"), 2);
    let answers = [world.terminate("a"), world.delete("a")];
    assert_eq!(answers.map(|id| world.answer(id)), ["ok", "ok"]);
    assert!(world.child("a").is_none());
    assert_eq!(world.removed, ["gone", "a"]);
    assert_eq!(world.charges.len(), 0);
}

#[test]
fn a_deleted_child_does_not_come_back_with_its_supervisor() {
    let mut world = World::running(Strategy::OneForOne, 1, &["a", "b"]);
    world.terminate("a");
    world.delete("a");
    world.bring(Event::Stop { kill: false });
    world.done();
    world.bring(Event::Start);
    assert_eq!(world.done(), "start b");
}

#[test]
fn case_3_5_an_added_child_that_ignores_is_kept_unless_temporary() {
    let mut world = World::running(Strategy::OneForOne, 1, &[]);
    let kept = world.start_child_that("kept", worker(Restart::Permanent), Init::Ignore);
    let dropped = world.start_child_that("dropped", worker(Restart::Temporary), Init::Ignore);
    assert_eq!([kept, dropped].map(|id| world.answer(id)), ["ok", "ok"]);
    assert!(world.child("kept").is_some());
    assert_eq!(world.removed, ["dropped"]);
    let id = world.restart("kept");
    assert_eq!(world.answer(id), "ok");
    assert!(world.is_running("kept"));
}

#[test]
fn case_6_7_60_a_dynamic_child_that_ignores_is_forgotten_at_its_start_and_at_its_restart() {
    let mut world = World::with(Strategy::OneForOne, true, 10, SEC);
    world.start();
    let id = world.start_child_that("a", worker(Restart::Permanent), Init::Ignore);
    assert_eq!(world.answer(id), "ok");
    world.start_child("b", worker(Restart::Transient));
    world.die("b", ExitReason::Killed);
    world.play("b").inits.push_back(Init::Ignore);
    world.die("b", ExitReason::Killed);
    assert_eq!(world.removed, ["a", "b"]);
    world.bring(Event::Stop { kill: false });
    assert!(matches!(world.ended(), Some(ExitReason::Shutdown)));
}

#[test]
fn case_26_a_terminated_dynamic_child_is_forgotten() {
    let mut world = World::with(Strategy::OneForOne, true, 1, SEC);
    world.start();
    world.start_child("a", worker(Restart::Permanent));
    let id = world.terminate("a");
    assert_eq!(world.answer(id), "ok");
    assert_eq!(world.removed, ["a"]);
}

#[test]
fn case_11_an_added_child_that_fails_to_start_is_forgotten_and_not_charged() {
    let mut world = World::running(Strategy::OneForAll, 0, &["a"]);
    let id = world.start_child_that("b", worker(Restart::Permanent), Init::Fail);
    assert_eq!(world.answer(id), "failed");
    assert_eq!(world.removed, ["b"]);
    assert!(world.is_running("a") && world.ended().is_none());
}

#[test]
fn case_10_a_restart_by_request_that_fails_is_not_tried_again() {
    let mut world = World::running(Strategy::OneForAll, 0, &["a", "b"]);
    world.terminate("b");
    world.play("b").inits.push_back(Init::Fail);
    let id = world.restart("b");
    assert_eq!(world.answer(id), "failed");
    assert!(world.child("b").is_some() && !world.is_running("b"));
    assert_eq!(world.play("b").gate, Gate::Closed);
    assert!(world.is_running("a") && world.ended().is_none());
}

#[test]
fn an_added_child_whose_init_hangs_fails_in_time() {
    let mut world = World::running(Strategy::OneForOne, 0, &[]);
    let id = world.start_child_that("a", worker(Restart::Permanent), Init::Hang);
    world.pass(INIT);
    assert_eq!(world.answer(id), "failed");
}

#[test]
fn a_terminated_child_is_killed_when_it_is_deaf() {
    let mut world = World::running(Strategy::OneForOne, 0, &["a"]);
    world.play("a").stop = Stop::Deaf;
    let first = world.terminate("a");
    let second = world.terminate("a");
    let others = [world.restart("a"), world.delete("a")];
    assert_eq!(others.map(|id| world.answer(id)), ["restarting", "restarting"]);
    world.pass(SHUTDOWN);
    assert_eq!([first, second].map(|id| world.answer(id)), ["ok", "ok"], "both have what they asked for");
    assert_eq!(world.charges.len(), 0);
}

#[test]
fn a_death_of_a_child_that_is_being_terminated_is_its_termination() {
    let mut world = World::running(Strategy::OneForAll, 0, &["a", "b"]);
    world.play("a").stop = Stop::Deaf;
    let id = world.terminate("a");
    world.die("a", error());
    assert_eq!(world.answer(id), "ok");
    assert!(world.is_running("b") && world.ended().is_none());
}

#[test]
fn a_termination_pre_empts_an_init() {
    let mut world = World::running(Strategy::OneForOne, 1, &["a"]);
    world.play("a").inits.push_back(Init::Hang);
    world.die("a", error());
    let id = world.terminate("a");
    assert_eq!((world.answer(id), world.done().as_str()), ("ok", "start a, kill a"));
    // The same to a child that is being added: it was never there.
    let added = world.start_child_that("b", worker(Restart::Permanent), Init::Hang);
    let id = world.terminate("b");
    assert_eq!([added, id].map(|id| world.answer(id)), ["stopping", "ok"]);
    assert_eq!(world.removed, ["b"]);
}

#[test]
fn a_termination_during_the_first_start_leaves_the_child_out() {
    let mut world = World::new(Strategy::OneForOne, 0);
    for name in ABC {
        world.add(name, worker(Restart::Permanent));
    }
    world.play("b").inits.push_back(Init::Hang);
    world.bring(Event::Start);
    let id = world.terminate("b");
    assert_eq!(world.answer(id), "ok");
    assert_eq!(world.done(), "start a, start b, kill b, start c");
    assert!(matches!(world.last_up(), Some(Outcome::Started)));
}

#[test]
fn terminating_one_member_during_a_group_restart_leaves_the_others_to_it() {
    // While siblings are being stopped: the one that crashed, one that is being stopped, one that is not yet.
    for victim in ABC {
        let mut world = World::running(Strategy::OneForAll, 1, &ABC);
        world.play("c").stop = Stop::Deaf;
        world.die("a", error());
        let id = world.terminate(victim);
        world.pass(SHUTDOWN);
        assert_eq!(world.answer(id), "ok");
        for name in ABC {
            assert_eq!(world.is_running(name), name != victim, "{name} when {victim} is terminated");
        }
    }
    // While they are being started: one that is up again, the one at hand, one that is to come.
    for victim in ABC {
        let mut world = World::running(Strategy::OneForAll, 1, &ABC);
        world.play("b").inits.push_back(Init::Hang);
        world.die("a", error());
        let id = world.terminate(victim);
        assert_eq!(world.answer(id), "ok");
        if victim != "b" {
            world.ready("b");
        }
        for name in ABC {
            assert_eq!(world.is_running(name), name != victim, "{name} when {victim} is terminated");
        }
    }
}

#[test]
fn case_64_requests_while_a_child_is_retried() {
    let mut world = World::running(Strategy::OneForOne, 8, &["a"]);
    world.play("a").inits.extend([Init::Fail, Init::Hang]);
    world.die("a", error());
    let answers = [world.restart("a"), world.delete("a")];
    assert_eq!(answers.map(|id| world.answer(id)), ["restarting", "restarting"]);
    let id = world.terminate("a");
    assert_eq!(world.answer(id), "ok");
    assert!(!world.is_running("a"));
    let id = world.restart("a");
    assert_eq!(world.answer(id), "ok");
    world.play("a").always = Init::Hang;
    world.die("a", error());
    world.bring(Event::Stop { kill: false });
    assert!(world.ended().is_some(), "a supervisor stops promptly while it retries");
}

#[test]
fn case_65_terminating_the_child_that_a_group_retries_leaves_the_later_ones_down() {
    let mut world = World::running(Strategy::RestForOne, 8, &ABC);
    world.play("b").inits.extend([Init::Fail, Init::Hang]);
    world.die("b", error());
    let waiting = [world.restart("c"), world.delete("c"), world.delete("b")];
    assert_eq!(waiting.map(|id| world.answer(id)), ["restarting"; 3]);
    let id = world.terminate("b");
    assert_eq!(world.answer(id), "ok");
    assert_eq!(ABC.map(|name| world.is_running(name)), [true, false, false]);
    assert_eq!(world.play("c").gate, Gate::Closed, "nobody waits for a child that nothing will start");
    let answers = [world.restart("c"), world.restart("b")];
    assert_eq!(answers.map(|id| world.answer(id)), ["ok", "ok"]);
}

#[test]
fn terminating_the_child_that_a_group_retries_ends_the_attempts_at_every_point_of_them() {
    // While `a` is being stopped once more, while it is in its init, and while `b` is.
    for point in 0..3 {
        let mut world = World::running(Strategy::OneForAll, 8, &ABC);
        world.play("b").inits.push_back(Init::Fail);
        match point {
            0 => world.play("a").stop = Stop::Deaf,
            1 => world.play("a").inits.extend([Init::Ready, Init::Hang]),
            _ => world.play("b").inits.push_back(Init::Hang),
        }
        world.die("b", error());
        if point == 0 {
            // It is waited for since the first failure.
            world.pass(SHUTDOWN);
        }
        let id = world.terminate("b");
        assert_eq!(world.answer(id), "ok");
        if point == 1 {
            world.ready("a");
        }
        world.pass(SHUTDOWN);
        assert_eq!(ABC.map(|name| world.is_running(name)), [true, false, false], "point {point}");
        assert!(world.core.pass.is_none());
        let answers = [world.restart("c"), world.restart("b")];
        assert_eq!(answers.map(|id| world.answer(id)), ["ok", "ok"]);
    }
}

#[test]
fn case_66_terminating_a_dynamic_child_that_is_retried_forgets_it() {
    let mut world = World::with(Strategy::OneForOne, true, 8, SEC);
    world.start();
    world.start_child("a", worker(Restart::Permanent));
    world.play("a").inits.extend([Init::Fail, Init::Hang]);
    world.die("a", error());
    let id = world.terminate("a");
    assert_eq!(world.answer(id), "ok");
    assert_eq!(world.removed, ["a"]);
}

#[test]
fn an_added_child_waits_for_its_turn_in_a_group_restart() {
    for restart in [Restart::Permanent, Restart::Temporary] {
        let mut world = World::running(Strategy::OneForAll, 1, &["a", "b"]);
        world.play("a").inits.push_back(Init::Hang);
        world.die("a", error());
        let id = world.start_child("c", worker(restart));
        assert_eq!(world.answer(id), "none");
        world.done();
        world.ready("a");
        assert_eq!((world.done().as_str(), world.answer(id)), ("start b, start c", "ok"));
    }
}

#[test]
fn an_added_child_caught_by_a_group_restart_starts_with_the_group() {
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        let mut world = World::running(Strategy::OneForAll, 1, &["a", "b"]);
        let id = world.start_child_that("c", worker(restart), Init::Hang);
        world.done();
        world.die("a", error());
        assert_eq!(world.done(), "kill c, stop b, start a, start b, start c", "{restart:?}");
        assert_eq!(world.answer(id), "ok");
        assert_eq!(world.charges.len(), 1);
    }
}

#[test]
fn an_added_child_that_fails_in_a_group_restart_holds_nobody_up() {
    let mut world = World::running(Strategy::OneForAll, 1, &["a", "b"]);
    world.play("b").stop = Stop::Deaf;
    world.die("a", error());
    let id = world.start_child_that("c", worker(Restart::Permanent), Init::Fail);
    world.pass(SHUTDOWN);
    assert_eq!(world.answer(id), "failed");
    assert!(world.is_running("a") && world.is_running("b"));
    assert!(world.core.pass.is_none());
    // It fails by itself while the pass waits for it to be stopped.
    let mut world = World::running(Strategy::OneForAll, 2, &["a", "b"]);
    let id = world.start_child_that("c", worker(Restart::Permanent), Init::Hang);
    world.play("c").stop = Stop::Undead;
    world.pass(INIT);
    world.die("a", error());
    world.die("c", error());
    assert_eq!(world.answer(id), "failed");
    assert!(world.is_running("a") && world.is_running("b"));
}

#[test]
fn a_restart_by_request_caught_by_a_group_restart_is_answered_when_the_group_is_up() {
    let mut world = World::running(Strategy::OneForAll, 1, &ABC);
    world.terminate("b");
    world.play("b").inits.push_back(Init::Hang);
    let id = world.restart("b");
    world.done();
    world.die("c", error());
    assert_eq!(world.done(), "kill b, stop a, start a, start b, start c");
    assert_eq!(world.answer(id), "ok");
}

#[test]
fn whoever_waits_is_told_when_the_supervisor_stops() {
    let mut world = World::running(Strategy::OneForAll, 0, &ABC);
    world.play("b").stop = Stop::Undead;
    let terminated = [world.terminate("b"), world.terminate("b")];
    let added = world.start_child_that("d", worker(Restart::Permanent), Init::Hang);
    world.die("a", error());
    assert_eq!(terminated.map(|id| world.answer(id)), ["stopping"; 2]);
    assert_eq!(world.answer(added), "stopping");
    let id = world.start_child("e", worker(Restart::Permanent));
    assert_eq!(world.answer(id), "stopping");
    assert!(world.removed.contains(&"e"));
    world.pass(SHUTDOWN + KILL_GRACE);
    assert!(world.ended().is_some());
    let answers = [world.terminate("a"), world.restart("a"), world.delete("a"), world.restore("a")];
    assert_eq!(answers.map(|id| world.answer(id)), ["stopping"; 4]);
}

#[test]
fn a_temporary_child_that_ignores_when_it_is_asked_for_keeps_its_specification() {
    let mut world = World::running(Strategy::OneForOne, 3, &["a"]);
    let key = world.place("t");
    let added = vec![(key, "t".into(), worker(Restart::Temporary))];
    world.request(Request::Change(Box::new(Change { added, ..Change::default() })));
    world.play("t").inits.push_back(Init::Ignore);
    let id = world.restart("t");
    assert_eq!(world.answer(id), "ok");
    assert!(world.child("t").is_some() && !world.is_running("t"));
    let again = world.restart("t");
    assert_eq!(world.answer(again), "ok");
    assert!(world.is_running("t"));
}
