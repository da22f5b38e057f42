//! The end of a supervisor (cases 16 to 22, 56).

use super::super::*;
use super::cast::{INIT, Init, SEC, SHUTDOWN, Stop, error, panic, supervisor, worker};
use super::world::World;
use crate::spec::policy::{Restart, Shutdown};

const ABC: [&str; 3] = ["a", "b", "c"];

#[test]
fn case_17_a_deaf_child_is_killed_after_its_budget_and_the_others_stop_in_order() {
    let mut world = World::running(Strategy::OneForOne, 1, &ABC);
    world.play("b").stop = Stop::Deaf;
    world.bring(Event::Stop { kill: false });
    assert_eq!(world.done(), "stop c, stop b");
    world.pass(SHUTDOWN);
    assert_eq!(world.done(), "kill b, stop a");
    assert!(matches!(world.ended(), Some(ExitReason::Shutdown)));
    assert_eq!(world.said_of("b"), ["started", "stopped killed"]);
}

#[test]
fn a_child_that_cannot_be_killed_is_abandoned_and_does_not_hold_the_end_up() {
    let mut world = World::running(Strategy::OneForOne, 1, &ABC);
    world.play("c").stop = Stop::Undead;
    world.bring(Event::Stop { kill: false });
    world.pass(SHUTDOWN + KILL_GRACE);
    assert_eq!(world.done(), "stop c, kill c, abandon c, stop b, stop a");
    assert_eq!(world.said_of("c"), ["started", "unresponsive", "stopped unresponsive"]);
}

#[test]
fn case_19_a_brutal_kill_asks_nobody() {
    let mut world = World::new(Strategy::OneForOne, 1);
    world.add("a", worker(Restart::Permanent));
    world.add("b", ChildPolicy { shutdown: Shutdown::Kill, ..worker(Restart::Permanent) });
    world.start();
    world.bring(Event::Stop { kill: false });
    assert_eq!(world.done(), "kill b, stop a");
}

#[test]
fn case_16_an_unlimited_budget_has_no_end() {
    let mut world = World::new(Strategy::OneForOne, 1);
    world.add("a", ChildPolicy { shutdown: Shutdown::Unlimited, ..worker(Restart::Permanent) });
    world.start();
    world.play("a").stop = Stop::Deaf;
    world.bring(Event::Stop { kill: false });
    world.pass(1000 * SEC);
    assert_eq!(world.done(), "stop a");
    world.die("a", ExitReason::Shutdown);
    assert!(world.ended().is_some());
}

#[test]
fn case_21_children_that_die_while_others_are_stopped_are_not_restarted() {
    for reason in [ExitReason::Normal, ExitReason::Shutdown, error(), panic(), ExitReason::Killed] {
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            let mut world = World::new(Strategy::OneForAll, 0);
            for name in ABC {
                world.add(name, worker(restart));
            }
            world.start();
            world.play("c").stop = Stop::Deaf;
            world.bring(Event::Stop { kill: false });
            world.die("a", reason.clone());
            world.die("b", reason.clone());
            world.pass(SHUTDOWN);
            assert_eq!(world.done(), "stop c, kill c", "{restart:?}, {reason}");
            assert!(matches!(world.ended(), Some(ExitReason::Shutdown)));
            assert_eq!(world.charges.len(), 0);
        }
    }
}

#[test]
fn case_56_dynamic_children_stop_at_once_each_within_its_budget() {
    let mut world = World::with(Strategy::OneForOne, true, 1, SEC);
    world.start();
    for name in ABC {
        world.start_child(name, worker(Restart::Temporary));
    }
    world.play("b").stop = Stop::Deaf;
    world.play("c").stop = Stop::Undead;
    world.done();
    world.bring(Event::Stop { kill: false });
    assert_eq!(world.done(), "stop a, stop b, stop c");
    world.pass(SHUTDOWN);
    assert_eq!(world.done(), "kill b, kill c");
    world.pass(KILL_GRACE);
    assert_eq!(world.done(), "abandon c");
    assert!(world.ended().is_some());
    assert_eq!(world.removed, ABC);
}

#[test]
fn a_stop_pre_empts_the_init_of_a_first_start() {
    let mut world = World::new(Strategy::OneForAll, 1);
    for name in ABC {
        world.add(name, worker(Restart::Permanent));
    }
    world.play("b").always = Init::Hang;
    world.bring(Event::Start);
    world.done();
    world.bring(Event::Stop { kill: false });
    assert_eq!(world.done(), "kill b, stop a");
    assert!(matches!(world.up[..], [Outcome::Exited(ExitReason::Shutdown)]));
}

