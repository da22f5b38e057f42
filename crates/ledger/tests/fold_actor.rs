//! The running ledger folds by itself, a little at a time, and says so.

mod common;

use std::sync::atomic::Ordering;
use std::time::Duration;

use common::history::folded_at_once;
use common::tree::{Running, WITHIN};
use common::{World, ask, billing};
use ledger::{Audit, EventKind, FOLD_ROWS_MAX, LedgerMessage, Outcome, Retention, StoreOptions};
use money::Nanos;

const TOGETHER: usize = 50;

/// Grants and takes back so many leases, some at a time: each group is one commit.
async fn renew(running: &Running, leases: usize) {
    for _ in 0..leases / TOGETHER {
        let mut renewals = tokio::task::JoinSet::new();
        for _ in 0..TOGETHER {
            let ledger = running.ledger.clone();
            renewals.spawn(async move {
                let ask = ask("sg", 5_000);
                let lease = ledger.call(|reply| LedgerMessage::Lease { ask, reply }, WITHIN).await;
                let lease = lease.expect("the ledger answers").expect("the budget is there").lease;
                let back = |reply| LedgerMessage::ReturnLease { lease, keep: Nanos::ZERO, reply };
                ledger.call(back, WITHIN).await.expect("the ledger answers");
            });
        }
        while let Some(renewed) = renewals.join_next().await {
            renewed.expect("a renewal");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_folds_what_is_due_while_it_goes_on_answering() {
    let mut world = World::new();
    let few = Retention { events_max: 100, ..folded_at_once(&world.options).retention };
    world.options = StoreOptions { retention: few, ..world.options };
    let running = Running::over(world).await;
    let grant = running.lease(ask("sg", 5_000)).await;
    running.notice(billing(1, grant.lease, 10)).await.unwrap();
    let before = running.figures.read();
    assert_eq!((before.folded, before.folded_ms), (0, 0));
    running.now_ms.store(7_000, Ordering::SeqCst);
    renew(&running, FOLD_ROWS_MAX * 3 / 4 + 50).await;
    // A portion and a half are there: one is folded with the next sweep.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let totals = running.totals().await;
    let figures = running.figures.read();
    assert_eq!(figures.folded, FOLD_ROWS_MAX as u64);
    assert_eq!(figures.events, totals.last_seq - FOLD_ROWS_MAX as u64);
    assert_eq!((figures.looked_ms, figures.folded_ms), (7_000, 7_000));
    assert_eq!(running.notice(billing(1, grant.lease, 10)).await.unwrap().outcome, Outcome::Duplicate);
    assert_eq!(totals.count(EventKind::LeaseGranted), 1 + (FOLD_ROWS_MAX as u64) * 3 / 4 + 50);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let size = running.figures.read().size;
    assert!(0 < size.bytes && size.free_bytes < size.bytes && 0 < size.log_bytes, "{size:?}");
    assert_eq!(Audit::open(&running.world.path()).unwrap().verify().unwrap(), totals);
    running.tree.shutdown().await;
}
