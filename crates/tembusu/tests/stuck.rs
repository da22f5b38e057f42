//! Children that never give their thread back: the watchdog sees them, and everybody else goes on.

use std::convert::Infallible;
use std::future::Future;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tembusu::{
    Actor, Address, AllStuck, CallError, Context, EventKind, ExitReason, Flow, Init, Inline, Reply, SpecError,
    StartError, Supervisor, child,
};
use tembusu_testkit::{EventRecorder, Gate, Journal, PATIENCE, Say, Scripted, Step, ask, real_time, virtual_time};
use tokio::runtime::{Builder, Runtime};

const HEARTBEAT: Duration = Duration::from_millis(50);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn workers(threads: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(threads).enable_all().build().expect("a runtime")
}

/// Runs `test` outside the runtime's workers.
fn on_workers<F: Future>(threads: usize, test: F) -> F::Output {
    /// A test that fails leaves children that never yield behind.
    struct Ends(Option<Runtime>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.take().expect("it ends once").shutdown_background();
        }
    }
    let runtime = Ends(Some(workers(threads)));
    let runtime = runtime.0.as_ref().expect("it has not ended");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("it does not take for ever") })
}

async fn until(holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "it does not come to pass");
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_poll_that_does_not_return_costs_the_child_its_slot_and_nothing_else() {
    on_workers(2, async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(1, MINUTE).heartbeat(HEARTBEAT);
        let a = root.add(child::<Scripted>("a", journal.script("a")));
        let b = root.add(child::<Scripted>("b", journal.script("b")));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        let gate = Gate::new();
        let in_hand = {
            let (a, gate) = (a.clone(), gate.clone());
            tokio::spawn(async move { a.call(|reply| Say::Lose(Step::Block(gate), reply), PATIENCE).await })
        };
        gate.reached(1).await;
        let waiting = {
            let a = a.clone();
            tokio::spawn(async move { ask(&a).await })
        };
        events.wait_for_line("root/b#1 started").await;
        events.expect(&["root/a#1 unresponsive", "root/a#1 crashed unresponsive 1/1", "root/a#2 restarted"]).await;
        assert_eq!(waiting.await.expect("no panic"), 2, "the queue goes to the next one");
        let lost = in_hand.await.expect("no panic");
        assert!(matches!(lost, Err(CallError::Died(ExitReason::Unresponsive))), "{lost:?}");
        assert_eq!(ask(&b).await, 1);
        let leaked = || (tree.handle().leaked(), tree.handle().snapshot().children[0].leaked);
        assert_eq!(leaked(), (1, 1));
        // It comes back, and changes nothing but that.
        gate.open();
        until(|| leaked() == (0, 0)).await;
        assert_eq!(ask(&a).await, 2);
        assert_eq!(events.take(), [""; 0]);
        assert_eq!(journal.take(), ["a#1 start", "b#1 start", "a#2 start", "a#1 drop"]);
    });
}

/// Holds on to its thread with the reply in its hands.
struct Holds;

impl Actor for Holds {
    type Message = (Option<Gate>, Reply<u64>);
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (gate, reply): Self::Message, cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        if let Some(gate) = gate {
            gate.block();
        }
        let _ = reply.send(cx.incarnation());
        Ok(Flow::Continue)
    }
}

#[test]
fn a_caller_whose_message_is_in_a_stuck_handlers_hands_learns_it_at_once() {
    on_workers(3, async {
        let mut root = Supervisor::one_for_one("root").intensity(1, MINUTE).heartbeat(HEARTBEAT);
        let a = root.add(child::<Holds>("a", ()));
        let tree = root.start().await.expect("it starts");
        let gate = Gate::new();
        let in_hand = {
            let (a, gate) = (a.clone(), gate.clone());
            tokio::spawn(async move { a.call(|reply| (Some(gate), reply), MINUTE).await })
        };
        gate.reached(1).await;
        let waiting = a.call(|reply| (None, reply), MINUTE);
        let mapped = a.map(|reply| (None, reply));
        let mapped = mapped.call(|reply| reply, MINUTE);
        let (waiting, mapped) = tokio::join!(waiting, mapped);
        assert_eq!(waiting.expect("the next one answers"), 2);
        assert_eq!(mapped.map_err(|_| "no answer"), Ok(2));
        let lost = in_hand.await.expect("no panic");
        assert!(matches!(lost, Err(CallError::Died(ExitReason::Unresponsive))), "{lost:?}");
        assert_eq!(tree.handle().leaked(), 1, "it has not come back yet");
        gate.open();
        until(|| tree.handle().leaked() == 0).await;
    });
}

