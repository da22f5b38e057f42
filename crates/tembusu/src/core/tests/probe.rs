//! Half-open probing: the trial, how it ends, and what happens to it meanwhile.

use super::super::*;
use super::cast::{Gate, Init, SEC, SHUTDOWN, Stop, error, exhausted, supervisor, worker};
use super::world::World;
use crate::spec::policy::Restart;

const FIRST: Duration = SEC;
const MAX: Duration = Duration::from_secs(8);
const PROBATION: Duration = Duration::from_secs(30);

fn probed(restart: Restart, fallback: bool) -> ChildPolicy {
    let backoff = Some(Doubling { first: FIRST, max: MAX });
    ChildPolicy { probation: Some(PROBATION), ..supervisor(restart, Exhaustion::Degrade { fallback, backoff }) }
}

/// `a` and `c` are workers; `b` is on trial.
fn on_trial(strategy: Strategy, limit: u32, restart: Restart, fallback: bool) -> World {
    let mut world = World::new(strategy, limit);
    world.add("a", worker(Restart::Permanent));
    world.add("b", probed(restart, fallback));
    world.add("c", worker(Restart::Permanent));
    world.start();
    world.die("b", exhausted());
    world.done();
    world.pass(FIRST);
    assert_eq!(world.done(), if fallback { "stop b, start b on trial" } else { "start b on trial" });
    assert_eq!(mode(&world), Mode::Probing);
    world
}

fn mode(world: &World) -> Mode {
    world.child("b").expect("b is there").mode
}

fn last_of_b(world: &World) -> String {
    world.said_of("b").pop().expect("something is said of b")
}

#[test]
fn after_its_probation_it_is_trusted() {
    for fallback in [true, false] {
        let mut world = on_trial(Strategy::OneForAll, 0, Restart::Permanent, fallback);
        assert_eq!((last_of_b(&world).as_str(), world.play("b").gate), ("probing", Gate::Open));
        world.pass(PROBATION - Duration::from_nanos(1));
        assert_eq!((world.done().as_str(), mode(&world)), ("", Mode::Probing));
        world.pass(Duration::from_nanos(1));
        assert_eq!((world.done().as_str(), mode(&world)), ("trust b", Mode::Normal));
        assert_eq!((last_of_b(&world).as_str(), world.charges.len()), ("restored", 0));
        world.pass(100 * SEC);
        assert_eq!(world.done(), "");
    }
}

#[test]
fn one_failure_returns_to_degraded_and_is_not_charged() {
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        for reason in [exhausted(), error(), ExitReason::Killed] {
            for (fallback, done) in [(true, "start b's fallback"), (false, "")] {
                let mut world = on_trial(Strategy::OneForAll, 0, restart, fallback);
                world.die("b", reason.clone());
                assert_eq!((world.done().as_str(), mode(&world)), (done, Mode::Degraded), "{restart:?} {reason}");
                assert!(world.said_of("b").contains(&"probe failed".to_owned()));
                assert_eq!((world.charges.len(), world.play("b").gate), (0, Gate::Degraded));
            }
        }
    }
}

#[test]
fn each_trial_that_fails_doubles_the_wait_for_the_next_up_to_the_maximum() {
    let mut world = on_trial(Strategy::OneForOne, 0, Restart::Permanent, false);
    for wait in [2, 4, 8, 8] {
        world.die("b", exhausted());
        world.pass(wait * SEC - Duration::from_nanos(1));
        assert_eq!(world.done(), "");
        world.pass(Duration::from_nanos(1));
        assert_eq!(world.done(), "start b on trial");
    }
    // Trusted, and healthy for longer than the maximum: it begins anew.
    world.pass(PROBATION + MAX + SEC);
    world.die("b", exhausted());
    assert_eq!(last_of_b(&world), "degraded");
    world.done();
    world.pass(FIRST);
    assert_eq!(world.done(), "start b on trial");
}

