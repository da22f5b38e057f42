//! Monitors on supervisors: told once, for one run, with the reason that its parent is told.
#![allow(dead_code)]

mod probe;

use std::sync::Arc;
use std::time::Duration;

use probe::{Do, End, Probe, Setup, run, settle};
use tembusu::{Address, AutoShutdown, ExitReason, Restart, State, Supervisor, SupervisorRef, Tree, child};
use tembusu_testkit::{Gate, Journal, Scripted, Step, on_both, real_time, virtual_time};

const SECOND: Duration = Duration::from_secs(1);

struct World {
    watcher: Address<Do>,
    worker: Address<Do>,
    sub: SupervisorRef,
    journal: Journal,
    tree: Tree,
}

/// `root/sub` grants no restart.
async fn world() -> World {
    let journal = Journal::new();
    let mut sub = Supervisor::one_for_one("sub").intensity(0, SECOND).restart(Restart::Permanent);
    let worker = sub.add(child::<Probe>("worker", Setup::new("worker", &journal)));
    let mut root = Supervisor::one_for_one("root").intensity(100, SECOND);
    let sub = root.supervisor(sub);
    let watcher = root.add(child::<Probe>("watcher", Setup::new("watcher", &journal)).mailbox(1));
    World { watcher, worker, sub, journal, tree: root.start().await.expect("it starts") }
}

impl World {
    async fn watch(&self) {
        let sub = self.sub.clone();
        run(&self.watcher, move |cx| cx.monitor(&sub, Do::Down)).await;
    }
}

#[test]
fn a_monitor_fires_once_with_the_report_and_only_for_its_run() {
    on_both(async || {
        let world = world().await;
        for n in 1..=3 {
            assert_eq!(settle(&world.worker).await, n);
            world.watch().await;
            let ended = world.sub.ended();
            world.worker.tell(Do::End(End::Error)).expect("it is told");
            let down = ended.await;
            assert_eq!((&*down.path, down.incarnation), ("root/sub", n));
            let ExitReason::Exhausted(report) = down.reason else { panic!("{}", down.reason) };
            assert_eq!(&**report.root_cause().0, "root/sub/worker");
            world.journal.wait_for(&format!("watcher#1 down root/sub#{n} exhausted")).await;
        }
        assert_eq!(settle(&world.worker).await, 4);
        world.worker.tell(Do::End(End::Error)).expect("it is told");
        assert_eq!(settle(&world.worker).await, 5);
        settle(&world.watcher).await;
        let downs = world.journal.take().iter().filter(|line| line.contains(" down ")).count();
        assert_eq!(downs, 3, "nobody monitored the fourth");
    });
}

#[test]
fn the_reason_is_the_one_that_the_parent_is_told() {
    virtual_time(async {
        let world = world().await;
        let root = world.tree.handle();
        world.watch().await;
        let ended = world.sub.ended();
        world.sub.stop().await.expect("it is stopped");
        assert!(matches!(ended.await.reason, ExitReason::Normal));
        world.journal.wait_for("watcher#1 down root/sub#1 normal").await;
        assert_eq!(settle(&world.worker).await, 2, "it is permanent");
        world.watch().await;
        let ended = world.sub.ended();
        root.terminate_child("sub").await.expect("it is terminated");
        assert!(matches!(ended.await.reason, ExitReason::Shutdown));
        world.journal.wait_for("watcher#1 down root/sub#2 shutdown").await;
        let ended = root.ended();
        drop(world.tree);
        let down = ended.await;
        assert_eq!((&*down.path, down.incarnation, down.reason.label()), ("root", 1, "killed"));
    });
}

#[test]
fn the_end_of_a_significant_child_and_a_start_that_fails_are_told() {
    virtual_time(async {
        let journal = Journal::new();
        let script = journal.script("leaf");
        let mut sub = Supervisor::one_for_one("sub").auto_shutdown(AutoShutdown::AnySignificant);
        let leaf = sub.add(child::<Scripted>("leaf", script.clone()).restart(Restart::Transient).significant());
        let mut root = Supervisor::one_for_one("root").intensity(3, SECOND);
        let sub = root.supervisor(sub);
        let _tree = root.start().await.expect("it starts");
        let ended = sub.ended();
        script.next_inits([Step::Late(SECOND, Box::new(Step::Error))]);
        leaf.tell(Step::Stop.into()).expect("it is told");
        assert!(matches!(ended.await.reason, ExitReason::Shutdown));
        // The next run has begun, and does not get over its first start.
        let ended = sub.ended();
        let down = ended.await;
        assert_eq!(down.incarnation, 2);
        let ExitReason::FailedToStart(failure) = down.reason else { panic!("{}", down.reason) };
        assert_eq!(&*failure.child, "root/sub/leaf");
    });
}

