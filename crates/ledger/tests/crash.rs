//! The ledger crashes around its commit: nothing is lost that was acknowledged, nothing is counted twice.
//!
//! The chaos points are the process's, so that the tests of this file take turns.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::tree::{Running, WITHIN, next};
use common::{ask, billing};
use ledger::chaos::{AFTER_COMMIT, BEFORE_COMMIT};
use ledger::{EventKind, LedgerEvent, LedgerMessage, Outcome, Subscriber};
use money::Nanos;
use tembusu::{CallError, State};
use tokio::sync::{Mutex, mpsc};

static TURN: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_before_the_commit_loses_only_what_nobody_was_promised() {
    let _turn = TURN.lock().await;
    let running = Running::start().await;
    let grant = running.lease(ask("sg", 500_000)).await;
    running.notice(billing(1, grant.lease, 10)).await.unwrap();
    BEFORE_COMMIT.arm();
    let error = running.notice(billing(2, grant.lease, 10)).await.unwrap_err();
    assert!(matches!(error, CallError::Died(_)), "{error:?}");
    assert_eq!(running.totals().await.spent, Nanos(10));

    let answer = running.notice(billing(2, grant.lease, 10)).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Counted, "it is sent again and counts");
    assert_eq!(running.totals().await.spent, Nanos(20));
    running.tree.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_the_durable_write_and_its_delivery_counts_nothing_twice_and_loses_nothing() {
    let _turn = TURN.lock().await;
    let running = Running::start().await;
    let grant = running.lease(ask("sg", 500_000)).await;
    let (push, mut pushed) = mpsc::unbounded_channel();
    running.subscribers.add("sg", "test", Subscriber::new(move |event| drop(push.send(event))));
    running.notice(billing(1, grant.lease, 10)).await.unwrap();

    AFTER_COMMIT.arm();
    let error = running.notice(billing(2, grant.lease, 10)).await.unwrap_err();
    assert!(matches!(error, CallError::Died(_)), "the caller is told that nobody knows: {error:?}");
    let totals = running.totals().await;
    assert_eq!((totals.spent, totals.count(EventKind::Billing)), (Nanos(20), 2), "it was durable");

    let answer = running.notice(billing(2, grant.lease, 10)).await.unwrap();
    assert_eq!((answer.outcome, answer.billed), (Outcome::Duplicate, Nanos::ZERO), "it is sent again and known");
    assert_eq!(running.totals().await.spent, Nanos(20));

    // The event that was not delivered is pushed by the new incarnation; a region that keeps the last number that it
    // has seen counts each once.
    let (mut last, mut counted) = (1, Nanos::ZERO);
    while last < 3 {
        let event: Arc<LedgerEvent> = next(&mut pushed).await;
        assert!(event.region_seq <= last + 1, "no gap");
        if last < event.region_seq {
            last = event.region_seq;
            counted = counted.saturating_add(event.amount);
        }
    }
    assert_eq!(counted, Nanos(20));
    running.tree.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_whose_grant_was_not_delivered_stays_outstanding_and_the_next_is_another() {
    let _turn = TURN.lock().await;
    let running = Running::start().await;
    AFTER_COMMIT.arm();
    let ask_sg = ask("sg", 5_000);
    let lost = running.ledger.call(|reply| LedgerMessage::Lease { ask: ask_sg, reply }, WITHIN).await;
    assert!(matches!(lost, Err(CallError::Died(_))));
    let grant = running.lease(ask("sg", 5_000)).await;
    assert_eq!(grant.lease.0, 2);
    let account = running.totals().await.accounts[0];
    assert_eq!(account.leased, Nanos(10_000), "both are debited; the lost one comes back at its end");
    running.tree.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_wait_in_the_queue_are_answered_by_the_next_incarnation() {
    let _turn = TURN.lock().await;
    let running = Arc::new(Running::start().await);
    let grant = running.lease(ask("sg", 500_000)).await;
    AFTER_COMMIT.arm();
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..2_000_u64 {
        let running = Arc::clone(&running);
        callers.spawn(async move { (number, running.notice(billing(number, grant.lease, 1)).await) });
    }
    let mut died = Vec::new();
    while let Some(answer) = callers.join_next().await {
        match answer.unwrap() {
            (_, Ok(answer)) => assert_eq!(answer.billed, Nanos(1)),
            (number, Err(CallError::Died(_))) => died.push(number),
            (_, Err(error)) => panic!("{error:?}"),
        }
    }
    assert!(!died.is_empty() && died.len() < 2_000, "one group died: {}", died.len());
    for number in died {
        assert_eq!(running.notice(billing(number, grant.lease, 1)).await.unwrap().outcome, Outcome::Duplicate);
    }
    let totals = running.totals().await;
    assert_eq!((totals.spent, totals.count(EventKind::Billing)), (Nanos(2_000), 2_000));
    running.tree.handle().terminate_child("ledger").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_ledger_whose_restarts_are_used_up_answers_degraded_and_is_restored_with_back_off() {
    let _turn = TURN.lock().await;
    let running = Running::start().await;
    let grant = running.lease(ask("sg", 500_000)).await;
    let mut crashes = 0;
    let error = loop {
        BEFORE_COMMIT.arm();
        match running.notice(billing(1, grant.lease, 10)).await.unwrap_err() {
            CallError::Died(_) => crashes += 1,
            error => break error,
        }
        assert!(crashes < 10, "its intensity is limited");
    };
    BEFORE_COMMIT.disarm();
    assert_eq!(crashes, 4, "three restarts are granted");
    assert!(matches!(error, CallError::Degraded(Some(_))), "{error:?}");
    assert!(matches!(running.supervisor.snapshot().state, State::Degraded | State::BackingOff));

    tokio::time::sleep(Duration::from_secs(2)).await;
    let answer = running.notice(billing(1, grant.lease, 10)).await.unwrap();
    assert_eq!((answer.outcome, answer.billed), (Outcome::Counted, Nanos(10)));
    assert_eq!(running.supervisor.snapshot().state, State::Running);
    running.tree.shutdown().await;
}
