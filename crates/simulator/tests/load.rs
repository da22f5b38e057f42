//! What load counts, against a server that misbehaves on purpose.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use simulator::{
    DriveError, Endpoint, Lane, Limit, LoadMode, LoadPlan, Outcome, Pace, ReplayPlan, TallySheet, drive, replay,
};
use support::{Server, answer};
use tokio::time::Instant;

const SOON: Duration = Duration::from_secs(5);
const TMAX: Option<Duration> = Some(Duration::from_millis(100));

fn endpoint(server: &Server) -> Endpoint {
    Endpoint::new(server.address, PathAndQuery::from_static("/bid"))
}

fn lane(server: &Server) -> (Lane, TallySheet) {
    let sheet = TallySheet::new();
    (Lane::new(endpoint(server), sheet.clone(), SOON), sheet)
}

#[tokio::test]
async fn each_end_of_a_request_has_its_counter() {
    let script = Arc::new(AtomicU64::new(0));
    let server = Server::start(move |_| {
        let turn = script.fetch_add(1, Ordering::Relaxed);
        async move {
            match turn {
                0 => Some(answer(200, "{}")),
                1 => {
                    let mut response = answer(204, "");
                    response.headers_mut().insert("x-no-bid", "paced".parse().expect("a value"));
                    Some(response)
                }
                2 => Some(answer(400, "")),
                3 => Some(answer(500, "")),
                _ => None,
            }
        }
    })
    .await;
    let (mut lane, sheet) = lane(&server);
    for _ in 0..5 {
        lane.post(Bytes::from_static(b"{}"), Instant::now(), TMAX).await;
    }
    let tally = sheet.snapshot();
    assert_eq!((tally.scheduled, tally.sent, tally.connects), (5, 5, 1));
    assert_eq!((tally.ok, tally.no_content, tally.bad_request, tally.other_status), (1, 1, 1, 1));
    assert_eq!((tally.closed_in_flight, tally.closed_idle, tally.late), (1, 0, 0));
    assert_eq!(tally.no_bid_reasons.get("paced"), Some(&1));
    assert_eq!((tally.lost(), tally.answered(), tally.closed_by_server()), (2, 3, 1));
    assert_eq!(tally.latency_micros.len(), 3);
}

#[tokio::test]
async fn latency_counts_from_the_scheduled_instant() {
    let server = Server::always(204, "").await;
    let (mut lane, sheet) = lane(&server);
    let due = Instant::now().checked_sub(Duration::from_millis(500)).expect("an instant");
    lane.post(Bytes::new(), due, TMAX).await;
    let tally = sheet.snapshot();
    assert_eq!((tally.late, tally.lost()), (1, 0));
    assert!(Duration::from_millis(499) < tally.latency(0.5), "{:?}", tally.latency(0.5));
    assert!(tally.service(0.5) < tally.latency(0.5));
    assert!(Duration::from_millis(499) < tally.send_lag_max);
}

#[tokio::test]
async fn a_connection_closed_while_idle_costs_no_request() {
    let server = Server::start(|_| async {
        let mut response = answer(204, "");
        response.headers_mut().insert("connection", "close".parse().expect("a value"));
        Some(response)
    })
    .await;
    let (mut lane, sheet) = lane(&server);
    for _ in 0..3 {
        let outcome = lane.post(Bytes::new(), Instant::now(), TMAX).await;
        assert!(matches!(outcome, Outcome::Answered(_)), "{outcome:?}");
    }
    lane.check().await;
    let tally = sheet.snapshot();
    assert_eq!((tally.no_content, tally.connects, tally.lost()), (3, 3, 0));
    assert_eq!((tally.closed_idle, tally.closed_in_flight), (3, 0));
}

#[tokio::test]
async fn a_request_without_a_connection_is_lost_and_the_refusal_counted() {
    let server = Server::always(204, "").await;
    let (mut lane, sheet) = lane(&server);
    drop(server);
    tokio::task::yield_now().await;
    lane.post(Bytes::new(), Instant::now(), TMAX).await;
    let tally = sheet.snapshot();
    assert_eq!((tally.scheduled, tally.sent, tally.refused, tally.unconnected, tally.lost()), (1, 0, 1, 1, 1));
}

fn load_plan(server: &Server, mode: LoadMode) -> LoadPlan {
    LoadPlan {
        endpoint: endpoint(server),
        bodies: vec![Bytes::from_static(b"{\"id\":\"1\"}"), Bytes::from_static(b"{}")],
        connections: 4,
        mode,
        warm_up: Limit { requests: 20, duration: SOON },
        measured: Limit { requests: 400, duration: SOON },
        tmax: TMAX,
        patience: None,
    }
}

