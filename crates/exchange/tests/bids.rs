//! A bid as it leaves over HTTP, read back with an independent reader, and its token opened.

mod common;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use common::tree::{Running, bad, good};
use common::{PATIENCE, post};
use exchange::chaos::{NEGATIVE_FLOOR, SLOW_SERIALIZER, SLOW_SERIALIZER_TAKES};
use exchange::sockets::{Answer, Framed, Handler, Outcome};
use exchange::{BILLING_PATH, Dialect, LOSS_PATH, WIN_PATH, unserved};
use money::{Cpm, Currency};
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_bid_names_its_imp_price_creative_and_notices_and_its_token_opens() {
    let running = Running::start().await;
    let mut client = running.warm_client().await;
    let reply = client.ask(post(good(5))).await;
    assert_eq!(reply.status, 200);
    let response = openrtb::parse_response(&reply.body).expect("a response");
    assert_eq!((response.id.as_ref(), response.currency()), ("good-5", Currency::USD));
    let bids: Vec<_> = response.bids().collect();
    let [(seat, bid)] = bids[..] else { panic!("one bid, not {}", bids.len()) };
    assert_eq!(seat.seat.as_deref(), Some("seat-1"));
    assert_eq!((bid.impid.as_ref(), bid.price, bid.w, bid.h), ("1", Cpm(1_000), Some(300), Some(250)));
    assert_eq!((bid.crid.as_deref(), bid.adomain[0].as_ref(), bid.mtype), (Some("101"), "kopi.example", Some(1)));
    assert_eq!((bid.bundle.as_deref(), bid.language.as_deref()), (Some("com.kopi.app"), Some("en")));
    assert_eq!(bid.adm.as_deref(), Some("<a href=\"https://kopi.example\">kopi</a>"));

    let burl = bid.burl.as_deref().expect("burl");
    let token_of = |url: &str, path: &str| {
        let rest =
            url.strip_prefix("http://127.0.0.1:9").and_then(|url| url.strip_prefix(path)).expect("our path").to_owned();
        rest.split('?').next().expect("a token").to_owned()
    };
    let token = token_of(burl, BILLING_PATH);
    assert_eq!(token_of(bid.nurl.as_deref().expect("nurl"), WIN_PATH), token);
    assert_eq!(token_of(bid.lurl.as_deref().expect("lurl"), LOSS_PATH), token);
    assert!(burl.contains("price=${AUCTION_PRICE}"));
    let opened = running.keys.open(&token, ledger::Clock::system().now_ms()).expect("our token");
    let claims = opened.claims;
    assert_eq!((&*claims.exchange, &*claims.region, claims.auction.as_str()), ("xandr", "sg", "good-5"));
    assert_eq!((claims.campaign.0, claims.creative.0, claims.bid_price, claims.test), (1, 101, Cpm(1_000), false));
    assert_eq!(claims.bid, bid.id);
    running.tree.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn where_the_impression_is_billed_the_markup_carries_the_notice_and_no_burl_is_sent() {
    let dialect = Dialect { bills_on_impression: true, ..Dialect::openrtb("seat-1") };
    let running = Running::start_speaking(dialect).await;
    let mut client = running.warm_client().await;
    let reply = client.ask(post(good(5))).await;
    let response = openrtb::parse_response(&reply.body).expect("a response");
    let (_, bid) = response.bids().next().expect("a bid");
    assert_eq!(bid.burl, None);
    let markup = bid.adm.as_deref().expect("markup");
    let (creative, tracker) = markup.split_once("<img src=\"http://127.0.0.1:9/billing/").expect("a tracker");
    assert_eq!(creative, "<a href=\"https://kopi.example\">kopi</a>");
    let (token, rest) = tracker.split_once("?price=${AUCTION_PRICE}&amp;").expect("a token and the price");
    assert!(running.keys.open(token, ledger::Clock::system().now_ms()).is_ok(), "our token");
    assert!(rest.ends_with("style=\"display:none\">"), "{rest}");
    running.tree.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn outcomes_reach_the_client_and_the_meters() {
    let running = Running::start().await;
    let mut client = running.warm_client().await;
    let no_geo = good(1).replace("sgp", "usa");
    assert_eq!(client.ask(post(no_geo)).await.header("x-no-bid"), "unserved_country");
    assert_eq!(client.ask(post("{\"id\":")).await.status, 400);
    assert_eq!(client.ask(post(good(1).replace("\"imp\"", "\"pmi\""))).await.status, 400);
    assert_eq!(client.ask(post("[]")).await.status, 400);
    let meters = &running.meters;
    assert_eq!(meters.no_bids.get("unserved_country"), 1);
    for kind in ["truncated", "no_imp", "not_an_object"] {
        assert_eq!(meters.malformed.get(kind), 1, "{kind}");
    }
    assert!(meters.bids.get() >= 1 && meters.region("sg").expect("the region").bids.get() >= 1);
    assert_eq!(meters.requests.get(), meters.statuses.iter().map(|(_, count)| count).sum::<u64>());
    let in_flight = running.port.in_flight().expect("published").figures();
    assert_eq!((in_flight.now, in_flight.refused), (0, 0));
    running.tree.shutdown().await;
}

/// How: no thread but this one is there to do anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_request_runs_to_completion_on_its_callers_thread() {
    let running = Running::start().await;
    drop(running.warm_client().await);
    let held = running.hold_thread();
    let mut asked = pin!(ask(&running, good(1), PATIENCE));
    let answer = poll_fn(|cx| Poll::Ready(asked.as_mut().poll(cx))).await;
    assert!(matches!(answer, Poll::Ready(Answer::Content(_))), "at the first poll: {answer:?}");
    drop(held);
    running.tree.shutdown().await;
}

/// How: the exchange's thread is held while this one condemns the engine, so that requests wait for the next incarnation.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_over_the_limit_of_requests_in_flight_is_answered_at_once() {
    let running = Running::start_with(None, 1).await;
    let mut client = running.warm_client().await;
    let held = running.hold_thread();
    NEGATIVE_FLOOR.arm();
    assert_eq!(ask(&running, bad(), PATIENCE).await, Answer::NoBid(unserved::ENGINE_CRASHED));
    NEGATIVE_FLOOR.disarm();
    let impatient = ask(&running, good(1), Duration::from_millis(30)).await;
    assert_eq!(impatient, Answer::NoBid(unserved::DEADLINE), "it waits no longer than its deadline");
    let mut waiting = pin!(ask(&running, good(2), PATIENCE));
    assert!(poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx).is_pending())).await);
    assert_eq!(ask(&running, good(3), PATIENCE).await, Answer::NoBid(unserved::OVERLOAD));
    let figures = running.port.in_flight().expect("published").figures();
    assert_eq!((figures.now, figures.refused), (1, 1));
    drop(held);
    let answer = waiting.await;
    assert!(matches!(answer, Answer::Content(_)), "by the next incarnation: {answer:?}");
    assert_eq!(client.ask(post(good(4))).await.status, 200, "the place is free again");
    assert_eq!(running.incarnations(), [1, 2, 2]);
    running.tree.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_of_a_region_that_is_down_get_its_reason() {
    let running = Running::start_with(Some(0), 1_000).await;
    let mut client = running.warm_client().await;
    let tree = running.tree.handle();
    tree.terminate_child("sg").await.expect("terminated");
    assert_eq!(client.ask(post(good(1))).await.header("x-no-bid"), "region_down");
    assert_eq!(
        client.ask(post(good(1).replace("sgp", "?"))).await.header("x-no-bid"),
        "region_down",
        "the default region"
    );
    tree.restart_child("sg").await.expect("restarted");
    drop(client);
    running.warm_client().await;
    assert_eq!(running.incarnations(), [1, 1, 1]);
    running.tree.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn only_what_is_answered_at_once_counts_as_shed() {
    let running = Running::start().await;
    for (reason, shed) in [(unserved::DEADLINE, 0), (unserved::OVERLOAD, 1), (unserved::INSUFFICIENT_TIME, 2)] {
        running.port.record(Outcome { status: 204, reason, elapsed: PATIENCE, late: false });
        assert_eq!(running.meters.shed.get(), shed, "{reason}");
    }
    running.tree.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_test_request_gets_a_bid_and_leaves_the_region_alone() {
    let running = Running::start().await;
    let mut client = common::Client::connect(running.address).await;
    let reply = client.ask(post(good(1).replace("\"at\":1", "\"test\":1"))).await;
    assert_eq!(reply.status, 200, "without a lease: {}", reply.header("x-no-bid"));
    running.tree.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_bid_is_committed_after_its_deadline() {
    let running = Running::start().await;
    drop(running.warm_client().await);
    let sent = running.meters.bids.get();
    SLOW_SERIALIZER.arm();
    let late = ask(&running, good(1), SLOW_SERIALIZER_TAKES / 2).await;
    let in_time = ask(&running, good(2), SLOW_SERIALIZER_TAKES * 100).await;
    SLOW_SERIALIZER.disarm();
    assert_eq!(late, Answer::NoBid(unserved::DEADLINE));
    assert!(matches!(in_time, Answer::Content(_)), "{in_time:?}");
    assert_eq!(running.meters.bids.get(), sent + 1);
    running.tree.shutdown().await;
}

/// Asks the port on this thread, as a connection does on its own.
async fn ask(running: &Running, body: String, within: Duration) -> Answer {
    let first_byte = Instant::now();
    running.port.answer(Framed { body: body.into(), first_byte, deadline: first_byte + within }).await
}
