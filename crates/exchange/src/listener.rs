//! The actor that accepts an exchange's connections.
//!
//! It stands outside of the exchange's subtree. Listener and connections are its arguments, not its state: a crash of it closes
//! nothing and refuses nobody; only an orderly stop drains.

use std::io;
use std::time::Duration;

use tembusu::{Actor, Context, ExitReason, Flow, Init, Supervisor, child};
use tokio::runtime::Handle;

use crate::ExchangePort;
use crate::sockets::{AcceptLoop, ConnectionTracker, ServeArgs};

/// Beyond the drain, for the accept loop and the last writes.
const SHUTDOWN_MARGIN: Duration = Duration::from_millis(500);

/// What one can say to the sockets.
#[derive(Debug)]
pub enum SocketsMessage {
    /// The accept loop of that incarnation has ended.
    AcceptEnded(u64),
}

/// The sockets' infrastructure has failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketsCrash {
    /// The listener could not be used.
    #[error("cannot accept on the listener: {0}; raise the limit of open files if it is reached")]
    Listener(#[from] io::Error),
    /// The accept loop gave up.
    #[error("the accept loop has ended; the log says which error went on for too long")]
    AcceptEnded,
}

/// Accepts connections, supervised.
///
/// # On restart
///
/// Open connections go on, and what has connected meanwhile waits in the kernel's backlog.
#[derive(Debug)]
pub struct Sockets {
    accepting: AcceptLoop,
    tracker: ConnectionTracker,
    drain_timeout: Duration,
}

impl Actor for Sockets {
    type Message = SocketsMessage;
    type Args = ServeArgs<ExchangePort>;
    type Crash = SocketsCrash;

    async fn init(args: &Self::Args, cx: &mut Context<Self>) -> Result<Init<Self>, SocketsCrash> {
        let (address, incarnation) = (cx.address(), cx.incarnation());
        let on_end = move || {
            // Should the queue be full of it, then it is known.
            let _ = address.tell(SocketsMessage::AcceptEnded(incarnation));
        };
        Ok(Init::Ready(Self {
            accepting: AcceptLoop::start(args, on_end)?,
            tracker: args.tracker.clone(),
            drain_timeout: args.limits.drain_timeout,
        }))
    }

    async fn handle(&mut self, message: SocketsMessage, cx: &mut Context<Self>) -> Result<Flow, SocketsCrash> {
        match message {
            SocketsMessage::AcceptEnded(incarnation) if incarnation == cx.incarnation() => {
                Err(SocketsCrash::AcceptEnded)
            }
            // The end of an earlier incarnation's loop, which ended with it.
            SocketsMessage::AcceptEnded(_) => Ok(Flow::Continue),
        }
    }

    async fn stop(self, _reason: &ExitReason) {
        // A connection that came after the drain has begun would be left out of it.
        self.accepting.stop().await;
        let drained = self.tracker.drain(self.drain_timeout).await;
        tracing::debug!(?drained, "connections drained");
    }
}

/// The supervisor of one exchange's sockets, to be put beside the exchange's subtree and after it, so that it stops first.
pub fn sockets_supervisor(name: &str, args: ServeArgs<ExchangePort>, runtime: &Handle) -> Supervisor {
    let shutdown = args.limits.drain_timeout + SHUTDOWN_MARGIN;
    let mut supervisor = Supervisor::one_for_one(name);
    supervisor.add(child::<Sockets>("sockets", args).shutdown(shutdown).on(runtime.clone()));
    supervisor
}
