//! A small HTTP server on loopback, with a handler for each request, and a bidder on top of it.
#![allow(dead_code, unreachable_pub, reason = "each test file includes this module and uses its own part")]

pub mod bidder;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use money::{Currency, Rates};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What a handler answers; `None` closes the connection with the request in flight.
pub type Reply = Option<Response<Full<Bytes>>>;

/// A server that lives as long as this value.
pub struct Server {
    pub address: SocketAddr,
    _accept: JoinSet<()>,
}

impl Server {
    pub async fn start<H, F>(handler: H) -> Self
    where
        H: Fn(Request<Bytes>) -> F + Send + Sync + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        Self::start_at(([127, 0, 0, 1], 0).into(), handler).await
    }

    pub async fn start_at<H, F>(address: SocketAddr, handler: H) -> Self
    where
        H: Fn(Request<Bytes>) -> F + Send + Sync + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let handler = Arc::new(handler);
        let mut accept = JoinSet::new();
        accept.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let _ = stream.set_nodelay(true);
                let handler = handler.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                        let handler = handler.clone();
                        async move {
                            let (head, body) = request.into_parts();
                            let body = body.collect().await.map_err(|_| "body")?.to_bytes();
                            handler(Request::from_parts(head, body)).await.ok_or("closed on purpose")
                        }
                    });
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, _accept: accept }
    }

    /// A server that answers every request alike.
    pub async fn always(status: u16, body: &'static str) -> Self {
        Self::start(move |_| async move { Some(answer(status, body)) }).await
    }
}

pub fn answer(status: u16, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
}

/// The rates of every test.
pub fn rates() -> Rates {
    let rate = |text: &str| text.parse().expect("a rate");
    Rates::new(
        "2026-11-20".parse().expect("a date"),
        [(Currency::SGD, rate("0.77")), (Currency::IDR, rate("0.0000613")), (Currency::THB, rate("0.0304"))],
    )
    .expect("rates")
}

/// The keys of the example in Google's documentation.
pub fn adx_keys() -> openrtb::price::adx::Keys {
    openrtb::price::adx::Keys::from_base64(
        "skU7Ax_NL5pPAFyKdkfZjZz2-VhIN8bjj1rVFOaJ_5o=",
        "arO23ykdNqUQ5LEoQ0FVmPkBd7xB5CO89PDZlSjpFxo=",
    )
    .expect("keys")
}

/// The lines of a corpus, if the folder is there.
pub fn corpus(name: &str) -> Option<Vec<String>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.lines().map(str::to_owned).collect())
}
