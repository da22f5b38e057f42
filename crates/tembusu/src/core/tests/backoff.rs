//! Restarts that wait: how long, what ends the wait, and that nothing is started twice.

use super::super::*;
use super::cast::{Init, MS, SEC, Stop, error, significant, worker};
use super::world::World;
use crate::spec::Backoff;
use crate::spec::policy::Restart;

/// 1, 2, 4, 4, … seconds.
fn waits() -> Backoff {
    Backoff::exponential(SEC, 4 * SEC)
}

/// A started supervisor whose restarts wait, with permanent workers of these names.
fn running(strategy: Strategy, limit: u32, backoff: Backoff, names: &[&'static str]) -> World {
    let mut world = World::with(strategy, false, limit, 100 * SEC);
    world.core.back_off(backoff, 7);
    for name in names {
        world.add(name, worker(Restart::Permanent));
    }
    world.start();
    world
}

/// How long a child has still to wait.
fn left(world: &World, name: &str) -> Option<Duration> {
    world.core.starts_at(world.child(name)?).map(|at| at - world.now)
}

#[test]
fn each_restart_within_the_period_waits_twice_as_long_up_to_the_maximum() {
    let mut world = running(Strategy::OneForOne, 5, waits(), &["a", "b"]);
    assert!(world.is_running("a"), "a first start does not wait");
    for wait in [1, 2, 4, 4, 4] {
        world.done();
        world.die("a", error());
        assert_eq!(left(&world, "a"), Some(wait * SEC));
        world.pass(wait * SEC - MS);
        assert_eq!(world.done(), "");
        world.pass(MS);
        assert_eq!(world.done(), "start a");
        assert_eq!(left(&world, "a"), None);
    }
    world.die("a", error());
    assert!(world.ended().is_some(), "the limit is reached all the same");
}

#[test]
fn failures_older_than_the_period_shorten_the_wait_again() {
    let mut world = running(Strategy::OneForOne, 5, waits(), &["a"]);
    for _ in 0..3 {
        world.die("a", error());
        world.pass(101 * SEC);
    }
    let waited: Vec<String> = world.said_of("a").into_iter().filter(|said| said.starts_with("backing")).collect();
    assert_eq!(waited, ["backing off 1s"; 3]);
}

#[test]
fn the_first_restart_is_immediate_when_the_user_says_so() {
    let mut world = running(Strategy::OneForOne, 5, waits().first_at_once(), &["a"]);
    world.die("a", error());
    assert_eq!(world.done(), "start a");
    world.die("a", error());
    assert_eq!((world.done().as_str(), left(&world, "a")), ("", Some(SEC)));
}

#[test]
fn failed_starts_wait_and_are_charged_until_the_limit_is_reached() {
    let mut world = running(Strategy::OneForOne, 3, waits(), &["a"]);
    world.play("a").always = Init::Fail;
    world.die("a", error());
    world.pass(SEC + 2 * SEC + 4 * SEC);
    assert_eq!(world.done(), "start a, start a, start a");
    assert!(matches!(world.ended(), Some(ExitReason::Exhausted(_))));
}

#[test]
fn jitter_stays_within_its_fraction_and_repeats_with_its_seed() {
    let drawn = |seed: u64| {
        let mut world = World::with(Strategy::OneForOne, false, 50, 10_000 * SEC);
        world.core.back_off(Backoff::constant(10 * SEC).jitter(0.2), seed);
        world.add("a", worker(Restart::Permanent));
        world.start();
        let mut waits = Vec::new();
        for _ in 0..50 {
            world.die("a", error());
            waits.push(left(&world, "a").expect("it waits"));
            world.pass(12 * SEC);
        }
        waits
    };
    let waits = drawn(1);
    assert!(waits.iter().all(|wait| (8 * SEC..=12 * SEC).contains(wait)), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait < 9 * SEC) && waits.iter().any(|wait| *wait > 11 * SEC), "{waits:?}");
    assert_eq!(waits, drawn(1));
    assert_ne!(waits, drawn(2));
}

#[test]
fn a_child_that_waits_can_be_terminated_and_stays_down() {
    let mut world = running(Strategy::OneForOne, 5, waits(), &["a", "b"]);
    world.die("a", error());
    let id = world.terminate("a");
    assert_eq!((world.answer(id), left(&world, "a")), ("ok", None));
    world.pass(100 * SEC);
    assert_eq!(world.done(), "");
    let id = world.restart("a");
    assert_eq!((world.answer(id), world.done().as_str()), ("ok", "start a"));
}

#[test]
fn a_child_that_waits_can_be_deleted() {
    let mut world = running(Strategy::OneForOne, 5, waits(), &["a", "b"]);
    world.die("a", error());
    let id = world.delete("a");
    assert_eq!(world.answer(id), "ok");
    world.pass(100 * SEC);
    assert_eq!((world.done().as_str(), world.removed.as_slice()), ("", &["a"][..]));
}