#[test]
fn one_stuck_time_too_many_is_an_exhaustion_as_any() {
    on_workers(3, async {
        let mut root = Supervisor::one_for_one("root").intensity(0, MINUTE).heartbeat(HEARTBEAT);
        let a = root.add(child::<Scripted>("a", Journal::new().script("a")));
        let tree = root.start().await.expect("it starts");
        let gate = Gate::new();
        a.tell(Step::Block(gate.clone()).into()).expect("it is told");
        let ExitReason::Exhausted(report) = tree.wait().await else { panic!("it is exhausted") };
        assert!(matches!(report.reason, ExitReason::Unresponsive));
        gate.open();
    });
}

/// Handles as many messages as it is told in one poll, each taking its time.
struct Busy;

impl Actor for Busy {
    type Message = (Duration, Option<Reply<u64>>);
    type Args = Duration;
    type Crash = Infallible;

    async fn init(init: &Duration, _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        hold_on(*init);
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (hold, reply): Self::Message, cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        hold_on(hold);
        if let Some(reply) = reply {
            let _ = reply.send(cx.incarnation());
        }
        Ok(Flow::Continue)
    }
}

fn hold_on(time: Duration) {
    std::thread::sleep(time);
}

#[test]
fn who_waits_or_works_or_is_in_init_or_may_hold_on_is_not_stuck() {
    on_workers(4, async {
        let long = HEARTBEAT * 8;
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(0, MINUTE).heartbeat(2 * HEARTBEAT);
        let waits = root.add(child::<Scripted>("waits", journal.script("waits")));
        let works = root.add(child::<Busy>("works", Duration::ZERO));
        let in_init = root.add(child::<Busy>("in_init", long));
        let holds = root.add(child::<Busy>("holds", Duration::ZERO).heartbeat(Duration::MAX));
        let _tree = root.start().await.expect("it starts");
        let gate = Gate::new();
        waits.tell(Step::Pass(gate.clone()).into()).expect("it is told");
        for _ in 0..30 {
            works.tell((HEARTBEAT / 3, None)).expect("it is told");
        }
        holds.tell((long, None)).expect("it is told");
        for busy in [&holds, &works, &in_init] {
            let answer = busy.call(|reply| (Duration::ZERO, Some(reply)), PATIENCE).await;
            assert_eq!(answer.expect("it is answered"), 1);
        }
        gate.open();
        assert_eq!(ask(&waits).await, 1);
    });
}

/// Answers a call, tells a sibling, and never returns.
struct Spinning;

enum Order {
    Spin { reply: Reply<()>, sibling: Address<Say>, gate: Gate },
    Ask(Reply<u64>),
}

impl Actor for Spinning {
    type Message = Order;
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, order: Order, cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        match order {
            Order::Spin { reply, sibling, gate } => {
                let _ = sibling.tell(Say::Note("told"));
                let _ = reply.send(());
                gate.block();
            }
            Order::Ask(reply) => drop(reply.send(cx.incarnation())),
        }
        Ok(Flow::Continue)
    }
}

#[test]
fn who_was_woken_last_by_a_stuck_child_goes_on_while_it_spins() {
    on_workers(2, async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(3, MINUTE);
        let sibling = root.add(child::<Scripted>("sibling", journal.script("sibling")));
        // It may hold on: whoever it woke does not wait for a verdict.
        let spinning = root.add(child::<Spinning>("spinning", ()).heartbeat(Duration::MAX));
        let tree = root.start().await.expect("it starts");
        for _ in 0..5 {
            let gate = Gate::new();
            let caller = {
                let (spinning, sibling, gate) = (spinning.clone(), sibling.clone(), gate.clone());
                tokio::spawn(async move {
                    let spin = |reply| Order::Spin { reply, sibling, gate };
                    spinning.call(spin, PATIENCE).await
                })
            };
            gate.reached(1).await;
            journal.wait_for("sibling#1 says told").await;
            caller.await.expect("no panic").expect("it was answered before it span");
            gate.open();
        }
        assert_eq!(spinning.call(Order::Ask, PATIENCE).await.expect("it is answered"), 1);
        tree.shutdown().await;
    });
}

