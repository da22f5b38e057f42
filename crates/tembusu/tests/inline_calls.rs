//! Inline calls: they run on the caller's thread, and their panics are their owner's.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tembusu::{
    Actor, Address, CallError, ChildSpec, Context, EventKind, ExitReason, Flow, Init, Inline, InlineError, Reply,
    Supervisor, Table, Tree, child, stand_in,
};
use tembusu_testkit::{EventRecorder, Gate, PATIENCE, PanicsWhenDropped, on_both, real_time, virtual_time};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The view.
trait Work: Send + Sync {
    fn incarnation(&self) -> u64;
    fn thread(&self) -> ThreadId {
        thread::current().id()
    }
    fn panics(&self) -> u64 {
        panic!("boom {}", self.incarnation())
    }
    fn drops(&self) -> Option<&Dropped> {
        None
    }
}

/// Counts the views that were dropped, and panics while it does.
#[derive(Debug, Default)]
struct Dropped(AtomicU64);

struct Worker {
    incarnation: u64,
    dropped: Arc<Dropped>,
}

impl Work for Worker {
    fn incarnation(&self) -> u64 {
        self.incarnation
    }

    fn drops(&self) -> Option<&Dropped> {
        Some(&self.dropped)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.dropped.0.fetch_add(1, Ordering::SeqCst);
        panic!("dropped");
    }
}

/// The owner, and as a stand-in its deputy.
struct Owner {
    args: Args,
    incarnation: u64,
}

#[derive(Clone)]
struct Args {
    view: Inline<dyn Work>,
    table: Table<u64>,
    dropped: Arc<Dropped>,
    /// Passed in `init` after the first incarnation has published, by all others before they publish.
    gate: Option<Gate>,
    factor: u64,
}

impl Args {
    fn new(view: &Inline<dyn Work>) -> Self {
        Self { view: view.clone(), table: Table::new("table"), dropped: Arc::default(), gate: None, factor: 1 }
    }
}

enum Order {
    Ask(Reply<u64>),
    Hold(Gate, Reply<u64>),
    Spin(Gate, Reply<u64>),
    Publish,
    Panic,
    Error,
}

#[derive(Debug, thiserror::Error)]
#[error("told to")]
struct Told;

impl Owner {
    fn publish(&self, cx: &mut Context<Self>) {
        let Args { view, dropped, factor, table, .. } = &self.args;
        let incarnation = self.incarnation * factor;
        // The view last: who has entered it finds the table.
        cx.publish(table, incarnation);
        cx.publish_view(view, Arc::new(Worker { incarnation, dropped: Arc::clone(dropped) }));
    }
}

impl Actor for Owner {
    type Message = Order;
    type Args = Args;
    type Crash = Told;

    async fn init(args: &Args, cx: &mut Context<Self>) -> Result<Init<Self>, Told> {
        let owner = Self { args: args.clone(), incarnation: cx.incarnation() };
        if let (Some(gate), true) = (&args.gate, owner.incarnation > 1) {
            gate.pass().await;
        }
        owner.publish(cx);
        Ok(Init::Ready(owner))
    }

    async fn handle(&mut self, order: Order, cx: &mut Context<Self>) -> Result<Flow, Told> {
        match order {
            Order::Ask(reply) => drop(reply.send(self.incarnation)),
            Order::Hold(gate, _reply) => gate.pass().await,
            Order::Spin(gate, _reply) => gate.block(),
            Order::Publish => self.publish(cx),
            Order::Panic => panic!("its own"),
            Order::Error => return Err(Told),
        }
        Ok(Flow::Continue)
    }
}

struct World {
    view: Inline<dyn Work>,
    args: Args,
    owner: Address<Order>,
    events: EventRecorder,
    tree: Tree,
}

async fn world(limit: u32, shape: impl FnOnce(&mut Args)) -> World {
    let view = Inline::<dyn Work>::new("work");
    let mut args = Args::new(&view);
    shape(&mut args);
    let mut root = Supervisor::one_for_one("root").intensity(limit, MINUTE);
    let owner = root.add(child::<Owner>("owner", args.clone()));
    let events = EventRecorder::of(&root.handle());
    let tree = root.start().await.expect("it starts");
    World { view, args, owner, events, tree }
}

