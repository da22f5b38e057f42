//! Group restarts, and further failures in every phase of them (cases 49 to 54, 62; `restart-internals` 3.5).

use super::super::*;
use super::cast::{INIT, Init, SHUTDOWN, Stop, error, panic, worker};
use super::world::World;
use crate::spec::policy::Restart;

const ABCD: [&str; 4] = ["a", "b", "c", "d"];

fn all_up(world: &World) -> bool {
    ABCD.iter().all(|name| world.is_running(name))
}

fn group(strategy: Strategy) -> World {
    World::running(strategy, 5, &ABCD)
}

#[test]
fn case_62_rest_for_one_stops_later_siblings_backwards_and_starts_them_forwards() {
    let mut world = group(Strategy::RestForOne);
    world.die("b", error());
    assert_eq!(world.done(), "stop d, stop c, start b, start c, start d");
    assert_eq!(world.generation("a"), 1);
    world.bring(Event::Stop { kill: false });
    assert_eq!(world.done(), "stop d, stop c, stop b, stop a");
}

#[test]
fn case_51_one_for_all_stops_the_new_incarnations_before_it_tries_again() {
    let mut world = group(Strategy::OneForAll);
    world.play("b").inits.push_back(Init::Fail);
    world.die("a", error());
    let first = "stop d, stop c, stop b, start a, start b";
    assert_eq!(world.done(), format!("{first}, stop a, start a, start b, start c, start d"));
    assert_eq!(world.charges.len(), 2);
}

#[test]
fn case_54_rest_for_one_retries_only_from_the_child_that_failed() {
    let mut world = group(Strategy::RestForOne);
    world.play("b").inits.push_back(Init::Fail);
    world.die("a", error());
    assert_eq!(world.done(), "stop d, stop c, stop b, start a, start b, start b, start c, start d");
    assert_eq!(world.generation("a"), 2);
    assert_eq!(world.charges.len(), 2);
}

#[test]
fn stopping_phase_a_member_that_dies_by_itself_is_absorbed() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        for victim in ["b", "c", "d"] {
            let mut world = group(strategy);
            world.die_silently("a", error());
            world.die_silently(victim, panic());
            world.settle();
            assert!(all_up(&world), "{strategy:?}: {victim}");
            assert_eq!(world.charges.len(), 1, "{strategy:?}: {victim}");
            assert!(world.said_of(victim).contains(&"crashed panic".to_owned()));
        }
    }
}

#[test]
fn stopping_phase_an_earlier_member_extends_the_group_to_the_left() {
    let mut world = group(Strategy::RestForOne);
    world.play("d").stop = Stop::Deaf;
    world.die_silently("c", error());
    world.die("a", error());
    assert_eq!(world.done(), "stop d");
    world.pass(SHUTDOWN);
    assert_eq!(world.done(), "kill d, stop b, start a, start b, start c, start d");
    assert_eq!(world.charges.len(), 2);
    assert!(all_up(&world));
}

#[test]
fn stopping_phase_a_deaf_member_costs_its_own_budget_and_no_more() {
    let mut world = group(Strategy::OneForAll);
    world.play("c").stop = Stop::Deaf;
    world.die("a", error());
    assert_eq!(world.done(), "stop d, stop c");
    world.pass(SHUTDOWN - Duration::from_nanos(1));
    assert_eq!(world.done(), "");
    world.pass(Duration::from_nanos(1));
    assert_eq!(world.done(), "kill c, stop b, start a, start b, start c, start d");
    assert!(world.said_of("c").contains(&"stopped killed".to_owned()));
}

#[test]
fn stopping_phase_a_member_that_cannot_be_killed_loses_its_slot() {
    let mut world = group(Strategy::OneForAll);
    world.play("c").stop = Stop::Undead;
    world.die("a", error());
    world.pass(SHUTDOWN + KILL_GRACE);
    assert_eq!(world.done(), "stop d, stop c, kill c, abandon c, stop b, start a, start b, start c, start d");
    assert!(all_up(&world));
    // What is left of it has nothing to say any more.
    let key = world.key("c");
    world.bring_stale(Event::Exited { key, generation: 1, reason: ExitReason::Killed });
}

#[test]
fn starting_phase_the_member_being_started_fails_again_and_again() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let mut world = group(strategy);
        world.play("c").inits.extend([Init::Fail, Init::Fail, Init::Fail]);
        world.die("a", error());
        assert!(all_up(&world), "{strategy:?}");
        assert_eq!(world.charges.len(), 4, "{strategy:?}");
    }
}

