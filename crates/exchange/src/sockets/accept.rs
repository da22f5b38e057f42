//! Accepts connections and starts a task for each: the only place of this crate that spawns.
//!
//! It survives a process that is out of file descriptors, accepts nothing beyond the connection limit, and ends connections
//! by no other way than their own: stopping the loop leaves them open.

use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::connection::{self, Shared};
use super::handler::Handler;
use super::limits::{Deadlines, Limits};
use super::seat::{Seat, Taken};
use super::tracker::{ConnectionTracker, TakenOver};

/// After an error that more trying does not cure at once (no descriptor, no memory).
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Failures in a row after which the listener counts as broken: two seconds of pauses.
const ACCEPT_FAILURES_MAX: u32 = 100;

/// What an accept loop needs; all of it outlives the loop.
#[derive(Debug)]
pub struct ServeArgs<H> {
    /// The bound listener. Each loop works on a duplicate.
    pub listener: Arc<StdListener>,
    /// Counts the connections.
    pub tracker: ConnectionTracker,
    /// The path that takes bid requests.
    pub bid_path: Arc<str>,
    /// The path on which a `GET` asks whether we are ready, which may be the same; it is always answered that we are.
    pub ready_path: Option<Arc<str>>,
    /// Limits of each connection.
    pub limits: Limits,
    /// How `tmax` becomes a deadline.
    pub deadlines: Deadlines,
    /// Who answers.
    pub handler: Arc<H>,
}

/// A running accept loop. Dropping it stops accepting and leaves connections, and the listener's backlog, alone.
#[derive(Debug)]
pub struct AcceptLoop(JoinHandle<()>);

impl AcceptLoop {
    /// Starts accepting on that runtime, where the connections run too; `on_end` is called when the loop has ended, by itself
    /// or by the drop.
    ///
    /// # Errors
    ///
    /// The listener could not be duplicated or registered.
    #[allow(
        clippy::disallowed_methods,
        reason = "connections live outside the crash domain; the tracker knows each of them"
    )]
    pub fn start<H: Handler>(
        args: &ServeArgs<H>,
        runtime: &Handle,
        on_end: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let _runtime = runtime.enter();
        let listener = TcpListener::from_std(args.listener.try_clone()?)?;
        let shared = args.shared();
        let tracker = args.tracker.clone();
        let on_end = OnEnd(Some(on_end));
        Ok(Self(tokio::spawn(async move {
            let _on_end = on_end;
            run(listener, tracker, shared).await;
        })))
    }
}

impl<H: Handler> ServeArgs<H> {
    fn shared(&self) -> Arc<Shared<H>> {
        Arc::new(Shared {
            handler: Arc::clone(&self.handler),
            bid_path: Arc::clone(&self.bid_path),
            ready_path: self.ready_path.clone(),
            limits: self.limits.clone(),
            deadlines: self.deadlines,
        })
    }

    /// Takes all connections from a runtime that is lost. Those with nothing in hand go on on `fresh`, with what the client
    /// sends next; the others are closed, since what was read of them is lost.
    #[allow(
        clippy::disallowed_methods,
        reason = "connections live outside the crash domain; the tracker knows each of them"
    )]
    pub fn take_over(&self, fresh: &Handle) -> TookOver {
        let _runtime = fresh.enter();
        let shared = self.shared();
        let mut took = TookOver { moved: 0, lost: 0 };
        for TakenOver { taken, place } in self.tracker.take_over() {
            let stream = match taken {
                Taken::Quiet(stream) => TcpStream::from_std(stream).ok(),
                Taken::Cut | Taken::Nothing => None,
            };
            let Some(stream) = stream else {
                took.lost += 1;
                shared.handler.connection_event("lost");
                continue;
            };
            took.moved += 1;
            shared.handler.connection_event("moved");
            let seat = Arc::new(Seat::new(stream, Instant::now()));
            let guard = self.tracker.enter(Arc::clone(&seat), place);
            tokio::spawn(connection::serve(Arc::clone(&shared), seat, guard, "resumed"));
        }
        took
    }
}

/// What became of connections whose runtime was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TookOver {
    /// They go on.
    pub moved: usize,
    /// A request of theirs was in hand: they were closed.
    pub lost: usize,
}

impl AcceptLoop {
    /// Stops accepting, and returns when no connection can come from it any more, even on another thread.
    pub async fn stop(mut self) {
        self.0.abort();
        // A panic of the loop has been told by its end.
        let _ = (&mut self.0).await;
    }
}

impl Drop for AcceptLoop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs its function when the loop returns, panics or is dropped.
struct OnEnd<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for OnEnd<F> {
    fn drop(&mut self) {
        if let Some(on_end) = self.0.take() {
            on_end();
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "connections live outside the crash domain; the tracker knows each of them"
)]
async fn run<H: Handler>(listener: TcpListener, tracker: ConnectionTracker, shared: Arc<Shared<H>>) {
    let mut failures = 0;
    while failures < ACCEPT_FAILURES_MAX {
        let Some(place) = tracker.place().await else { return };
        match listener.accept().await {
            Ok((stream, _peer)) => {
                failures = 0;
                // Answers are small and must not wait for a full segment. Failure means that the peer is gone already.
                let _ = stream.set_nodelay(true);
                let seat = Arc::new(Seat::new(stream, Instant::now()));
                let guard = tracker.enter(Arc::clone(&seat), place);
                tokio::spawn(connection::serve(Arc::clone(&shared), seat, guard, "opened"));
            }
            Err(error) if concerns_one_connection(&error) => {}
            // Its owner has shut the listener down, as a drain begins: nobody comes any more, and nothing is broken.
            Err(_) if !listens(&listener) => std::future::pending().await,
            Err(error) => {
                failures += 1;
                shared.handler.connection_event("accept_failed");
                if failures == 1 {
                    tracing::warn!(%error, "cannot accept connections for now; raise the limit of open files if this goes on");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether the listener still takes connections; `true` where the system does not say.
fn listens(listener: &TcpListener) -> bool {
    SockRef::from(listener).is_listener().unwrap_or(true)
}

/// The connection was gone before it was accepted: nothing is wrong with the listener.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, PermissionDenied};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted | PermissionDenied)
}