fn as_it_is(_: &mut Args) {}

async fn incarnation(view: &Inline<dyn Work>) -> u64 {
    view.call(|work| work.incarnation(), PATIENCE).await.expect("somebody is there")
}

#[test]
fn a_call_runs_on_the_callers_thread() {
    on_both(async || {
        let World { view, tree: _tree, .. } = world(0, as_it_is).await;
        assert_eq!(view.call(|work| work.thread(), SECOND).await.expect("it is there"), thread::current().id());
        assert_eq!(view.try_call(|work| work.thread()).expect("it is there"), thread::current().id());
    });
}

#[test]
fn a_panic_inside_ends_the_owner_as_if_it_had_panicked_itself_and_its_caller_goes_on() {
    on_both(async || {
        let World { view, owner, mut events, args, tree: _tree } = world(3, as_it_is).await;
        let died = view.call(|work| work.panics(), SECOND).await;
        let Err(InlineError::Died(ExitReason::Panic { message, location })) = died else { panic!("{died:?}") };
        assert_eq!(&*message, "boom 1");
        assert!(location.is_some_and(|location| location.contains("inline_calls.rs")));
        assert_eq!(incarnation(&view).await, 2, "a caller that comes meanwhile waits for the next one");
        assert_eq!(owner.call(Order::Ask, SECOND).await.expect("it is answered"), 2);
        events.wait_for_line("root/owner#1 started").await;
        let crash = events.next().await;
        let EventKind::Crashed { reason: ExitReason::Panic { message, location: Some(_) }, charge: Some(charge) } =
            crash.kind
        else {
            panic!("{crash:?}")
        };
        assert_eq!((&*message, charge.k, crash.incarnation), ("boom 1", 1, 1));
        let restart = events.next().await;
        let EventKind::Restarted { latency } = restart.kind else { panic!("{restart:?}") };
        assert!(latency.crash_to_caught.is_some(), "measured from the panic on the caller's thread");
        assert_eq!(args.table.read().as_deref(), Some(&2));
    });
}

#[test]
fn payloads_that_panic_when_dropped_are_ordinary_panics() {
    on_both(async || {
        let World { view, tree: _tree, .. } = world(3, as_it_is).await;
        let died = view.call(|_| -> u64 { std::panic::panic_any(PanicsWhenDropped) }, SECOND).await;
        let Err(InlineError::Died(ExitReason::Panic { message, .. })) = died else { panic!("{died:?}") };
        assert_eq!(&*message, "a panic whose payload is no text");
        assert_eq!(incarnation(&view).await, 2);
    });
}

#[test]
fn sixty_four_panics_at_once_are_one_charge() {
    real_time(async {
        // One charge is granted, for each round.
        for _ in 0..10 {
            let World { view, owner, mut events, tree, .. } = world(1, as_it_is).await;
            let barrier = Barrier::new(64);
            thread::scope(|scope| {
                for _ in 0..64 {
                    scope.spawn(|| {
                        let died = view.try_call(|work| {
                            barrier.wait();
                            work.panics()
                        });
                        assert!(matches!(died, Err(InlineError::Died(ExitReason::Panic { .. }))), "{died:?}");
                    });
                }
            });
            assert_eq!(incarnation(&view).await, 2);
            assert_eq!(owner.call(Order::Ask, PATIENCE).await.expect("it is answered"), 2);
            events.expect(&["root/owner#1 started", "root/owner#1 crashed panic 1/1", "root/owner#2 restarted"]).await;
            tree.shutdown().await;
            assert_eq!(events.rest().await, ["root/owner#2 stopped shutdown"]);
        }
    });
}

