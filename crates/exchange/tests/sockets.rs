//! The sockets against raw TCP clients: framing, limits, encodings, connection life.
//!
//! How: a scripted handler does what the body says; each test speaks bytes over loopback.

mod common;

use std::io::{Read, Write};
use std::time::Duration;

use common::{PATIENCE, Script, Server, post, post_with};
use exchange::sockets::{Deadlines, Limits};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[tokio::test]
async fn answers_on_a_kept_alive_connection_one_after_the_other() {
    let server = Server::start();
    let mut client = server.client().await;
    let bid = client.ask(post("bid")).await;
    assert_eq!(
        (bid.status, bid.header("content-type"), bid.header("x-openrtb-version")),
        (200, "application/json", "2.6")
    );
    assert_eq!(bid.body, b"{\"id\":\"1\"}");
    let no_bid = client.ask(post("no-bid")).await;
    assert_eq!((no_bid.status, no_bid.header("x-no-bid"), no_bid.body.len()), (204, "below_floor", 0));
    let malformed = client.ask(post("malformed")).await;
    assert_eq!((malformed.status, malformed.body.len()), (400, 0));
    let outcomes = server.script.outcomes();
    let told: Vec<_> = outcomes.iter().map(|outcome| (outcome.status, outcome.reason)).collect();
    assert_eq!(told, [(200, ""), (204, "below_floor"), (400, "json")]);
    assert_eq!(server.script.events("opened"), 1);
}

#[tokio::test]
async fn takes_chunked_bodies() {
    let server = Server::start();
    let mut client = server.client().await;
    let request =
        "POST /bid HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n3\r\nno-\r\n3\r\nbid\r\n0\r\n\r\n";
    assert_eq!(client.ask(request).await.header("x-no-bid"), "below_floor");
    assert_eq!(client.ask(post("bid")).await.status, 200);
}

#[tokio::test]
async fn answers_pipelined_requests_in_order() {
    let server = Server::start();
    let mut client = server.client().await;
    let mut bytes = post("no-bid");
    bytes.extend(post("malformed"));
    bytes.extend(post("bid"));
    client.send(bytes).await;
    assert_eq!(
        [client.reply().await.status, client.reply().await.status, client.reply().await.status],
        [204, 400, 200]
    );
}

