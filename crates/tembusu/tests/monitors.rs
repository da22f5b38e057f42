//! Monitors: told once, for one incarnation, without room in the queue; nothing is left of them.
#![allow(dead_code)]

mod probe;

use std::sync::Arc;
use std::time::Duration;

use probe::{Do, End, Probe, Setup, run, settle};
use tembusu::{Address, ExitReason, Restart, Supervisor, Tree, child};
use tembusu_testkit::{Gate, Journal, on_both, real_time, virtual_time};

const SECOND: Duration = Duration::from_secs(1);

struct World {
    watcher: Address<Do>,
    target: Address<Do>,
    journal: Journal,
    tree: Tree,
}

async fn world() -> World {
    let journal = Journal::new();
    let mut root = Supervisor::one_for_one("root").intensity(100, SECOND);
    let target = root.add(child::<Probe>("target", Setup::new("target", &journal)));
    let watcher = root.add(child::<Probe>("watcher", Setup::new("watcher", &journal)).mailbox(1));
    World { watcher, target, journal, tree: root.start().await.expect("it starts") }
}

impl World {
    async fn end(&self, end: End) {
        let ended = self.target.ended();
        self.target.tell(Do::End(end)).expect("it is told");
        ended.await;
    }
}

#[test]
fn a_monitor_fires_once_with_the_reason_and_only_for_its_incarnation() {
    on_both(async || {
        let world = world().await;
        for (n, (end, reason)) in
            [(End::Error, "error"), (End::Panic, "panic"), (End::Normal, "normal")].into_iter().enumerate()
        {
            assert_eq!(settle(&world.target).await, n as u64 + 1);
            let target = world.target.clone();
            run(&world.watcher, move |cx| cx.monitor(&target, Do::Down)).await;
            world.end(end).await;
            let line = format!("watcher#1 down root/target#{} {reason}", n + 1);
            world.journal.wait_for(&line).await;
            assert_eq!(settle(&world.target).await, n as u64 + 2);
        }
        world.end(End::Error).await;
        settle(&world.target).await;
        settle(&world.watcher).await;
        let downs = world.journal.take().iter().filter(|line| line.contains(" down ")).count();
        assert_eq!(downs, 3, "nobody monitored the fourth");
    });
}

#[test]
fn a_notice_needs_no_room_and_waits_for_no_message() {
    on_both(async || {
        let world = world().await;
        let target = world.target.clone();
        run(&world.watcher, move |cx| {
            for _ in 0..100 {
                cx.monitor(&target, Do::Down);
            }
        })
        .await;
        let gate = Gate::new();
        world.watcher.tell(Do::Pass(gate.clone())).expect("it is told");
        gate.reached(1).await;
        world.watcher.tell(Do::Note("queued".into())).expect("the only place");
        world.end(End::Error).await;
        gate.open();
        world.journal.wait_for("watcher#1 queued").await;
        // Each of these has its turn after 32 more notices at the latest.
        for _ in 0..4 {
            settle(&world.watcher).await;
        }
        let lines = world.journal.take();
        assert_eq!(lines.len(), 101);
        assert_eq!(lines[0], "watcher#1 down root/target#1 error");
        assert_eq!(lines.iter().position(|line| line.ends_with("queued")), Some(32), "one message in between");
    });
}

#[test]
fn monitoring_what_does_not_run_is_told_at_once() {
    virtual_time(async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root");
        let later = root.declare::<Probe>("later");
        let address = later.address();
        let early = {
            let address = address.clone();
            Setup::new("early", &journal).init(move |cx| {
                cx.monitor(&address, Do::Down);
            })
        };
        root.add(child::<Probe>("early", early));
        root.add(later.with(Setup::new("later", &journal)).restart(Restart::Temporary));
        assert!(matches!(address.ended().await.reason, ExitReason::NotRunning));
        let tree = root.start().await.expect("it starts");
        journal.wait_for("early#1 down root/later#0 not_running").await;
        let ended = address.ended();
        tree.handle().terminate_child("later").await.expect("it is terminated");
        assert!(matches!(ended.await.reason, ExitReason::Shutdown));
        assert!(matches!(address.ended().await.reason, ExitReason::NotRunning));
    });
}