#[test]
fn a_sender_that_waits_for_room_goes_on_when_the_message_that_made_it_never_returns() {
    on_workers(2, async {
        let mut root = Supervisor::one_for_one("root");
        let spec = child::<Scripted>("a", Journal::new().script("a")).mailbox(1);
        let a = root.add(spec.heartbeat(Duration::MAX));
        let _tree = root.start().await.expect("it starts");
        let (first, second) = (Gate::new(), Gate::new());
        a.tell(Step::Pass(first.clone()).into()).expect("there is room");
        first.reached(1).await;
        a.tell(Step::Block(second.clone()).into()).expect("there is room");
        let sender = {
            let (a, first) = (a.clone(), first.clone());
            tokio::spawn(async move {
                let sending = a.send(Say::Note("late"));
                tokio::join!(sending, async { first.open() }).0
            })
        };
        second.reached(1).await;
        sender.await.expect("no panic").expect("it is sent");
        second.open();
    });
}

#[test]
fn a_supervisor_that_was_woken_last_by_a_stuck_child_goes_on_while_it_spins() {
    on_workers(2, async {
        let journal = Journal::new();
        let gate = Gate::new();
        let mut root = Supervisor::rest_for_one("root").intensity(3, MINUTE).heartbeat(HEARTBEAT);
        // It acknowledges its `init`, so that its supervisor starts the next one, and spins in the same poll.
        let a = root.add(child::<Scripted>("a", journal.script("a")).heartbeat(Duration::MAX));
        let b = root.add(child::<Scripted>("b", journal.script("b")));
        a.tell(Step::Block(gate.clone()).into()).expect("it is told");
        let tree = tokio::spawn(root.start()).await.expect("no panic").expect("it starts while the first one spins");
        assert_eq!(ask(&b).await, 1);
        gate.open();
        assert_eq!(ask(&a).await, 1);
        tree.shutdown().await;
    });
}

#[test]
fn a_stuck_child_is_replaced_while_whoever_it_woke_last_goes_on() {
    on_workers(2, async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(3, MINUTE).heartbeat(HEARTBEAT);
        let sibling = root.add(child::<Scripted>("sibling", journal.script("sibling")));
        let spinning = root.add(child::<Spinning>("spinning", ()));
        let tree = root.start().await.expect("it starts");
        let gate = Gate::new();
        let caller = {
            let (spinning, gate) = (spinning.clone(), gate.clone());
            tokio::spawn(async move {
                let answered = spinning.call(|reply| Order::Spin { reply, sibling, gate }, PATIENCE).await;
                (answered, spinning.call(Order::Ask, PATIENCE).await)
            })
        };
        let (answered, next) = caller.await.expect("no panic");
        answered.expect("it was answered before it span");
        assert_eq!(next.expect("the next one answers"), 2);
        assert_eq!(tree.handle().leaked(), 1, "all of it while it spins");
        gate.open();
    });
}

#[test]
fn an_inline_call_that_does_not_return_costs_its_owner_a_generation_and_its_caller_the_slot() {
    on_workers(2, async {
        let view = Inline::new("gate");
        let mut root = Supervisor::one_for_one("root").intensity(2, MINUTE).heartbeat(HEARTBEAT);
        root.add(child::<Views>("views", view.clone()));
        let calls = root.add(child::<Calls>("calls", view.clone()).heartbeat(3 * HEARTBEAT));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        let first = view.try_call(Gate::clone).expect("it is published");
        calls.tell(()).expect("it is told");
        events.wait_for_line("root/views#1 crashed unresponsive 1/2").await;
        events.wait_for_line("root/calls#1 unresponsive").await;
        events.expect(&["root/calls#1 crashed unresponsive 2/2", "root/calls#2 restarted"]).await;
        assert_eq!(tree.handle().snapshot().children[0].incarnation, 2, "charged once");
        first.open();
        until(|| tree.handle().leaked() == 0).await;
    });
}

#[test]
fn an_inline_call_that_does_not_return_is_its_owners_failure_whoever_called() {
    on_workers(2, async {
        let view = Inline::new("gate");
        let mut root = Supervisor::one_for_one("root").intensity(1, MINUTE).heartbeat(HEARTBEAT);
        root.add(child::<Views>("views", view.clone()));
        root.add(child::<Views>("others", Inline::new("others")));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        let gate = view.try_call(Gate::clone).expect("it is published");
        let stuck = std::thread::spawn({
            let view = view.clone();
            move || view.try_call(Gate::block).is_ok()
        });
        events.wait_for_line("root/views#1 crashed unresponsive 1/1").await;
        events.expect(&["root/views#2 restarted"]).await;
        let children = tree.handle().snapshot().children;
        assert_eq!(children.iter().map(|child| child.incarnation).collect::<Vec<_>>(), [2, 1], "charged once");
        assert_eq!(tree.handle().leaked(), 0, "its own task was not held up");
        view.call(Gate::open, PATIENCE).await.expect("others enter the next incarnation");
        gate.open();
        assert!(stuck.join().expect("no panic"), "what it brings in the end stands");
    });
}

