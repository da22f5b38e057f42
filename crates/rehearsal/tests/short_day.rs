//! An hour of everything that goes wrong in a day, small enough for every test run.
//!
//! With budgets of some dozen impressions no plan is kept to half a percent: that is what `cargo xtask day` is for. Money
//! and books are exact in the small as well.

mod common;

use common::{SEED, complaints, rehearse};
use rehearsal::world::{COUNTRIES, Scenario};

#[tokio::test(start_paused = true)]
async fn an_hour_with_all_troubles_spends_no_more_than_its_budgets_and_the_books_agree_to_the_nano() {
    let scenario = Scenario::short(SEED);
    let (played, verdict) = rehearse(&scenario, None).await;
    let record = &played.record;
    println!("{} requests, {} bids, {} wins", record.requests, record.bids, record.wins.len());
    assert!(record.wins.len() > 500, "there is something to be judged");
    assert!(record.refused > 0, "the disk was gone");
    assert!(record.unanswered > 0, "the process was away");
    assert_eq!(record.starts, 3, "it was stopped once and killed once");
    for region in 0..COUNTRIES.len() {
        assert!(record.crashes.iter().any(|crash| crash.region == region), "region {region} has crashed");
    }
    for what in ["strict", "overspent", "campaign ", "beyond"] {
        assert_eq!(complaints(&verdict, what), Vec::<&String>::new(), "{:#?}", verdict.broken);
    }
    assert_eq!(record.absurd, 0, "every bid makes sense");
}
