//! An actor that accepts connections and owns them.
//!
//! Its connections live in its state: they end with its incarnation. It never holds more than the
//! configured number of them, and never waits for a silent peer without a limit. On drain it takes
//! no further connection, lets requests in hand be answered, and closes the rest.

use std::fmt;
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use telemetry::ConnectionMeters;
use tembusu::{Actor, Context, Flow, Init};
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

/// What a listener answers with.
pub(crate) trait Respond:
    Service<Request<Incoming>, Response = Response<Self::Body>, Error = Self::Failure, Future = Self::Answer>
    + Clone
    + Send
    + Sync
    + 'static
{
    /// The body of an answer.
    type Body: hyper::body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static;
    /// Why there is no answer.
    type Failure: Into<Box<dyn std::error::Error + Send + Sync>> + 'static;
    /// The answer to come.
    type Answer: Future<Output = Result<Response<Self::Body>, Self::Failure>> + Send + 'static;
}

impl<S, B, E> Respond for S
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = E> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: hyper::body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    type Body = B;
    type Failure = E;
    type Answer = S::Future;
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
    /// Becomes true when the process drains.
    pub(crate) drain: watch::Receiver<bool>,
}

/// What a listener is told.
#[derive(Debug)]
pub(crate) enum ListenerMessage {
    /// Accept until the process drains.
    Serve,
}

/// Why a listener crashes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenerCrash {
    #[error("the listening socket cannot be registered with the runtime")]
    Register(#[source] io::Error),
    #[error("{ACCEPT_FAILURES_MAX} accepts failed in a row")]
    Accept(#[source] io::Error),
}

/// Accepts connections and owns them.
pub(crate) struct HttpListener<S> {
    socket: TcpListener,
    service: S,
    connections: JoinSet<()>,
    connections_max: usize,
    meters: Arc<ConnectionMeters>,
    drain: watch::Receiver<bool>,
}

impl<S> fmt::Debug for HttpListener<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpListener").field("connections", &self.connections.len()).finish_non_exhaustive()
    }
}

impl<S: Respond> Actor for HttpListener<S> {
    type Message = ListenerMessage;
    type Args = ListenerArgs<S>;
    type Crash = ListenerCrash;

    async fn init(args: &ListenerArgs<S>, cx: &mut Context<Self>) -> Result<Init<Self>, ListenerCrash> {
        let duplicate = args.socket.try_clone().map_err(ListenerCrash::Register)?;
        let socket = TcpListener::from_std(duplicate).map_err(ListenerCrash::Register)?;
        cx.after(Duration::ZERO, ListenerMessage::Serve);
        Ok(Init::Ready(HttpListener {
            socket,
            service: args.service.clone(),
            connections: JoinSet::new(),
            connections_max: args.connections_max,
            meters: args.meters.clone(),
            drain: args.drain.clone(),
        }))
    }

    async fn handle(&mut self, message: ListenerMessage, _: &mut Context<Self>) -> Result<Flow, ListenerCrash> {
        match message {
            ListenerMessage::Serve => self.serve().await?,
        }
        // Drained: nothing is left to do but to wait for the end.
        Ok(Flow::Continue)
    }
}

impl<S: Respond> HttpListener<S> {
    async fn serve(&mut self) -> Result<(), ListenerCrash> {
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
                    self.connections.spawn(connection(
                        stream,
                        self.service.clone(),
                        self.meters.clone(),
                        self.drain.clone(),
                    ));
                }
                Err(error) => {
                    failures += 1;
                    self.meters.refused.inc();
                    if ACCEPT_FAILURES_MAX <= failures {
                        return Err(ListenerCrash::Accept(error));
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        while self.connections.join_next().await.is_some() {}
        Ok(())
    }
}

/// Serves one connection until its peer leaves, it is idle for too long, or the process drains.
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
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        _ = drain.wait_for(|drains| *drains) => {
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

/// A whole answer in memory.
pub(crate) type Plain = Response<Full<Bytes>>;