#[tokio::test]
async fn wrong_path_method_and_length_keep_the_connection() {
    let server = Server::start();
    let mut client = server.client().await;
    let body = "GET /bid HTTP/1.1\r\nhost: t\r\n\r\n";
    let reply = client.ask(body).await;
    assert_eq!((reply.status, reply.header("allow")), (405, "POST"));
    let reply = client.ask("POST /other HTTP/1.1\r\nhost: t\r\ncontent-length: 3\r\n\r\nabc").await;
    assert_eq!(reply.status, 404);
    assert_eq!(client.ask("POST /bid HTTP/1.1\r\nhost: t\r\n\r\n").await.status, 411);
    assert_eq!(client.ask(post("bid")).await.status, 200, "and the query does not matter");
    assert_eq!(client.ask("POST /bid?ssp=1 HTTP/1.1\r\nhost: t\r\ncontent-length: 3\r\n\r\nbid").await.status, 200);
    assert!(server.script.seen().len() == 2, "nothing wrong reaches the handler");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_unread_and_one_at_the_limit_is_served() {
    let limits = Limits { body_bytes_max: 1_000, ..Limits::default() };
    let server = Server::with(limits, Deadlines::default());
    let mut client = server.client().await;
    assert_eq!(client.ask(post([b'x'; 1_000])).await.status, 200);
    let reply = client.ask("POST /bid HTTP/1.1\r\nhost: t\r\ncontent-length: 1001\r\n\r\n").await;
    assert_eq!((reply.status, reply.header("connection")), (413, "close"));
    client.closed().await;
    let mut client = server.client().await;
    client.send("POST /bid HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    client.send(chunk.repeat(3)).await;
    assert_eq!(client.reply().await.status, 413, "whatever the client does not say about its length");
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused() {
    let limits = Limits { head_bytes_max: 8_192, ..Limits::default() };
    let server = Server::with(limits, Deadlines::default());
    let mut client = server.client().await;
    let head = format!("POST /bid HTTP/1.1\r\nhost: t\r\nx: {}\r\n\r\n", "y".repeat(9_000));
    assert_eq!(client.ask(head).await.status, 431);
    client.closed().await;
    server.script.until(|script| script.events("bad_head") == 1).await;
}

#[tokio::test]
async fn inflates_gzip_bodies_and_stops_at_a_bomb() {
    let server = Server::start();
    let mut client = server.client().await;
    let encoded = |body: &[u8]| post_with("content-encoding: gzip\r\n", body);
    assert_eq!(client.ask(encoded(&gzip(b"no-bid"))).await.header("x-no-bid"), "below_floor");
    let bomb = gzip(&vec![0; 64 * 1024 * 1024]);
    assert!(bomb.len() < Limits::default().body_bytes_max, "the bomb passes the wire's limit: {}", bomb.len());
    assert_eq!(client.ask(encoded(&bomb)).await.status, 413);
    assert_eq!(client.ask(encoded(b"not gzip at all")).await.status, 400);
    assert_eq!(client.ask(post_with("content-encoding: br\r\n", "bid")).await.status, 415);
    assert_eq!(client.ask(post("bid")).await.status, 200, "the connection has survived all of it");
    let reasons: Vec<_> = server.script.outcomes().iter().map(|outcome| outcome.reason).collect();
    assert_eq!(reasons, ["below_floor", "inflates_too_large", "bad_gzip", "content_encoding", ""]);
}

#[tokio::test]
async fn compresses_answers_only_for_clients_that_take_gzip() {
    let server = Server::start();
    let mut client = server.client().await;
    let plain = client.ask(post("large")).await;
    assert_eq!((plain.header("content-encoding"), plain.body.len()), ("", 4_096));
    for refusing in ["accept-encoding: gzip;q=0\r\n", "accept-encoding: br, deflate\r\n"] {
        assert_eq!(client.ask(post_with(refusing, "large")).await.header("content-encoding"), "");
    }
    for taking in ["accept-encoding: gzip\r\n", "accept-encoding: br;q=1, GZIP;q=0.5\r\n", "accept-encoding: *\r\n"] {
        let packed = client.ask(post_with(taking, "large")).await;
        assert_eq!(packed.header("content-encoding"), "gzip");
        let mut body = Vec::new();
        GzDecoder::new(&packed.body[..]).read_to_end(&mut body).expect("gzip");
        assert_eq!(body, plain.body);
    }
    let small = client.ask(post_with("accept-encoding: gzip\r\n", "bid")).await;
    assert_eq!(small.header("content-encoding"), "", "too small to be worth it");
}

#[tokio::test]
async fn a_panic_in_framing_costs_its_own_connection_only() {
    let server = Server::start();
    let mut healthy = server.client().await;
    assert_eq!(healthy.ask(post("bid")).await.status, 200);
    let mut unlucky = server.client().await;
    unlucky.send(post("panic")).await;
    unlucky.closed().await;
    server.script.until(|script| script.events("panicked") == 1).await;
    assert_eq!(healthy.ask(post("bid")).await.status, 200);
    assert_eq!(server.client().await.ask(post("bid")).await.status, 200);
    assert_eq!(server.args.tracker.open(), 2);
}

#[tokio::test]
async fn a_slow_head_ends_its_connection_and_an_idle_one_lives_longer() {
    let limits = Limits {
        head_timeout: Duration::from_millis(50),
        idle_timeout: Duration::from_millis(400),
        ..Limits::default()
    };
    let server = Server::with(limits, Deadlines::default());
    let mut slow = server.client().await;
    let mut idle = server.client().await;
    assert_eq!(idle.ask(post("bid")).await.status, 200);
    slow.send("POST /bid HTTP/1.1\r\nhost").await;
    assert!(slow.try_reply().await.is_none());
    assert_eq!(server.script.events("stalled"), 1);
    assert_eq!(idle.ask(post("bid")).await.status, 200, "quiet is not slow");
    idle.closed().await;
    server.script.until(|script| script.events("idle") == 1).await;
}

#[tokio::test]
async fn a_connection_with_a_request_in_hand_is_not_idle() {
    let idle_timeout = Duration::from_millis(40);
    let deadlines = Deadlines { tmax_default: Duration::from_secs(2), ..Deadlines::default() };
    let server = Server::with(Limits { idle_timeout, ..Limits::default() }, deadlines);
    let mut client = server.client().await;
    client.send(post("wait")).await;
    tokio::time::sleep(idle_timeout * 3).await;
    server.script.release.notify_one();
    let answered = std::time::Instant::now();
    assert_eq!(client.reply().await.status, 200);
    client.closed().await;
    assert!(idle_timeout / 2 < answered.elapsed(), "quiet begins with the answer: {:?}", answered.elapsed());
    server.script.until(|script| script.events("idle") == 1).await;
}

#[tokio::test]
async fn at_the_connection_limit_a_connect_waits_and_is_not_refused() {
    let limits = Limits { connections_max: 1, ..Limits::default() };
    let server = Server::with(limits, Deadlines::default());
    let mut first = server.client().await;
    assert_eq!(first.ask(post("bid")).await.status, 200);
    let mut second = server.client().await;
    second.send(post("no-bid")).await;
    assert!(timeout(Duration::from_millis(50), second.reply()).await.is_err(), "no place yet");
    drop(first);
    assert_eq!(second.reply().await.status, 204);
    assert_eq!(server.script.events("opened"), 2);
}

#[tokio::test]
async fn a_new_accept_loop_takes_over_listener_backlog_and_leaves_connections_alone() {
    let mut server = Server::start();
    let mut before = server.client().await;
    assert_eq!(before.ask(post("bid")).await.status, 200);
    server.accepting = None;
    let mut between = server.client().await;
    between.send(post("no-bid")).await;
    assert_eq!(before.ask(post("bid")).await.status, 200, "open connections need no accept loop");
    server.accept();
    assert_eq!(between.reply().await.status, 204);
    assert_eq!(server.args.tracker.open(), 2);
    assert_eq!(server.script.events("closed"), 0);
}

#[tokio::test]
async fn a_drain_answers_what_is_in_flight_and_then_closes() {
    let deadlines = Deadlines { tmax_default: Duration::from_secs(2), ..Deadlines::default() };
    let server = Server::with(Limits::default(), deadlines);
    let mut idle = server.client().await;
    assert_eq!(idle.ask(post("bid")).await.status, 200);
    let mut busy = server.client().await;
    busy.send(post("wait")).await;
    server.script.until(|script| script.seen().len() == 2).await;
    let answers = async {
        idle.closed().await;
        server.script.release.notify_one();
        assert_eq!(busy.reply().await.status, 200);
        busy.closed().await;
    };
    let (drained, ()) = tokio::join!(server.args.tracker.drain(PATIENCE), answers);
    assert_eq!((drained.open_at_start, drained.cut), (2, 0));
    assert_eq!(
        server.client().await.ask(post("bid")).await.status,
        200,
        "a drain concerns what was open when it began"
    );
}

#[tokio::test]
async fn a_drain_cuts_what_does_not_finish() {
    let server = Server::start();
    let mut stuck = server.client().await;
    stuck.send("POST /bid HTTP/1.1\r\nhost").await;
    server.script.until(|script| script.events("opened") == 1).await;
    let drained = server.args.tracker.drain(Duration::from_millis(30)).await;
    assert!(drained.cut <= drained.open_at_start);
    stuck.closed().await;
    server.script.until(|script| script.events("closed") == 1).await;
}

#[tokio::test]
async fn a_client_that_goes_away_is_counted_and_ends_its_call() {
    let deadlines = Deadlines { tmax_default: Duration::from_secs(2), ..Deadlines::default() };
    let server = Server::with(Limits::default(), deadlines);
    let mut client = server.client().await;
    client.send(post("hang")).await;
    server.script.until(|script| script.seen().len() == 1).await;
    drop(client);
    server.script.until(|script| script.events("client_gone") == 1 && script.events("closed") == 1).await;
    assert!(server.script.outcomes().is_empty());
}

#[tokio::test]
async fn a_client_that_only_stops_sending_gets_its_answer() {
    let server = Server::start();
    let mut client = server.client().await;
    client.send(post("bid")).await;
    client.stream.shutdown().await.expect("half of it closes");
    assert_eq!(client.reply().await.status, 200);
    client.closed().await;
    server.script.until(|script| script.events("closed") == 1).await;
    assert_eq!(server.script.events("client_gone"), 0);
}

#[tokio::test]
async fn a_client_that_sends_more_while_it_waits_has_not_gone() {
    let deadlines = Deadlines { tmax_default: Duration::from_secs(2), ..Deadlines::default() };
    let server = Server::with(Limits::default(), deadlines);
    let mut client = server.client().await;
    client.send(post("wait")).await;
    server.script.until(|script| script.seen().len() == 1).await;
    client.send(post("no-bid")).await;
    assert!(timeout(Duration::from_millis(20), client.reply()).await.is_err(), "it waits");
    server.script.release.notify_one();
    assert_eq!([client.reply().await.status, client.reply().await.status], [200, 204]);
    assert_eq!(server.script.events("client_gone"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_accepted_while_the_loop_is_stopped_is_drained_as_well() {
    for _ in 0..20 {
        let mut server = Server::start();
        let address = server.address;
        let knocking = tokio::spawn(async move {
            let mut clients = Vec::new();
            while let Ok(client) = tokio::net::TcpStream::connect(address).await {
                clients.push(client);
            }
        });
        server.script.until(|script| script.events("opened") > 2).await;
        server.accepting.take().expect("accepting").stop().await;
        server.args.tracker.drain(Duration::from_millis(50)).await;
        // What has been accepted may not have begun yet: its events are still to come.
        let is_over =
            |script: &Script| script.events("opened") == script.events("closed") && server.args.tracker.open() == 0;
        server.script.until(is_over).await;
        knocking.abort();
    }
}

#[tokio::test]
async fn a_ready_poll_is_answered_with_a_one_and_is_no_request() {
    const POLL: &str = "GET /bid HTTP/1.1\r\nhost: t\r\n\r\n";
    let mut server = Server::bound(Limits::default(), Deadlines::default());
    server.args.ready_path = Some("/bid".into());
    server.accept();
    let mut client = server.client().await;
    let ready = client.ask(POLL).await;
    assert_eq!((ready.status, ready.header("content-type"), &*ready.body), (200, "text/plain", &b"1"[..]));
    assert_eq!(client.ask(post("bid")).await.status, 200, "bids arrive on the same path, and the same connection");
    // One with a body is not mistaken for two requests.
    let ready = client.ask("GET /bid?a=1 HTTP/1.1\r\nhost: t\r\ncontent-length: 3\r\n\r\nGET").await;
    assert_eq!((ready.status, &*ready.body), (200, &b"1"[..]));
    assert_eq!(client.ask("HEAD /bid HTTP/1.1\r\nhost: t\r\n\r\n").await.status, 405);
    assert_eq!(client.ask(post("no-bid")).await.status, 204);
    let statuses: Vec<u16> = server.script.outcomes().iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [200, 405, 204], "polls are in no count of requests");
    assert_eq!(server.script.events("ready_poll"), 2);
}