#[test]
fn a_trial_that_does_not_start_has_failed() {
    for fallback in [true, false] {
        let mut world = World::new(Strategy::OneForOne, 0);
        world.add("b", probed(Restart::Permanent, fallback));
        world.start();
        world.die("b", exhausted());
        world.play("b").inits.push_back(Init::Fail);
        world.pass(FIRST);
        assert_eq!(mode(&world), Mode::Degraded);
        assert!(world.said_of("b").contains(&"probe failed".to_owned()));
        assert!(world.ended().is_none());
        world.done();
        world.pass(2 * FIRST);
        assert!(world.done().ends_with("start b on trial"));
    }
}

#[test]
fn an_orderly_end_of_a_transient_trial_is_no_failure() {
    let mut world = on_trial(Strategy::OneForOne, 0, Restart::Transient, true);
    world.die("b", ExitReason::Shutdown);
    assert_eq!((world.done().as_str(), mode(&world)), ("", Mode::Normal));
    assert_eq!(world.play("b").gate, Gate::Closed);
}

#[test]
fn an_operator_s_restore_trusts_a_running_trial_at_once() {
    let mut world = on_trial(Strategy::OneForOne, 0, Restart::Permanent, true);
    let id = world.restore("b");
    assert_eq!((world.answer(id), world.done().as_str(), mode(&world)), ("ok", "trust b", Mode::Normal));
    assert_eq!(last_of_b(&world), "restored");
    let id = world.restore("b");
    assert_eq!(world.answer(id), "not degraded");
    world.pass(PROBATION);
    assert_eq!(world.done(), "", "the end of the trial is stale");
}

#[test]
fn an_operator_s_restore_before_the_trial_trusts_without_one() {
    let mut world = World::new(Strategy::OneForOne, 0);
    world.add("b", probed(Restart::Permanent, true));
    world.start();
    world.die("b", exhausted());
    world.done();
    let id = world.restore("b");
    assert_eq!((world.answer(id), world.done().as_str(), mode(&world)), ("ok", "stop b, start b", Mode::Normal));
    world.pass(100 * SEC);
    assert_eq!(world.done(), "");
}

#[test]
fn while_the_trial_starts_an_operator_is_asked_to_come_back() {
    let mut world = World::new(Strategy::OneForOne, 0);
    world.add("b", probed(Restart::Permanent, false));
    world.start();
    world.die("b", exhausted());
    world.play("b").inits.push_back(Init::Hang);
    world.pass(FIRST);
    let id = world.restore("b");
    assert_eq!(world.answer(id), "restarting");
    world.ready("b");
    assert_eq!((mode(&world), last_of_b(&world).as_str()), (Mode::Probing, "probing"));
}

#[test]
fn a_group_restart_begins_the_trial_anew() {
    let mut world = on_trial(Strategy::OneForAll, 1, Restart::Permanent, true);
    world.pass(PROBATION - SEC);
    world.die("a", error());
    assert_eq!(world.done(), "stop c, stop b, start a, start b on trial, start c");
    assert_eq!((mode(&world), world.charges.len()), (Mode::Probing, 1), "the sibling's failure is the only charge");
    world.pass(PROBATION - Duration::from_nanos(1));
    assert_eq!(mode(&world), Mode::Probing);
    world.pass(Duration::from_nanos(1));
    assert_eq!((world.done().as_str(), mode(&world)), ("trust b", Mode::Normal));
}

#[test]
fn a_trial_that_ends_while_its_group_stops_it_is_not_trusted() {
    let mut world = on_trial(Strategy::OneForAll, 1, Restart::Permanent, true);
    world.play("b").stop = Stop::Undead;
    world.pass(PROBATION - SEC);
    world.die("a", error());
    world.pass(2 * SEC);
    assert_eq!((world.done().as_str(), mode(&world)), ("stop c, stop b", Mode::Probing));
    world.die("b", ExitReason::Shutdown);
    assert_eq!(world.done(), "start a, start b on trial, start c");
}

