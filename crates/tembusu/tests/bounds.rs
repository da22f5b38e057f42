//! Every wait is bounded: `init`, `stop`, and a child that cannot be killed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tembusu::{
    Actor, Address, CallError, Context, EventKind, ExitReason, Flow, Init, Reply, StartError, Supervisor, Table, child,
};
use tembusu_testkit::{EventRecorder, Gate, Journal, PATIENCE, Say, Scripted, Step, ask, real_time, virtual_time};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_init_that_takes_too_long_is_a_failed_start() {
    virtual_time(async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root");
        root.add(child::<Scripted>("a", journal.script("a").init([Step::Hang])).init_timeout(2 * SECOND));
        let begun = Instant::now();
        let Err(StartError::Failed { path, reason }) = root.start().await else { panic!("it does not start") };
        assert_eq!(&*path, "root/a");
        assert_eq!(reason.to_string(), "error: init did not finish within 2s");
        assert!(begun.elapsed() >= 2 * SECOND && begun.elapsed() < 3 * SECOND);
    });
}

#[test]
fn an_init_that_takes_too_long_at_a_restart_is_charged_and_tried_again() {
    virtual_time(async {
        let script = Journal::new().script("a").init([Step::Ok, Step::Hang]);
        let mut root = Supervisor::one_for_one("root").intensity(2, 60 * SECOND);
        let a = root.add(child::<Scripted>("a", script).init_timeout(SECOND));
        let mut events = EventRecorder::of(&root.handle());
        let _tree = root.start().await.expect("it starts");
        a.tell(Step::Error.into()).expect("it is told");
        let lines =
            ["root/a#1 started", "root/a#1 crashed error 1/2", "root/a#2 start failed error 2/2", "root/a#3 restarted"];
        events.expect(&lines).await;
        assert_eq!(ask(&a).await, 3);
    });
}

#[test]
fn a_child_deaf_to_stop_is_killed_at_its_budget() {
    virtual_time(async {
        for deaf in ["in stop", "in handle"] {
            let journal = Journal::new();
            let script = journal.script("a").stop([Step::Hang]);
            let mut root = Supervisor::one_for_one("root");
            let a = root.add(child::<Scripted>("a", script).shutdown(3 * SECOND));
            let events = EventRecorder::of(&root.handle());
            let tree = root.start().await.expect("it starts");
            if deaf == "in handle" {
                a.tell(Step::Hang.into()).expect("it is told");
                tokio::task::yield_now().await;
            }
            let begun = Instant::now();
            tree.shutdown().await;
            assert!(begun.elapsed() >= 3 * SECOND && begun.elapsed() < 4 * SECOND, "{:?}", begun.elapsed());
            assert_eq!(journal.take().last().map(String::as_str), Some("a#1 drop"));
            assert_eq!(events.rest().await, ["root/a#1 started", "root/a#1 stopped killed"]);
        }
    });
}

#[test]
fn a_brutal_kill_does_not_run_stop_and_does_not_wait_for_the_queue() {
    virtual_time(async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root");
        let a = root.add(child::<Scripted>("a", journal.script("a")).brutal_kill());
        let tree = root.start().await.expect("it starts");
        let gate = Gate::new();
        a.tell(Step::Pass(gate.clone()).into()).expect("it is told");
        gate.reached(1).await;
        for _ in 0..100 {
            a.tell(Say::Note("flood")).expect("there is room");
        }
        let (_, ()) = tokio::join!(tree.shutdown(), async { gate.open() });
        assert_eq!(journal.take(), ["a#1 start", "a#1 drop"]);
    });
}

#[test]
fn budgets_that_no_clock_can_hold_are_no_panic() {
    virtual_time(async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(1, Duration::MAX);
        let spec = child::<Scripted>("a", journal.script("a")).init_timeout(Duration::MAX).shutdown(Duration::MAX);
        let a = root.add(spec);
        let tree = root.start().await.expect("it starts");
        a.tell(Say::Later(Duration::MAX, Box::new(Say::Note("never")))).expect("it is told");
        a.tell(Step::Error.into()).expect("it is told");
        assert_eq!(ask(&a).await, 2);
        tree.shutdown().await;
    });
}

/// Beyond OTP's suite (d).
#[test]
fn a_flood_of_messages_delays_neither_a_restart_nor_a_stop() {
    real_time(async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(5, SECOND);
        let a = root.add(child::<Scripted>("a", journal.script("a")).mailbox(20_000));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        let gate = Gate::new();
        a.tell(Step::Pass(gate.clone()).into()).expect("it is told");
        gate.reached(1).await;
        a.tell(Step::Panic.into()).expect("it is told");
        let hold = Gate::new();
        a.tell(Step::Pass(hold.clone()).into()).expect("it is told");
        for _ in 0..10_000 {
            a.tell(Say::Note("flood")).expect("there is room");
        }
        gate.open();
        events.wait_for_line("root/a#2 restarted").await;
        assert!(a.len() >= 10_000, "restarted with the flood still waiting");
        hold.reached(1).await;
        let handle = tree.handle();
        let (terminated, ()) = tokio::join!(handle.terminate_child("a"), async {
            while handle.snapshot().children[0].state != tembusu::State::Stopping {
                tokio::task::yield_now().await;
            }
            hold.open();
        });
        terminated.expect("it is terminated");
        assert_eq!(journal.take(), ["a#1 start", "a#1 drop", "a#2 start", "a#2 stop shutdown", "a#2 drop"]);
    });
}