#[test]
fn an_owner_whose_calls_may_take_long_says_so() {
    on_workers(2, async {
        let (slow, hasty) = (Inline::new("slow"), Inline::new("hasty"));
        let mut root = Supervisor::one_for_one("root").heartbeat(HEARTBEAT);
        root.add(child::<Views>("slow", slow.clone()).heartbeat(Duration::MAX));
        root.add(child::<Views>("hasty", hasty.clone()));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        let enter = |view: &Inline<Gate>| {
            let (view, gate) = (view.clone(), view.try_call(Gate::clone).expect("it is published"));
            (gate, std::thread::spawn(move || view.try_call(Gate::block)))
        };
        let ((slow, in_slow), (hasty, in_hasty)) = (enter(&slow), enter(&hasty));
        events.wait_for_line("root/hasty#2 restarted").await;
        slow.open();
        hasty.open();
        in_slow.join().expect("no panic").expect("it comes back");
        in_hasty.join().expect("no panic").expect("it comes back");
        assert_eq!(tree.handle().snapshot().children[0].incarnation, 1);
    });
}

/// Publishes a gate.
struct Views;

impl Actor for Views {
    type Message = ();
    type Args = Inline<Gate>;
    type Crash = Infallible;

    async fn init(view: &Inline<Gate>, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        cx.publish_view(view, Arc::new(Gate::new()));
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, Infallible> {
        Ok(Flow::Continue)
    }
}

/// Goes through it when it is told to.
struct Calls(Inline<Gate>);

impl Actor for Calls {
    type Message = ();
    type Args = Inline<Gate>;
    type Crash = Infallible;

    async fn init(view: &Inline<Gate>, _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self(view.clone())))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, Infallible> {
        let _ = self.0.try_call(Gate::block);
        Ok(Flow::Continue)
    }
}

#[test]
fn when_every_worker_is_stuck_it_is_said_and_the_tree_outlives_it() {
    real_time(async {
        // The tree's own runtime is free; the children's has two threads.
        let runtime = workers(2);
        let mut root = Supervisor::one_for_one("root").intensity(9, MINUTE).heartbeat(HEARTBEAT);
        let spec = |name| child::<Scripted>(name, Journal::new().script(name)).on(runtime.handle().clone());
        let (a, b) = (root.add(spec("a")), root.add(spec("b")));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        let gate = Gate::new();
        for stuck in [&a, &b] {
            stuck.tell(Step::Block(gate.clone()).into()).expect("it is told");
        }
        let (mut said, mut judged) = (0, 0);
        while said < 1 || judged < 2 {
            let event = events.next().await;
            match event.kind {
                EventKind::AllWorkersStuck { workers } => {
                    assert_eq!((&*event.path, workers), ("root", 2));
                    said += 1;
                }
                EventKind::Unresponsive => judged += 1,
                _ => {}
            }
        }
        gate.open();
        assert_eq!((ask(&a).await, ask(&b).await), (2, 2));
        let again = events.take().into_iter().filter(|line| line.contains("AllWorkersStuck")).count();
        assert_eq!(again, 0, "it is said once");
        tree.shutdown().await;
        runtime.shutdown_background();
    });
}

#[test]
fn the_deadlines_of_a_tree_are_kept_when_its_only_thread_is_held_up() {
    real_time(async {
        let gate = Gate::new();
        let (handle, started) = mpsc::channel();
        let (held, thread) = {
            let gate = gate.clone();
            let held = gate.clone();
            let thread = std::thread::spawn(move || {
                Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
                    let mut root = Supervisor::one_for_one("root").heartbeat(MINUTE);
                    let a = root
                        .add(child::<Scripted>("a", Journal::new().script("a")).shutdown(Duration::from_millis(20)));
                    let tree = root.start().await.expect("it starts");
                    a.tell(Step::Block(gate).into()).expect("it is told");
                    handle.send(tree.handle()).expect("the test waits for it");
                    tree.wait().await
                })
            });
            (held, thread)
        };
        let supervisor = started.recv().expect("it starts");
        held.reached(1).await;
        // Asked to stop, killed at its budget, abandoned after its grace: the runtime's own timer keeps none of it.
        let terminated = tokio::time::timeout(PATIENCE, supervisor.terminate_child("a")).await;
        terminated.expect("its deadlines are kept").expect("it is terminated");
        assert_eq!(supervisor.leaked(), 1);
        held.open();
        until(|| supervisor.leaked() == 0).await;
        drop(supervisor);
        let _ = thread;
    });
}

