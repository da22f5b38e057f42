//! An actor that accepts connections and owns them.
//!
//! Its connections live in its state: they end with its incarnation. It never holds more than the
//! configured number of them, and never waits for a silent peer without a limit. When it is stopped
//! it takes no further connection, lets requests in hand be answered, and closes the rest.

use std::fmt;
use std::io;
use std::net::{IpAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use telemetry::ConnectionMeters;
use tembusu::{Actor, Address, Context, ExitReason, Flow, Init};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::patient_stream::PatientStream;

/// How long a peer may take over a request's head, and how long a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take, the arrival of the request's body included. Longer than any wait of those who answer: what is
/// left is a peer that does not send what it has announced.
const ANSWER_TIMEOUT: Duration = if cfg!(test) { Duration::from_millis(50) } else { Duration::from_secs(60) };
/// hyper's buffer of a connection: the longest head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Wait after a failed accept: the process is out of descriptors, and trying at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Failed accepts in a row after which the socket counts as broken: five seconds.
const ACCEPT_FAILURES_MAX: u32 = 100;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The address that a request came from; every request has it among its extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

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
    /// The accept loop of that incarnation has failed; without an error, by a panic.
    AcceptFailed(u64, Option<io::Error>),
}

/// Why a listener crashes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenerCrash {
    #[error("the listening socket cannot be registered with the runtime")]
    Register(#[source] io::Error),
    #[error("{ACCEPT_FAILURES_MAX} accepts failed in a row: {0}; raise the limit of open files if it is reached")]
    Accept(#[source] io::Error),
    #[error("the accept loop has panicked")]
    Panicked,
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
            ListenerMessage::AcceptFailed(of, error) if of == cx.incarnation() => {
                Err(error.map_or(ListenerCrash::Panicked, ListenerCrash::Accept))
            }
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
        let watch = PanicWatch { owner, incarnation };
        if let Err(error) = self.accept().await {
            watch.tell(Some(error));
        }
        while let Some(ended) = self.connections.join_next().await {
            self.ended(ended);
        }
    }

    /// A connection whose service has panicked ends without an answer.
    fn ended(&self, ended: Result<(), JoinError>) {
        if ended.is_err_and(|error| error.is_panic()) {
            self.meters.closed_by_us.inc("panic");
        }
    }

    /// Accepts until told to drain.
    async fn accept(&mut self) -> io::Result<()> {
        let mut failures = 0;
        while !*self.drain.borrow() {
            let has_room = self.connections.len() < self.connections_max;
            let accepted = tokio::select! {
                _ = self.drain.changed() => break,
                Some(ended) = self.connections.join_next() => {
                    self.ended(ended);
                    continue;
                }
                accepted = self.socket.accept(), if has_room => accepted,
            };
            match accepted {
                Ok((stream, from)) => {
                    failures = 0;
                    self.meters.accepted.inc();
                    let (service, meters, drain) = (self.service.clone(), self.meters.clone(), self.drain.clone());
                    self.connections.spawn(connection(stream, Peer(from.ip()), service, meters, drain));
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

/// Tells the listener when the accept loop panics: nobody else would notice.
struct PanicWatch {
    owner: Address<ListenerMessage>,
    incarnation: u64,
}

impl PanicWatch {
    fn tell(&self, error: Option<io::Error>) {
        // A full queue holds nothing but this message.
        let _ = self.owner.tell(ListenerMessage::AcceptFailed(self.incarnation, error));
    }
}

impl Drop for PanicWatch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell(None);
        }
    }
}

/// Serves one connection until its peer leaves, it is idle for too long, or its listener drains.
async fn connection<S: Respond>(
    stream: TcpStream,
    peer: Peer,
    service: S,
    meters: Arc<ConnectionMeters>,
    mut drain: watch::Receiver<bool>,
) {
    let _open = Open::new(&meters);
    // Without it answers wait for the peer's acknowledgement; failing to set it costs only time.
    let _ = stream.set_nodelay(true);
    let named = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        in_time(service.call(request))
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(PatientStream::new(stream)), named);
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
    if let Err(error) = ended {
        if error.is_timeout() {
            meters.closed_by_us.inc("idle");
        } else if is_unsent(&error) {
            meters.closed_by_us.inc("unsent");
        } else if is_unread(&error) {
            meters.closed_by_us.inc("unread");
        }
    }
}

/// Why a request gets no answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("the request did not arrive, or could not be answered, within {ANSWER_TIMEOUT:?}")]
    Unsent,
    #[error(transparent)]
    Failed(BoxError),
}