#[test]
fn an_operator_ends_the_wait_and_nothing_is_started_twice() {
    let mut world = running(Strategy::OneForOne, 5, waits(), &["a"]);
    world.die("a", error());
    let id = world.restart("a");
    assert_eq!((world.answer(id), world.done().as_str()), ("ok", "start a"));
    assert_eq!(world.said_of("a").last().map(String::as_str), Some("restarted"));
    world.pass(100 * SEC);
    assert_eq!(world.done(), "", "the deadline of the wait is stale");
}

#[test]
fn a_hastened_start_that_fails_is_charged_and_tried_again() {
    let mut world = running(Strategy::OneForOne, 5, waits(), &["a"]);
    world.play("a").inits.push_back(Init::Fail);
    world.die("a", error());
    let id = world.restart("a");
    assert_eq!((world.answer(id), world.charges.len()), ("failed", 2));
    assert_eq!(left(&world, "a"), Some(2 * SEC));
    world.pass(2 * SEC);
    assert!(world.is_running("a"));
}

#[test]
fn a_shutdown_does_not_wait() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let mut world = running(strategy, 5, waits(), &["a", "b"]);
        world.die("a", error());
        world.bring(Event::Stop { kill: false });
        assert!(world.ended().is_some(), "{strategy:?}");
        world.bring(Event::Start);
        world.done();
        world.pass(100 * SEC);
        assert_eq!(world.done(), "", "nothing of the wait is left over: {strategy:?}");
    }
}

#[test]
fn a_group_is_stopped_at_once_and_its_start_waits() {
    let mut world = running(Strategy::RestForOne, 5, waits(), &["a", "b", "c"]);
    world.die("b", error());
    assert_eq!(world.done(), "stop c");
    assert_eq!(["a", "b", "c"].map(|name| left(&world, name)), [None, Some(SEC), Some(SEC)]);
    world.pass(SEC - MS);
    assert_eq!(world.done(), "");
    world.pass(MS);
    assert_eq!(world.done(), "start b, start c");
    assert_eq!(world.charges.len(), 1);
}

#[test]
fn the_wait_begins_with_the_failure_and_not_when_the_group_is_down() {
    let mut world = running(Strategy::OneForAll, 5, waits(), &["a", "b"]);
    world.play("b").stop = Stop::Deaf;
    world.die("a", error());
    // b is killed after 5 s; the wait of 1 s is long over.
    world.pass(5 * SEC);
    assert_eq!(world.done(), "stop b, kill b, start a, start b");
}

#[test]
fn a_failure_to_the_left_extends_the_group_that_waits_and_never_shortens_the_wait() {
    let mut world = running(Strategy::RestForOne, 5, waits(), &["a", "b", "c"]);
    world.die("c", error());
    world.pass(MS);
    world.die("a", error());
    assert_eq!(world.done(), "stop b");
    assert_eq!(left(&world, "c"), Some(2 * SEC));
    world.pass(2 * SEC - MS);
    assert_eq!(world.done(), "", "the first deadline is stale");
    world.pass(MS);
    assert_eq!(world.done(), "start a, start b, start c");
    // The other way round: the first wait is the longer one, by jitter or cap.
    let mut world = running(Strategy::RestForOne, 5, Backoff::constant(SEC), &["a", "b"]);
    world.die("b", error());
    world.core.back_off(Backoff::constant(MS), 7);
    world.die("a", error());
    assert_eq!(left(&world, "a"), Some(SEC));
}

#[test]
fn a_member_that_fails_to_start_sends_the_group_back_to_wait() {
    let mut world = running(Strategy::OneForAll, 5, waits(), &["a", "b"]);
    world.play("b").inits.push_back(Init::Fail);
    world.die("a", error());
    world.pass(SEC);
    assert_eq!(world.done(), "stop b, start a, start b, stop a");
    assert_eq!(left(&world, "a"), Some(2 * SEC));
    world.pass(2 * SEC);
    assert_eq!(world.done(), "start a, start b");
}

#[test]
fn requests_are_served_while_a_group_waits() {
    let mut world = running(Strategy::OneForAll, 5, waits(), &["a", "b", "c"]);
    world.die("a", error());
    world.done();
    let answers = [world.restart("a"), world.delete("a"), world.terminate("b"), world.delete("b")];
    assert_eq!(answers.map(|id| world.answer(id)), ["restarting", "restarting", "ok", "ok"]);
    let added = world.start_child("d", worker(Restart::Permanent));
    assert_eq!((world.answer(added), left(&world, "d")), ("none", Some(SEC)));
    world.pass(SEC);
    assert_eq!((world.answer(added), world.done().as_str()), ("ok", "start a, start c, start d"));
}

#[test]
fn a_group_whose_members_were_all_terminated_while_it_waited_stays_down() {
    let mut world = running(Strategy::OneForAll, 5, waits(), &["a", "b"]);
    world.die("a", error());
    let answers = ["a", "b"].map(|name| world.terminate(name));
    assert_eq!(answers.map(|id| world.answer(id)), ["ok"; 2]);
    world.done();
    world.pass(100 * SEC);
    assert_eq!(world.done(), "");
    let id = world.restart("b");
    assert_eq!(world.answer(id), "ok");
}

