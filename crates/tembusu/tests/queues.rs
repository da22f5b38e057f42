//! What becomes of the queue behind an address, row by row of the design's table.

use std::time::Duration;

use tembusu::{
    AdminError, CallError, ChildSpec, ExitReason, Restart, Supervisor, SupervisorRef, TellError, Tree, child,
};
use tembusu_testkit::{
    EventRecorder, Gate, Journal, PATIENCE, PanicsWhenDropped, Say, Scripted, Step, ask, on_both, virtual_time,
};
use tokio::task::JoinHandle;

const PERIOD: Duration = Duration::from_secs(10);

struct World {
    journal: Journal,
    events: EventRecorder,
    tree: Tree,
    sub: SupervisorRef,
    address: tembusu::Address<Say>,
    partner: tembusu::Address<Say>,
}

/// root › sub (one_for_all) › partner, child.
async fn world(configure: impl FnOnce(ChildSpec<Scripted>) -> ChildSpec<Scripted>) -> World {
    let journal = Journal::new();
    let mut sub = Supervisor::one_for_all("sub").intensity(1, PERIOD);
    let partner = sub.add(child::<Scripted>("partner", journal.script("partner")));
    let address = sub.add(configure(child("child", journal.script("child"))));
    let mut root = Supervisor::one_for_one("root").intensity(5, PERIOD);
    let sub = root.supervisor(sub);
    let events = EventRecorder::of(&sub);
    let tree = root.start().await.expect("it starts");
    World { journal, events, tree, sub, address, partner }
}

impl World {
    /// Keeps the child busy with `then` behind a gate, and a call and a message waiting behind that.
    async fn busy(&self, then: Step) -> (Gate, JoinHandle<Result<u64, CallError<Say>>>) {
        let gate = Gate::new();
        self.address.tell(Step::Pass(gate.clone()).into()).expect("it is told");
        gate.reached(1).await;
        if !matches!(then, Step::Ok) {
            self.address.tell(then.into()).expect("it is told");
        }
        let before = self.address.len();
        let address = self.address.clone();
        let call = tokio::spawn(async move { address.call(Say::Ask, PATIENCE).await });
        while self.address.len() == before {
            tokio::task::yield_now().await;
        }
        self.address.tell(Say::Note("waited")).expect("it is told");
        (gate, call)
    }

    fn dead_letters(&self) -> u64 {
        let snapshot = self.tree.handle().snapshot();
        snapshot.find("root/sub/child").map_or(0, |child| child.dead_letters)
    }
}

fn plain(spec: ChildSpec<Scripted>) -> ChildSpec<Scripted> {
    spec
}

/// Beyond OTP's suite (e).
#[test]
fn a_crash_keeps_the_queue() {
    on_both(async || {
        for step in [Step::Error, Step::Panic, Step::PanicWithTrap] {
            let world = world(plain).await;
            let (gate, call) = world.busy(step).await;
            gate.open();
            assert_eq!(call.await.expect("no panic").expect("it is answered"), 2);
            world.journal.wait_for("child#2 says waited").await;
            assert_eq!(world.dead_letters(), 0);
        }
    });
}

/// Beyond OTP's suite (e).
#[test]
fn a_group_restart_and_an_escalation_keep_the_queue() {
    on_both(async || {
        let world = world(plain).await;
        let (gate, call) = world.busy(Step::Ok).await;
        world.partner.tell(Step::Error.into()).expect("it is told");
        gate.open();
        let incarnation = call.await.expect("no panic").expect("it is answered");
        assert!(incarnation <= 2, "the first may still answer on its way out");
        assert_eq!((ask(&world.partner).await, ask(&world.address).await), (2, 2));
        let (gate, call) = world.busy(Step::Ok).await;
        world.partner.tell(Step::Error.into()).expect("it is told");
        gate.open();
        call.await.expect("no panic").expect("it is answered");
        assert_eq!((ask(&world.partner).await, ask(&world.address).await), (3, 3));
        assert_eq!(world.sub.snapshot().incarnation, 2, "its supervisor was restarted");
    });
}