#[test]
fn who_is_inside_finishes_on_its_snapshot_and_drops_it_last() {
    real_time(async {
        let World { view, args, tree: _tree, .. } = world(3, as_it_is).await;
        let (inside, leave) = (Gate::new(), Gate::new());
        let caller = {
            let (view, inside, leave) = (view.clone(), inside.clone(), leave.clone());
            thread::spawn(move || {
                view.try_call(|work| {
                    inside.open();
                    leave.block();
                    let dropped = work.drops().expect("it counts").0.load(Ordering::SeqCst);
                    (work.incarnation(), dropped)
                })
            })
        };
        inside.pass().await;
        assert!(matches!(view.call(|work| work.panics(), SECOND).await, Err(InlineError::Died(_))));
        assert_eq!(incarnation(&view).await, 2);
        leave.open();
        let result = caller.join().expect("a destructor that panics goes no further");
        assert_eq!(result.expect("its result stands"), (1, 0), "the snapshot lives as long as somebody is inside");
        assert_eq!(args.dropped.0.load(Ordering::SeqCst), 1, "dropped by the last one, on its thread");
        assert_eq!(incarnation(&view).await, 2, "which is no failure of anybody");
    });
}

#[test]
fn nobody_enters_a_condemned_generation() {
    virtual_time(async {
        let gate = Gate::new();
        let World { view, owner, tree: _tree, .. } = world(3, |args| args.gate = Some(gate.clone())).await;
        // On one thread the owner cannot have ended yet.
        assert!(matches!(view.try_call(|work| work.panics()), Err(InlineError::Died(_))));
        assert!(!view.is_published());
        assert!(matches!(view.try_call(|work| work.incarnation()), Err(InlineError::Unavailable)));
        let too_short = view.call(|work| work.incarnation(), SECOND).await;
        assert!(matches!(too_short, Err(InlineError::Timeout)), "{too_short:?}");
        let waiting = view.call(|work| work.incarnation(), MINUTE);
        let (entered, ()) = tokio::join!(waiting, async { gate.open() });
        assert_eq!(entered.expect("the next one is there"), 2);
        assert_eq!(owner.call(Order::Ask, SECOND).await.expect("it is answered"), 2);
    });
}

#[test]
fn a_panic_while_the_host_is_in_the_middle_of_handle_ends_it_at_its_next_await() {
    virtual_time(async {
        let World { view, owner, mut events, tree: _tree, .. } = world(1, as_it_is).await;
        let gate = Gate::new();
        let in_hand = owner.call(|reply| Order::Hold(gate.clone(), reply), MINUTE);
        let waiting = async {
            gate.reached(1).await;
            let waiting = owner.call(Order::Ask, MINUTE);
            assert!(matches!(view.try_call(|work| work.panics()), Err(InlineError::Died(_))));
            waiting.await
        };
        let (in_hand, waiting) = tokio::join!(in_hand, waiting);
        let Err(CallError::Died(ExitReason::Panic { message, .. })) = in_hand else { panic!("{in_hand:?}") };
        assert_eq!(&*message, "boom 1");
        assert_eq!(waiting.expect("the queue is kept"), 2);
        events.expect(&["root/owner#1 started", "root/owner#1 crashed panic 1/1", "root/owner#2 restarted"]).await;
    });
}

#[test]
fn a_host_that_never_yields_loses_its_slot_and_is_charged_with_the_panic() {
    real_time(async {
        let World { view, owner, mut events, tree, .. } = world(1, as_it_is).await;
        let gate = Gate::new();
        let in_hand = {
            let (owner, gate) = (owner.clone(), gate.clone());
            tokio::spawn(async move { owner.call(|reply| Order::Spin(gate, reply), PATIENCE).await })
        };
        gate.reached(1).await;
        assert!(matches!(view.try_call(|work| work.panics()), Err(InlineError::Died(_))));
        assert_eq!(incarnation(&view).await, 2);
        let lines = [
            "root/owner#1 started",
            "root/owner#1 unresponsive",
            "root/owner#1 crashed panic 1/1",
            "root/owner#2 restarted",
        ];
        events.expect(&lines).await;
        assert_eq!(tree.handle().leaked(), 1);
        gate.open();
        assert!(matches!(in_hand.await.expect("no panic"), Err(CallError::Died(ExitReason::Panic { .. }))));
    });
}

