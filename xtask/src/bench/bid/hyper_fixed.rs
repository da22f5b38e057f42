//! The yardstick: hyper on one thread, answering every request with the same bytes.
//!
//! It reads the body and looks at nothing. Says its address on standard output and serves until it is ended.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Bytes of the reply: about a bid without its markup.
pub(super) const REPLY_BYTES: usize = 600;

/// Serves until the process is ended.
pub(in crate::bench) fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        println!("{}", listener.local_addr()?);
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
            // A client that goes away is no failure.
            connections.spawn(async { drop(connection.await) });
            while connections.try_join_next().is_some() {}
        }
    })
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    static REPLY: [u8; REPLY_BYTES] = [b'x'; REPLY_BYTES];
    // What cannot be read ends the connection anyway.
    let _ = request.into_body().collect().await;
    Ok(Response::new(Full::new(Bytes::from_static(&REPLY))))
}