#[test]
fn a_supervisor_that_is_starting_is_monitored_and_one_that_does_not_run_is_not() {
    real_time(async {
        let (journal, gate) = (Journal::new(), Gate::new());
        let mut sub = Supervisor::one_for_one("sub").restart(Restart::Temporary);
        let waits = gate.clone();
        sub.add(child::<Probe>("slow", Setup::new("slow", &journal).init(move |_| waits.block())));
        let sub_ref = sub.handle();
        assert!(matches!(sub_ref.ended().await.reason, ExitReason::NotRunning));
        let mut root = Supervisor::one_for_one("root");
        root.supervisor(sub);
        let starts = tokio::spawn(root.start());
        gate.reached(1).await;
        let ended = sub_ref.ended();
        gate.open();
        let tree = starts.await.expect("no panic").expect("it starts");
        tree.handle().terminate_child("sub").await.expect("it is terminated");
        assert_eq!(ended.await.incarnation, 1);
        let down = sub_ref.ended().await;
        assert_eq!((&*down.path, down.incarnation, down.reason.label()), ("root/sub", 0, "not_running"));
    });
}

#[test]
fn in_degraded_mode_the_fallback_is_what_runs() {
    virtual_time(async {
        let journal = Journal::new();
        let mut sub = Supervisor::one_for_one("sub").intensity(0, SECOND);
        let worker = sub.add(child::<Probe>("worker", Setup::new("worker", &journal)));
        let mut root = Supervisor::one_for_one("root");
        let sub = root.supervisor(sub.degrade_to(Supervisor::one_for_one("instead")));
        let tree = root.start().await.expect("it starts");
        let ended = sub.ended();
        worker.tell(Do::End(End::Panic)).expect("it is told");
        assert!(matches!(ended.await.reason, ExitReason::Exhausted(_)));
        while sub.snapshot().state != State::Degraded {
            tokio::task::yield_now().await;
        }
        assert!(matches!(sub.ended().await.reason, ExitReason::NotRunning));
        let children = tree.handle().find("root/sub/instead").or_else(|| tree.handle().find("root/instead"));
        let ended = children.expect("the fallback is found").ended();
        sub.restore().await.expect("it is restored");
        assert!(matches!(ended.await.reason, ExitReason::Shutdown));
        let again = sub.ended();
        worker.tell(Do::End(End::Panic)).expect("it is told");
        assert_eq!(again.await.reason.label(), "exhausted");
    });
}

#[test]
fn a_monitor_that_is_taken_back_or_whose_watcher_has_ended_is_silent() {
    virtual_time(async {
        let world = world().await;
        let held = Arc::new(());
        let weak = Arc::downgrade(&held);
        let sub = world.sub.clone();
        run(&world.watcher, move |cx| {
            let id = cx.monitor(&sub, Do::Down);
            assert!(cx.demonitor(id));
            assert!(!cx.demonitor(id), "it was taken back before");
            cx.monitor(&sub, move |down| {
                drop(held);
                Do::Down(down)
            });
        })
        .await;
        drop(world.sub.ended());
        assert!(weak.upgrade().is_some());
        let ended = world.watcher.ended();
        world.watcher.tell(Do::End(End::Error)).expect("it is told");
        ended.await;
        assert_eq!(settle(&world.watcher).await, 2);
        assert!(weak.upgrade().is_none(), "the closure went with the incarnation");
        let ended = world.sub.ended();
        world.worker.tell(Do::End(End::Error)).expect("it is told");
        ended.await;
        assert_eq!(settle(&world.worker).await, 2);
        settle(&world.watcher).await;
        let lines = world.journal.take();
        assert!(!lines.iter().any(|line| line.contains(" down ")), "{lines:?}");
    });
}
