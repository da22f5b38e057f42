//! A state machine is an enum, a match and a stash: a connection that is opened, used and lost again.
//!
//! Each state has its own data, so that nothing can be used in the wrong one; what comes too early is put aside, and a
//! timer of one state cannot fire in another, since it is cancelled with it.
//!
//! `cargo run -p tembusu --example state_machine`

use std::convert::Infallible;
use std::time::Duration;

use tembusu::{Actor, Context, Flow, Init, Reply, Supervisor, TimerId, child};

const PATIENCE: Duration = Duration::from_secs(1);

/// How long it takes to open the connection.
const HANDSHAKE: Duration = Duration::from_millis(10);

/// How long it stays open when it is not used.
const IDLE: Duration = Duration::from_millis(20);

enum Link {
    Closed,
    Opening,
    Open { idle: TimerId, served: u64 },
}

enum Message {
    /// From callers.
    Get(Reply<u64>),
    StateIs(Reply<&'static str>),
    /// From timers.
    Opened,
    Idle,
}

impl Link {
    fn name(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Opening => "opening",
            Self::Open { .. } => "open",
        }
    }

    /// Takes one step: the state that follows. The compiler sees to it that no case is forgotten.
    fn step(self, message: Message, cx: &mut Context<Client>) -> Self {
        match (self, message) {
            (state, Message::StateIs(reply)) => {
                let _ = reply.send(state.name());
                state
            }
            (Self::Closed, get @ Message::Get(_)) => {
                cx.after(HANDSHAKE, Message::Opened);
                // Its caller goes on waiting; what does not fit is dropped, and its caller is told.
                drop(cx.stash(get));
                Self::Opening
            }
            (Self::Opening, get @ Message::Get(_)) => {
                drop(cx.stash(get));
                Self::Opening
            }
            (Self::Opening, Message::Opened) => {
                cx.unstash_all();
                Self::Open { idle: cx.after(IDLE, Message::Idle), served: 0 }
            }
            (Self::Open { idle, served }, Message::Get(reply)) => {
                cx.cancel(idle);
                let _ = reply.send(served + 1);
                Self::Open { idle: cx.after(IDLE, Message::Idle), served: served + 1 }
            }
            (Self::Open { .. }, Message::Idle) => Self::Closed,
            // What cannot happen in a state is said once, and not by a flag that somebody forgets to look at.
            (state @ (Self::Closed | Self::Open { .. }), Message::Opened) => state,
            (state @ (Self::Closed | Self::Opening), Message::Idle) => state,
        }
    }
}

struct Client(Option<Link>);

impl Actor for Client {
    type Message = Message;
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self(Some(Link::Closed))))
    }

    async fn handle(&mut self, message: Message, cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        self.0 = self.0.take().map(|state| state.step(message, cx));
        Ok(Flow::Continue)
    }

    fn describe(&self) -> String {
        self.0.as_ref().map_or("between two states", Link::name).to_owned()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut root = Supervisor::one_for_one("root");
    let client = root.add(child::<Client>("client", ()));
    let tree = root.start().await?;

    assert_eq!(client.call(Message::StateIs, PATIENCE).await?, "closed");
    let (first, second) = tokio::join!(client.call(Message::Get, PATIENCE), client.call(Message::Get, PATIENCE));
    assert_eq!((first?, second?), (1, 2));
    assert_eq!(tree.handle().describe_child("client", PATIENCE).await?, "open");
    while client.call(Message::StateIs, PATIENCE).await? != "closed" {
        tokio::time::sleep(IDLE).await;
    }
    println!("it was opened, used twice and closed");
    tree.shutdown().await;
    Ok(())
}
