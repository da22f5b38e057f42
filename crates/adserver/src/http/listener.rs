//! An actor that accepts connections and owns them.
//!
//! Its connections live in its state: they end with its incarnation. It never holds more than the
//! configured number of them, and never waits for a silent peer without a limit. When it is stopped
//! it takes no further connection, lets requests in hand be answered, and closes the rest.

use std::fmt;
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use telemetry::ConnectionMeters;
use tembusu::{Actor, Address, Context, ExitReason, Flow, Init};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a peer may take over a request's head, and how long a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// hyper's buffer of a connection: the longest head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Wait after a failed accept: the process is out of descriptors, and trying at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Failed accepts in a row after which the socket counts as broken: five seconds.
const ACCEPT_FAILURES_MAX: u32 = 100;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a listener answers with: a service of hyper that every connection gets a clone of.
pub(crate) trait Respond:
    Service<Request<Incoming>, Response = Response<Self::Body>, Error: Into<BoxError>, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
    /// The body of an answer.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;
}

impl<S, B> Respond for S
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Body = B;
}

/// What a listener is started with; all of it outlives its incarnations.
pub(crate) struct ListenerArgs<S> {
    /// The bound, non-blocking socket.
    pub(crate) socket: Arc<StdListener>,
    /// Who answers.
    pub(crate) service: S,
    /// Most open connections; further ones wait in the accept queue.
    pub(crate) connections_max: usize,
    /// Where connections are counted.
    pub(crate) meters: Arc<ConnectionMeters>,
}

/// What a listener is told.
#[derive(Debug)]
pub(crate) enum ListenerMessage {
    /// The accept loop of that incarnation has failed.
    AcceptFailed(u64, io::Error),
}

/// Why a listener crashes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenerCrash {
    #[error("the listening socket cannot be registered with the runtime")]
    Register(#[source] io::Error),
    #[error("{ACCEPT_FAILURES_MAX} accepts failed in a row: {0}; raise the limit of open files if it is reached")]
    Accept(#[source] io::Error),
}

/// Accepts connections and owns them.
///
/// # On restart
///
/// Open connections are closed; who connects meanwhile waits in the accept queue.
pub(crate) struct HttpListener<S> {
    /// The accept loop, which owns the connections. Ends when it is dropped.
    accepting: JoinSet<()>,
    drain: watch::Sender<bool>,
    service: std::marker::PhantomData<fn() -> S>,
}

impl<S> fmt::Debug for HttpListener<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpListener").finish_non_exhaustive()
    }
}

impl<S: Respond> Actor for HttpListener<S> {
    type Message = ListenerMessage;
    type Args = ListenerArgs<S>;
    type Crash = ListenerCrash;

    async fn init(args: &ListenerArgs<S>, cx: &mut Context<Self>) -> Result<Init<Self>, ListenerCrash> {
        let duplicate = args.socket.try_clone().map_err(ListenerCrash::Register)?;
        let drain = watch::Sender::new(false);
        let accept = AcceptLoop {
            socket: TcpListener::from_std(duplicate).map_err(ListenerCrash::Register)?,
            service: args.service.clone(),
            connections: JoinSet::new(),
            connections_max: args.connections_max,
            meters: args.meters.clone(),
            drain: drain.subscribe(),
        };
        let mut accepting = JoinSet::new();
        accepting.spawn(accept.run(cx.address(), cx.incarnation()));
        Ok(Init::Ready(HttpListener { accepting, drain, service: std::marker::PhantomData }))
    }

    async fn handle(&mut self, message: ListenerMessage, cx: &mut Context<Self>) -> Result<Flow, ListenerCrash> {
        match message {
            ListenerMessage::AcceptFailed(of, error) if of == cx.incarnation() => Err(ListenerCrash::Accept(error)),
            // The end of an earlier incarnation's loop, which ended with it.
            ListenerMessage::AcceptFailed(..) => Ok(Flow::Continue),
        }
    }

    async fn stop(mut self, _: &ExitReason) {
        self.drain.send_replace(true);
        while self.accepting.join_next().await.is_some() {}
    }
}

struct AcceptLoop<S> {
    socket: TcpListener,
    service: S,
    connections: JoinSet<()>,
    connections_max: usize,
    meters: Arc<ConnectionMeters>,
    drain: watch::Receiver<bool>,
}

impl<S: Respond> AcceptLoop<S> {
    async fn run(mut self, owner: Address<ListenerMessage>, incarnation: u64) {
        if let Err(error) = self.accept().await {
            // A full queue holds nothing but this message.
            let _ = owner.tell(ListenerMessage::AcceptFailed(incarnation, error));
        }
        while self.connections.join_next().await.is_some() {}
    }

    /// Accepts until told to drain.
    async fn accept(&mut self) -> io::Result<()> {
        let mut failures = 0;
        while !*self.drain.borrow() {
            let has_room = self.connections.len() < self.connections_max;
            let accepted = tokio::select! {
                _ = self.drain.changed() => break,
                Some(_) = self.connections.join_next() => continue,
                accepted = self.socket.accept(), if has_room => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    failures = 0;
                    self.meters.accepted.inc();
                    let (service, meters, drain) = (self.service.clone(), self.meters.clone(), self.drain.clone());
                    self.connections.spawn(connection(stream, service, meters, drain));
                }
                Err(error) => {
                    failures += 1;
                    self.meters.refused.inc();
                    if ACCEPT_FAILURES_MAX <= failures {
                        return Err(error);
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        Ok(())
    }
}

/// Serves one connection until its peer leaves, it is idle for too long, or its listener drains.
async fn connection<S: Respond>(
    stream: TcpStream,
    service: S,
    meters: Arc<ConnectionMeters>,
    mut drain: watch::Receiver<bool>,
) {
    let _open = Open::new(&meters);
    // Without it answers wait for the peer's acknowledgement; failing to set it costs only time.
    let _ = stream.set_nodelay(true);
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let asked = async {
        // The sender lives as long as the listener's state; without it this connection is being ended.
        let _ = drain.wait_for(|drains| *drains).await;
    };
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = asked => {
            serving.as_mut().graceful_shutdown();
            meters.closed_by_us.inc("drain");
            serving.await
        }
    };
    if let Err(error) = ended
        && error.is_timeout()
    {
        meters.closed_by_us.inc("idle");
    }
}

/// Counts a connection as open for as long as it lives, however it ends.
struct Open<'a>(&'a ConnectionMeters);

impl<'a> Open<'a> {
    fn new(meters: &'a ConnectionMeters) -> Open<'a> {
        meters.open.inc();
        Open(meters)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.dec();
    }
}
