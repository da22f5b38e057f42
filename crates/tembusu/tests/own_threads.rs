//! Children on threads of their own: they may block, and end in order without leaving a thread behind.
#![allow(dead_code)]

mod probe;

use std::time::Duration;

use probe::{Do, End, Probe, Setup, run, settle};
use tembusu::{Address, ExitReason, Supervisor, Tree, child};
use tembusu_testkit::{Gate, Journal, PATIENCE, real_time};

const SECOND: Duration = Duration::from_secs(1);

/// On one thread and the real clock: who blocks it blocks everybody.
fn one_thread<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test)
}

async fn world(name: &'static str) -> (Address<Do>, Address<Do>, Tree, Journal) {
    let journal = Journal::new();
    let mut root = Supervisor::one_for_one("root").intensity(100, SECOND);
    let blocking = child::<Probe>(name, Setup::new(name, &journal)).on_own_thread().brutal_kill();
    let blocking = root.add(blocking);
    let other = root.add(child::<Probe>("other", Setup::new("other", &journal)));
    (blocking, other, root.start().await.expect("it starts"), journal)
}

fn thread() -> (std::thread::ThreadId, String) {
    let thread = std::thread::current();
    (thread.id(), thread.name().unwrap_or_default().to_owned())
}

#[test]
fn a_handler_that_blocks_holds_up_nobody_else() {
    one_thread(async {
        let (blocking, other, tree, journal) = world("blocks").await;
        assert_eq!(run(&blocking, |_| thread()).await.1, "root/blocks");
        let gate = Gate::new();
        let closed = gate.clone();
        blocking.tell(Do::Run(Box::new(move |_| closed.block()))).expect("it is told");
        gate.reached(1).await;
        assert_eq!(settle(&other).await, 1);
        gate.open();
        // Timers and other awaits are driven by the runtime, and what no worker may do is allowed.
        run(&blocking, |cx| cx.after(Duration::from_millis(1), Do::Note("timer".into()))).await;
        journal.wait_for("blocks#1 timer").await;
        let asked = other.clone();
        let answer = run(&blocking, move |_| {
            tokio::runtime::Handle::current().block_on(async move { asked.call(Do::Ask, PATIENCE).await.ok() })
        });
        assert_eq!(answer.await, Some(1));
        tree.shutdown().await;
    });
}

#[test]
fn a_restart_keeps_the_queue_the_address_and_the_thread() {
    real_time(async {
        let (blocking, other, tree, journal) = world("again").await;
        let first = run(&blocking, |_| thread()).await;
        let gate = Gate::new();
        blocking.tell(Do::Pass(gate.clone())).expect("it is told");
        gate.reached(1).await;
        for end in [End::Error, End::Panic] {
            blocking.tell(Do::End(end)).expect("it is told");
        }
        blocking.tell(Do::Note("waited".into())).expect("it is told");
        gate.open();
        journal.wait_for("again#3 waited").await;
        assert_eq!(run(&blocking, |_| thread()).await, first);
        // A link ends it where it waits.
        let (linked, gate) = (other.clone(), Gate::new());
        run(&blocking, move |cx| cx.link(&linked)).await;
        blocking.tell(Do::Pass(gate.clone())).expect("it is told");
        gate.reached(1).await;
        let ended = blocking.ended();
        other.tell(Do::End(End::Error)).expect("it is told");
        assert!(matches!(ended.await.reason, ExitReason::Linked(_)));
        assert_eq!(settle(&blocking).await, 4);
        tree.shutdown().await;
    });
}

#[test]
fn the_watchdog_does_not_look_at_it_after_a_restart_in_place_either() {
    real_time(async {
        const HEARTBEAT: Duration = Duration::from_millis(5);
        let journal = Journal::new();
        let mut root = Supervisor::one_for_one("root").intensity(100, SECOND).heartbeat(HEARTBEAT);
        let blocking = root.add(child::<Probe>("slow", Setup::new("slow", &journal)).on_own_thread());
        let tree = root.start().await.expect("it starts");
        let ended = blocking.ended();
        blocking.tell(Do::End(End::Error)).expect("it is told");
        ended.await;
        // It blocks for far longer than a poll that is watched may take.
        let incarnation = run(&blocking, |cx| {
            std::thread::sleep(30 * HEARTBEAT);
            cx.incarnation()
        });
        assert_eq!(incarnation.await, 2);
        assert_eq!((settle(&blocking).await, tree.handle().leaked()), (2, 0));
        tree.shutdown().await;
    });
}

#[test]
fn one_that_does_not_come_back_is_counted_and_replaced() {
    real_time(async {
        let (blocking, _, tree, journal) = world("stuck").await;
        let first = run(&blocking, |_| thread()).await;
        let (gate, done) = (Gate::new(), journal.clone());
        let closed = gate.clone();
        let stuck = Do::Run(Box::new(move |cx| {
            closed.block();
            done.note(format!("back in {}", cx.incarnation()));
        }));
        blocking.tell(stuck).expect("it is told");
        gate.reached(1).await;
        let root = tree.handle();
        root.terminate_child("stuck").await.expect("its slot is taken away");
        assert_eq!(root.leaked(), 1);
        root.restart_child("stuck").await.expect("it starts");
        assert_ne!(run(&blocking, |_| thread()).await.0, first.0);
        gate.open();
        journal.wait_for("back in 1").await;
        assert_eq!(settle(&blocking).await, 2);
        tree.shutdown().await;
    });
}

#[cfg(target_os = "linux")]
#[test]
fn no_thread_is_left_after_an_orderly_end() {
    fn threads() -> usize {
        let tasks = std::fs::read_dir("/proc/self/task").expect("Linux has it");
        let name =
            |task: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(task.ok()?.path().join("comm")).ok();
        tasks.filter_map(name).filter(|name| name.starts_with("root/orderly")).count()
    }
    one_thread(async {
        for _ in 0..20 {
            let (blocking, _, tree, _) = world("orderly").await;
            settle(&blocking).await;
            assert_eq!(threads(), 1);
            tree.shutdown().await;
            let patience = std::time::Instant::now() + PATIENCE;
            // It has reported its end and is returning.
            while threads() > 0 {
                assert!(std::time::Instant::now() < patience, "a thread is left");
                std::thread::yield_now();
            }
        }
    });
}
