//! Incarnations that end although nobody asked them to: condemned ones and stuck ones.

use super::super::*;
use super::cast::{Init, KILL_WAIT, MS, Stop, error, panic, supervisor, worker};
use super::world::World;
use crate::spec::policy::Restart;

impl World {
    fn condemn(&mut self, name: &str) {
        let (key, generation) = (self.key(name), self.generation(name));
        self.bring(Event::Condemned { key, generation, reason: panic() });
    }

    fn sticks(&mut self, name: &str) {
        let (key, generation) = (self.key(name), self.generation(name));
        self.bring(Event::Stuck { key, generation });
    }

    fn strands(&mut self, name: &str) {
        let (key, generation) = (self.key(name), self.generation(name));
        self.bring(Event::Stranded { key, generation });
    }
}

#[test]
fn a_group_that_is_stranded_is_charged_once_and_waits_for_nobody() {
    let mut world = World::running(Strategy::RestForOne, 1, &["a", "b", "c"]);
    world.play("b").stop = Stop::Undead;
    world.play("c").stop = Stop::Undead;
    world.strands("b");
    assert_eq!(world.done(), "abandon b, stop c");
    world.strands("c");
    assert_eq!(world.done(), "abandon c, start b, start c", "its stop has a deadline, and it is not waited for");
    assert_eq!(world.charges.len(), 1);
    assert_eq!(world.said_of("b")[1..3], ["unresponsive", "crashed unresponsive 1/1"]);
    assert!(["a", "b", "c"].iter().all(|name| world.is_running(name)));
    let key = world.key("b");
    world.bring(Event::Stranded { key, generation: 1 });
    assert_eq!(world.done(), "", "an earlier incarnation is nobody's concern");
}

#[test]
fn one_that_is_stranded_in_init_has_failed_to_start_and_one_that_is_killed_is_not_waited_for() {
    let mut world = World::running(Strategy::OneForOne, 5, &["a", "b"]);
    world.play("a").inits.push_back(Init::Hang);
    world.die("a", error());
    assert_eq!(world.done(), "start a");
    world.strands("a");
    assert_eq!(world.done(), "abandon a, start a");
    assert!(world.is_running("a"));
    world.play("b").stop = Stop::Undead;
    world.condemn("b");
    world.strands("b");
    assert_eq!(world.done(), "kill b, abandon b, start b");
}

#[test]
fn a_condemned_child_is_killed_charged_once_and_restarted_for_the_reason_that_condemned_it() {
    for stop in [Stop::Obey, Stop::Deaf] {
        let mut world = World::running(Strategy::OneForOne, 1, &["a", "b"]);
        world.play("a").stop = stop;
        world.condemn("a");
        assert_eq!(world.done(), "kill a, start a");
        assert_eq!(world.charges.len(), 1);
        assert_eq!(world.said_of("a")[1], "crashed panic 1/1", "killed is not what it is charged with");
        assert!(world.is_running("a"));
    }
}

#[test]
fn a_condemned_child_that_never_yields_loses_its_slot_after_the_grace() {
    let mut world = World::running(Strategy::RestForOne, 1, &["a", "b"]);
    world.play("a").stop = Stop::Undead;
    world.condemn("a");
    assert_eq!(world.done(), "kill a");
    world.pass(KILL_WAIT);
    assert_eq!(world.done(), "abandon a, stop b, start a, start b");
    assert_eq!(world.said_of("a")[1..3], ["unresponsive", "crashed panic 1/1"]);
    assert_eq!(world.charges.len(), 1);
}

#[test]
fn a_second_verdict_and_one_over_an_earlier_incarnation_change_nothing() {
    let mut world = World::running(Strategy::OneForOne, 5, &["a"]);
    let key = world.key("a");
    world.play("a").stop = Stop::Undead;
    for _ in 0..3 {
        world.condemn("a");
        world.sticks("a");
    }
    assert_eq!(world.done(), "kill a");
    world.play("a").stop = Stop::Obey;
    world.die("a", error());
    assert_eq!(world.done(), "start a");
    assert_eq!(world.said_of("a")[1], "crashed panic 1/5", "whatever it ended with in the end");
    world.bring(Event::Condemned { key, generation: 1, reason: panic() });
    world.bring(Event::Stuck { key, generation: 1 });
    assert_eq!(world.done(), "");
    assert_eq!(world.charges.len(), 1);
}

#[test]
fn a_child_condemned_in_init_has_failed_to_start_and_one_stuck_there_is_left_to_its_time_out() {
    let mut world = World::running(Strategy::OneForOne, 3, &["a"]);
    world.play("a").inits.push_back(Init::Hang);
    world.die("a", error());
    let _ = world.done();
    world.condemn("a");
    assert_eq!(world.done(), "kill a, start a");
    assert!(world.said_of("a").iter().any(|said| said == "start failed panic 2/3"), "{:?}", world.said_of("a"));
    world.play("a").inits.push_back(Init::Hang);
    world.die("a", error());
    let _ = world.done();
    world.sticks("a");
    assert_eq!(world.done(), "");
}

#[test]
fn a_stuck_child_is_charged_and_treated_by_its_restart_type() {
    for (restart, done) in [(Restart::Permanent, "abandon a, start a"), (Restart::Temporary, "abandon a")] {
        let mut world = World::new(Strategy::OneForOne, 1);
        world.add("a", worker(restart));
        world.start();
        world.sticks("a");
        assert_eq!(world.done(), done);
        let charged = usize::from(restart == Restart::Permanent);
        assert_eq!(world.charges.len(), charged);
        assert_eq!(world.said_of("a")[1], "unresponsive");
    }
}

#[test]
fn a_child_that_is_asked_to_end_is_left_to_its_deadlines() {
    let mut world = World::running(Strategy::OneForAll, 1, &["a", "b"]);
    world.play("b").stop = Stop::Deaf;
    world.die("a", error());
    world.sticks("b");
    assert_eq!(world.done(), "stop b");
    // Condemned now: it need not be waited for any longer than a killed one.
    world.condemn("b");
    assert_eq!(world.done(), "kill b, start a, start b");
    assert_eq!(world.charges.len(), 1, "its group was being stopped already");
}

#[test]
fn operators_and_the_end_of_the_supervisor_overtake_a_verdict() {
    let mut world = World::running(Strategy::OneForOne, 1, &["a"]);
    world.play("a").stop = Stop::Undead;
    world.condemn("a");
    let id = world.request(Request::Terminate { key: world.key("a") });
    world.pass(KILL_WAIT);
    assert_eq!(world.done(), "kill a, abandon a");
    assert!(matches!(world.answers[&id], Ok(())));
    assert_eq!(world.charges.len(), 0);

    let mut world = World::running(Strategy::OneForOne, 1, &["a"]);
    world.play("a").stop = Stop::Undead;
    world.condemn("a");
    world.bring(Event::Stop { kill: false });
    world.pass(KILL_WAIT);
    assert!(world.ended().is_some());
    assert_eq!(world.charges.len(), 0);
}

#[test]
fn only_workers_are_judged_and_one_verdict_too_many_ends_the_supervisor() {
    let mut world = World::new(Strategy::OneForOne, 0);
    world.add("a", worker(Restart::Permanent));
    world.add("sub", supervisor(Restart::Permanent, Exhaustion::Escalate));
    world.start();
    world.pass(MS);
    world.sticks("a");
    let Some(ExitReason::Exhausted(report)) = world.ended() else { panic!("it is exhausted") };
    assert!(matches!(report.reason, ExitReason::Unresponsive));
}
