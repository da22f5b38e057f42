//! The two lanes of a connection: what the usual one answers is what hyper's answers, however the bytes come.
//!
//! How: a head line that changes nothing but the lane (`connection: keep-alive, x`) makes a request unusual.

mod common;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use common::{Client, Reply, Server, post, post_with};
use exchange::sockets::{Deadlines, Limits};
use flate2::Compression;
use flate2::write::GzEncoder;

const UNUSUAL: &str = "connection: keep-alive, x\r\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// All of it but the moment.
fn lasting(reply: Reply) -> (u16, BTreeMap<String, String>, Vec<u8>) {
    let mut headers: BTreeMap<_, _> = reply.headers.into_iter().collect();
    let date = headers.remove("date").expect("a date");
    assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
    (reply.status, headers, reply.body)
}

/// Time enough for a loaded machine.
fn patient() -> Deadlines {
    Deadlines { tmax_default: Duration::from_secs(2), ..Deadlines::default() }
}

#[tokio::test]
async fn both_lanes_answer_alike() {
    let limits = Limits { body_bytes_max: 8_000, inflated_bytes_max: 10_000, ..Limits::default() };
    let server = Server::with(limits, patient());
    let packed = "content-encoding: gzip\r\n";
    let requests: Vec<(String, Vec<u8>)> = vec![
        (String::new(), b"bid".to_vec()),
        (String::new(), b"no-bid".to_vec()),
        (String::new(), b"malformed".to_vec()),
        (String::new(), Vec::new()),
        (String::new(), b"large".to_vec()),
        ("Accept-Encoding: gzip\r\n".into(), b"large".to_vec()),
        ("accept-encoding: br, *;q=0\r\nx-long: 1\r\n".into(), b"large".to_vec()),
        (packed.into(), gzip(b"no-bid")),
        (packed.into(), b"no gzip".to_vec()),
        (packed.into(), gzip(&vec![b'x'; 10_001])),
        ("content-encoding: br\r\n".into(), b"bid".to_vec()),
        (String::new(), br#"{"tmax":11}"#.to_vec()),
    ];
    let mut usual = server.client().await;
    for (headers, body) in requests {
        let seen = server.script.seen().len();
        let one = lasting(usual.ask(post_with(&headers, &body)).await);
        let other = lasting(server.client().await.ask(post_with(&format!("{headers}{UNUSUAL}"), &body)).await);
        assert_eq!(one, other, "{headers:?} {:?}", String::from_utf8_lossy(&body));
        let seen = server.script.seen().split_off(seen);
        assert!(seen.len().is_multiple_of(2), "both reach the handler or none");
        seen.chunks(2).for_each(|pair| assert_eq!(pair[0].1.body, pair[1].1.body));
    }
}

#[tokio::test]
async fn a_request_is_the_same_in_whatever_pieces_it_comes() {
    let server = Server::with(Limits::default(), patient());
    let mut bytes = post_with("content-encoding: gzip\r\n", gzip(b"no-bid"));
    bytes.extend(post("bid"));
    let mut client = server.client().await;
    for cut in 1..bytes.len() {
        for piece in [&bytes[..cut], &bytes[cut..]] {
            client.send(piece).await;
            // Mostly the server reads meanwhile; what is promised holds in any case.
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!([client.reply().await.status, client.reply().await.status], [204, 200], "cut at {cut}");
    }
    let mut client = server.client().await;
    for byte in &bytes {
        client.send([*byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!([client.reply().await.status, client.reply().await.status], [204, 200], "byte by byte");
}

#[tokio::test]
async fn what_is_unusual_is_answered_in_its_turn() {
    let server = Server::with(Limits::default(), patient());
    let mut client = server.client().await;
    let chunked = "POST /bid HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n6\r\nno-bid\r\n0\r\n\r\n";
    let bytes = [&post("malformed")[..], &post("bid"), chunked.as_bytes(), &post("malformed"), &post("bid")].concat();
    client.send(bytes).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(client.reply().await.status);
    }
    assert_eq!(statuses, [400, 200, 204, 400, 200]);
    assert_eq!(server.args.tracker.open(), 1);
}

#[tokio::test]
async fn a_request_that_waits_keeps_its_bytes_while_others_are_read() {
    let server = Server::with(Limits::default(), patient());
    let mut waits = server.client().await;
    waits.send(post("wait for it")).await;
    server.script.until(|script| script.seen().len() == 1).await;
    let mut other = server.client().await;
    for _ in 0..50 {
        assert_eq!(other.ask(post("no-bid, and longer than the other")).await.status, 204);
    }
    assert_eq!(&server.script.seen()[0].1.body[..], b"wait for it");
    server.script.release.notify_one();
    assert_eq!(waits.reply().await.status, 200);
}

#[tokio::test]
async fn a_drain_answers_what_is_in_flight_on_either_lane() {
    let server = Server::with(Limits::default(), patient());
    let mut clients: Vec<Client> = vec![server.client().await, server.client().await];
    clients[0].send(post("wait")).await;
    clients[1].send(post_with(UNUSUAL, "wait")).await;
    server.script.until(|script| script.seen().len() == 2).await;
    let answers = async {
        for _ in 0..clients.len() {
            server.script.release.notify_one();
        }
        for mut client in clients {
            assert_eq!(client.reply().await.status, 200);
            client.closed().await;
        }
    };
    let (drained, ()) = tokio::join!(server.args.tracker.drain(common::PATIENCE), answers);
    assert_eq!((drained.open_at_start, drained.cut), (2, 0));
}
