//! A raw HTTP/1.1 client and a scripted handler: what the socket tests need and nothing of hyper's client.

#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod purse;
pub(crate) mod tree;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use exchange::sockets::{
    AcceptLoop, Answer, ConnectionTracker, Deadlines, Framed, Handler, Limits, Outcome, ServeArgs, bind,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// No test waits longer than this for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// One connection, spoken to in bytes.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await.expect("in time").expect("connect");
        Self::over(stream)
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("nodelay");
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("write");
    }

    /// The next answer; `None` if the server closed instead.
    pub(crate) async fn try_reply(&mut self) -> Option<Reply> {
        timeout(PATIENCE, async {
            loop {
                if let Some(reply) = self.take_reply() {
                    return Some(reply);
                }
                let mut part = [0; 16 * 1024];
                match self.stream.read(&mut part).await {
                    Ok(0) | Err(_) => return None,
                    Ok(read) => self.buffer.extend_from_slice(&part[..read]),
                }
            }
        })
        .await
        .expect("an answer in time")
    }

    pub(crate) async fn reply(&mut self) -> Reply {
        self.try_reply().await.expect("an answer, not a closed connection")
    }

    pub(crate) async fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Reply {
        self.send(bytes).await;
        self.reply().await
    }

    /// Waits until the server has closed, without another answer.
    pub(crate) async fn closed(&mut self) {
        assert!(self.try_reply().await.is_none(), "an answer instead of the end");
    }

    fn take_reply(&mut self) -> Option<Reply> {
        let end = self.buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = String::from_utf8(self.buffer[..end].to_vec()).expect("an ASCII head");
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().expect("a status");
        let headers: HashMap<_, _> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
        if self.buffer.len() < end + length {
            return None;
        }
        let body = self.buffer[end..end + length].to_vec();
        self.buffer.drain(..end + length);
        Some(Reply { status, headers, body })
    }
}

/// A bid request with this body.
pub(crate) fn post(body: impl AsRef<[u8]>) -> Vec<u8> {
    post_with("", body)
}

/// The same with more header lines (each ending in CRLF).
pub(crate) fn post_with(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes =
        format!("POST /bid HTTP/1.1\r\nhost: t\r\n{headers}content-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Does what the body says and remembers what happened.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) outcomes: Mutex<Vec<Outcome>>,
    pub(crate) events: Mutex<Vec<&'static str>>,
    pub(crate) seen: Mutex<Vec<(Instant, Framed)>>,
    pub(crate) changed: Notify,
    pub(crate) release: Notify,
}

impl Script {
    pub(crate) async fn until(&self, mut done: impl FnMut(&Self) -> bool) {
        timeout(PATIENCE, async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if done(self) {
                    return;
                }
                changed.await;
            }
        })
        .await
        .expect("the condition in time");
    }

    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn events(&self, event: &str) -> usize {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|seen| **seen == event).count()
    }

    pub(crate) fn seen(&self) -> Vec<(Instant, Framed)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Handler for Script {
    async fn answer(&self, request: Framed) -> Answer {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), request.clone()));
        self.changed.notify_waiters();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        if body.contains("hang") {
            std::future::pending::<()>().await;
        }
        if body.contains("wait") {
            self.release.notified().await;
        }
        if body.contains("block") {
            std::thread::sleep(Duration::from_millis(80));
        }
        assert!(!body.contains("panic"), "framing panics, as the script says");
        if body.contains("malformed") {
            Answer::Malformed("json")
        } else if body.contains("no-bid") {
            Answer::NoBid("below_floor")
        } else if body.contains("large") {
            Answer::Content(Bytes::from(vec![b'x'; 4_096]))
        } else {
            Answer::Content(Bytes::from_static(b"{\"id\":\"1\"}"))
        }
    }

    fn record(&self, outcome: Outcome) {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
        self.changed.notify_waiters();
    }

    fn connection_event(&self, event: &'static str) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        self.changed.notify_waiters();
    }
}

/// A listener at work.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) script: Arc<Script>,
    pub(crate) args: ServeArgs<Script>,
    pub(crate) accepting: Option<AcceptLoop>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(Limits::default(), Deadlines::default())
    }

    pub(crate) fn with(limits: Limits, deadlines: Deadlines) -> Self {
        let mut server = Self::bound(limits, deadlines);
        server.accept();
        server
    }

    pub(crate) fn bound(limits: Limits, deadlines: Deadlines) -> Self {
        let listener = bind("127.0.0.1:0".parse().expect("an address")).expect("bind");
        let address = listener.local_addr().expect("bound");
        let script = Arc::new(Script::default());
        let args = ServeArgs {
            listener: Arc::new(listener),
            tracker: ConnectionTracker::new(limits.connections_max),
            bid_path: "/bid".into(),
            ready_path: None,
            limits,
            deadlines,
            handler: Arc::clone(&script),
        };
        Self { address, script, args, accepting: None }
    }

    pub(crate) fn accept(&mut self) {
        self.accepting =
            Some(AcceptLoop::start(&self.args, &tokio::runtime::Handle::current(), || {}).expect("accept"));
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address).await
    }
}