/// An actor that holds on to its thread, and afterwards tries everything that the fence forbids.
struct Stubborn {
    args: Arc<StubbornArgs>,
    incarnation: u64,
}

struct StubbornArgs {
    gate: Gate,
    witness: Address<Say>,
    table: Table<u64>,
    done: Gate,
}

enum Order {
    HoldOn(Reply<u64>),
    Publish,
    Ask(Reply<u64>),
}

impl Actor for Stubborn {
    type Message = Order;
    type Args = Arc<StubbornArgs>;
    type Crash = Infallible;

    async fn init(args: &Arc<StubbornArgs>, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self { args: Arc::clone(args), incarnation: cx.incarnation() }))
    }

    async fn handle(&mut self, order: Order, cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        match order {
            Order::HoldOn(reply) => {
                self.args.gate.block();
                assert!(self.args.witness.tell(Say::Note("a ghost")).is_err(), "tell is fenced");
                assert!(self.args.witness.call(Say::Ask, PATIENCE).await.is_err(), "call is fenced");
                assert!(reply.send(0).is_err(), "reply is fenced");
                cx.publish(&self.args.table, 0);
                cx.after(Duration::ZERO, Order::Publish);
            }
            Order::Publish => drop(cx.publish(&self.args.table, self.incarnation)),
            Order::Ask(reply) => drop(reply.send(self.incarnation)),
        }
        Ok(Flow::Continue)
    }
}

impl Drop for Stubborn {
    fn drop(&mut self) {
        if self.incarnation == 1 {
            assert!(self.args.witness.tell(Say::Note("a ghost")).is_err(), "its destructor is fenced");
            self.args.done.open();
        }
    }
}

#[test]
fn a_child_that_never_yields_loses_its_slot_and_changes_nothing_when_it_wakes() {
    real_time(async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_all("root").intensity(5, 60 * SECOND);
        let witness = root.add(child::<Scripted>("witness", journal.script("witness")));
        let (gate, done, table) = (Gate::new(), Gate::new(), Table::new("numbers"));
        let args =
            StubbornArgs { gate: gate.clone(), witness: witness.clone(), table: table.clone(), done: done.clone() };
        let stubborn = root.add(child::<Stubborn>("stubborn", Arc::new(args)).shutdown(Duration::from_millis(20)));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        let in_hand = {
            let stubborn = stubborn.clone();
            tokio::spawn(async move { stubborn.call(Order::HoldOn, 3 * SECOND).await })
        };
        gate.reached(1).await;
        let waiting = {
            let stubborn = stubborn.clone();
            tokio::spawn(async move { stubborn.call(Order::Ask, PATIENCE).await })
        };
        stubborn.tell(Order::Publish).expect("it waits");
        while stubborn.len() < 2 {
            tokio::task::yield_now().await;
        }
        witness.tell(Step::Error.into()).expect("it is told");
        events.wait_for_line("root/stubborn#1 unresponsive").await;
        events.wait_for_line("root/stubborn#2 started").await;
        assert_eq!(waiting.await.expect("no panic").expect("the next one answers"), 2);
        assert_eq!(stubborn.call(Order::Ask, PATIENCE).await.expect("it is answered"), 2);
        assert_eq!(table.read().as_deref(), Some(&2));
        assert_eq!(tree.handle().leaked(), 1);
        // Now it wakes.
        gate.open();
        done.pass().await;
        let lost = in_hand.await.expect("no panic");
        let died = matches!(lost, Err(CallError::Died(ExitReason::Unresponsive)));
        assert!(died || matches!(lost, Err(CallError::Timeout { enqueued: true })), "{lost:?}");
        assert_eq!(table.read().as_deref(), Some(&2), "publish is fenced, and its end withdraws nothing");
        assert_eq!(stubborn.call(Order::Ask, PATIENCE).await.expect("it is answered"), 2);
        assert_eq!(ask(&witness).await, 2);
        assert!(!journal.take().iter().any(|line| line.contains("ghost")));
        assert_eq!(events.take(), [""; 0], "and it is not reported again");
        tree.shutdown().await;
    });
}

#[test]
fn a_restart_says_how_long_it_took() {
    virtual_time(async {
        let mut root = Supervisor::one_for_one("root").intensity(3, SECOND);
        let a = root.add(child::<Scripted>("a", Journal::new().script("a")));
        let mut events = EventRecorder::of(&root.handle());
        let _tree = root.start().await.expect("it starts");
        for (step, unwinds) in [(Step::Panic, true), (Step::Error, false), (Step::Stop, false)] {
            a.tell(step.into()).expect("it is told");
            let event = events.wait_for(|event| matches!(event.kind, EventKind::Restarted { .. })).await;
            let EventKind::Restarted { latency } = event.kind else { unreachable!("it was matched") };
            assert_eq!(latency.crash_to_caught.is_some(), unwinds);
            assert!(latency.caught_to_ready < SECOND, "measured from this end, not from an earlier one");
        }
    });
}