#[test]
fn starting_phase_an_earlier_member_dies() {
    for (strategy, next) in [
        (Strategy::OneForAll, "kill c, stop b, start a, start b, start c, start d"),
        (Strategy::RestForOne, "kill c, stop b, start a, start b, start c, start d"),
    ] {
        let mut world = group(strategy);
        world.play("c").inits.push_back(Init::Hang);
        world.die("b", error());
        world.done();
        world.die("a", panic());
        assert_eq!(world.done(), next, "{strategy:?}");
        assert_eq!(world.charges.len(), 2, "{strategy:?}");
        assert!(all_up(&world));
    }
}

#[test]
fn starting_phase_a_member_already_restarted_dies() {
    let mut world = group(Strategy::RestForOne);
    world.play("d").inits.push_back(Init::Hang);
    world.die("b", error());
    world.done();
    world.die("c", panic());
    assert_eq!(world.done(), "kill d, start c, start d", "b is up again and stays up");
    assert!(all_up(&world));
    assert_eq!(world.generation("b"), 2);
}

#[test]
fn starting_phase_the_member_just_started_dies() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let mut world = group(strategy);
        world.play("b").inits.extend([Init::Ready, Init::Ready]);
        world.play("c").inits.push_back(Init::Hang);
        world.die("b", error());
        world.die("b", error());
        assert!(all_up(&world), "{strategy:?}");
        assert_eq!(world.charges.len(), 2);
    }
}

#[test]
fn a_third_failure_while_the_second_is_dealt_with() {
    let mut world = group(Strategy::RestForOne);
    world.play("c").inits.push_back(Init::Hang);
    world.die("c", error());
    world.die_silently("b", panic());
    // c is being killed in its init; now a dies as well.
    world.die("a", error());
    assert!(all_up(&world));
    assert_eq!(world.charges.len(), 3);
    assert_eq!(world.done(), "stop d, start c, kill c, start a, start b, start c, start d");
}

#[test]
fn an_init_that_hangs_in_a_group_restart_is_timed_out_and_charged() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne, Strategy::OneForOne] {
        let mut world = group(strategy);
        world.play("b").inits.push_back(Init::Hang);
        world.die("b", error());
        world.pass(INIT);
        assert!(all_up(&world), "{strategy:?}");
        assert_eq!(world.charges.len(), 2, "{strategy:?}");
        assert!(world.said_of("b").contains(&"start failed error 2/5".to_owned()), "{strategy:?}");
    }
}

#[test]
fn a_member_that_times_out_while_its_group_turns_back_is_absorbed() {
    let mut world = group(Strategy::OneForAll);
    world.play("b").inits.push_back(Init::Hang);
    world.die("a", error());
    world.play("b").stop = Stop::Undead;
    world.pass(INIT);
    world.die("a", error());
    world.die("b", ExitReason::Killed);
    assert!(all_up(&world));
    assert_eq!(world.charges.len(), 2);
}

#[test]
fn a_group_member_that_ignores_is_passed_over_and_asked_again_next_time() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let mut world = group(strategy);
        world.play("b").inits.push_back(Init::Ignore);
        world.die("a", error());
        assert_eq!(world.done(), "stop d, stop c, stop b, start a, start b, start c, start d");
        assert!(!world.is_running("b"));
        world.die("a", error());
        assert!(all_up(&world), "{strategy:?}");
    }
}

#[test]
fn exhaustion_in_the_middle_of_a_group_restart_ends_everything_in_reverse_order() {
    let mut world = World::running(Strategy::OneForAll, 1, &ABCD);
    world.play("c").inits.push_back(Init::Fail);
    world.die("a", error());
    assert_eq!(world.done(), "stop d, stop c, stop b, start a, start b, start c, stop b, stop a");
    assert!(matches!(world.ended(), Some(ExitReason::Exhausted(_))));
}

#[test]
fn an_exhausting_failure_while_siblings_are_being_stopped_ends_everything() {
    let mut world = World::running(Strategy::RestForOne, 1, &ABCD);
    world.play("d").stop = Stop::Deaf;
    world.die("b", error());
    world.die("a", error());
    assert!(world.core.is_stopping());
    world.pass(SHUTDOWN);
    assert_eq!(world.done(), "stop d, kill d, stop c");
    assert!(matches!(world.ended(), Some(ExitReason::Exhausted(_))));
}

#[test]
fn a_temporary_child_that_a_change_has_added_is_not_started_by_its_group() {
    let mut world = World::running(Strategy::OneForAll, 3, &["a"]);
    let added = ["t", "u"].map(|name| (world.place(name), name));
    let [(t, _), _] = added;
    let policy = |key| worker(if key == t { Restart::Temporary } else { Restart::Transient });
    let added = added.map(|(key, name)| (key, name.into(), policy(key)));
    world.request(Request::Change(Box::new(Change { added: added.to_vec(), ..Change::default() })));
    world.die("a", error());
    assert!(world.is_running("a") && world.is_running("u"));
    assert!(world.core.children().get(t).is_none(), "OTP drops every temporary child that a group restart stops");
}