#[test]
fn a_stop_pre_empts_every_phase_of_a_group_restart() {
    // Stopping siblings.
    let mut world = World::running(Strategy::OneForAll, 1, &ABC);
    world.die_silently("a", error());
    world.bring(Event::Stop { kill: false });
    assert_eq!(world.done(), "stop c, stop b");
    assert!(matches!(world.ended(), Some(ExitReason::Shutdown)));
    // Starting siblings.
    let mut world = World::running(Strategy::OneForAll, 1, &ABC);
    world.play("b").inits.push_back(Init::Hang);
    world.die("a", error());
    world.done();
    world.bring(Event::Stop { kill: false });
    assert_eq!(world.done(), "kill b, stop a");
}

#[test]
fn a_kill_takes_everybody_at_once() {
    let mut world = World::running(Strategy::OneForOne, 1, &ABC);
    world.bring(Event::Stop { kill: true });
    assert_eq!(world.done(), "kill c, kill b, kill a");
    assert!(matches!(world.ended(), Some(ExitReason::Killed)));
}

#[test]
fn a_kill_overtakes_a_stop() {
    let mut world = World::running(Strategy::OneForOne, 1, &ABC);
    world.play("c").stop = Stop::Deaf;
    world.bring(Event::Stop { kill: false });
    world.bring(Event::Stop { kill: true });
    assert_eq!(world.done(), "stop c, kill c, kill b, kill a");
    assert!(world.ended().is_some());
}

#[test]
fn a_stop_of_a_supervisor_that_is_down_changes_nothing() {
    let mut world = World::running(Strategy::OneForOne, 1, &ABC);
    for kill in [false, true, false] {
        world.bring(Event::Stop { kill });
    }
    assert_eq!(world.up.len(), 2, "started, exited");
}

#[test]
fn a_starting_supervisor_is_asked_and_not_killed() {
    let mut world = World::new(Strategy::OneForOne, 1);
    world.add("below", supervisor(Restart::Permanent, Exhaustion::Escalate));
    world.play("below").always = Init::Hang;
    world.bring(Event::Start);
    world.pass(100 * INIT);
    world.bring(Event::Stop { kill: false });
    assert_eq!(world.done(), "start below, stop below");
}

#[test]
fn a_killed_supervisor_is_waited_for_as_its_children_have_deadlines() {
    let mut world = World::new(Strategy::OneForOne, 1);
    let policy = supervisor(Restart::Permanent, Exhaustion::Escalate);
    world.add("below", ChildPolicy { shutdown: Shutdown::Within(SHUTDOWN), ..policy });
    world.start();
    world.play("below").stop = Stop::Undead;
    world.bring(Event::Stop { kill: false });
    world.pass(SHUTDOWN + 10 * KILL_GRACE);
    assert_eq!(world.done(), "stop below, kill below");
    world.die("below", ExitReason::Killed);
    assert!(world.ended().is_some());
}

#[test]
fn an_exhausted_supervisor_may_be_killed_on_its_way_down_and_keeps_its_reason() {
    let mut world = World::running(Strategy::OneForOne, 0, &ABC);
    world.play("c").stop = Stop::Deaf;
    world.die("a", error());
    world.bring(Event::Stop { kill: true });
    assert!(matches!(world.ended(), Some(ExitReason::Exhausted(_))));
}

#[test]
fn a_second_life_begins_normal_and_complete() {
    let mut world = World::running(Strategy::RestForOne, 1, &ABC);
    world.start_child("d", worker(Restart::Permanent));
    world.terminate("a");
    world.bring(Event::Stop { kill: false });
    world.done();
    world.bring(Event::Start);
    assert_eq!(world.done(), "start a, start b, start c", "case 61: the added child is gone");
    assert_eq!(world.removed, ["d"]);
}

#[test]
fn a_restart_that_never_came_is_not_told_in_the_next_life() {
    let mut world = World::running(Strategy::OneForOne, 1, &ABC);
    world.play("a").inits.push_back(Init::Hang);
    world.die("a", error());
    world.bring(Event::Stop { kill: false });
    world.bring(Event::Start);
    assert_eq!(world.said_of("a").last().map(String::as_str), Some("started"));
}
