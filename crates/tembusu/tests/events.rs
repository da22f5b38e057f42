//! Events say what happened, in order, to subscribers that cannot hold anybody up.

use std::time::Duration;

use tembusu::{Actor, Context, EventKind, EventsError, ExitReason, Flow, Init, Reply, State, Supervisor, child};
use tembusu_testkit::{EventRecorder, Gate, Journal, PanicsWhenDropped, Scripted, Step, ask, on_both, virtual_time};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn who_listens_first_while_a_child_is_down_is_told_of_its_restart() {
    for step in [Step::Error, Step::Panic] {
        virtual_time(async {
            let (journal, gate) = (Journal::new(), Gate::new());
            let mut root = Supervisor::one_for_one("root").intensity(1, MINUTE);
            let a = root.add(child::<Scripted>("a", journal.script("a").init([Step::Ok, Step::Pass(gate.clone())])));
            let tree = root.start().await.expect("it starts");
            a.tell(step.into()).expect("it is told");
            gate.reached(1).await;
            let mut events = EventRecorder::of(&tree.handle());
            gate.open();
            events.expect(&["root/a#2 restarted"]).await;
        });
    }
}

#[test]
fn a_life_is_told_in_order() {
    on_both(async || {
        let journal = Journal::new();
        let mut sub = Supervisor::one_for_one("sub").intensity(1, MINUTE);
        let a = sub.add(child::<Scripted>("a", journal.script("a")));
        let mut root = Supervisor::rest_for_one("root").intensity(1, MINUTE);
        let sub = root.supervisor(sub);
        root.add(child::<Scripted>("z", journal.script("z").init([Step::Ignore])));
        let events = EventRecorder::of(&sub);
        let tree = root.start().await.expect("it starts");
        a.tell(Step::Panic.into()).expect("it is told");
        assert_eq!(ask(&a).await, 2);
        a.tell(Step::Error.into()).expect("it is told");
        assert_eq!(ask(&a).await, 3);
        tree.shutdown().await;
        let expected = [
            "root/sub/a#1 started",
            "root/sub#1 started",
            "root/z#1 ignored",
            "root/sub/a#1 crashed panic 1/1",
            "root/sub/a#2 restarted",
            "root/sub/a#2 crashed error",
            "root/sub#1 escalated by root/sub/a",
            "root/sub#1 crashed exhausted 1/1",
            "root/sub/a#3 started",
            "root/sub#2 started",
        ];
        let lines = events.rest().await;
        // The one that ignored is started again with its group, unless the shutdown was faster.
        assert_eq!(lines[..expected.len()], expected);
    });
}

#[test]
fn a_tree_of_empty_supervisors_is_told_at_once() {
    on_both(async || {
        let mut middle = Supervisor::one_for_one("middle");
        middle.dynamic("pool", |()| child::<Scripted>("d", Journal::new().script("d")));
        let mut root = Supervisor::one_for_one("root");
        root.supervisor(middle);
        let mut events = EventRecorder::of(&root.handle());
        let _tree = root.start().await.expect("it starts");
        events.expect(&["root/middle/pool#1 started", "root/middle#1 started"]).await;
    });
}

#[test]
fn a_slow_subscriber_lags_and_resynchronises_while_the_tree_goes_on() {
    virtual_time(async {
        let mut root = Supervisor::one_for_one("root").intensity(u32::MAX, Duration::from_secs(1));
        let a = root.add(child::<Scripted>("a", Journal::new().script("a")));
        let handle = root.handle();
        let mut slow = handle.events();
        let _tree = root.start().await.expect("it starts");
        for _ in 0..3000 {
            a.send(Step::Error.into()).await.expect("it is told");
        }
        while !a.is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(ask(&a).await, 3001);
        let Err(EventsError::Lagged(missed)) = slow.recv().await else { panic!("it lagged") };
        assert_eq!(missed, 1 + 2 * 3000 - 4096);
        let mut last = 0;
        while let Some(Ok(event)) = slow.try_recv() {
            assert!(event.incarnation >= last, "in order");
            last = event.incarnation;
        }
        assert_eq!(last, 3001);
        let snapshot = handle.snapshot();
        let a = snapshot.find("root/a").expect("it is there");
        assert_eq!((a.incarnation, a.restarts, a.state), (3001, 3000, State::Running));
        assert!(matches!(a.last_exit, Some(ExitReason::Error(_))));
    });
}

