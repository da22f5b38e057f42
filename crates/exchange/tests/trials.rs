//! Half-open probing, seen from an exchange's connection: which requests meet the engine on trial.
//!
//! How: trials begin a moment after the degradation, and either last longer than any test or are waited for. Chaos points are
//! the process's, so these tests take turns.

mod common;

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use common::tree::{EXCHANGE, Running, bad, good};
use common::{Client, post};
use exchange::chaos::NEGATIVE_FLOOR;
use exchange::{Restore, Trials};
use tembusu::{EventKind, Events, State};

static TURN: Mutex<()> = Mutex::new(());

const SOON: Duration = Duration::from_millis(1);
/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3_600);
const ONE_IN: usize = 4;

fn run(test: impl Future<Output = ()>) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(test);
    runtime.shutdown_background();
    NEGATIVE_FLOOR.disarm();
}

/// An exchange that is tried with one request in four.
async fn tried(interval: Duration) -> Running {
    let one_in = NonZeroU32::new(4).expect("not zero");
    let trials = Trials { one_in, first: SOON, max: 100 * SOON, intervals: 2, interval };
    Running::start_restored_by(Restore::Probe(trials)).await
}

async fn degrade(client: &mut Client) {
    NEGATIVE_FLOOR.arm();
    for _ in 0..6 {
        assert_eq!(client.ask(post(bad())).await.header("x-no-bid"), "engine_crashed");
    }
}

async fn until(events: &mut Events, is_it: impl Fn(&EventKind) -> bool) -> EventKind {
    loop {
        let event = events.recv().await.expect("an event");
        if *event.path == *EXCHANGE && is_it(&event.kind) {
            return event.kind;
        }
    }
}

async fn on_trial(events: &mut Events) {
    until(events, |kind| matches!(kind, EventKind::Probing { .. })).await;
}

#[test]
fn one_request_in_so_many_meets_the_engine_on_trial_and_an_operator_trusts_it_at_once() {
    run(async {
        let running = tried(NEVER).await;
        let mut client = running.warm_client().await;
        let mut events = running.tree.handle().events();
        degrade(&mut client).await;
        on_trial(&mut events).await;
        assert_eq!(running.node(EXCHANGE).state, State::Probing);
        for number in 0..5 * ONE_IN {
            let reply = client.ask(post(good(number))).await;
            let expected = if number % ONE_IN == 0 { (200, "") } else { (204, "degraded") };
            assert_eq!((reply.status, reply.header("x-no-bid")), expected, "request {number}");
        }
        NEGATIVE_FLOOR.disarm();
        running.tree.handle().find(EXCHANGE).expect("it").restore().await.expect("trusted");
        for number in 0..2 * ONE_IN {
            assert_eq!(client.ask(post(good(number))).await.status, 200, "request {number}");
        }
        assert_eq!(running.meters.connections.closed_by_us.total(), 0);
        running.tree.shutdown().await;
    });
}

#[test]
fn one_crash_on_trial_degrades_again_and_doubles_the_wait() {
    run(async {
        let running = tried(NEVER).await;
        let mut client = running.warm_client().await;
        let mut events = running.tree.handle().events();
        degrade(&mut client).await;
        for wait in [2, 4] {
            on_trial(&mut events).await;
            // Requests that come between two trials are counted by nobody or by the last one: at most so many are turned away.
            let mut turned_away = 0;
            while client.ask(post(bad())).await.header("x-no-bid") == "degraded" {
                turned_away += 1;
            }
            assert!(turned_away < ONE_IN, "{turned_away}");
            let failed = until(&mut events, |kind| matches!(kind, EventKind::ProbeFailed { .. })).await;
            assert!(
                matches!(failed, EventKind::ProbeFailed { retry_in: Some(retry_in), .. } if retry_in == wait * SOON)
            );
        }
        let crashes = running.port.payloads().payloads().len();
        assert_eq!(crashes, 8, "six of the intensity, and one a trial");
        running.tree.shutdown().await;
    });
}

#[test]
fn a_healthy_trial_restores_the_exchange_without_an_operator() {
    run(async {
        let running = tried(20 * SOON).await;
        let mut client = running.warm_client().await;
        let mut events = running.tree.handle().events();
        degrade(&mut client).await;
        NEGATIVE_FLOOR.disarm();
        until(&mut events, |kind| matches!(kind, EventKind::Restored)).await;
        for number in 0..2 * ONE_IN {
            assert_eq!(client.ask(post(good(number))).await.status, 200, "request {number}");
        }
        assert_eq!(running.node(EXCHANGE).state, State::Running);
        running.tree.shutdown().await;
    });
}
