//! The first start of all children (cases 3, 4, 7, and what starting one by one adds).

use super::super::*;
use super::cast::{INIT, Init, Stop, error, worker};
use super::world::World;
use crate::spec::policy::Restart;

fn starting(strategy: Strategy) -> World {
    let mut world = World::new(strategy, 3);
    for name in ["a", "b", "c"] {
        world.add(name, worker(Restart::Permanent));
    }
    world
}

#[test]
fn children_start_in_order_each_after_the_one_before() {
    let mut world = starting(Strategy::OneForOne);
    for name in ["a", "b", "c"] {
        world.play(name).always = Init::Hang;
    }
    world.bring(Event::Start);
    assert_eq!(world.done(), "start a");
    world.ready("a");
    assert_eq!(world.done(), "start b");
    world.ready("b");
    assert_eq!(world.done(), "start c");
    assert!(world.last_up().is_none());
    world.ready("c");
    assert!(matches!(world.last_up(), Some(Outcome::Started)));
}

#[test]
fn a_supervisor_without_children_starts() {
    let mut world = World::new(Strategy::OneForAll, 0);
    world.bring(Event::Start);
    assert!(matches!(world.last_up(), Some(Outcome::Started)));
}

#[test]
fn a_failed_first_start_ends_who_was_started_in_reverse_order() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let mut world = starting(strategy);
        world.play("c").always = Init::Fail;
        world.bring(Event::Start);
        assert_eq!(world.done(), "start a, start b, start c, stop b, stop a");
        assert!(matches!(world.ended(), Some(ExitReason::FailedToStart(_))));
        assert_eq!(world.charges.len(), 0);
    }
}

#[test]
fn an_init_that_takes_too_long_is_killed_and_fails_the_start() {
    let mut world = starting(Strategy::OneForOne);
    world.play("b").always = Init::Hang;
    world.bring(Event::Start);
    world.pass(INIT - Duration::from_nanos(1));
    assert_eq!(world.done(), "start a, start b");
    world.pass(Duration::from_nanos(1));
    assert_eq!(world.done(), "kill b, stop a");
    assert_eq!(
        world.ended().map(ToString::to_string).as_deref(),
        Some("sup/b failed to start: error: init did not finish within 3s")
    );
}

#[test]
fn an_init_that_cannot_be_killed_is_abandoned() {
    let mut world = starting(Strategy::OneForOne);
    world.play("b").always = Init::Hang;
    world.play("b").stop = Stop::Undead;
    world.bring(Event::Start);
    world.pass(INIT + KILL_GRACE);
    assert_eq!(world.done(), "start a, start b, kill b, abandon b, stop a");
    assert_eq!(world.said_of("b"), ["unresponsive", "start failed error"]);
}

#[test]
fn an_init_that_finishes_while_it_is_killed_has_finished_too_late() {
    let mut world = starting(Strategy::OneForOne);
    world.play("b").always = Init::Hang;
    world.play("b").stop = Stop::Undead;
    world.bring(Event::Start);
    world.pass(INIT);
    world.ready("b");
    assert!(!world.is_running("b"));
    world.die("b", ExitReason::Killed);
    assert!(world.ended().is_some());
}

#[test]
fn case_3_a_permanent_child_that_ignores_keeps_its_specification() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let mut world = starting(strategy);
        world.play("b").always = Init::Ignore;
        world.bring(Event::Start);
        assert_eq!(world.done(), "start a, start b, start c");
        assert!(matches!(world.last_up(), Some(Outcome::Started)));
        assert!(world.child("b").is_some() && !world.is_running("b"));
    }
}

#[test]
fn case_4_a_temporary_child_that_ignores_is_forgotten() {
    let mut world = World::new(Strategy::OneForOne, 3);
    world.add("a", worker(Restart::Temporary));
    world.add("b", worker(Restart::Temporary));
    world.play("a").always = Init::Ignore;
    world.bring(Event::Start);
    assert!(world.child("a").is_none() && world.is_running("b"));
}

#[test]
fn a_crash_before_the_start_is_complete_sends_the_group_back() {
    let mut world = starting(Strategy::OneForAll);
    world.play("c").inits.push_back(Init::Hang);
    world.bring(Event::Start);
    world.done();
    world.die("a", error());
    assert_eq!(world.done(), "kill c, stop b, start a, start b, start c");
    assert!(matches!(world.up[..], [Outcome::Started]), "it has started once");
    assert_eq!(world.charges.len(), 1);
}

#[test]
fn a_temporary_that_had_not_started_yet_is_no_bystander_in_any_life() {
    let mut world = World::new(Strategy::OneForAll, 3);
    world.add("a", worker(Restart::Permanent));
    world.add("b", worker(Restart::Permanent));
    world.add("c", worker(Restart::Temporary));
    for life in 1..=2 {
        world.play("b").inits.push_back(Init::Hang);
        world.bring(Event::Start);
        world.die("a", error());
        assert!(world.is_running("c"), "life {life}");
        world.bring(Event::Stop { kill: false });
    }
}

#[test]
fn a_crash_in_one_for_one_does_not_hold_the_first_start_up() {
    let mut world = starting(Strategy::OneForOne);
    world.play("b").inits.push_back(Init::Hang);
    world.play("a").inits.extend([Init::Ready, Init::Hang]);
    world.bring(Event::Start);
    world.die("a", error());
    world.ready("b");
    assert!(matches!(world.last_up(), Some(Outcome::Started)));
    world.ready("a");
    assert!(["a", "b", "c"].iter().all(|name| world.is_running(name)));
}

#[test]
fn a_start_that_was_sent_back_still_fails_with_a_child_that_fails() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let mut world = starting(strategy);
        world.play("c").inits.push_back(Init::Hang);
        world.play("b").inits.extend([Init::Ready, Init::Fail]);
        world.bring(Event::Start);
        world.die("a", error());
        assert!(
            matches!(world.up[..], [Outcome::Exited(ExitReason::FailedToStart(_))]),
            "{strategy:?}: {:?}",
            world.up
        );
        assert_eq!(world.charges.len(), 1, "the crash");
    }
}
