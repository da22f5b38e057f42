//! The ledger as others see it: answers, pushes, snapshots.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::tree::{Running, WITHIN, next};
use common::{BUDGET, CAMPAIGN, GRACE_MS, LIFE_MS, ask, billing, notice};
use ledger::{Audit, EventKind, LedgerEvent, LedgerMessage, NoticeKind, Outcome, Subscriber};
use money::Nanos;
use tembusu::{Actor, Context, Flow, Init, Supervisor, child};
use tokio::sync::mpsc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_is_durable_when_it_is_answered() {
    let running = Running::start().await;
    let grant = running.lease(ask("sg", 500_000)).await;
    let audit = Audit::open(&running.world.path()).unwrap();
    for number in 1..=20 {
        let answer = running.notice(billing(number, grant.lease, 10)).await.unwrap();
        assert_eq!((answer.outcome, answer.billed), (Outcome::Counted, Nanos(10)));
        assert_eq!(audit.totals().unwrap().spent, Nanos(10 * i64::try_from(number).unwrap()));
    }
    running.tree.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_at_once_share_commits_and_all_are_answered() {
    let running = Arc::new(Running::start().await);
    let grant = running.lease(ask("sg", 5_000_000)).await;
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..2_000 {
        let running = Arc::clone(&running);
        callers.spawn(async move { running.notice(billing(number, grant.lease, 3)).await });
    }
    while let Some(answer) = callers.join_next().await {
        assert_eq!(answer.unwrap().unwrap().billed, Nanos(3));
    }
    let totals = running.totals().await;
    assert_eq!((totals.spent, totals.count(EventKind::Billing)), (Nanos(6_000), 2_000));
    running.tree.handle().terminate_child("ledger").await.unwrap();
    assert_eq!(running.world.open().totals().unwrap().spent, Nanos(6_000));
}

#[tokio::test]
async fn what_waits_for_its_commit_is_committed_and_answered_at_an_orderly_end() {
    let running = Running::start().await;
    let notice = Box::new(billing(1, ledger::LeaseId(1), 10));
    let call = running.ledger.call(|reply| LedgerMessage::Notice { notice, reply }, WITHIN);
    let (answer, ()) = tokio::join!(call, async {
        // The call is in the queue; let the ledger take it into its group, then end the tree.
        while !running.ledger.is_empty() {
            tokio::task::yield_now().await;
        }
        running.tree.shutdown().await;
    });
    assert_eq!(answer.unwrap().billed, Nanos(10));
    assert_eq!(running.world.open().totals().unwrap().spent, Nanos(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_is_told_its_events_in_order_without_a_gap_and_no_others() {
    let running = Running::start().await;
    let (push, mut pushed) = mpsc::unbounded_channel();
    running.subscribers.add("sg", "test", Subscriber::new(move |event| drop(push.send(event))));
    let grant = running.lease(ask("sg", 500_000)).await;
    running.lease(ask("id", 500_000)).await;
    running.notice(notice(NoticeKind::Win, 1, grant.lease, 10)).await.unwrap();
    running.notice(billing(1, grant.lease, 10)).await.unwrap();
    running.notice(billing(1, grant.lease, 10)).await.unwrap();
    running.notice(notice(NoticeKind::Loss, 2, grant.lease, 0)).await.unwrap();
    let mut seen = BTreeMap::new();
    while seen.len() < 4 {
        let event: Arc<LedgerEvent> = next(&mut pushed).await;
        assert_eq!(event.region.as_deref(), Some("sg"));
        assert!(event.region_seq <= seen.len() as u64 + 1, "no gap");
        seen.insert(event.region_seq, event.kind);
    }
    let kinds: Vec<_> = seen.into_values().collect();
    assert_eq!(kinds, [EventKind::LeaseGranted, EventKind::Win, EventKind::Billing, EventKind::Loss]);
    running.tree.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_subscriber_sees_where_the_region_stands_and_fetches_the_rest() {
    let running = Running::start().await;
    let grant = running.lease(ask("sg", 500_000)).await;
    for number in 1..=10 {
        running.notice(billing(number, grant.lease, 10)).await.unwrap();
    }
    let (push, mut pushed) = mpsc::unbounded_channel();
    let subscriber = Subscriber::new(move |event: Arc<LedgerEvent>| {
        let _ = push.send(event.region_seq);
    });
    let subscribe = LedgerMessage::Subscribe { region: "sg".into(), name: "late".into(), subscriber };
    running.ledger.tell(subscribe).unwrap();
    assert_eq!(next(&mut pushed).await, 11, "a gap shows at once");
    let events = |reply| LedgerMessage::EventsSince { region: "sg".into(), region_seq: 4, reply };
    let page = running.ledger.call(events, WITHIN).await.unwrap();
    assert_eq!((page.head, page.events.len(), page.events[0].region_seq), (11, 7, 5));
    running.tree.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_and_the_events_after_it_are_the_whole_history() {
    let running = Running::start().await;
    let grant = running.lease(ask("sg", 500_000)).await;
    running.notice(billing(1, grant.lease, 10)).await.unwrap();
    let snapshot = |reply| LedgerMessage::Snapshot { region: "sg".into(), since_ms: 0, reply };
    let snapshot = running.ledger.call(snapshot, WITHIN).await.unwrap();
    assert_eq!((snapshot.region_seq, snapshot.leases[0].left), (2, Nanos(grant.amount.0 - 10)));
    assert_eq!(snapshot.billed[0].count, 1);
    running.notice(billing(2, grant.lease, 10)).await.unwrap();
    let since = snapshot.region_seq;
    let events = |reply| LedgerMessage::EventsSince { region: "sg".into(), region_seq: since, reply };
    let page = running.ledger.call(events, WITHIN).await.unwrap();
    assert_eq!(page.events.iter().map(|event| event.region_seq).collect::<Vec<_>>(), [3]);
    running.tree.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn leases_are_closed_after_their_grace_without_being_asked() {
    let running = Running::start().await;
    let (push, mut pushed) = mpsc::unbounded_channel();
    running.subscribers.add("sg", "test", Subscriber::new(move |event| drop(push.send(event))));
    let grant = running.lease(ask("sg", 5_000)).await;
    running.now_ms.store(LIFE_MS + GRACE_MS - 1, Ordering::SeqCst);
    tokio::time::advance(2 * ledger::SWEEP_EVERY).await;
    assert_eq!(running.totals().await.open_leases, 1);
    running.now_ms.store(LIFE_MS + GRACE_MS, Ordering::SeqCst);
    let expired = loop {
        let event: Arc<LedgerEvent> = next(&mut pushed).await;
        if event.kind == EventKind::LeaseExpired {
            break event;
        }
    };
    assert_eq!((expired.lease, expired.amount), (Some(grant.lease), grant.amount));
    assert_eq!(running.totals().await.account(CAMPAIGN).unwrap().free, BUDGET);
    running.tree.shutdown().await;
}

#[tokio::test]
async fn budgets_change_while_it_runs_and_money_comes_back() {
    let running = Running::start().await;
    let set = |reply| LedgerMessage::SetBudget { campaign: CAMPAIGN, budget: Nanos(9_000), reply };
    assert_eq!(running.ledger.call(set, WITHIN).await.unwrap().budget(), Nanos(9_000));
    let grant = running.lease(ask("sg", 4_000)).await;
    let lease = grant.lease;
    let back = |reply| LedgerMessage::ReturnLease { lease, keep: Nanos(1_000), reply };
    assert_eq!(running.ledger.call(back, WITHIN).await.unwrap(), Nanos(3_000));
    let account = *running.totals().await.account(CAMPAIGN).unwrap();
    assert_eq!((account.leased, account.free), (Nanos(1_000), Nanos(8_000)));
    running.tree.shutdown().await;
}

#[tokio::test]
async fn a_damaged_ledger_stops_the_start_with_its_advice() {
    let world = common::World::new();
    std::fs::write(world.path(), vec![b'x'; 10_000]).unwrap();
    let args = ledger::LedgerArgs::new(world.path(), tokio::runtime::Handle::current());
    let (supervisor, _ledger) = ledger::supervisor(args);
    let mut root = Supervisor::one_for_one("root");
    root.supervisor(supervisor);
    let error = root.start().await.expect_err("a damaged ledger is not served");
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    assert!(text.contains("restore the last backup"), "{text}");
}

/// An actor with a queue of one that is never emptied in time.
struct Slow(mpsc::UnboundedSender<u64>);

impl Actor for Slow {
    type Message = Arc<LedgerEvent>;
    type Args = mpsc::UnboundedSender<u64>;
    type Crash = std::io::Error;

    async fn init(args: &Self::Args, _cx: &mut Context<Self>) -> Result<Init<Self>, Self::Crash> {
        Ok(Init::Ready(Self(args.clone())))
    }

    async fn handle(&mut self, event: Arc<LedgerEvent>, _cx: &mut Context<Self>) -> Result<Flow, Self::Crash> {
        let _ = self.0.send(event.region_seq);
        tokio::task::yield_now().await;
        Ok(Flow::Continue)
    }
}

#[tokio::test]
async fn a_subscriber_whose_queue_was_full_is_shown_the_gap_and_delays_nobody() {
    let running = Running::start().await;
    let (seen, mut sees) = mpsc::unbounded_channel();
    let mut root = Supervisor::one_for_one("readers");
    let slow = root.add(child::<Slow>("slow", seen).mailbox(1));
    let readers = root.start().await.unwrap();
    running.subscribers.add("sg", "slow", Subscriber::to(slow, |event| event));
    let mut answers = tokio::task::JoinSet::new();
    for number in 1..=50 {
        let (ledger, notice) = (running.ledger.clone(), Box::new(billing(number, ledger::LeaseId(1), 10)));
        answers.spawn(async move { ledger.call(|reply| LedgerMessage::Notice { notice, reply }, WITHIN).await });
    }
    while let Some(answer) = answers.join_next().await {
        answer.unwrap().unwrap();
    }
    // The newest event is pushed again until it arrives.
    let mut count = 0;
    while next(&mut sees).await != 50 {
        count += 1;
    }
    assert!(count < 49, "some events were missed: {count}");
    readers.shutdown().await;
    running.tree.shutdown().await;
}