#[test]
fn a_monitor_that_is_taken_back_is_silent_also_when_its_notice_waits() {
    real_time(async {
        let world = world().await;
        let target = world.target.clone();
        run(&world.watcher, move |cx| {
            let id = cx.monitor(&target, Do::Down);
            assert!(cx.demonitor(id));
            assert!(!cx.demonitor(id), "it was taken back before");
        })
        .await;
        let gate = Gate::new();
        let (target, closed) = (world.target.clone(), gate.clone());
        let blocked = Do::Run(Box::new(move |cx| {
            let id = cx.monitor(&target, Do::Down);
            closed.block();
            assert!(cx.demonitor(id), "it has not come yet");
        }));
        world.watcher.tell(blocked).expect("it is told");
        gate.reached(1).await;
        // Asked for after the monitor was set, and so told after it.
        world.end(End::Error).await;
        gate.open();
        assert_eq!(settle(&world.watcher).await, 1);
        assert!(world.journal.take().is_empty());
    });
}

#[test]
fn what_a_watcher_has_set_ends_with_it() {
    virtual_time(async {
        let world = world().await;
        let held = Arc::new(());
        let weak = Arc::downgrade(&held);
        let target = world.target.clone();
        run(&world.watcher, move |cx| {
            cx.monitor(&target, move |down| {
                drop(held);
                Do::Down(down)
            });
        })
        .await;
        assert!(weak.upgrade().is_some());
        let ended = world.watcher.ended();
        world.watcher.tell(Do::End(End::Error)).expect("it is told");
        ended.await;
        assert_eq!(settle(&world.watcher).await, 2);
        assert!(weak.upgrade().is_none(), "the closure went with the incarnation");
        world.end(End::Error).await;
        settle(&world.watcher).await;
        assert!(world.journal.take().is_empty(), "the second incarnation monitors nobody");
    });
}

#[test]
fn many_watchers_from_many_threads_are_each_told_once() {
    real_time(async {
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(1_000, SECOND);
        let target = root.add(child::<Probe>("target", Setup::new("target", &journal)));
        let watchers: Vec<_> =
            (0..16).map(|n| root.add(child::<Probe>(format!("w{n}"), Setup::new("w", &journal)).mailbox(4))).collect();
        let _tree = root.start().await.expect("it starts");
        const ROUNDS: u64 = 50;
        let told = Arc::new(std::sync::atomic::AtomicU64::new(0));
        for round in 1..=ROUNDS {
            let set = watchers.iter().map(|watcher| {
                let (watcher, target, told) = (watcher.clone(), target.clone(), Arc::clone(&told));
                tokio::spawn(async move {
                    run(&watcher, move |cx| {
                        cx.monitor(&target, move |_| {
                            told.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            Do::Note(String::new())
                        });
                    })
                    .await;
                })
            });
            for set in set.collect::<Vec<_>>() {
                set.await.expect("no panic");
            }
            let ended = target.ended();
            target.tell(Do::End(End::Error)).expect("it is told");
            ended.await;
            for watcher in &watchers {
                // A notice may still be on its way: every watcher has handled what came before this answer.
                settle(watcher).await;
            }
            let all = round * watchers.len() as u64;
            while told.load(std::sync::atomic::Ordering::Relaxed) < all {
                tokio::task::yield_now().await;
            }
            settle(&target).await;
        }
        assert_eq!(told.load(std::sync::atomic::Ordering::Relaxed), ROUNDS * watchers.len() as u64);
    });
}

#[test]
fn closed_waits_for_the_end_of_everything_and_not_for_a_restart() {
    on_both(async || {
        let world = world().await;
        let target = world.target.clone();
        let closed = tokio::spawn(async move { target.closed().await });
        world.end(End::Error).await;
        assert_eq!(settle(&world.target).await, 2);
        world.tree.handle().terminate_child("target").await.expect("it is terminated");
        assert!(!closed.is_finished(), "it could be restarted");
        world.tree.handle().delete_child("target").await.expect("it is deleted");
        closed.await.expect("no panic");
        world.target.closed().await;
        world.tree.shutdown().await;
        world.watcher.closed().await;
    });
}