#[test]
fn a_nested_panic_is_charged_to_the_innermost_owner() {
    on_both(async || {
        let (outer, inner) = (Inline::<dyn Work>::new("outer"), Inline::<dyn Work>::new("inner"));
        let mut root = Supervisor::one_for_one("root").intensity(1, MINUTE);
        root.add(child::<Owner>("outer", Args::new(&outer)));
        root.add(child::<Owner>("inner", Args::new(&inner)));
        let mut events = EventRecorder::of(&root.handle());
        let _tree = root.start().await.expect("it starts");
        let told = outer.call(|_| inner.try_call(|work| work.panics()), SECOND).await.expect("it has not panicked");
        assert!(matches!(told, Err(InlineError::Died(ExitReason::Panic { .. }))), "the outer view is told: {told:?}");
        assert_eq!((incarnation(&outer).await, incarnation(&inner).await), (1, 2));
        events.wait_for_line("root/inner#2 restarted").await;
        // One that makes the failure of the other its own is charged itself.
        let own = outer.call(|_| inner.try_call(|work| work.incarnation()).map(|_| panic!("own")), SECOND).await;
        let Err(InlineError::Died(ExitReason::Panic { message, .. })) = own else { panic!("it panicked") };
        assert_eq!(&*message, "own");
    });
}

#[test]
fn a_view_that_calls_itself_finishes_after_the_inner_call_has_panicked() {
    on_both(async || {
        let World { view, tree: _tree, .. } = world(1, as_it_is).await;
        let told = view.call(|work| (work.incarnation(), view.try_call(|work| work.panics()).is_err()), SECOND).await;
        assert_eq!(told.expect("who is inside finishes"), (1, true));
        assert_eq!(incarnation(&view).await, 2);
    });
}

#[test]
fn a_stand_in_publishes_the_same_view_and_the_same_table() {
    on_both(async || {
        let (view, bare) = (Inline::<dyn Work>::new("work"), Inline::<dyn Work>::new("bare"));
        let args = Args::new(&view);
        let mut sub = Supervisor::one_for_one("sub").intensity(0, MINUTE);
        let owner = sub.add(child::<Owner>("owner", args.clone()));
        sub.add(child::<Owner>("bare", Args::new(&bare)));
        let mut fallback = Supervisor::one_for_one("fallback").intensity(1, MINUTE);
        fallback.add(stand_in::<Owner>(&owner, Args { factor: 100, ..args.clone() }));
        let mut root = Supervisor::one_for_one("root").intensity(0, MINUTE);
        let sub = root.supervisor(sub.degrade_to(fallback));
        let tree = root.start().await.expect("it starts");
        assert_eq!((incarnation(&view).await, args.table.read().as_deref().copied()), (1, Some(1)));
        assert!(matches!(view.call(|work| work.panics(), SECOND).await, Err(InlineError::Died(_))));
        assert_eq!(incarnation(&view).await, 100, "the stand-in's");
        assert_eq!(args.table.read().as_deref(), Some(&100));
        let refused = bare.call(|work| work.incarnation(), PATIENCE).await;
        assert!(matches!(refused, Err(InlineError::Degraded)), "{refused:?}");
        // A panic in the stand-in's handlers is the stand-in's.
        assert!(matches!(view.call(|work| work.panics(), SECOND).await, Err(InlineError::Died(_))));
        assert_eq!(incarnation(&view).await, 200);
        sub.restore().await.expect("it is restored");
        assert_eq!(incarnation(&view).await, 2, "the owner is back");
        assert_eq!((incarnation(&bare).await, args.table.read().as_deref().copied()), (2, Some(2)));
        tree.shutdown().await;
        assert!(args.table.read().is_none());
    });
}

#[test]
fn callers_learn_that_nobody_will_come() {
    on_both(async || {
        let World { view, tree, .. } = world(3, as_it_is).await;
        tree.handle().terminate_child("owner").await.expect("it is terminated");
        assert!(matches!(view.try_call(|work| work.incarnation()), Err(InlineError::Gone)));
        assert!(matches!(view.call(|work| work.incarnation(), MINUTE).await, Err(InlineError::Gone)));
        tree.handle().restart_child("owner").await.expect("it is restarted");
        assert_eq!(incarnation(&view).await, 2);
        tree.shutdown().await;
        assert!(matches!(view.call(|work| work.incarnation(), MINUTE).await, Err(InlineError::Gone)));
        drop(tree);
        assert!(matches!(view.try_call(|work| work.incarnation()), Err(InlineError::Gone)));
    });
}