#[test]
fn a_trial_that_fails_in_a_group_restart_starts_the_fallback_with_the_group() {
    // Exhausted when it was to be stopped, and not started by the pass.
    let mut world = on_trial(Strategy::OneForAll, 1, Restart::Permanent, true);
    world.play("b").stop = Stop::Undead;
    world.die("a", error());
    world.die("b", exhausted());
    assert_eq!(world.done(), "stop c, stop b, start a, start b's fallback, start c");
    let mut world = on_trial(Strategy::OneForAll, 1, Restart::Permanent, true);
    world.play("b").inits.push_back(Init::Fail);
    world.die("a", error());
    assert_eq!(world.done(), "stop c, stop b, start a, start b on trial, start b's fallback, start c");
    assert_eq!((mode(&world), world.charges.len()), (Mode::Degraded, 1));
}

#[test]
fn a_trial_that_is_due_while_the_group_restarts_comes_when_it_is_up() {
    let mut world = World::new(Strategy::OneForAll, 1);
    world.add("a", worker(Restart::Permanent));
    world.add("b", probed(Restart::Permanent, true));
    world.add("c", worker(Restart::Permanent));
    world.start();
    world.die("b", exhausted());
    world.play("c").stop = Stop::Deaf;
    world.die("a", error());
    world.done();
    world.pass(SHUTDOWN);
    let done = "kill c, stop b, start a, start b's fallback, start c, stop b, start b on trial";
    assert_eq!((world.done().as_str(), mode(&world)), (done, Mode::Probing));
}

#[test]
fn a_restart_of_its_supervisor_begins_normal() {
    let mut world = on_trial(Strategy::OneForOne, 0, Restart::Permanent, true);
    world.bring(Event::Stop { kill: false });
    assert!(world.ended().is_some(), "a shutdown does not wait for the trial");
    world.bring(Event::Start);
    world.done();
    assert_eq!(mode(&world), Mode::Normal);
    world.pass(PROBATION);
    assert_eq!(world.done(), "", "no trial is left over");
}

#[test]
fn a_termination_ends_the_trial() {
    let mut world = on_trial(Strategy::OneForOne, 0, Restart::Permanent, true);
    let id = world.terminate("b");
    assert_eq!((world.answer(id), mode(&world)), ("ok", Mode::Normal));
    world.done();
    world.pass(PROBATION);
    let id = world.restart("b");
    assert_eq!((world.answer(id), world.done().as_str()), ("ok", "start b"));
}

/// A supervisor that runs on trial itself: a worker, a transient supervisor, and one that would degrade.
fn within() -> World {
    let mut world = World::new(Strategy::OneForOne, 5);
    world.add("w", worker(Restart::Permanent));
    world.add("t", supervisor(Restart::Transient, Exhaustion::Escalate));
    world.add("d", supervisor(Restart::Permanent, Exhaustion::Degrade { fallback: true, backoff: None }));
    world.bring(Event::StartOnTrial);
    assert_eq!(world.done(), "start w, start t on trial, start d on trial", "what is below is on trial too");
    world
}

#[test]
fn on_trial_a_supervisor_grants_no_restart() {
    for (name, reason) in [("w", error()), ("t", exhausted()), ("d", exhausted())] {
        let mut world = within();
        world.die(name, reason);
        let Some(ExitReason::Exhausted(report)) = world.ended() else { panic!("{name}: its first failure ends it") };
        assert_eq!((report.limit, world.charges.len()), (0, 0), "{name}");
    }
}

#[test]
fn when_it_is_trusted_it_has_its_ordinary_intensity_and_so_has_what_is_below() {
    let mut world = within();
    world.bring(Event::Trust);
    assert_eq!(world.done(), "trust t, trust d");
    for _ in 0..5 {
        world.die("w", error());
        assert!(world.is_running("w"));
    }
    world.die("d", exhausted());
    assert_eq!(world.done().rsplit(", ").next(), Some("start d's fallback"));
    world.die("w", error());
    assert!(world.ended().is_some());
}

#[test]
fn an_ordinary_start_is_no_trial_and_trust_without_one_changes_nothing() {
    let mut world = World::running(Strategy::OneForOne, 1, &["w"]);
    world.die("w", error());
    world.bring(Event::Trust);
    world.die("w", error());
    assert!(world.ended().is_some(), "its record is not wiped");
    world.bring(Event::StartOnTrial);
    world.die("w", error());
    world.bring(Event::Start);
    world.die("w", error());
    assert!(world.is_running("w"));
}
