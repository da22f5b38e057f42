//! Callers that wait for the end of their receiver's poll, with no timer of their own: their deadlines are kept all the
//! same, whatever keeps the receiver.

use std::convert::Infallible;
use std::sync::mpsc;
use std::time::Duration;

use tembusu::{Actor, CallError, Context, Flow, Ground, Init, Reply, Supervisor, child};
use tembusu_testkit::{Gate, PATIENCE};
use tokio::runtime::{Builder, Runtime};

/// Enough for a call that begins without a timer.
const PATIENT: Duration = Duration::from_millis(1_100);

struct Answers;

enum Ask {
    Now(Reply<()>),
    /// Its handler awaits what never comes.
    Never(Reply<()>),
}

impl Actor for Answers {
    type Message = Ask;
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, ask: Ask, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        match ask {
            Ask::Now(reply) => drop(reply.send(())),
            Ask::Never(_reply) => std::future::pending().await,
        }
        Ok(Flow::Continue)
    }
}

fn workers(threads: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(threads).enable_all().build().expect("a runtime")
}

/// Holds the runtime's only thread until the gate is opened: no child is polled there, and none is in a poll.
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
fn a_call_ends_at_its_deadline_when_its_receiver_is_not_polled_and_when_its_handler_awaits() {
    let (control, held_up) = (workers(2), workers(1));
    let ground = Ground::new(held_up.handle().clone());
    let mut root = Supervisor::one_for_one("root");
    let unpolled = root.add(child::<Answers>("unpolled", ()).on_ground(&ground));
    let awaiting = root.add(child::<Answers>("awaiting", ()));
    let tree = control.block_on(root.start()).expect("it starts");
    control.block_on(unpolled.call(Ask::Now, PATIENCE)).expect("it is there");
    let gate = hold(&held_up);
    let calls = async {
        let calls = async { tokio::join!(unpolled.call(Ask::Now, PATIENT), awaiting.call(Ask::Never, PATIENT)) };
        tokio::time::timeout(PATIENCE, calls).await.expect("no call waits for ever")
    };
    let (unpolled, awaiting) = control.block_on(calls);
    for ended in [unpolled, awaiting] {
        assert!(matches!(ended, Err(CallError::Timeout { enqueued: true })), "{ended:?}");
    }
    gate.open();
    control.block_on(tree.shutdown());
}
