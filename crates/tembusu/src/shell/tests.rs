//! A supervisor whose own invariant does not hold ends, and leaves nobody waiting.
//!
//! No public call leads there, so the event that must not come is brought by hand.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use crate::core::{ChildKey, ChildPolicy, Event, Exhaustion, Request, RequestId};
use crate::spec::{Restart, Shutdown};
use crate::{Actor, AdminError, CallError, Context, ExitReason, Flow, Init, Reply, Supervisor, child};

struct Echo;

impl Actor for Echo {
    type Message = Reply<u64>;
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, reply: Reply<u64>, cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        let _ = reply.send(cx.incarnation());
        Ok(Flow::Continue)
    }
}

/// A key is used once: adding a child under one that is taken breaks the core's invariant.
fn impossible() -> Event {
    let policy = ChildPolicy {
        kind: crate::Kind::Worker,
        significant: false,
        restart: Restart::Permanent,
        shutdown: Shutdown::Kill,
        init_timeout: None,
        exhaustion: Exhaustion::Escalate,
        probation: None,
    };
    Event::Request { id: RequestId(u64::MAX), request: Request::Add { key: ChildKey(0), name: "twice".into(), policy } }
}

#[tokio::test(start_paused = true)]
async fn a_broken_supervisor_is_its_parents_business_and_nobody_waits_for_it() {
    let within = Duration::from_secs(60);
    let mut sub = Supervisor::one_for_one("sub");
    let inner = sub.add(child::<Echo>("inner", ()));
    let node = Arc::clone(&sub.node);
    let mut root = Supervisor::one_for_one("root").intensity(2, within);
    let sub = root.supervisor(sub);
    let outer = root.add(child::<Echo>("outer", ()));
    let tree = root.start().await.expect("it starts");
    node.send(impossible());
    assert!(matches!(inner.call(|reply| reply, within).await, Err(CallError::Gone(_))));
    assert!(matches!(sub.terminate_child("inner").await, Err(AdminError::Stopping { .. })));
    // It cannot be started again either: that is charged until its parent is exhausted.
    let ExitReason::Exhausted(report) = tree.wait().await else { panic!("the parent is exhausted") };
    assert_eq!(&*report.child, "root/sub");
    let (_, cause) = report.root_cause();
    assert!(matches!(cause, ExitReason::Panic { .. }), "{cause}");
    assert!(matches!(outer.call(|reply| reply, within).await, Err(CallError::Gone(_))));
}

#[tokio::test]
async fn a_child_without_a_thread_has_failed_to_start_and_is_started_when_there_is_one() {
    let within = Duration::from_secs(60);
    let refuse = |count| super::own_thread::REFUSED.set(count);
    let mut root = Supervisor::one_for_one("root").intensity(2, within);
    let outer = root.add(child::<Echo>("outer", ()));
    let tree = root.start().await.expect("it starts");
    let root = tree.handle();
    let inner = || child::<Echo>("inner", ()).on_own_thread();
    refuse(1);
    let refused = root.start_child(inner()).await.expect_err("there is no thread");
    assert!(refused.to_string().contains("root/inner failed to start: error: no thread"), "{refused}");
    let inner = root.start_child(inner()).await.expect("there is a thread again");
    assert_eq!(inner.call(|reply| reply, within).await.expect("it answers"), 1);
    assert_eq!(outer.call(|reply| reply, within).await.expect("it never ended"), 1);
    tree.shutdown().await;
    // The first start of a tree: what is wrong is said.
    let mut root = Supervisor::one_for_one("root");
    root.add(child::<Echo>("inner", ()).on_own_thread());
    refuse(1);
    let refused = root.start().await.expect_err("there is no thread");
    assert!(refused.to_string().contains("root/inner failed to start: error: no thread"), "{refused}");
}
