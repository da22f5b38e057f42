//! Every way in which a request can end is told apart.

mod support;

use std::time::Duration;

use bytes::Bytes;
use http::header;
use http::uri::PathAndQuery;
use simulator::{
    ConnectError, Connection, Endpoint, InflateError, RESPONSE_BYTES_MAX, SendError, Wire, WireAnswer, gzip,
};
use support::{Server, answer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SOON: Duration = Duration::from_secs(5);

fn endpoint(address: std::net::SocketAddr) -> Endpoint {
    Endpoint::new(address, PathAndQuery::from_static("/bid"))
}

#[tokio::test]
async fn an_answer_comes_with_status_reason_and_body_and_the_connection_stays() {
    let server = Server::start(|request| async move {
        let mut response = answer(if request.body().is_empty() { 204 } else { 200 }, request.into_body());
        response.headers_mut().insert("x-no-bid", "below_floor".parse().expect("a value"));
        Some(response)
    })
    .await;
    let endpoint = endpoint(server.address);
    let mut connection = Connection::connect(server.address, SOON).await.expect("connected");
    for body in ["first", ""] {
        let answer = connection.send(endpoint.post(body.into()), SOON).await.expect("answered");
        assert_eq!(answer.status, if body.is_empty() { 204 } else { 200 });
        assert_eq!(answer.body, body);
        assert_eq!(answer.no_bid_reason(), Some("below_floor"));
        assert!(answer.sent_at <= answer.answered_at);
    }
    assert!(!connection.is_closed().await);
}

#[tokio::test]
async fn a_refused_connect_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    assert!(matches!(Connection::connect(address, SOON).await, Err(ConnectError::Refused)));
    assert!(matches!(Wire::connect(address, SOON).await, Err(ConnectError::Refused)));
}

#[tokio::test]
async fn a_close_while_idle_is_noticed_and_the_request_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let mut connection = Connection::connect(address, SOON).await.expect("connected");
    let (stream, _) = listener.accept().await.expect("accepted");
    assert!(!connection.is_closed().await);
    drop(stream);
    tokio::time::timeout(SOON, connection.closed()).await.expect("closed");
    let failure = connection.send(endpoint(address).post(Bytes::new()), SOON).await;
    assert!(matches!(failure, Err(SendError::ClosedIdle)), "{failure:?}");
}

#[tokio::test]
async fn a_close_announced_by_the_server_is_a_close_while_idle() {
    let server = Server::start(|_| async {
        let mut response = answer(204, "");
        response.headers_mut().insert(header::CONNECTION, "close".parse().expect("a value"));
        Some(response)
    })
    .await;
    let mut connection = Connection::connect(server.address, SOON).await.expect("connected");
    connection.send(endpoint(server.address).post(Bytes::new()), SOON).await.expect("answered");
    tokio::time::timeout(SOON, connection.closed()).await.expect("closed");
}

#[tokio::test]
async fn a_close_with_the_request_in_flight_is_told_as_such() {
    let server = Server::start(|_| async { None }).await;
    let mut connection = Connection::connect(server.address, SOON).await.expect("connected");
    let failure = connection.send(endpoint(server.address).post("x".into()), SOON).await;
    assert!(matches!(failure, Err(SendError::ClosedInFlight)), "{failure:?}");
    let mut wire = Wire::connect(server.address, SOON).await.expect("connected");
    let failure = wire.send(&endpoint(server.address).post_bytes(b"x")).await;
    assert!(matches!(failure, Err(SendError::ClosedInFlight)), "{failure:?}");
}

