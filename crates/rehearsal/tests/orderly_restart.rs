//! The process ends in good order and starts again: what its open bids held comes back when the last of them can no longer bill,
//! and not only when the ledger closes every lease.

mod common;

use common::{SEED, complaints, rehearse};
use rehearsal::world::{MINUTE_MS, Scenario, Trouble};

/// A bid in an app's full screen may be won for 31 minutes, and a win waits half an hour for its billing.
const LAST_BILLING_MS: i64 = (31 + 30 + 1) * MINUTE_MS;

#[tokio::test(start_paused = true)]
async fn after_an_orderly_restart_no_money_is_out_when_no_bid_can_bill_any_more() {
    let mut scenario = Scenario { length_ms: 6 * MINUTE_MS, tail_ms: LAST_BILLING_MS, ..Scenario::sketch(SEED) };
    let from_ms = scenario.ends_ms() - MINUTE_MS;
    scenario.troubles = vec![Trouble::Restart { from_ms, to_ms: from_ms + 5_000 }];
    let (played, verdict) = rehearse(&scenario, None).await;
    assert_eq!(played.record.starts, 2);
    assert!(played.record.wins.iter().any(|win| win.at_ms < from_ms), "there was something to be billed");
    let leased: Vec<_> = played.record.books.iter().map(|book| book.leased).collect();
    assert!(leased.iter().all(|leased| *leased == 0), "the ledger's own time for a lease is 92 minutes: {leased:?}");
    for what in ["strict", "overspent", "campaign "] {
        assert_eq!(complaints(&verdict, what), Vec::<&String>::new(), "{:#?}", verdict.broken);
    }
}
