//! Trees as a whole: checked before anything starts, no orphan afterwards, runtimes that differ or are gone.

use std::time::Duration;

use tembusu::{
    Address, AdminError, CallError, DynamicSupervisor, ExitReason, Restart, SpecError, StartError, State, Supervisor,
    child, stand_in,
};
use tembusu_testkit::{
    EventRecorder, Gate, Journal, PATIENCE, Say, Scripted, Step, ask, on_both, real_time, virtual_time,
};
use tokio::runtime::Builder;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

fn spec(name: &'static str) -> tembusu::ChildSpec<Scripted> {
    child(name, Journal::new().script(name))
}

fn refused(build: impl FnOnce(&mut Supervisor)) -> SpecError {
    let mut root = Supervisor::one_for_one("root");
    build(&mut root);
    refused_root(root)
}

fn refused_root(root: Supervisor) -> SpecError {
    match virtual_time(root.start()) {
        Err(StartError::Spec(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_invalid_tree_is_refused_before_anything_starts() {
    let name = |error: SpecError| error.to_string();
    for bad in ["", "a/b"] {
        assert!(matches!(refused(|root| drop(root.add(spec(bad)))), SpecError::BadName { .. }));
        assert!(matches!(refused_root(Supervisor::one_for_one(bad)), SpecError::BadName { .. }));
    }
    let twice = refused(|root| {
        root.add(spec("a"));
        root.supervisor(Supervisor::one_for_one("a"));
    });
    assert_eq!(twice, SpecError::DuplicateName { supervisor: "root".into(), name: "a".into() });
    let period = refused(|root| drop(root.supervisor(Supervisor::one_for_one("sub").intensity(1, Duration::ZERO))));
    assert_eq!(period, SpecError::ZeroPeriod { supervisor: "root/sub".into() });
    let capacity = refused(|root| drop(root.add(spec("a").mailbox(0))));
    assert_eq!(capacity, SpecError::ZeroCapacity { path: "root/a".into() });
    let timeout = refused(|root| drop(root.add(spec("a").init_timeout(Duration::ZERO))));
    assert_eq!(timeout, SpecError::ZeroInitTimeout { path: "root/a".into() });
    let nobody = DynamicSupervisor::new("pool", |()| spec("a")).max_children(0);
    let nobody = refused(|root| drop(root.add_dynamic(nobody)));
    assert_eq!(nobody, SpecError::ZeroMaxChildren { supervisor: "root/pool".into() });
    let significant = refused(|root| {
        let fallback = Supervisor::one_for_one("fallback").restart(Restart::Transient).significant();
        root.supervisor(Supervisor::one_for_one("sub").degrade_to(fallback));
    });
    assert_eq!(significant, SpecError::SignificantFallback { supervisor: "root/sub/fallback".into() });
    let never = refused(|root| drop(root.declare::<Scripted>("later")));
    assert_eq!(never, SpecError::NeverAdded { supervisor: "root".into(), name: "later".into() });
    let outside = refused(|root| {
        let a = root.add(spec("a"));
        root.supervisor({
            let mut sub = Supervisor::one_for_one("sub");
            sub.add(stand_in::<Scripted>(&a, Journal::new().script("a")));
            sub
        });
    });
    assert_eq!(outside, SpecError::StandInOutsideFallback { path: "root/sub/a".into() });
    let beside = refused(|root| {
        let a = root.add(spec("a"));
        root.add(stand_in::<Scripted>(&a, Journal::new().script("a")));
    });
    assert_eq!(beside, SpecError::StandInOutsideFallback { path: "root/a".into() }, "its name is not what is wrong");
    let fallback_for = |address: &Address<Say>, count: usize| {
        let mut fallback = Supervisor::one_for_one("fallback");
        for index in 0..count {
            let mut nest = Supervisor::one_for_one(["one", "two"][index]);
            nest.add(stand_in::<Scripted>(address, Journal::new().script("a")));
            fallback.supervisor(nest);
        }
        fallback
    };
    let stranger = refused(|root| {
        let a = root.add(spec("a"));
        root.supervisor(Supervisor::one_for_one("sub").degrade_to(fallback_for(&a, 1)));
    });
    assert!(matches!(&stranger, SpecError::StandInForStranger { path } if path.ends_with("/a")), "{stranger}");
    let second = refused(|root| {
        let mut sub = Supervisor::one_for_one("sub");
        let a = sub.add(spec("a"));
        root.supervisor(sub.degrade_to(fallback_for(&a, 2)));
    });
    assert!(matches!(second, SpecError::SecondStandIn { .. }), "{second}");
    let quarantined = |first, max| {
        refused(|root| drop(root.supervisor(Supervisor::one_for_one("sub").quarantine().restore_after(first, max))))
    };
    assert!(matches!(quarantined(Duration::ZERO, SECOND), SpecError::BadBackoff { .. }));
    let bad = quarantined(2 * SECOND, SECOND);
    assert!(matches!(bad, SpecError::BadBackoff { .. }));
    assert!(name(bad).ends_with("but the first wait is 2s and the maximum 1s"));
    let restore = refused(|root| drop(root.supervisor(Supervisor::one_for_one("sub").restore_after(SECOND, SECOND))));
    assert_eq!(restore, SpecError::RestoreWithoutDegrade { supervisor: "root/sub".into() });
    let root = refused_root(Supervisor::one_for_one("root").quarantine());
    assert_eq!(root, SpecError::DegradedRoot { supervisor: "root".into() });
    let degraded = refused(|root| {
        let fallback = Supervisor::one_for_one("fallback").quarantine();
        root.supervisor(Supervisor::one_for_one("sub").degrade_to(fallback));
    });
    assert_eq!(degraded, SpecError::DegradedFallback { supervisor: "root/sub/fallback".into() });
    let clash = refused(|root| {
        let mut sub = Supervisor::one_for_one("sub");
        sub.add(spec("a"));
        root.supervisor(sub.degrade_to(Supervisor::one_for_one("a")));
    });
    assert!(name(clash).contains("two children are named \"a\""));
}

#[test]
fn messages_sent_before_the_start_are_handled_after_it() {
    on_both(async || {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root");
        let later = root.declare::<Scripted>("later");
        let early = later.address();
        early.tell(Say::Note("early")).expect("it waits");
        assert_eq!(early.path(), "later");
        root.add(spec("first"));
        root.add(later.with(journal.script("later")));
        let _tree = root.start().await.expect("it starts");
        assert_eq!(ask(&early).await, 1);
        assert_eq!(early.path(), "root/later");
        assert_eq!(journal.take(), ["later#1 start", "later#1 says early"]);
    });
}

/// Beyond OTP's suite (k): the whole tree, with what hangs at an await point. Beyond OTP's suite (j).
#[test]
fn dropping_a_tree_ends_everything_in_it() {
    on_both(async || {
        let journal = Journal::new();
        let mut sub = Supervisor::one_for_one("sub");
        let c = sub.add(child::<Scripted>("c", journal.script("c")));
        let mut root = Supervisor::one_for_one("root");
        let a = root.add(child::<Scripted>("a", journal.script("a")));
        let template = journal.clone();
        let pool = root.dynamic("pool", move |()| child::<Scripted>("d", template.script("d")));
        root.supervisor(sub);
        let events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        let d = pool.start(()).await.expect("it starts");
        a.tell(Step::Hang.into()).expect("it is told");
        drop(tree);
        let lines = events.rest().await;
        for child in ["root/a#1", "root/pool/d#1", "root/sub/c#1"] {
            assert!(lines.contains(&format!("{child} stopped killed")), "{lines:#?}");
        }
        for line in ["a#1 drop", "c#1 drop", "d#1 drop"] {
            journal.wait_for(line).await;
        }
        for address in [&a, &c, &d] {
            assert!(matches!(address.call(Say::Ask, PATIENCE).await, Err(CallError::Gone(_))));
        }
        assert!(matches!(pool.start(()).await, Err(AdminError::Stopping { .. })));
    });
}

#[test]
fn dropping_a_start_half_way_ends_what_has_started() {
    on_both(async || {
        let journal = Journal::new();
        let gate = Gate::new();
        let mut root = Supervisor::one_for_one("root");
        let a = root.add(child::<Scripted>("a", journal.script("a")));
        root.add(child::<Scripted>("b", journal.script("b").init([Step::Pass(gate.clone())])));
        root.add(child::<Scripted>("c", journal.script("c")));
        tokio::select! {
            _ = root.start() => panic!("b does not start"),
            () = gate.reached(1) => {}
        }
        journal.wait_for("a#1 drop").await;
        assert!(matches!(a.call(Say::Ask, PATIENCE).await, Err(CallError::Gone(_))));
        gate.open();
        assert_eq!(journal.take(), ["a#1 start", "b#1 start", "a#1 drop"]);
    });
}

#[test]
fn a_child_may_run_on_another_runtime() {
    let other =
        Builder::new_multi_thread().worker_threads(1).thread_name("other").enable_all().build().expect("a runtime");
    let on = other.handle().clone();
    real_time(async move {
        let journal = Journal::new();
        let mut root = Supervisor::rest_for_one("root").intensity(5, SECOND);
        let a = root.add(child::<Scripted>("a", journal.script("a")).on(on.clone()));
        let mut sub = Supervisor::one_for_one("sub").on(on);
        let b = sub.add(child::<Scripted>("b", journal.script("b")));
        root.supervisor(sub);
        let tree = root.start().await.expect("it starts");
        for incarnation in 2..5 {
            a.tell(Step::Panic.into()).expect("it is told");
            assert_eq!((ask(&a).await, ask(&b).await), (incarnation, incarnation));
        }
        tree.shutdown().await;
    });
    other.shutdown_background();
}

#[test]
fn a_tree_on_a_virtual_clock_survives_a_child_with_the_real_one() {
    let other = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let on = other.handle().clone();
    virtual_time(async move {
        let mut root = Supervisor::one_for_one("root").intensity(5, SECOND);
        let a = root.add(spec("a").on(on));
        let b = root.add(spec("b"));
        // While another thread is at work the virtual clock must not jump: nothing here is idle.
        let start = tokio::spawn(root.start());
        while !start.is_finished() {
            tokio::task::yield_now().await;
        }
        let tree = start.await.expect("no panic").expect("it starts");
        tokio::time::advance(Duration::from_secs(3600)).await;
        b.tell(Step::Error.into()).expect("it is told");
        assert_eq!(ask(&b).await, 2);
        // Its thread's clock is an hour behind.
        a.tell(Step::Error.into()).expect("it is told");
        let up = |node: &tembusu::NodeSnapshot| node.incarnation == 2 && node.state == State::Running;
        while !tree.handle().snapshot().find("root/a").is_some_and(up) {
            tokio::task::yield_now().await;
        }
    });
    other.shutdown_background();
}

#[test]
fn a_child_whose_runtime_is_gone_has_failed_at_once() {
    virtual_time(async {
        let gone = Builder::new_current_thread().build().expect("a runtime");
        let on = gone.handle().clone();
        std::thread::spawn(move || drop(gone)).join().expect("no panic");
        let mut root = Supervisor::one_for_one("root");
        root.add(spec("a").on(on));
        let begun = Instant::now();
        let Err(StartError::Failed { path, reason }) = root.start().await else { panic!("it cannot start") };
        assert_eq!((&*path, reason.label()), ("root/a", "killed"));
        assert!(begun.elapsed().is_zero(), "nothing was waited for");
    });
}

#[test]
fn a_tree_ends_when_the_runtime_of_a_child_is_gone_however_many_restarts_are_granted() {
    for own in [false, true] {
        let other = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let on = other.handle().clone();
        let journal = Journal::new();
        let build = move |here: bool| {
            let mut root = Supervisor::one_for_one("root").intensity(10_000, SECOND * 3600);
            let mut sub = Supervisor::one_for_all("sub").intensity(10_000, SECOND * 3600);
            let a = child::<Scripted>("a", journal.script("a"));
            sub.add(if here { a } else { a.on(on) });
            root.supervisor(sub);
            root.add(spec("b"));
            root
        };
        let tree = if own {
            let tree = other.block_on(build(true).start()).expect("it starts");
            drop(other);
            real_time(async move { tree.wait().await })
        } else {
            real_time(async move {
                let tree = build(false).start().await.expect("it starts");
                std::thread::spawn(move || drop(other)).join().expect("no panic");
                tree.wait().await
            })
        };
        let ExitReason::FailedToStart(failure) = tree else { panic!("{tree:?}") };
        assert_eq!(failure.root_cause().1.label(), "killed");
    }
}

#[test]
fn a_runtime_that_is_dropped_under_a_child_is_a_death_and_callers_are_told() {
    let other = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let on = other.handle().clone();
    real_time(async move {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(2, SECOND);
        let mut sub = Supervisor::one_for_one("sub").intensity(0, SECOND).restart(Restart::Temporary);
        // Its state panics when it is dropped, even there.
        let script = journal.script("a").drop([Step::Panic]);
        let a = sub.add(child::<Scripted>("a", script).on(on));
        root.supervisor(sub);
        let b = root.add(spec("b"));
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        let drop_it = async {
            while !a.is_empty() {
                tokio::task::yield_now().await;
            }
            std::thread::spawn(move || drop(other)).join().expect("no panic");
        };
        let (kept, in_hand, ()) = tokio::join!(
            biased;
            a.call(Say::Keep, PATIENCE),
            a.call(|reply| Say::Lose(Step::Hang, reply), PATIENCE),
            drop_it
        );
        events.wait_for_line("root/sub#1 escalated by root/sub/a").await;
        for lost in [kept, in_hand] {
            assert!(matches!(lost, Err(CallError::Died(ExitReason::Killed))), "{lost:?}");
        }
        journal.wait_for("a#1 drop").await;
        assert_eq!(ask(&b).await, 1);
        tree.shutdown().await;
    });
}

#[test]
fn operators_get_the_answers_of_otp() {
    on_both(async || {
        let mut root = Supervisor::one_for_one("root").intensity(5, SECOND);
        let a = root.add(spec("a"));
        let handle = root.handle();
        assert!(matches!(
            handle.terminate_child("a").await,
            Err(AdminError::NotFound { .. } | AdminError::Stopping { .. })
        ));
        assert_eq!(handle.snapshot().state, State::Waiting);
        let tree = root.start().await.expect("it starts");
        assert!(matches!(handle.restart_child("a").await, Err(AdminError::Running { .. })));
        assert!(matches!(handle.delete_child("a").await, Err(AdminError::Running { .. })));
        assert!(matches!(handle.start_child(spec("a")).await, Err(AdminError::AlreadyStarted { .. })));
        let who = handle.terminate_child("nobody").await.expect_err("there is none");
        assert_eq!(who.to_string(), "root/nobody: there is no such child");
        let b = handle.start_child(spec("b")).await.expect("it starts");
        assert_eq!(ask(&b).await, 1);
        let bad = child::<Scripted>("c", Journal::new().script("c").init([Step::Error]));
        assert!(matches!(handle.start_child(bad).await, Err(AdminError::Failed { .. })));
        assert_eq!(handle.snapshot().children.len(), 2, "it is forgotten");
        assert!(matches!(handle.start_child(spec("x/y")).await, Err(AdminError::Spec(SpecError::BadName { .. }))));
        let mut nested = Supervisor::one_for_one("nested");
        let inner = nested.add(spec("inner"));
        let nested = handle.start_child(nested).await.expect("it starts");
        let mut events = EventRecorder::of(&nested);
        inner.tell(Step::Error.into()).expect("it is told");
        events.wait_for_line("root/nested/inner#2 restarted").await;
        assert_eq!(handle.find("root/nested").expect("it is there").path(), nested.path());
        handle.terminate_child("a").await.expect("it is terminated");
        handle.terminate_child("a").await.expect("twice is no error");
        assert!(a.tell(Say::Note("x")).is_err());
        handle.restart_child("a").await.expect("it is restarted");
        assert_eq!(ask(&a).await, 2);
        assert!(matches!(tree.shutdown().await, ExitReason::Shutdown));
        assert!(matches!(handle.restart_child("a").await, Err(AdminError::Stopping { .. })));
    });
}

#[test]
fn the_name_of_a_temporary_child_that_has_ended_can_be_given_again_until_its_supervisor_is_restarted() {
    on_both(|| async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root");
        let mut sub = Supervisor::one_for_one("sub").intensity(0, SECOND);
        let first = sub.add(child::<Scripted>("a", journal.script("first")).restart(Restart::Temporary));
        let sub = root.supervisor(sub);
        let mut events = EventRecorder::of(&root.handle());
        let tree = root.start().await.expect("it starts");
        first.tell(Step::Error.into()).expect("it is told");
        events.wait_for_line("root/sub/a#1 crashed error").await;
        let again = || child::<Scripted>("a", journal.script("second"));
        let second = sub.start_child(again()).await.expect("the name is free");
        assert!(matches!(sub.start_child(again()).await, Err(AdminError::AlreadyStarted { .. })));
        second.tell(Step::Error.into()).expect("it is told");
        events.wait_for_line("root/sub/a#2 started").await;
        assert_eq!(ask(&first).await, 2, "the one of the specification is back");
        sub.terminate_child("a").await.expect("its name leads to it");
        assert!(first.tell(Say::Note("x")).is_err());
        tree.shutdown().await;
        assert!(matches!(sub.start_child(again()).await, Err(AdminError::Stopping { .. })));
    });
}

#[test]
fn crash_loops_on_many_threads_at_once_settle() {
    real_time(async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_all("root").intensity(u32::MAX, SECOND);
        let children: Vec<_> =
            ["a", "b", "c", "d", "e"].map(|name| root.add(child::<Scripted>(name, journal.script(name)))).into();
        let tree = root.start().await.expect("it starts");
        let tormentors: Vec<_> = children
            .iter()
            .cloned()
            .map(|address| {
                tokio::spawn(async move {
                    for step in [Step::Panic, Step::Error, Step::Stop].into_iter().cycle().take(60) {
                        // A full queue is fine here.
                        let _ = address.send(step.into()).await;
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        for tormentor in tormentors {
            tormentor.await.expect("no panic");
        }
        for address in &children {
            while address.call(Say::Ask, PATIENCE).await.is_err() {}
        }
        tree.shutdown().await;
        let lines = journal.take();
        let count = |what: &str| lines.iter().filter(|line| line.ends_with(what)).count();
        assert_eq!(count(" start"), count(" drop"), "every state that was made was dropped");
    });
}

/// An argument that notices when it is dropped, and holds a handle to its own tree.
struct Held {
    _root: tembusu::SupervisorRef,
    _dropped: std::sync::Arc<()>,
}

struct Holder;

impl tembusu::Actor for Holder {
    type Message = ();
    type Args = Held;
    type Crash = std::convert::Infallible;

    async fn init(_: &Held, _: &mut tembusu::Context<Self>) -> Result<tembusu::Init<Self>, Self::Crash> {
        Ok(tembusu::Init::Ready(Self))
    }

    async fn handle(&mut self, (): (), _: &mut tembusu::Context<Self>) -> Result<tembusu::Flow, Self::Crash> {
        Ok(tembusu::Flow::Continue)
    }
}

#[tokio::test]
async fn a_tree_that_has_ended_lets_go_of_its_arguments_also_of_those_that_hold_the_tree() {
    let counted = std::sync::Arc::new(());
    let mut root = tembusu::Supervisor::one_for_one("root");
    let handle = root.handle();
    let mut inner = tembusu::Supervisor::one_for_one("inner");
    inner.add(tembusu::child::<Holder>("holder", Held { _root: handle, _dropped: std::sync::Arc::clone(&counted) }));
    root.supervisor(inner);
    let tree = root.start().await.expect("the tree starts");
    assert_eq!(std::sync::Arc::strong_count(&counted), 2);
    tree.shutdown().await;
    // The task that ran the child may still be returning on another thread; here there is one thread.
    tokio::task::yield_now().await;
    assert_eq!(std::sync::Arc::strong_count(&counted), 1, "nothing of the tree is left");
}