#[tokio::test]
async fn a_closed_loop_sends_as_many_as_it_is_told() {
    let server = Server::always(200, "{}").await;
    let report = drive(&load_plan(&server, LoadMode::Closed)).await.expect("a report");
    assert_eq!((report.tally.sent, report.tally.ok, report.tally.lost()), (400, 400, 0));
    assert!(0 < report.requests_per_second());
}

#[tokio::test]
async fn an_open_loop_keeps_to_its_schedule() {
    for pace in [Pace::Timer, Pace::Spin] {
        let server = Server::always(204, "").await;
        let report = drive(&load_plan(&server, LoadMode::Open { per_second: 4000, pace })).await.expect("a report");
        assert_eq!((report.tally.sent, report.tally.no_content, report.tally.unsent), (400, 400, 0));
        assert!(Duration::from_millis(99) <= report.elapsed, "{:?}", report.elapsed);
    }
}

#[tokio::test]
async fn an_open_loop_does_not_wait_for_a_slow_server() {
    let server = Server::start(|_| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Some(answer(204, ""))
    })
    .await;
    let mut plan = load_plan(&server, LoadMode::Open { per_second: 1000, pace: Pace::Timer });
    plan.warm_up.requests = 0;
    plan.measured.duration = Duration::from_millis(500);
    let report = drive(&plan).await.expect("a report");
    let tally = report.tally;
    assert!(tally.sent <= 44, "4 connections, 50 ms each, half a second: {}", tally.sent);
    assert_eq!(tally.scheduled, 400, "what was due is accounted for, sent or not");
    assert_eq!(tally.sent + tally.unsent, 400);
    assert!(0 < tally.late, "waiting for a free connection is part of the latency");
    assert!(tally.late_on_wire < tally.late, "the server itself is in time, unless the machine stalls");
}

#[tokio::test]
async fn a_request_that_is_given_up_is_counted_once_under_what_became_of_it() {
    let asked = Arc::new(AtomicU64::new(0));
    let server = Server::start(move |_| {
        let turn = asked.fetch_add(1, Ordering::Relaxed);
        async move {
            // The warm-up gets its answers.
            if 20 <= turn {
                std::future::pending::<()>().await;
            }
            Some(answer(204, ""))
        }
    })
    .await;
    let mut plan = load_plan(&server, LoadMode::Closed);
    plan.measured.duration = Duration::from_secs(1);
    let tally = drive(&plan).await.expect("a report").tally;
    assert_eq!(
        (tally.scheduled, tally.sent),
        (tally.timed_out, tally.timed_out),
        "one of each connection that got a turn"
    );
    assert_eq!((tally.lost(), tally.answered()), (tally.timed_out, 0));
}

#[tokio::test]
async fn a_run_that_loses_connections_before_it_measures_does_not_begin() {
    let asked = Arc::new(AtomicU64::new(0));
    let server = Server::start(move |_| {
        let turn = asked.fetch_add(1, Ordering::Relaxed);
        async move { (turn != 3).then(|| answer(204, "")) }
    })
    .await;
    let error = drive(&load_plan(&server, LoadMode::Closed)).await.map(drop).expect_err("three of four are left");
    assert!(matches!(error, DriveError::LostWarmingUp { lost: 1, total: 4 }), "{error}");
}

#[tokio::test]
async fn a_plan_without_a_server_or_a_body_is_refused() {
    let server = Server::always(204, "").await;
    let mut plan = load_plan(&server, LoadMode::Closed);
    plan.bodies.clear();
    assert!(matches!(drive(&plan).await, Err(DriveError::Empty)));
    let plan = load_plan(&server, LoadMode::Closed);
    drop(server);
    tokio::task::yield_now().await;
    assert!(matches!(drive(&plan).await, Err(DriveError::Connect { number: 1, total: 4, .. })));
}

#[tokio::test]
async fn a_replay_sends_each_body_once_and_answers_in_order() {
    let server = Server::start(|request| async move { Some(answer(200, request.into_body())) }).await;
    let bodies: Vec<Bytes> = (0..50).map(|n| Bytes::from(format!("{n}"))).collect();
    let plan = ReplayPlan { endpoint: endpoint(&server), bodies: bodies.clone(), connections: 3, give_up: SOON };
    let (replayed, tally) = replay(plan).await;
    assert_eq!((tally.ok, tally.closed_by_server()), (50, 0));
    for (index, body) in bodies.iter().enumerate() {
        assert_eq!(replayed[index].index, index);
        assert_eq!(replayed[index].status(), Some(200));
        assert_eq!(&replayed[index].answer().expect("answered").body, body);
    }
}
