//! Deadlines of the sockets on the real clock, because they are promises about it.
//!
//! How: bytes are sent in parts at known times; the handler notes the deadline that it was given. Upper bounds are generous
//! where only another process's load could break them; the promised ones are exact.

mod common;

use std::time::{Duration, Instant};

use common::{Server, post};
use exchange::sockets::{Deadlines, Limits};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn server() -> Server {
    Server::with(Limits::default(), Deadlines { tmax_default: MS(200), tmax_max: MS(2_000), margin: MS(40) })
}

#[tokio::test]
async fn a_handler_that_hangs_is_answered_before_tmax() {
    let server = server();
    let mut client = server.client().await;
    for tmax_ms in [100, 200] {
        let sent = Instant::now();
        let reply = client.ask(post(format!("{{\"tmax\":{tmax_ms},\"do\":\"hang\"}}"))).await;
        assert_eq!((reply.status, reply.header("x-no-bid")), (204, "deadline"));
        assert!(sent.elapsed() < MS(tmax_ms), "{:?} of {tmax_ms} ms", sent.elapsed());
        assert!(sent.elapsed() >= MS(tmax_ms - 50), "not given up early: {:?}", sent.elapsed());
    }
    assert_eq!(client.ask(post("bid")).await.status, 200, "the connection stays");
}

#[tokio::test]
async fn without_tmax_or_with_zero_the_default_counts_and_an_endless_one_is_cut() {
    let server = server();
    let mut client = server.client().await;
    for (body, expected_ms) in
        [("{}", 160), ("{\"tmax\":0}", 160), ("{\"tmax\":500}", 460), ("{\"tmax\":4000000000}", 1_960)]
    {
        client.ask(post(body)).await;
        let (_, framed) = server.script.seen().pop().expect("asked");
        assert_eq!(framed.deadline - framed.first_byte, MS(expected_ms), "{body}");
    }
}

#[tokio::test]
async fn with_less_than_five_milliseconds_left_the_answer_is_immediate() {
    let server = server();
    let mut client = server.client().await;
    for tmax_ms in [1, 40, 44] {
        let reply = client.ask(post(format!("{{\"tmax\":{tmax_ms},\"do\":\"hang\"}}"))).await;
        assert_eq!((reply.status, reply.header("x-no-bid")), (204, "insufficient_time"), "{tmax_ms}");
    }
    assert!(server.script.seen().is_empty());
}

#[tokio::test]
async fn time_counts_from_the_first_byte_of_the_head() {
    let server = server();
    let mut client = server.client().await;
    client.ask(post("{}")).await;
    // Quiet time between two requests is nobody's.
    tokio::time::sleep(MS(60)).await;
    let request = post("{\"tmax\":250}");
    let started = tokio::time::Instant::now();
    client.send(&request[..1]).await;
    tokio::time::sleep(MS(40)).await;
    client.send(&request[1..30]).await;
    tokio::time::sleep(MS(40)).await;
    client.send(&request[30..]).await;
    assert_eq!(client.reply().await.status, 200);
    let (asked, framed) = server.script.seen().pop().expect("asked");
    assert!(framed.first_byte >= started && framed.first_byte < started + MS(40), "dated by the first byte");
    assert!(asked >= framed.first_byte + MS(80));
    assert_eq!(framed.deadline, framed.first_byte + MS(210));
}

#[tokio::test]
async fn a_pipelined_request_is_dated_by_the_read_that_brought_it() {
    let server = server();
    let mut client = server.client().await;
    let mut bytes = post("{\"do\":\"wait\"}");
    let second = post("{\"tmax\":190}");
    // The second head is cut in two: its beginning comes with the first request.
    bytes.extend_from_slice(&second[..10]);
    client.send(bytes).await;
    server.script.until(|script| script.seen().len() == 1).await;
    tokio::time::sleep(MS(50)).await;
    server.script.release.notify_one();
    assert_eq!(client.reply().await.status, 200);
    client.send(&second[10..]).await;
    assert_eq!(client.reply().await.status, 200);
    let seen = server.script.seen();
    let gap = seen[1].1.first_byte - seen[0].1.first_byte;
    assert!(gap < MS(40), "its first byte came {gap:?} after the first request's");
    assert!(seen[1].0 >= seen[1].1.first_byte + MS(50));
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_answered_in_time() {
    let server = server();
    let mut client = server.client().await;
    let sent = Instant::now();
    client.send("POST /bid HTTP/1.1\r\nhost: t\r\ncontent-length: 100\r\n\r\n{\"tmax\":120,").await;
    let reply = client.reply().await;
    assert_eq!((reply.status, reply.header("x-no-bid")), (204, "slow_body"));
    assert!(sent.elapsed() < MS(120), "by the tmax in the part that came: {:?}", sent.elapsed());
}

#[tokio::test]
async fn a_longer_tmax_in_the_part_that_came_gives_a_slow_body_its_time() {
    let server = server();
    let mut client = server.client().await;
    client.send("POST /bid HTTP/1.1\r\nhost: t\r\ncontent-length: 14\r\n\r\n{\"tmax\":1000,").await;
    tokio::time::sleep(MS(250)).await;
    client.send("}").await;
    assert_eq!(client.reply().await.status, 200);
}

#[tokio::test]
async fn a_bid_that_is_ready_after_its_deadline_is_not_sent() {
    let server = server();
    let mut client = server.client().await;
    // The script blocks its thread for 80 ms, so that no timer can fire.
    let reply = client.ask(post("{\"tmax\":60,\"do\":\"block\"}")).await;
    assert_eq!((reply.status, reply.header("x-no-bid")), (204, "deadline"));
    assert!(server.script.outcomes()[0].late, "and it is counted as late");
}

#[tokio::test]
async fn a_short_tmax_in_the_part_that_came_is_answered_at_once_and_the_connection_stays() {
    let server = server();
    let mut client = server.client().await;
    for _ in 0..2 {
        client.send("POST /bid HTTP/1.1\r\nhost: t\r\ncontent-length: 13\r\n\r\n{\"tmax\":40,").await;
        let reply = client.reply().await;
        assert_eq!((reply.status, reply.header("x-no-bid")), (204, "insufficient_time"));
        assert_eq!(reply.header("connection"), "");
        client.send("1}").await;
    }
    assert_eq!(client.ask(post("{}")).await.status, 200, "on the same connection");
    assert_eq!(server.script.events("opened"), 1);
}

#[tokio::test]
async fn a_rest_that_does_not_come_in_time_ends_the_connection() {
    let server = server();
    let mut client = server.client().await;
    client.send("POST /bid HTTP/1.1\r\nhost: t\r\ncontent-length: 13\r\n\r\n{\"tmax\":40,").await;
    assert_eq!(client.reply().await.header("x-no-bid"), "insufficient_time");
    client.closed().await;
    let mut client = server.client().await;
    client.send("POST /bid HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\nb\r\n{\"tmax\":40,\r\n").await;
    assert_eq!(client.reply().await.header("x-no-bid"), "insufficient_time");
    client.closed().await;
}