#[test]
fn a_caller_that_waits_is_told_when_the_owner_is_terminated() {
    virtual_time(async {
        let gate = Gate::new();
        let World { view, tree, .. } = world(3, |args| args.gate = Some(gate.clone())).await;
        assert!(matches!(view.try_call(|work| work.panics()), Err(InlineError::Died(_))));
        let handle = tree.handle();
        let (told, terminated) = tokio::join!(view.call(|work| work.incarnation(), PATIENCE), async {
            gate.reached(1).await;
            handle.terminate_child("owner").await
        });
        terminated.expect("it is terminated");
        assert!(matches!(told, Err(InlineError::Gone)), "{told:?}");
    });
}

#[test]
fn a_view_that_nobody_has_published_is_waited_for() {
    virtual_time(async {
        let view = Inline::<dyn Work>::new("nobody's");
        assert!(matches!(view.try_call(|work| work.incarnation()), Err(InlineError::Unavailable)));
        assert!(matches!(view.call(|work| work.incarnation(), SECOND).await, Err(InlineError::Timeout)));
        let waiting = view.call(|work| work.incarnation(), MINUTE);
        let mut root = Supervisor::one_for_one("root");
        root.add(child::<Owner>("owner", Args::new(&view)));
        let (entered, tree) = tokio::join!(waiting, root.start());
        assert_eq!(entered.expect("it has been published"), 1);
        tree.expect("it starts").shutdown().await;
    });
}

#[test]
fn what_the_owner_publishes_again_replaces_what_was_there() {
    on_both(async || {
        let World { view, owner, args, tree: _tree, .. } = world(3, as_it_is).await;
        owner.tell(Order::Publish).expect("it is told");
        assert_eq!(owner.call(Order::Ask, SECOND).await.expect("it is answered"), 1);
        assert_eq!(args.dropped.0.load(Ordering::SeqCst), 1, "and its destructor's panic is no crash");
        assert_eq!(incarnation(&view).await, 1);
        for (order, next) in [(Order::Panic, 2), (Order::Error, 3)] {
            owner.tell(order).expect("it is told");
            assert_eq!(owner.call(Order::Ask, SECOND).await.expect("it is answered"), next);
            assert_eq!(incarnation(&view).await, next, "withdrawn with its incarnation, however that ended");
        }
        assert_eq!(args.dropped.0.load(Ordering::SeqCst), 3);
    });
}

/// Holds on to its thread until its slot is gone, then calls.
struct Haunting(Inline<dyn Work>, Gate);

impl Actor for Haunting {
    type Message = Gate;
    type Args = (Inline<dyn Work>, Gate);
    type Crash = Infallible;

    async fn init((view, done): &Self::Args, _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self(view.clone(), done.clone())))
    }

    async fn handle(&mut self, gate: Gate, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        gate.block();
        let fenced = self.0.try_call(|work| work.incarnation());
        if matches!(fenced, Err(InlineError::Gone)) {
            self.1.open();
        }
        Ok(Flow::Continue)
    }
}

#[test]
fn a_caller_that_has_been_replaced_is_fenced() {
    real_time(async {
        let view = Inline::<dyn Work>::new("work");
        let (hold, done) = (Gate::new(), Gate::new());
        let mut root = Supervisor::one_for_one("root").intensity(3, MINUTE);
        root.add(child::<Owner>("owner", Args::new(&view)));
        let spec: ChildSpec<Haunting> = child("haunting", (view.clone(), done.clone()));
        let haunting = root.add(spec.brutal_kill());
        let tree = root.start().await.expect("it starts");
        haunting.tell(hold.clone()).expect("it is told");
        hold.reached(1).await;
        tree.handle().terminate_child("haunting").await.expect("its slot is taken from it");
        assert_eq!(tree.handle().leaked(), 1);
        hold.open();
        done.pass().await;
        assert_eq!(incarnation(&view).await, 1);
    });
}
