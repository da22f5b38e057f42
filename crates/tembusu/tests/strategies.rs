//! Which children a failure restarts, in which order, for every strategy, restart type and reason.

use std::time::Duration;

use tembusu::{Address, Restart, State, Strategy, Supervisor, Tree, child};
use tembusu_testkit::{EventRecorder, Gate, Journal, Say, Script, Scripted, Step, ask, on_both, virtual_time};

const MINUTE: Duration = Duration::from_secs(60);

fn supervisor(strategy: Strategy, name: &'static str) -> Supervisor {
    match strategy {
        Strategy::OneForAll => Supervisor::one_for_all(name),
        Strategy::RestForOne => Supervisor::rest_for_one(name),
        _ => Supervisor::one_for_one(name),
    }
}

struct World {
    journal: Journal,
    events: EventRecorder,
    tree: Tree,
    children: [Address<Say>; 3],
    scripts: [Script; 3],
}

/// A tree of a, b and c; b has the restart type in question.
async fn abc(strategy: Strategy, restart: Restart, limit: u32) -> World {
    let journal = Journal::new();
    let scripts = ["a", "b", "c"].map(|name| journal.script(name));
    let mut root = supervisor(strategy, "root").intensity(limit, MINUTE);
    let [a, b, c] = &scripts;
    let children = [
        root.add(child::<Scripted>("a", a.clone())),
        root.add(child::<Scripted>("b", b.clone()).restart(restart)),
        root.add(child::<Scripted>("c", c.clone())),
    ];
    let mut events = EventRecorder::of(&root.handle());
    let tree = root.start().await.expect("it starts");
    events.expect(&["root/a#1 started", "root/b#1 started", "root/c#1 started"]).await;
    assert_eq!(journal.take(), ["a#1 start", "b#1 start", "c#1 start"]);
    World { journal, events, tree, children, scripts }
}

impl World {
    /// Waits until the supervisor has nothing more to do.
    async fn settle(&self) {
        // Requests wait behind what was brought before; the answer says that this is through.
        while self
            .tree
            .handle()
            .snapshot()
            .children
            .iter()
            .any(|child| matches!(child.state, State::Starting | State::Stopping | State::Restarting))
        {
            tokio::task::yield_now().await;
        }
    }
}

fn abnormal(step: &Step) -> bool {
    matches!(step, Step::Error | Step::Panic | Step::PanicWithTrap)
}

async fn every_combination() {
    let steps = [Step::Error, Step::Panic, Step::PanicWithTrap, Step::Stop, Step::Shutdown("enough")];
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            for step in &steps {
                let case = format!("{strategy:?} {restart:?} {step:?}");
                let mut world = abc(strategy, restart, 5).await;
                let [a, b, c] = &world.children;
                b.tell(step.clone().into()).expect("it is told");
                let restarts = match restart {
                    Restart::Permanent => true,
                    Restart::Transient => abnormal(step),
                    _ => false,
                };
                let ended = world.events.wait_for(|event| &*event.path == "root/b").await;
                assert_eq!(ended.incarnation, 1, "{case}");
                if restarts {
                    world.events.wait_for_line("root/b#2 restarted").await;
                    assert_eq!(ask(b).await, 2, "{case}");
                } else {
                    assert!(b.call(Say::Ask, MINUTE).await.is_err(), "{case}: it is gone");
                }
                let group = restarts && strategy == Strategy::OneForAll;
                assert_eq!(ask(a).await, if group { 2 } else { 1 }, "{case}");
                let group = restarts && strategy != Strategy::OneForOne;
                assert_eq!(ask(c).await, if group { 2 } else { 1 }, "{case}");
                world.settle().await;
                let expected: &[&str] = match (restarts, strategy) {
                    (false, _) => &[],
                    (true, Strategy::OneForOne) => &["b#2 start"],
                    (true, Strategy::OneForAll) => &[
                        "c#1 stop shutdown",
                        "c#1 drop",
                        "a#1 stop shutdown",
                        "a#1 drop",
                        "a#2 start",
                        "b#2 start",
                        "c#2 start",
                    ],
                    (true, _) => &["c#1 stop shutdown", "c#1 drop", "b#2 start", "c#2 start"],
                };
                let ended: &[&str] = match step {
                    Step::Stop => &["b#1 stop normal", "b#1 drop"],
                    Step::Shutdown(_) => &["b#1 stop shutdown_with", "b#1 drop"],
                    _ => &["b#1 drop"],
                };
                assert_eq!(world.journal.take(), [ended, expected].concat(), "{case}");
                world.tree.shutdown().await;
            }
        }
    }
}

#[test]
fn each_strategy_restart_type_and_reason_restarts_exactly_whom_it_should() {
    on_both(every_combination);
}

