//! Bidders that are broken on purpose: the judge finds each, and nothing of the kind in a sound one.
//!
//! That spend off plan is found is shown in `judge.rs`: in a quarter of an hour the notices' delay is as large.

mod common;

use common::{SEED, complaints, rehearse};
use rehearsal::fault::Fault;
use rehearsal::world::Scenario;

#[tokio::test(start_paused = true)]
async fn a_bidder_whose_reservations_hold_nothing_back_overspends_and_is_found() {
    let (_, verdict) = rehearse(&Scenario::sketch(SEED), Some(Fault::HollowLeases)).await;
    assert_eq!(complaints(&verdict, "overspent").len(), 1, "{:#?}", verdict.broken);
    assert!(complaints(&verdict, "beyond").is_empty(), "{:#?}", verdict.broken);
}

#[tokio::test(start_paused = true)]
async fn a_bidder_without_caps_shows_too_much_and_is_found() {
    let (_, verdict) = rehearse(&Scenario::sketch(SEED), Some(Fault::NoCaps)).await;
    assert_eq!(complaints(&verdict, "beyond a cap").len(), 1, "{:#?}", verdict.broken);
    assert!(complaints(&verdict, "overspent").is_empty(), "{:#?}", verdict.broken);
}

#[tokio::test(start_paused = true)]
async fn of_a_sound_bidder_nothing_is_found_that_is_about_money_or_caps() {
    let (played, verdict) = rehearse(&Scenario::sketch(SEED), None).await;
    for what in ["strict", "overspent", "campaign ", "beyond"] {
        assert!(complaints(&verdict, what).is_empty(), "{:#?}", verdict.broken);
    }
    assert_eq!(played.record.absurd, 0);
}
