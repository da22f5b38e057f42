//! Contracted queries a second, and what is shed at the head: answered unread, on a connection that goes on.

mod common;

use std::time::{Duration, Instant};

use common::tree::{Running, bad};
use common::{Client, post};

const BURST: u32 = 3;
const REQUESTS: u64 = 50;

/// How: a negative floor needs no money to be answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_over_the_contract_is_answered_unread_and_its_connection_goes_on() {
    let running = Running::start_under_contract(1, BURST).await;
    let mut client = Client::connect(running.address).await;
    let begun = Instant::now();
    let mut within = 0;
    for _ in 0..REQUESTS {
        let reply = client.ask(post(bad())).await;
        assert_eq!(reply.status, 204);
        match reply.header("x-no-bid") {
            "negative_floor" => within += 1,
            "over_quota" => {}
            other => panic!("{other}"),
        }
    }
    let most = u64::from(BURST) + begun.elapsed().as_secs() + 1;
    assert!((u64::from(BURST)..=most).contains(&within), "{within} of at most {most}");
    assert_eq!(running.meters.no_bids.get("over_quota"), REQUESTS - within);
    assert_eq!(running.meters.shed.get(), REQUESTS - within);
    let figures = running.port.in_flight().expect("published").figures();
    assert_eq!(figures.admitted, within, "the others took no place");
    running.tree.shutdown().await;
}

/// How: the beats are told to the port, as a lane would, and the pressure of the one above to the board.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn for_one_of_higher_priority_an_exchange_sheds_unread_and_stops_when_that_one_is_on_time() {
    const BEAT: Duration = Duration::from_millis(10);
    let running = Running::start().await;
    let mut client = Client::connect(running.address).await;
    let mut now = tokio::time::Instant::now();
    let mut beats = |count: u32, lag: Duration| {
        for _ in 0..count {
            now += BEAT;
            running.port.beaten(now, lag);
        }
        running.meters.runtime.pressure_permille.get()
    };
    running.board.note(1, 500);
    assert_eq!(beats(1, Duration::ZERO), 0, "itself it has time");
    for _ in 0..3 {
        let body = " ".repeat(100_000);
        client.send(format!("POST /bid HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n", body.len())).await;
        // Before a byte of the body has been sent.
        let reply = client.reply().await;
        assert_eq!((reply.status, reply.header("x-no-bid")), (204, "shed_priority"));
        client.send(&body).await;
    }
    assert_eq!(client.ask(post(bad())).await.header("x-no-bid"), "shed_priority", "told from the bodies before it");
    running.board.note(1, 0);
    assert_eq!(beats(1, Duration::ZERO), 0);
    assert_eq!(client.ask(post(bad())).await.header("x-no-bid"), "negative_floor");
    assert_eq!(running.meters.no_bids.get("shed_priority"), 4);
    assert_eq!(running.meters.shed.get(), 4);
    // Late itself, it never sheds blindly.
    assert_eq!(beats(200, Duration::from_millis(100)), 1_000);
    let reply = client.ask(post(bad())).await;
    assert!(["negative_floor", "shed_value"].contains(&reply.header("x-no-bid")), "{reply:?}");
    running.tree.shutdown().await;
}