#[test]
fn a_fresh_queue_does_not_outlive_a_crash() {
    on_both(async || {
        let mut world = world(ChildSpec::fresh_queue).await;
        let (gate, call) = world.busy(Step::Panic).await;
        gate.open();
        let Err(CallError::Died(ExitReason::Panic { .. })) = call.await.expect("no panic") else { panic!("it died") };
        world.events.wait_for_line("root/sub/child#2 restarted").await;
        assert_eq!(ask(&world.address).await, 2);
        assert_eq!(world.dead_letters(), 2);
        assert!(!world.journal.take().contains(&"child#2 says waited".to_owned()));
    });
}

#[test]
fn a_fresh_queue_does_not_outlive_a_group_restart() {
    virtual_time(async {
        let mut world = world(ChildSpec::fresh_queue).await;
        let (_gate, call) = world.busy(Step::Ok).await;
        world.partner.tell(Step::Error.into()).expect("it is told");
        let died = call.await.expect("no panic");
        assert!(matches!(died, Err(CallError::Died(ExitReason::Killed))), "killed at its budget: {died:?}");
        world.events.wait_for_line("root/sub/child#2 started").await;
        // And after an orderly stop as well: only what was sent since then is for the next incarnation.
        let stop = Gate::new();
        world.address.tell(Step::Pass(stop.clone()).into()).expect("it is told");
        stop.reached(1).await;
        world.address.tell(Say::Note("stale")).expect("it is told");
        world.partner.tell(Step::Error.into()).expect("it is told");
        // The second failure escalates: `sub` is restarted by its parent.
        stop.open();
        world.events.wait_for_line("root/sub/child#3 started").await;
        assert_eq!(ask(&world.address).await, 3);
        assert!(!world.journal.take().iter().any(|line| line.ends_with("says stale")));
    });
}

#[test]
fn terminating_closes_the_queue_and_restarting_by_request_reopens_it() {
    on_both(async || {
        let world = world(plain).await;
        let (gate, call) = world.busy(Step::Ok).await;
        world.address.tell(Say::Trap(PanicsWhenDropped)).expect("it is told");
        let (terminated, ()) = tokio::join!(world.sub.terminate_child("child"), async {
            while world.sub.snapshot().children[1].state != tembusu::State::Stopping {
                tokio::task::yield_now().await;
            }
            gate.open();
        });
        terminated.expect("it is terminated");
        assert!(matches!(call.await.expect("no panic"), Err(CallError::Gone(None))));
        assert_eq!(world.dead_letters(), 3, "a message that panics when it is dropped is one of them");
        assert!(matches!(world.address.tell(Say::Note("x")), Err(TellError::Gone(Say::Note("x")))));
        assert!(matches!(world.address.send(Say::Note("x")).await, Err(TellError::Gone(Say::Note("x")))));
        assert!(matches!(world.address.call(Say::Ask, PATIENCE).await, Err(CallError::Gone(Some(_)))));
        world.sub.terminate_child("child").await.expect("it is no error to do it twice");
        world.sub.restart_child("child").await.expect("it is restarted");
        assert_eq!(ask(&world.address).await, 2);
        assert!(matches!(world.sub.restart_child("child").await, Err(AdminError::Running { .. })));
        assert!(matches!(world.sub.restart_child("nobody").await, Err(AdminError::NotFound { .. })));
    });
}