#[test]
fn a_virtual_clock_is_not_disturbed() {
    virtual_time(async {
        let mut root = Supervisor::one_for_one("root").intensity(0, MINUTE).heartbeat(Duration::from_millis(5));
        let a = root.add(child::<Scripted>("a", Journal::new().script("a")).init_timeout(SECOND));
        let begun = tokio::time::Instant::now();
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        // A day of its waiting is no time at all, and a moment of ours is none of its time.
        let gate = Gate::new();
        a.tell(Step::Pass(gate.clone()).into()).expect("it is told");
        gate.reached(1).await;
        hold_on(Duration::from_millis(100));
        assert_eq!(begun.elapsed(), Duration::ZERO);
        tokio::time::advance(86_400 * SECOND).await;
        hold_on(Duration::from_millis(100));
        gate.open();
        assert_eq!(ask(&a).await, 1);
        assert_eq!(begun.elapsed(), 86_400 * SECOND);
        assert_eq!(events.take(), ["root/a#1 started"]);
        tree.shutdown().await;
    });
}

#[test]
fn a_watch_that_makes_no_sense_is_refused() {
    virtual_time(async {
        let root = Supervisor::one_for_one("root").heartbeat(Duration::ZERO);
        let refused = root.start().await.map(drop);
        assert!(matches!(refused, Err(StartError::Spec(SpecError::ZeroHeartbeat { .. }))), "{refused:?}");
        let mut root = Supervisor::one_for_one("root");
        root.add(child::<Scripted>("a", Journal::new().script("a")).heartbeat(Duration::ZERO));
        let refused = root.start().await.map(drop);
        assert!(matches!(refused, Err(StartError::Spec(SpecError::ZeroHeartbeat { path })) if path == "root/a"));
        let mut root = Supervisor::one_for_one("root");
        root.supervisor(Supervisor::one_for_one("sub").when_all_stuck(AllStuck::Report));
        let refused = root.start().await.map(drop);
        assert!(matches!(refused, Err(StartError::Spec(SpecError::WatchBelowRoot { path })) if path == "root/sub"));
    });
}

const IN_CHILD_PROCESS: &str = "TEMBUSU_TEST_STUCK";

/// Runs one test of this file in a process of its own, in which it finds the variable set.
fn in_a_process_of_its_own(test: &str) -> std::process::Output {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(IN_CHILD_PROCESS, "1")
        .output()
        .expect("it runs")
}

#[test]
fn by_policy_a_process_whose_workers_are_all_stuck_ends() {
    if std::env::var_os(IN_CHILD_PROCESS).is_none() {
        let output = in_a_process_of_its_own("by_policy_a_process_whose_workers_are_all_stuck_ends");
        assert_eq!(output.status.code(), Some(77), "{output:?}");
        return;
    }
    Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
        let policy = AllStuck::ExitProcess(77);
        // Nothing is granted: the tree would end with the verdict.
        let mut root = Supervisor::one_for_one("root").intensity(0, SECOND).heartbeat(HEARTBEAT).when_all_stuck(policy);
        let a = root.add(child::<Scripted>("a", Journal::new().script("a")));
        let tree = root.start().await.expect("it starts");
        a.tell(Step::Block(Gate::new()).into()).expect("it is told");
        tree.wait().await;
    });
}

#[cfg(target_os = "linux")]
#[test]
fn there_is_one_watchdog_from_the_first_tree_to_the_last() {
    if std::env::var_os(IN_CHILD_PROCESS).is_none() {
        let output = in_a_process_of_its_own("there_is_one_watchdog_from_the_first_tree_to_the_last");
        assert!(output.status.success(), "{output:?}");
        return;
    }
    fn watchdogs() -> usize {
        let tasks = std::fs::read_dir("/proc/self/task").expect("the threads of this process");
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        names.filter(|name| name.trim_end() == "tembusu-watch").count()
    }
    real_time(async {
        for _ in 0..3 {
            assert_eq!(watchdogs(), 0);
            let mut trees = Vec::new();
            for _ in 0..3 {
                let mut root = Supervisor::one_for_one("root");
                root.add(child::<Scripted>("a", Journal::new().script("a")));
                trees.push(root.start().await.expect("it starts"));
                until(|| watchdogs() == 1).await;
            }
            for tree in trees {
                assert_eq!(watchdogs(), 1);
                tree.shutdown().await;
            }
            until(|| watchdogs() == 0).await;
        }
    });
}
