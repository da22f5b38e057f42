//! A supervisor needs no thread but the one that brings it what has happened.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tembusu::{EventKind, Supervisor, child};
use tembusu_testkit::{EventRecorder, Journal, Scripted, Step, ask};
use tokio::runtime::Builder;

const SECOND: Duration = Duration::from_secs(1);
const ESCALATIONS: u64 = 20;

/// How many threads the runtime makes while `test` runs on it.
fn threads_made(mut runtime: Builder, test: impl AsyncFnOnce()) -> usize {
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    let count = move || {
        counter.fetch_add(1, Ordering::SeqCst);
    };
    let runtime = runtime.on_thread_start(count).enable_all().build().expect("a runtime");
    runtime.block_on(test());
    // Its threads have all begun when it is gone.
    drop(runtime);
    made.load(Ordering::SeqCst)
}

/// Each second crash is one too many for the supervisor, whose errors and reports are let go of by its parent.
async fn escalates() {
    let journal = Journal::new();
    let mut bottom = Supervisor::one_for_one("bottom").intensity(1, 60 * SECOND);
    let leaf = bottom.add(child::<Scripted>("leaf", journal.script("leaf")));
    let mut middle = Supervisor::one_for_all("middle").intensity(1, 60 * SECOND);
    middle.supervisor(bottom);
    middle.add(child::<Scripted>("other", journal.script("other")));
    let mut root = Supervisor::rest_for_one("root").intensity(100, 60 * SECOND);
    root.supervisor(middle);
    let mut events = EventRecorder::of(&root.handle());
    let tree = root.start().await.expect("it starts");
    for n in 0..ESCALATIONS {
        for step in [Step::Error, Step::Panic] {
            leaf.tell(step.into()).expect("it is told");
        }
        events.wait_for(|event| matches!(event.kind, EventKind::Escalated { .. })).await;
        assert_eq!(ask(&leaf).await, 2 * n + 3);
    }
    tree.shutdown().await;
}

#[test]
fn an_escalation_makes_no_blocking_thread() {
    assert_eq!(threads_made(Builder::new_current_thread(), escalates), 0);
    let mut one_worker = Builder::new_multi_thread();
    one_worker.worker_threads(1);
    let on_worker = async || tokio::spawn(escalates()).await.expect("no panic");
    assert_eq!(threads_made(one_worker, on_worker), 1, "its worker");
}

#[test]
fn a_blocking_thread_would_be_counted() {
    let blocks = async || tokio::task::spawn_blocking(|| ()).await.expect("no panic");
    assert_eq!(threads_made(Builder::new_current_thread(), blocks), 1);
}