#[test]
fn a_normal_end_of_a_transient_and_ignore_close_the_queue() {
    on_both(async || {
        let world = world(|spec| spec.restart(Restart::Transient)).await;
        let (gate, call) = world.busy(Step::Stop).await;
        gate.open();
        assert!(matches!(call.await.expect("no panic"), Err(CallError::Gone(None))));
        world.sub.restart_child("child").await.expect("it is restarted");
        assert_eq!(ask(&world.address).await, 2);

        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root");
        let ignored = root.add(child::<Scripted>("ignored", journal.script("ignored").init([Step::Ignore])));
        ignored.tell(Say::Note("early")).expect("it waits for the start");
        let tree = root.start().await.expect("it starts");
        assert!(matches!(ignored.tell(Say::Note("late")), Err(TellError::Gone(_))));
        tree.handle().restart_child("ignored").await.expect("it is restarted");
        assert_eq!(ask(&ignored).await, 2);
    });
}

#[test]
fn an_ended_temporary_a_deleted_child_and_an_ended_tree_are_closed_for_good() {
    on_both(async || {
        let temporary = world(|spec| spec.restart(Restart::Temporary)).await;
        let (gate, call) = temporary.busy(Step::Error).await;
        gate.open();
        assert!(matches!(call.await.expect("no panic"), Err(CallError::Gone(None))));
        assert!(matches!(temporary.sub.restart_child("child").await, Err(AdminError::NotFound { .. })));

        let deleted = world(plain).await;
        assert!(matches!(deleted.sub.delete_child("child").await, Err(AdminError::Running { .. })));
        deleted.sub.terminate_child("child").await.expect("it is terminated");
        deleted.sub.delete_child("child").await.expect("it is deleted");
        assert!(matches!(deleted.sub.restart_child("child").await, Err(AdminError::NotFound { .. })));
        assert!(matches!(deleted.address.tell(Say::Note("x")), Err(TellError::Gone(_))));

        let ended = world(plain).await;
        let (gate, call) = ended.busy(Step::Ok).await;
        drop(ended.tree);
        assert!(matches!(call.await.expect("no panic"), Err(CallError::Gone(None))));
        assert!(matches!(ended.address.tell(Say::Note("x")), Err(TellError::Gone(_))));
        gate.open();
    });
}

#[test]
fn a_dynamic_child_of_a_restarted_supervisor_is_closed_for_good() {
    on_both(async || {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_all("root").intensity(5, PERIOD);
        let crasher = root.add(child::<Scripted>("crasher", journal.script("crasher")));
        let template = {
            let journal = journal.clone();
            move |name: &'static str| child::<Scripted>(name, journal.script(name))
        };
        let pool = root.dynamic("pool", template);
        let mut events = EventRecorder::of(&root.handle());
        let _tree = root.start().await.expect("it starts");
        let one = pool.start("one").await.expect("it starts");
        assert_eq!(ask(&one).await, 1);
        one.tell(Step::Error.into()).expect("it is told");
        assert_eq!(ask(&one).await, 2, "it is restarted like any other child");
        assert!(matches!(pool.start("one").await, Err(AdminError::AlreadyStarted { .. })));
        crasher.tell(Step::Error.into()).expect("it is told");
        events.wait_for_line("root/pool#2 started").await;
        assert!(matches!(one.call(Say::Ask, PATIENCE).await, Err(CallError::Gone(_))));
        let again = pool.start("one").await.expect("the name is free");
        assert_eq!(ask(&again).await, 1);
        pool.terminate("one").await.expect("it is terminated");
        assert!(matches!(again.tell(Say::Note("x")), Err(TellError::Gone(_))));
    });
}

#[test]
fn a_specification_that_never_starts_leaves_no_address_that_waits_for_ever() {
    virtual_time(async {
        let mut root = Supervisor::one_for_one("root").intensity(1, Duration::ZERO);
        let address = root.add(child::<Scripted>("a", Journal::new().script("a")).mailbox(1));
        let waiting = address.call(Say::Ask, PATIENCE);
        let (answer, started) = tokio::join!(waiting, root.start());
        assert!(started.is_err());
        assert!(matches!(answer, Err(CallError::Gone(None))));
        assert!(matches!(address.send(Say::Note("x")).await, Err(TellError::Gone(_))));
    });
}