async fn in_time<B, E: Into<BoxError>>(
    answer: impl Future<Output = Result<Response<B>, E>>,
) -> Result<Response<B>, NoAnswer> {
    match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
        Ok(answered) => answered.map_err(|error| NoAnswer::Failed(error.into())),
        Err(_) => Err(NoAnswer::Unsent),
    }
}

fn is_unsent(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|source| source.downcast_ref());
    matches!(cause, Some(NoAnswer::Unsent))
}

fn is_unread(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    cause.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};
    use std::pin::Pin;
    use std::sync::atomic::{AtomicBool, Ordering};

    use http_body_util::{BodyExt, Full};
    use hyper::Method;
    use tembusu::{Supervisor, Tree, child};

    use super::*;

    /// How long a test waits for what must come.
    const WITHIN: Duration = Duration::from_secs(10);

    /// Says where a request came from; panics in an answer when asked for it, and once in the accept loop.
    struct Fragile(Arc<AtomicBool>);

    impl Clone for Fragile {
        fn clone(&self) -> Fragile {
            assert!(!self.0.swap(false, Ordering::Relaxed), "a drill in the accept loop");
            Fragile(self.0.clone())
        }
    }

    impl Service<Request<Incoming>> for Fragile {
        type Response = Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

        fn call(&self, request: Request<Incoming>) -> Self::Future {
            assert!(request.uri().path() != "/panic", "a drill in an answer");
            let Peer(peer) = *request.extensions().get().expect("the peer");
            Box::pin(async move {
                if request.method() == Method::POST {
                    let _ = request.into_body().collect().await;
                }
                Ok(Response::new(Full::from(peer.to_string())))
            })
        }
    }

    async fn start(breaks: &Arc<AtomicBool>) -> (Tree, SocketAddr, Arc<ConnectionMeters>) {
        let socket = StdListener::bind("127.0.0.1:0").expect("a port");
        socket.set_nonblocking(true).expect("non-blocking");
        let address = socket.local_addr().expect("its address");
        let meters = Arc::new(ConnectionMeters::default());
        let args = ListenerArgs {
            socket: Arc::new(socket),
            service: Fragile(breaks.clone()),
            connections_max: 4,
            meters: meters.clone(),
        };
        let mut root = Supervisor::one_for_one("root");
        root.add(child::<HttpListener<Fragile>>("listener", args));
        (root.start().await.expect("it starts"), address, meters)
    }

    /// The answer, empty if the connection ends without one.
    async fn get(address: SocketAddr, path: &'static str) -> String {
        ask(address, format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")).await
    }

    async fn ask(address: SocketAddr, request: String) -> String {
        let ask = move || {
            let mut stream = TcpStream::connect(address).expect("connected");
            stream.set_read_timeout(Some(WITHIN)).expect("a time-out");
            stream.write_all(request.as_bytes()).expect("sent");
            let mut answer = String::new();
            // A reset is no answer either.
            let _ = stream.read_to_string(&mut answer);
            answer
        };
        tokio::task::spawn_blocking(ask).await.expect("asked")
    }

    #[tokio::test]
    async fn a_panic_in_an_answer_is_counted_and_costs_its_connection_only() {
        let (tree, address, meters) = start(&Arc::default()).await;
        assert_eq!(get(address, "/panic").await, "");
        assert!(get(address, "/").await.ends_with("\r\n\r\n127.0.0.1"));
        assert_eq!(meters.closed_by_us.get("panic"), 1);
        assert_eq!(tree.handle().snapshot().walk().map(|node| node.restarts).sum::<u64>(), 0);
        tree.shutdown().await;
    }

    #[tokio::test]
    async fn who_does_not_send_what_was_announced_is_given_up_and_counted() {
        let (tree, address, meters) = start(&Arc::default()).await;
        let cut = "POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nhalf".to_owned();
        assert_eq!(ask(address, cut).await, "");
        // The connection's end is counted before it is forgotten.
        tree.shutdown().await;
        assert_eq!((meters.closed_by_us.get("unsent"), meters.open.get()), (1, 0));
    }

    #[tokio::test]
    async fn a_panic_of_the_accept_loop_is_a_crash_and_the_next_incarnation_accepts() {
        let breaks = Arc::new(AtomicBool::new(false));
        let (tree, address, _) = start(&breaks).await;
        breaks.store(true, Ordering::Relaxed);
        assert_eq!(get(address, "/").await, "");
        assert!(get(address, "/").await.ends_with("\r\n\r\n127.0.0.1"));
        assert_eq!(tree.handle().snapshot().walk().map(|node| node.restarts).sum::<u64>(), 1);
        tree.shutdown().await;
    }
}