#[test]
fn a_crash_during_the_first_start_waits_and_does_not_hold_up_the_others() {
    let mut world = World::with(Strategy::OneForOne, false, 5, 100 * SEC);
    world.core.back_off(waits(), 7);
    world.add("a", worker(Restart::Permanent));
    world.add("b", worker(Restart::Permanent));
    world.play("b").inits.push_back(Init::Hang);
    world.bring(Event::Start);
    world.die("a", error());
    world.ready("b");
    assert!(matches!(world.last_up(), Some(Outcome::Started)), "its start is not held up");
    assert_eq!(left(&world, "a"), Some(SEC));
    world.pass(SEC);
    assert!(world.is_running("a"));
}

#[test]
fn a_limit_that_cannot_be_reached_is_found_with_its_figures() {
    let mut core = Core::new("sup".into(), Strategy::OneForOne, false, Intensity::new(3, 10 * SEC));
    core.back_off(waits(), 0);
    assert_eq!(core.check_reach(999 * MS), Ok(()), "7 s and three times less than 1 s");
    let error = core.check_reach(SEC).expect_err("7 s and 3 s are not less than 10 s");
    assert_eq!(
        error.to_string(),
        "sup: 3 restarts take up to 10s (7s of back-off with the largest jitter, 3s of init time-outs), which does not \
         fit into the period of 10s: the limit could never be reached, and it would restart for ever; make the period \
         longer than 10s, or the waits, the init time-outs or the limit smaller"
    );
    core.back_off(waits().jitter(0.5), 0);
    assert!(core.check_reach(Duration::ZERO).is_err(), "10.5 s with the largest jitter");
    core.back_off(waits().first_at_once(), 0);
    assert_eq!(core.check_reach(2 * SEC), Ok(()), "0 + 1 + 2 s and 6 s");
}

#[test]
fn an_enormous_limit_is_checked_at_once() {
    let mut core = Core::new("sup".into(), Strategy::OneForOne, false, Intensity::new(u32::MAX, Duration::MAX));
    for backoff in [waits(), Backoff::constant(MS), waits().factor(1.5).jitter(1.0)] {
        core.back_off(backoff, 0);
        assert_eq!(core.check_reach(SEC), Ok(()));
    }
    let mut core = Core::new("sup".into(), Strategy::OneForOne, false, Intensity::new(u32::MAX, 100 * SEC));
    core.back_off(Backoff::constant(MS), 0);
    assert!(core.check_reach(Duration::ZERO).is_err());
}

#[test]
fn figures_that_make_no_sense_are_refused() {
    let bad = [
        Backoff::exponential(Duration::ZERO, SEC),
        Backoff::exponential(2 * SEC, SEC),
        waits().factor(0.5),
        waits().factor(f64::NAN),
        waits().factor(f64::INFINITY),
        waits().jitter(-0.1),
        waits().jitter(1.1),
        waits().jitter(f64::NAN),
    ];
    for backoff in bad {
        let mut core = Core::new("sup".into(), Strategy::OneForOne, false, Intensity::new(0, 100 * SEC));
        core.back_off(backoff, 0);
        let error = core.check_reach(Duration::ZERO);
        assert!(matches!(error, Err(crate::SpecError::BadRestartBackoff { .. })), "{backoff:?}");
    }
}

#[test]
fn a_significant_child_that_waits_for_its_restart_is_not_at_its_end() {
    let mut world = World::new(Strategy::OneForOne, 4);
    world.core.back_off(waits(), 7);
    world.shut_down_automatically(AutoShutdown::AllSignificant);
    for name in ["s", "t"] {
        world.add(name, significant(Restart::Transient));
    }
    world.start();
    world.die("s", error());
    world.die("t", ExitReason::Normal);
    assert!(world.ended().is_none(), "s comes back");
    world.pass(SEC);
    assert!(world.is_running("s"));
}

/// Found by a random history (TEMBUSU_SEED=14763547395373763656).
#[test]
fn a_child_that_waits_alone_is_its_groups_when_the_strategy_changes() {
    let mut world = running(Strategy::OneForOne, 5, waits(), &["a", "b"]);
    world.die("b", error());
    assert_eq!(left(&world, "b"), Some(SEC));
    let change = Change { strategy: Some(Strategy::OneForAll), ..Change::default() };
    world.request_silently(Request::Change(Box::new(change)));
    world.die("a", error());
    assert_eq!(left(&world, "a"), Some(2 * SEC), "the group waits for its second failure");
    world.pass(SEC);
    assert_eq!(left(&world, "b"), Some(SEC), "its own wait is over, its group's is not");
    world.done();
    world.pass(SEC);
    assert_eq!(world.done(), "start a, start b");
}