#[test]
fn the_stream_ends_with_the_tree_also_for_those_who_come_late() {
    on_both(async || {
        let mut root = Supervisor::one_for_one("root").intensity(0, MINUTE);
        let a = root.add(child::<Scripted>("a", Journal::new().script("a")));
        let handle = root.handle();
        let early = EventRecorder::of(&handle);
        let tree = root.start().await.expect("it starts");
        a.tell(Step::Error.into()).expect("it is told");
        tree.wait().await;
        let expected = ["root/a#1 started", "root/a#1 crashed error", "root#1 escalated by root/a"];
        assert_eq!(early.rest().await, expected);
        assert_eq!(handle.events().recv().await.expect_err("it is closed"), EventsError::Closed);
    });
}

#[test]
fn a_crash_says_where_it_stands_in_the_intensity() {
    virtual_time(async {
        let mut root = Supervisor::one_for_one("root").intensity(3, MINUTE);
        let a = root.add(child::<Scripted>("a", Journal::new().script("a")));
        let mut events = EventRecorder::of(&root.handle());
        let _tree = root.start().await.expect("it starts");
        a.tell(Step::Error.into()).expect("it is told");
        let event = events.wait_for(|event| matches!(event.kind, EventKind::Crashed { .. })).await;
        let EventKind::Crashed { reason, charge: Some(charge) } = event.kind else { unreachable!("it was charged") };
        assert_eq!((charge.k, charge.limit, charge.period), (1, 3, MINUTE));
        let ExitReason::Error(error) = &reason else { panic!("{reason}") };
        assert!(error.downcast_ref::<tembusu_testkit::Boom>().is_some(), "the actor's own error");
        assert_eq!(reason.to_string(), "error: boom");
    });
}

/// Cannot start, until its number is high enough.
struct Hesitant;

impl Actor for Hesitant {
    type Message = Reply<u64>;
    type Args = u64;
    type Crash = PanicsWhenDropped;

    async fn init(until: &u64, cx: &mut Context<Self>) -> Result<Init<Self>, PanicsWhenDropped> {
        if (2..*until).contains(&cx.incarnation()) { Err(PanicsWhenDropped) } else { Ok(Init::Ready(Self)) }
    }

    async fn handle(&mut self, reply: Reply<u64>, cx: &mut Context<Self>) -> Result<Flow, PanicsWhenDropped> {
        if cx.incarnation() == 1 {
            return Err(PanicsWhenDropped);
        }
        let _ = reply.send(cx.incarnation());
        Ok(Flow::Continue)
    }
}

/// Makes the first one crash. Its error is not dropped here: that may be the last reference.
async fn lose(a: &tembusu::Address<Reply<u64>>) {
    let lost = a.call(|reply| reply, MINUTE).await;
    assert!(lost.is_err());
    std::mem::forget(lost);
}

#[test]
fn errors_that_panic_when_dropped_cost_nobody_anything_when_observers_are_told_or_nobody_listens() {
    on_both(async || {
        for is_heard in [true, false] {
            let mut root = Supervisor::one_for_one("root").intensity(u32::MAX, Duration::from_millis(1));
            let a = root.add(child::<Hesitant>("a", 30));
            let events = is_heard.then(|| EventRecorder::of(&root.handle()));
            let tree = root.start().await.expect("it starts");
            lose(&a).await;
            assert_eq!(a.call(|reply| reply, MINUTE).await.expect("it runs"), 30, "the first that can start stays");
            assert!(matches!(tree.shutdown().await, ExitReason::Shutdown));
            // What observers and handles hold to the end is dropped by who holds them.
            std::mem::forget((events, tree));
        }
    });
}

#[test]
fn observers_are_told_while_a_child_fails_to_start_again_and_again() {
    virtual_time(async {
        let mut root = Supervisor::one_for_one("root").intensity(u32::MAX, Duration::from_secs(1));
        let a = root.add(child::<Hesitant>("a", 1000));
        let tree = root.start().await.expect("it starts");
        let mut events = tree.handle().events();
        lose(&a).await;
        let first = events.recv().await.expect("the tree is there");
        assert!(matches!(first.kind, EventKind::Crashed { .. }), "{first:?}");
        let snapshot = tree.handle().snapshot();
        assert!(snapshot.children[0].incarnation < 100, "it still fails: {snapshot:?}");
        assert_eq!(a.call(|reply| reply, MINUTE).await.expect("it runs"), 1000);
        tree.shutdown().await;
        // What observers and handles hold to the end is dropped by who holds them.
        std::mem::forget((first, events, tree));
    });
}
