//! What becomes of the queues (the table of the design, the core's part of it).

use super::super::*;
use super::cast::{Gate, Init, error, worker};
use super::world::World;
use crate::spec::policy::Restart;

#[test]
fn a_queue_stays_open_over_a_crash_a_group_restart_and_an_escalation() {
    let mut world = World::running(Strategy::OneForAll, 1, &["a", "b"]);
    world.play("a").inits.push_back(Init::Hang);
    world.die("b", error());
    assert_eq!([world.play("a").gate, world.play("b").gate], [Gate::Open; 2]);
    world.die("a", error());
    assert!(world.ended().is_some());
    assert_eq!([world.play("a").gate, world.play("b").gate], [Gate::Open; 2]);
    world.bring(Event::Start);
    assert_eq!([world.play("a").gate, world.play("b").gate], [Gate::Open; 2]);
}

#[test]
fn a_queue_closes_with_a_termination_a_normal_end_and_an_ignore() {
    let mut world = World::new(Strategy::OneForOne, 1);
    world.add("terminated", worker(Restart::Permanent));
    world.add("transient", worker(Restart::Transient));
    world.add("ignoring", worker(Restart::Permanent));
    world.play("ignoring").inits.push_back(Init::Ignore);
    world.start();
    world.terminate("terminated");
    world.die("transient", ExitReason::Normal);
    for name in ["terminated", "transient", "ignoring"] {
        assert_eq!(world.play(name).gate, Gate::Closed, "{name}");
        let id = world.restart(name);
        assert_eq!((world.answer(id), world.play(name).gate), ("ok", Gate::Open), "{name}");
    }
}

#[test]
fn a_queue_is_open_while_its_child_is_restarted_by_request() {
    let mut world = World::running(Strategy::OneForOne, 1, &["a"]);
    world.terminate("a");
    world.play("a").inits.push_back(Init::Hang);
    world.restart("a");
    assert_eq!(world.play("a").gate, Gate::Open);
    world.ready("a");
    assert!(world.is_running("a"));
}