#[test]
fn a_tree_stops_in_reverse_start_order() {
    on_both(async || {
        let world = abc(Strategy::OneForOne, Restart::Permanent, 1).await;
        assert!(matches!(world.tree.shutdown().await, tembusu::ExitReason::Shutdown));
        let expected =
            ["c#1 stop shutdown", "c#1 drop", "b#1 stop shutdown", "b#1 drop", "a#1 stop shutdown", "a#1 drop"];
        assert_eq!(world.journal.take(), expected);
        let events = ["root/c#1 stopped shutdown", "root/b#1 stopped shutdown", "root/a#1 stopped shutdown"];
        assert_eq!(world.events.rest().await, events);
    });
}

#[test]
fn a_temporary_sibling_is_not_brought_back_by_a_group_restart() {
    virtual_time(async {
        for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
            let mut world = abc(strategy, Restart::Temporary, 5).await;
            let [a, b, c] = &world.children;
            a.tell(Step::Error.into()).expect("it is told");
            world.events.wait_for_line("root/a#2 restarted").await;
            assert_eq!((ask(a).await, ask(c).await), (2, 2));
            assert!(b.tell(Say::Note("late")).is_err());
        }
    });
}

/// Beyond OTP's suite (a): while siblings start, and while a retry is pending.
#[test]
fn a_second_and_a_third_failure_during_a_group_restart_end_it_well() {
    on_both(async || {
        let mut world = abc(Strategy::OneForAll, Restart::Permanent, 5).await;
        let [a, b, c] = &world.children;
        let (second, third) = (Gate::new(), Gate::new());
        // b fails on its way up, twice: after the first a is up already, and must go down again.
        world.scripts[1].next_inits([Step::Pass(second.clone()), Step::Error, Step::Panic]);
        a.tell(Step::Error.into()).expect("it is told");
        second.reached(1).await;
        // And a dies once more while b is in its init.
        a.tell(Step::Pass(third.clone()).into()).expect("it is told");
        a.tell(Step::Error.into()).expect("it is told");
        third.reached(1).await;
        third.open();
        world.events.wait_for_line("root/a#2 crashed error 2/5").await;
        world.events.wait_for_line("root/b#3 start failed error 3/5").await;
        world.events.wait_for_line("root/b#4 start failed panic 4/5").await;
        world.events.wait_for_line("root/c#2 started").await;
        assert_eq!((ask(a).await, ask(b).await, ask(c).await), (5, 5, 2));
        assert_eq!(world.tree.handle().snapshot().children.len(), 3);
        second.open();
    });
}

#[test]
fn rest_for_one_retries_from_the_child_that_fails_to_start_and_leaves_earlier_ones_alone() {
    virtual_time(async {
        let mut world = abc(Strategy::RestForOne, Restart::Permanent, 5).await;
        let [a, b, c] = &world.children;
        world.scripts[1].next_inits([Step::Error]);
        a.tell(Step::Error.into()).expect("it is told");
        world.events.wait_for_line("root/c#2 started").await;
        assert_eq!((ask(a).await, ask(b).await, ask(c).await), (2, 3, 2));
    });
}

/// Beyond OTP's suite (a): while siblings stop.
#[test]
fn an_earlier_child_that_dies_while_the_group_stops_widens_the_restart() {
    on_both(async || {
        let gate = Gate::new();
        let journal = Journal::new();
        let mut root = Supervisor::rest_for_one("root").intensity(5, MINUTE);
        let a = root.add(child::<Scripted>("a", journal.script("a")));
        let b = root.add(child::<Scripted>("b", journal.script("b")));
        let c = root.add(child::<Scripted>("c", journal.script("c").stop([Step::Pass(gate.clone())])));
        let mut events = EventRecorder::of(&root.handle());
        let _tree = root.start().await.expect("it starts");
        b.tell(Step::Panic.into()).expect("it is told");
        gate.reached(1).await;
        a.tell(Step::Error.into()).expect("it is told");
        events.wait_for_line("root/a#1 crashed error 2/5").await;
        gate.open();
        events.wait_for_line("root/c#2 started").await;
        assert_eq!((ask(&a).await, ask(&b).await, ask(&c).await), (2, 2, 2));
    });
}

#[test]
fn deaths_of_members_that_are_being_stopped_are_not_charged_again() {
    virtual_time(async {
        let mut world = abc(Strategy::OneForAll, Restart::Permanent, 1).await;
        let [a, b, c] = &world.children;
        let [_, second, third] = world.scripts.clone();
        drop((second.stop([Step::Panic]), third.drop([Step::Panic])));
        a.tell(Step::Error.into()).expect("it is told");
        // With a limit of 1, a second charge would end the tree.
        let expected = [
            "root/a#1 crashed error 1/1",
            "root/c#1 crashed panic",
            "root/b#1 crashed panic",
            "root/a#2 restarted",
            "root/b#2 started",
            "root/c#2 started",
        ];
        world.events.expect(&expected).await;
        assert_eq!((ask(a).await, ask(b).await, ask(c).await), (2, 2, 2));
    });
}