#[tokio::test]
async fn half_an_answer_counts_as_closed_in_flight() {
    let address = raw_server("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
    let mut connection = Connection::connect(address, SOON).await.expect("connected");
    let failure = connection.send(endpoint(address).post("x".into()), SOON).await;
    assert!(matches!(failure, Err(SendError::ClosedInFlight)), "{failure:?}");
}

#[tokio::test]
async fn what_is_no_http_is_unusable_and_not_a_close() {
    let address = raw_server("SSH-2.0-OpenSSH_9.2p1\r\n\r\n").await;
    let mut connection = Connection::connect(address, SOON).await.expect("connected");
    let failure = connection.send(endpoint(address).post("x".into()), SOON).await;
    assert!(matches!(failure, Err(SendError::Unusable(_))), "{failure:?}");
    let mut wire = Wire::connect(address, SOON).await.expect("connected");
    let failure = wire.send(&endpoint(address).post_bytes(b"x")).await;
    assert!(matches!(failure, Err(SendError::Unusable(_))), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn no_answer_in_time_is_our_giving_up_and_not_a_close() {
    let server = Server::start(|_| std::future::pending()).await;
    let mut connection = Connection::connect(server.address, SOON).await.expect("connected");
    let failure = connection.send(endpoint(server.address).post("x".into()), SOON).await;
    assert!(matches!(failure, Err(SendError::TimedOut)), "{failure:?}");
    assert!(connection.is_closed().await, "a connection with an answer outstanding is not used again");
}

#[tokio::test]
async fn gzip_is_inflated_up_to_a_limit() {
    let server = Server::start(|request| async move {
        let body = if request.body().is_empty() { vec![b' '; RESPONSE_BYTES_MAX + 1] } else { b"{}".to_vec() };
        let mut response = answer(200, gzip(&body));
        response.headers_mut().insert(header::CONTENT_ENCODING, "gzip".parse().expect("a value"));
        Some(response)
    })
    .await;
    let mut connection = Connection::connect(server.address, SOON).await.expect("connected");
    let small = connection.send(endpoint(server.address).post("x".into()), SOON).await.expect("answered");
    assert_eq!(small.plain_body().expect("inflated"), "{}");
    let bomb = connection.send(endpoint(server.address).post(Bytes::new()), SOON).await.expect("answered");
    assert!(matches!(bomb.plain_body(), Err(InflateError::TooLarge)));
}

#[tokio::test]
async fn an_oversized_answer_is_unusable() {
    let server = Server::start(|_| async { Some(answer(200, vec![b' '; RESPONSE_BYTES_MAX + 1])) }).await;
    let mut connection = Connection::connect(server.address, SOON).await.expect("connected");
    let failure = connection.send(endpoint(server.address).post("x".into()), SOON).await;
    assert!(matches!(failure, Err(SendError::Unusable(_))), "{failure:?}");
}

#[tokio::test]
async fn an_answer_before_the_whole_request_was_read_leaves_the_connection_usable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let large = vec![b'x'; 4 << 20];
    let request_len = endpoint(address).post_bytes(&large).len();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        let mut seen = vec![0; request_len];
        loop {
            stream.read_exact(&mut seen[..1000]).await.expect("read");
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await.expect("written");
            stream.read_exact(&mut seen[1000..]).await.expect("read");
        }
    });
    let mut connection = Connection::connect(address, SOON).await.expect("connected");
    for _ in 0..3 {
        let answer = connection.send(endpoint(address).post(large.clone().into()), SOON).await;
        assert_eq!(answer.expect("answered").status, 400);
    }
}

#[tokio::test]
async fn the_wire_reads_status_and_length_of_any_size() {
    let server = Server::start(|request| async move {
        let len: usize = std::str::from_utf8(request.body()).expect("text").parse().expect("a length");
        Some(if len == 0 { answer(204, "") } else { answer(200, vec![b'x'; len]) })
    })
    .await;
    let endpoint = endpoint(server.address);
    let mut wire = Wire::connect(server.address, SOON).await.expect("connected");
    for len in [0, 1, 500, 16 * 1024, 300_000, 0, 7] {
        let answer = wire.send(&endpoint.post_bytes(len.to_string().as_bytes())).await.expect("answered");
        assert_eq!(answer, WireAnswer { status: if len == 0 { 204 } else { 200 }, body_len: len });
    }
}

/// Answers the first bytes of each connection with a fixed text and closes it.
async fn raw_server(text: &'static str) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut seen = [0; 1024];
            let _ = stream.read(&mut seen).await;
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    address
}
