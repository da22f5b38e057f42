//! The tasks of a group's members: they wait for their group's restart, and none is left when it does not come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tembusu::{Actor, Address, Context, ExitReason, Flow, Init, Restart, Supervisor, Tree, child};
use tembusu_testkit::{EventRecorder, Gate, real_time, virtual_time};
use tokio::runtime::{Builder, Handle};
use tokio::task;

const MINUTE: Duration = Duration::from_secs(60);
/// How long a task is waited for before it is said not to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// In which tasks the incarnations of a child began.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<HashMap<String, Vec<task::Id>>>>);

impl Tasks {
    fn of(&self, name: &str) -> Vec<task::Id> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[name].clone()
    }
}

struct Member {
    stops_at: Option<Gate>,
}

#[derive(Debug, thiserror::Error)]
#[error("boom")]
struct Boom;

enum Say {
    Panic,
    Fail,
}

impl Actor for Member {
    type Message = Say;
    type Args = (Tasks, Option<Gate>);
    type Crash = Boom;

    async fn init((tasks, stops_at): &Self::Args, cx: &mut Context<Self>) -> Result<Init<Self>, Boom> {
        let mut tasks = tasks.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.entry(cx.path().to_owned()).or_default().push(task::id());
        Ok(Init::Ready(Self { stops_at: stops_at.clone() }))
    }

    async fn handle(&mut self, say: Say, _: &mut Context<Self>) -> Result<Flow, Boom> {
        match say {
            Say::Panic => panic!("boom"),
            Say::Fail => Err(Boom),
        }
    }

    async fn stop(self, _: &ExitReason) {
        if let Some(gate) = self.stops_at {
            gate.pass().await;
        }
    }
}

/// A group of a, b and c, c of which stops at a gate.
struct Group {
    tree: Tree,
    a: Address<Say>,
    tasks: Tasks,
    events: EventRecorder,
    gate: Gate,
    /// How many tasks there are when all is up.
    alive: usize,
}

async fn group(mut root: Supervisor, restart_of_b: Restart, on: Option<Handle>) -> Group {
    let (tasks, gate) = (Tasks::default(), Gate::new());
    let mut a = child::<Member>("a", (tasks.clone(), None));
    if let Some(on) = on {
        a = a.on(on);
    }
    let a = root.add(a);
    root.add(child::<Member>("b", (tasks.clone(), None)).restart(restart_of_b));
    root.add(child::<Member>("c", (tasks.clone(), Some(gate.clone()))));
    let mut events = EventRecorder::of(&root.handle());
    let tree = root.start().await.expect("it starts");
    events.expect(&["root/a#1 started", "root/b#1 started", "root/c#1 started"]).await;
    Group { tree, a, tasks, events, gate, alive: alive() }
}

fn one_for_all() -> Supervisor {
    Supervisor::one_for_all("root").intensity(10, MINUTE)
}

fn alive() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Waits until there are no more tasks than that. What a task waits for may be on its way from another thread, so that
/// turns cannot be counted.
async fn alive_are(count: usize) {
    let began = Instant::now();
    while alive() != count {
        assert!(began.elapsed() < PATIENCE, "{} tasks instead of {count}", alive());
        task::yield_now().await;
    }
}

#[test]
fn a_group_comes_back_in_the_tasks_it_had() {
    for root in [one_for_all(), Supervisor::rest_for_one("root").intensity(10, MINUTE)] {
        virtual_time(async {
            let mut group = group(root, Restart::Permanent, None).await;
            group.gate.open();
            for (round, say) in [(2, Say::Panic), (3, Say::Fail), (4, Say::Panic)] {
                group.a.tell(say).expect("it is told");
                for (name, how) in [("a", "restarted"), ("b", "started"), ("c", "started")] {
                    group.events.wait_for_line(&format!("root/{name}#{round} {how}")).await;
                }
            }
            alive_are(group.alive).await;
            for name in ["root/a", "root/b", "root/c"] {
                let tasks = group.tasks.of(name);
                assert_eq!(tasks.len(), 4, "{name}");
                assert!(tasks.iter().all(|task| *task == tasks[0]), "{name} in {tasks:?}");
            }
            group.tree.shutdown().await;
            alive_are(0).await;
        });
    }
}

#[test]
fn a_temporary_member_that_its_group_ends_leaves_no_task() {
    virtual_time(async {
        let mut group = group(one_for_all(), Restart::Temporary, None).await;
        group.a.tell(Say::Panic).expect("it is told");
        group.gate.reached(1).await;
        // Those of a, which has crashed, and of b wait meanwhile: b is still up, since c is stopped first.
        assert_eq!(alive(), group.alive);
        group.gate.open();
        group.events.wait_for_line("root/c#2 started").await;
        alive_are(group.alive - 1).await;
    });
}

#[test]
fn a_task_that_waits_for_its_group_ends_with_the_tree() {
    virtual_time(async {
        let group = group(one_for_all(), Restart::Permanent, None).await;
        group.a.tell(Say::Panic).expect("it is told");
        group.gate.reached(1).await;
        assert_eq!(alive(), group.alive, "that of a waits");
        let ends = group.tree.shutdown();
        let opens = async {
            alive_are(group.alive - 1).await;
            group.gate.open();
        };
        tokio::join!(ends, opens);
        alive_are(0).await;
    });
}

#[test]
fn a_task_that_waits_for_its_group_ends_when_its_child_is_terminated_and_another_one_is_made() {
    virtual_time(async {
        let mut group = group(one_for_all(), Restart::Permanent, None).await;
        let root = group.tree.handle();
        group.a.tell(Say::Panic).expect("it is told");
        group.gate.reached(1).await;
        root.terminate_child("a").await.expect("it is there");
        alive_are(group.alive - 1).await;
        group.gate.open();
        group.events.wait_for_line("root/c#2 started").await;
        root.restart_child("a").await.expect("its specification is there");
        alive_are(group.alive).await;
        let tasks = group.tasks.of("root/a");
        assert_ne!(tasks[0], tasks[1]);
        root.terminate_child("a").await.expect("it is there");
        root.delete_child("a").await.expect("it has ended");
        alive_are(group.alive - 1).await;
    });
}

#[test]
fn a_waiting_task_that_goes_with_its_runtime_is_a_child_that_cannot_start() {
    real_time(async {
        let other = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let group = group(one_for_all(), Restart::Permanent, Some(other.handle().clone())).await;
        group.a.tell(Say::Panic).expect("it is told");
        group.gate.reached(1).await;
        let metrics = other.metrics();
        assert_eq!(metrics.num_alive_tasks(), 1, "that of a waits");
        task::spawn_blocking(move || drop(other)).await.expect("it is dropped");
        assert_eq!(metrics.num_alive_tasks(), 0);
        group.gate.open();
        let reason = group.tree.wait().await;
        let ExitReason::FailedToStart(failure) = &reason else { panic!("{reason}") };
        assert_eq!(&*failure.child, "root/a");
        alive_are(0).await;
    });
}
