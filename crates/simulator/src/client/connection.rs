//! One keep-alive connection, driven by whoever sends on it.
//!
//! Promises: every end is told apart ([`SendError`]); a close by the server is noticed even while idle, at the next
//! look. Never reconnects, never retries, never spawns: hyper's connection future is polled by the caller's task.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::{Answer, ConnectError, Outgoing, RESPONSE_BYTES_MAX, SendError};

type Driver = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// A keep-alive HTTP/1.1 connection with at most one request in flight.
pub struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// None once the connection has ended, from either side.
    driver: Option<Pin<Box<Driver>>>,
}

impl Connection {
    /// Connects, with `TCP_NODELAY`.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]; `Refused` is told apart from everything else.
    pub async fn connect(address: SocketAddr, within: Duration) -> Result<Self, ConnectError> {
        let stream = timeout(within, TcpStream::connect(address)).await.map_err(|_| ConnectError::TimedOut)??;
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| ConnectError::Io(std::io::Error::other(error)))?;
        Ok(Self { sender, driver: Some(Box::pin(driver)) })
    }

    /// Looks whether the server has closed this idle connection, without waiting.
    pub async fn is_closed(&mut self) -> bool {
        poll_fn(|cx| {
            self.poll_driver(cx);
            Poll::Ready(self.driver.is_none())
        })
        .await
    }

    /// Waits until the server closes this idle connection.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if this future is dropped.
    pub async fn closed(&mut self) {
        poll_fn(|cx| {
            self.poll_driver(cx);
            if self.driver.is_none() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Sends a request and reads its whole answer.
    ///
    /// # Cancel safety
    ///
    /// Not safe: a request may be half sent. Drop the connection with it.
    ///
    /// # Errors
    ///
    /// [`SendError`]; after any of them the connection is of no further use.
    pub async fn send(&mut self, request: Outgoing, within: Duration) -> Result<Answer, SendError> {
        let sent_at = Instant::now();
        let outcome = match timeout(within, self.exchange(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(SendError::TimedOut),
        };
        match outcome {
            Ok((head, body)) => {
                let (parts, ()) = head.into_parts();
                let answered_at = Instant::now();
                Ok(Answer { status: parts.status, headers: parts.headers, body, sent_at, answered_at })
            }
            Err(error) => {
                self.driver = None;
                Err(error)
            }
        }
    }

    async fn exchange(&mut self, request: Outgoing) -> Result<(Response<()>, Bytes), SendError> {
        // Polled beside the connection's own future, so the two borrow different fields.
        let Self { sender, driver } = self;
        // After an early answer (a 400 to a large body) the last request may still be on its way out.
        poll_fn(|cx| {
            // Twice: hyper takes up new work at the start of a poll, but becomes idle at the end of one.
            poll_once(driver, cx);
            poll_once(driver, cx);
            sender.poll_ready(cx)
        })
        .await
        .map_err(|_| SendError::ClosedIdle)?;
        let mut work = pin!(async move {
            let response = sender.try_send_request(request).await.map_err(|mut failed| {
                // A request that comes back whole was never written: the close happened before it.
                if failed.take_message().is_some() { SendError::ClosedIdle } else { classify(failed.error()) }
            })?;
            read_whole(response).await
        });
        poll_fn(|cx| {
            if let Poll::Ready(outcome) = work.as_mut().poll(cx) {
                return Poll::Ready(outcome);
            }
            poll_once(driver, cx);
            work.as_mut().poll(cx)
        })
        .await
    }

    fn poll_driver(&mut self, cx: &mut Context<'_>) {
        poll_once(&mut self.driver, cx);
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("open", &self.driver.is_some()).finish_non_exhaustive()
    }
}

/// Drops the connection's future as soon as it has ended, so that a waiting request learns of it.
fn poll_once(driver: &mut Option<Pin<Box<Driver>>>, cx: &mut Context<'_>) {
    if driver.as_mut().is_some_and(|driver| driver.as_mut().poll(cx).is_ready()) {
        *driver = None;
    }
}

async fn read_whole(response: Response<Incoming>) -> Result<(Response<()>, Bytes), SendError> {
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, RESPONSE_BYTES_MAX).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return SendError::Unusable(format!("body is larger than {RESPONSE_BYTES_MAX} bytes"));
        }
        match error.downcast_ref::<hyper::Error>() {
            Some(error) => classify(error),
            None => SendError::Unusable(error.to_string()),
        }
    })?;
    Ok((Response::from_parts(parts, ()), body.to_bytes()))
}

fn classify(error: &hyper::Error) -> SendError {
    if error.is_parse() {
        let detail = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        return SendError::Unusable(detail);
    }
    // What is left is an end of the stream or a failure of the socket under a request: reset, broken pipe, early end.
    SendError::ClosedInFlight
}
