//! Supervised one-shot tasks: results, panics, cancellation, shutdown, and retries.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tembusu::{AdminError, Backoff, EventKind, ExitReason, State, Supervisor, TaskHandle, TaskSupervisor, Tasks, Tree};
use tembusu_testkit::{EventRecorder, Gate, on_both, real_time, virtual_time};
use tokio::time::Instant;

const SEC: Duration = Duration::from_secs(1);

async fn world(spec: TaskSupervisor) -> (Tasks, EventRecorder, Tree) {
    let mut root = Supervisor::one_for_one("root").intensity(1, 10 * SEC);
    let tasks = root.add_tasks(spec);
    let events = EventRecorder::of(&root.handle());
    (tasks, events, root.start().await.expect("it starts"))
}

fn plain() -> TaskSupervisor {
    TaskSupervisor::new("tasks")
}

fn count(tasks: &Tasks) -> usize {
    tasks.supervisor().snapshot().children.len()
}

/// Something whose drop can be seen.
struct Dropped(Arc<AtomicU32>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_task_gives_what_it_returned_and_is_gone() {
    on_both(async || {
        let (tasks, mut events, tree) = world(plain()).await;
        let handles: Vec<TaskHandle<u32>> = {
            let mut handles = Vec::new();
            for n in 0..50 {
                handles.push(tasks.spawn(async move { n * 2 }).await.expect("it is spawned"));
            }
            handles
        };
        assert_eq!(handles[7].path(), "root/tasks/8");
        for (n, handle) in handles.into_iter().enumerate() {
            assert_eq!(handle.await.expect("it returns"), 2 * u32::try_from(n).expect("it is small"));
        }
        events.wait_for_line("root/tasks/50#1 stopped normal").await;
        tree.shutdown().await;
    });
}

#[test]
fn a_panic_is_an_event_and_the_spawner_s_to_read_but_not_its_crash() {
    on_both(async || {
        let (tasks, mut events, tree) = world(plain().intensity(0, SEC)).await;
        let handle: TaskHandle<()> = tasks.spawn(async { panic!("boom") }).await.expect("it is spawned");
        let Err(ExitReason::Panic { message, .. }) = handle.await else { panic!("it panicked") };
        assert_eq!(&*message, "boom");
        events.wait_for_line("root/tasks/1#1 crashed panic").await;
        let handle = tasks.spawn(async { 1 }).await.expect("nobody was charged");
        assert_eq!(handle.await.expect("it returns"), 1);
        assert_eq!(tree.handle().find("root/tasks").expect("it is there").snapshot().incarnation, 1);
    });
}

#[test]
fn dropping_a_handle_lets_the_task_go_on() {
    on_both(async || {
        let (tasks, mut events, _tree) = world(plain()).await;
        let gate = Gate::new();
        let (waits, done) = (gate.clone(), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&done);
        let task = async move {
            waits.pass().await;
            counted.fetch_add(1, Ordering::SeqCst);
        };
        tasks.spawn(task).await.expect("it is spawned").detach();
        gate.reached(1).await;
        gate.open();
        events.wait_for_line("root/tasks/1#1 stopped normal").await;
        assert_eq!(done.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_cancelled_task_is_dropped_at_its_await() {
    on_both(async || {
        let (tasks, mut events, _tree) = world(plain()).await;
        let drops = Arc::new(AtomicU32::new(0));
        let hangs = |gate: Gate| {
            let dropped = Dropped(Arc::clone(&drops));
            async move {
                let _dropped = dropped;
                gate.pass().await;
            }
        };
        let gate = Gate::new();
        let handle = tasks.spawn(hangs(gate.clone())).await.expect("it is spawned");
        gate.reached(1).await;
        handle.cancel();
        assert!(matches!(handle.await, Err(ExitReason::ShutdownWith(text)) if &*text == "cancelled"));
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        let gate = Gate::new();
        let handle = tasks.spawn(hangs(gate.clone())).await.expect("it is spawned").cancel_on_drop();
        gate.reached(1).await;
        drop(handle);
        events.wait_for_line("root/tasks/2#1 stopped shutdown_with").await;
        assert_eq!(drops.load(Ordering::SeqCst), 2);
        let handle = tasks.spawn(async { 3 }).await.expect("it is spawned").cancel_on_drop();
        assert_eq!(handle.await.expect("it was not dropped"), 3);
    });
}

#[test]
fn a_wait_that_was_dropped_can_be_taken_up_again() {
    virtual_time(async {
        let (tasks, _events, _tree) = world(plain()).await;
        let task = async {
            tokio::time::sleep(5 * SEC).await;
            5
        };
        let mut handle = tasks.spawn(task).await.expect("it is spawned");
        assert!(tokio::time::timeout(SEC, &mut handle).await.is_err());
        assert_eq!((&mut handle).await.expect("it returns"), 5);
    });
}

#[test]
fn a_shutdown_waits_for_tasks_within_their_budget() {
    virtual_time(async {
        let (tasks, _events, tree) = world(plain().shutdown(3 * SEC)).await;
        let sleeps = |time: Duration| async move {
            tokio::time::sleep(time).await;
            time
        };
        let quick = tasks.spawn(sleeps(2 * SEC)).await.expect("it is spawned");
        let slow = tasks.spawn(sleeps(30 * SEC)).await.expect("it is spawned");
        tokio::time::sleep(SEC / 2).await;
        let begun = Instant::now();
        tree.shutdown().await;
        let waited = begun.elapsed();
        assert!(waited >= 3 * SEC && waited < 4 * SEC, "{waited:?}");
        assert_eq!(quick.await.expect("it had the time"), 2 * SEC);
        assert!(matches!(slow.await, Err(ExitReason::Killed)));
        assert!(matches!(tasks.spawn(async {}).await, Err(AdminError::Stopping { .. })));
    });
}

#[test]
fn a_retried_task_is_tried_until_it_returns_and_each_failure_is_charged() {
    virtual_time(async {
        let backoff = Backoff::constant(SEC);
        let (tasks, mut events, _tree) = world(plain().intensity(5, 60 * SEC).backoff(backoff)).await;
        let tries = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&tries);
        let task = move || {
            let tries = Arc::clone(&counted);
            async move {
                let n = tries.fetch_add(1, Ordering::SeqCst) + 1;
                assert!(n >= 3, "not yet");
                n
            }
        };
        let begun = Instant::now();
        let handle = tasks.spawn_retried(task).await.expect("it is spawned");
        let expected = [
            "root/tasks/1#1 crashed panic 1/5",
            "root/tasks/1#1 backing off",
            "root/tasks/1#2 restarted",
            "root/tasks/1#2 crashed panic 2/5",
            "root/tasks/1#2 backing off",
            "root/tasks/1#3 restarted",
            "root/tasks/1#3 stopped normal",
        ];
        assert_eq!(handle.await.expect("the third time it returns"), 3);
        assert!(begun.elapsed() >= 2 * SEC);
        events.wait_for_line("root/tasks/1#1 started").await;
        events.expect(&expected).await;
        assert_eq!(count(&tasks), 0);
    });
}

#[test]
fn a_retried_task_that_uses_the_intensity_up_ends_with_its_last_reason() {
    on_both(async || {
        let (tasks, mut events, _tree) = world(plain().intensity(2, 60 * SEC)).await;
        let other = tasks.spawn(std::future::pending::<()>()).await.expect("it is spawned");
        let handle: TaskHandle<()> = tasks.spawn_retried(|| async { panic!("always") }).await.expect("it is spawned");
        assert!(matches!(handle.await, Err(ExitReason::Panic { message, .. }) if &*message == "always"));
        // The other one had its budget.
        assert!(matches!(other.await, Err(ExitReason::Killed)));
        events.wait_for_line("root/tasks#2 started").await;
        assert_eq!(tasks.supervisor().snapshot().state, State::Running);
        assert_eq!(tasks.spawn(async { 1 }).await.expect("it is spawned again").await.expect("it returns"), 1);
    });
}

#[test]
fn a_retried_task_can_be_cancelled_while_it_waits() {
    virtual_time(async {
        let backoff = Backoff::constant(10 * SEC);
        let (tasks, mut events, _tree) = world(plain().intensity(1, 60 * SEC).backoff(backoff)).await;
        let handle: TaskHandle<()> = tasks.spawn_retried(|| async { panic!("always") }).await.expect("it is spawned");
        events.wait_for_line("root/tasks/1#1 backing off").await;
        let begun = Instant::now();
        handle.cancel();
        assert!(matches!(handle.await, Err(ExitReason::ShutdownWith(_))));
        assert!(begun.elapsed() < SEC);
        assert_eq!(count(&tasks), 0);
    });
}

#[test]
fn cancelling_a_task_that_has_ended_changes_nothing() {
    virtual_time(async {
        let (tasks, mut events, _tree) = world(plain()).await;
        let returned = tasks.spawn(async { 1 }).await.expect("it is spawned");
        let panicked: TaskHandle<()> = tasks.spawn(async { panic!("boom") }).await.expect("it is spawned");
        events.wait_for_line("root/tasks/2#1 crashed panic").await;
        returned.cancel();
        panicked.cancel();
        assert_eq!(returned.await.expect("it had returned"), 1);
        assert!(matches!(panicked.await, Err(ExitReason::Panic { .. })));
    });
}

#[test]
fn a_task_that_never_yields_is_given_up_and_its_handle_says_so() {
    real_time(async {
        let (tasks, mut events, _tree) = world(plain().shutdown(SEC / 10)).await;
        let gate = Gate::new();
        let blocks = gate.clone();
        let handle = tasks.spawn(async move { blocks.block() }).await.expect("it is spawned");
        gate.reached(1).await;
        handle.cancel();
        let ended = handle.await;
        assert!(matches!(ended, Err(ExitReason::Unresponsive)), "{ended:?}");
        events.wait_for_line("root/tasks/1#1 unresponsive").await;
        gate.open();
    });
}

#[test]
fn one_more_than_the_maximum_is_refused_until_another_has_ended() {
    on_both(async || {
        let (tasks, mut events, _tree) = world(plain().max_children(2)).await;
        let gate = Gate::new();
        for _ in 0..2 {
            let gate = gate.clone();
            tasks.spawn(async move { gate.pass().await }).await.expect("there is room").detach();
        }
        assert!(matches!(tasks.spawn(async {}).await, Err(AdminError::MaxChildren { .. })));
        gate.reached(2).await;
        gate.open();
        events.wait_for(|event| matches!(event.kind, EventKind::Stopped { .. })).await;
        tasks.spawn(async {}).await.expect("one has ended").await.expect("it returns");
    });
}

#[test]
fn a_factory_that_panics_fails_its_start() {
    on_both(async || {
        let (tasks, _events, _tree) = world(plain()).await;
        let never = || -> std::future::Ready<()> { panic!("no future") };
        assert!(matches!(
            tasks.spawn_retried(never).await,
            Err(AdminError::Failed { reason: ExitReason::Panic { .. }, .. })
        ));
        assert_eq!(count(&tasks), 0);
    });
}

#[test]
fn handles_can_be_sent_to_other_threads() {
    fn send<T: Send + 'static>() {}
    send::<TaskHandle<std::cell::Cell<u8>>>();
    send::<tembusu::CancelOnDrop<u8>>();
    fn shared<T: Send + Sync + Clone + std::fmt::Debug + 'static>() {}
    shared::<Tasks>();
}
