//! A runtime that is replaced under the children that stand on it.

use std::convert::Infallible;
use std::sync::mpsc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use tembusu::{Actor, Context, Flow, Ground, Init, Reply, Supervisor, child};
use tembusu_testkit::{EventRecorder, Gate, PATIENCE};
use tokio::runtime::{Builder, Runtime};

const MINUTE: Duration = Duration::from_secs(60);

/// Says which incarnation it is, and on which thread.
struct Stands(u64);

impl Actor for Stands {
    type Message = Reply<(u64, ThreadId)>;
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self(cx.incarnation())))
    }

    async fn handle(&mut self, reply: Self::Message, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        let _ = reply.send((self.0, thread::current().id()));
        Ok(Flow::Continue)
    }
}

fn one_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

fn thread_of(runtime: &Runtime) -> ThreadId {
    let (said, says) = mpsc::channel();
    runtime.spawn(async move { said.send(thread::current().id()) });
    says.recv_timeout(PATIENCE).expect("it runs")
}

/// Holds the runtime's only thread until the gate is opened.
fn hold(runtime: &Runtime) -> Gate {
    let gate = Gate::new();
    let (held, holds) = mpsc::channel();
    let task = gate.clone();
    runtime.spawn(async move {
        held.send(()).expect("the test waits");
        task.block();
    });
    holds.recv_timeout(PATIENCE).expect("it runs");
    gate
}

#[test]
fn whoever_stood_on_the_lost_runtime_goes_on_on_the_fresh_one_and_the_group_is_charged_once() {
    let (control, lost, fresh) = (one_thread(), one_thread(), one_thread());
    let ground = Ground::new(lost.handle().clone());
    let mut root = Supervisor::one_for_one("root").intensity(0, MINUTE);
    let mut group = Supervisor::rest_for_one("group").intensity(1, MINUTE);
    let before = group.add(child::<Stands>("before", ()));
    let first = group.add(child::<Stands>("first", ()).on_ground(&ground));
    // Longer than the test may take: nobody waits for a stop that will not come.
    let second = group.add(child::<Stands>("second", ()).shutdown(MINUTE).on_ground(&ground));
    root.supervisor(group);
    let mut events = EventRecorder::of(&root.handle());
    let tree = control.block_on(root.start()).expect("it starts");

    let held = hold(&lost);
    assert_eq!(ground.replace(fresh.handle().clone()), 2);
    let thread = thread_of(&fresh);
    for (address, incarnation, stays) in [(&before, 1, true), (&first, 2, false), (&second, 2, false)] {
        let said = control.block_on(address.call(|reply| reply, PATIENCE)).expect("it answers");
        assert_eq!((said.0, said.1 == thread), (incarnation, !stays));
    }
    control.block_on(events.wait_for_line("root/group/first#1 crashed unresponsive 1/1"));
    assert_eq!(tree.handle().leaked(), 2);

    // What comes back finds that it has been replaced, and ends.
    held.open();
    let begun = std::time::Instant::now();
    while tree.handle().leaked() > 0 {
        assert!(begun.elapsed() < PATIENCE, "it does not end");
        thread::yield_now();
    }
    control.block_on(tree.shutdown());
}

#[test]
fn a_supervisors_ground_is_that_of_its_children_and_nobody_is_displaced_twice() {
    let (control, lost, fresh, fresher) = (one_thread(), one_thread(), one_thread(), one_thread());
    let ground = Ground::new(lost.handle().clone());
    let mut root = Supervisor::one_for_one("root").intensity(2, MINUTE).on_ground(&ground);
    let child = root.add(child::<Stands>("child", ()));
    let tree = control.block_on(root.start()).expect("it starts");
    let ask = || control.block_on(child.call(|reply| reply, PATIENCE)).expect("it answers");
    assert_eq!(ask(), (1, thread_of(&lost)));
    assert_eq!(ground.replace(fresh.handle().clone()), 1);
    assert_eq!(ask(), (2, thread_of(&fresh)));
    assert_eq!(ground.replace(fresher.handle().clone()), 1);
    assert_eq!(ask(), (3, thread_of(&fresher)));
    assert_eq!(ground.runtime().id(), fresher.handle().id());
    control.block_on(tree.shutdown());
    assert_eq!(ground.replace(lost.handle().clone()), 0, "nobody stands there any more");
}
