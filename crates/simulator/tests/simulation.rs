//! The whole: three exchanges against a bidder with a ledger of its own; both accounts must agree to the nano-dollar.

mod support;

use std::time::Duration;

use http::uri::PathAndQuery;
use money::Nanos;
use simulator::{
    Dialect, ExchangePlan, HostileKind, Limit, NoticePolicy, Outcome, Pace, Probe, SimulationPlan, Simulator,
    TrafficMix,
};
use support::bidder::Bidder;
use support::{adx_keys, rates};

const SEED: u64 = 20_261_122;
const REQUESTS: u64 = 300;
const SOON: Duration = Duration::from_secs(20);

fn plan(bidder: &Bidder, notices: NoticePolicy) -> SimulationPlan {
    let exchanges = [
        ("google_adx", "/bid/google_adx", Dialect::google_adx(adx_keys())),
        ("xandr", "/bid/xandr", Dialect::xandr()),
        ("index", "/bid/index", Dialect::index()),
    ];
    let exchanges = exchanges.map(|(name, path, dialect)| ExchangePlan {
        requests_per_second: 1_000,
        mix: TrafficMix {
            test_per_mille: 50,
            blocked_advertisers: vec!["house.example".to_owned()],
            ..TrafficMix::usual()
        },
        ..ExchangePlan::new(name, bidder.server.address, PathAndQuery::from_static(path), dialect)
    });
    SimulationPlan {
        seed: SEED,
        rates: rates(),
        exchanges: exchanges.to_vec(),
        notices: NoticePolicy { billing_delay: (Duration::ZERO, Duration::from_millis(50)), ..notices },
        limit: Limit { requests: REQUESTS, duration: SOON },
        pace: Pace::Timer,
    }
}

#[tokio::test]
async fn every_request_is_accounted_for_and_no_bid_is_wrong() {
    println!("seed {SEED}");
    let bidder = Bidder::start().await;
    let mut simulator = Simulator::start(plan(&bidder, NoticePolicy::usual()));
    let report = simulator.finish(SOON).await;
    assert!(report.settled, "{:?}", report.record);
    assert_eq!(report.complaints, Vec::<String>::new());
    for (name, tally) in &report.exchanges {
        assert_eq!(
            (tally.scheduled, tally.sent, tally.answered(), tally.lost()),
            (REQUESTS, REQUESTS, REQUESTS, 0),
            "{name}"
        );
        assert_eq!((tally.closed_by_server(), tally.refused, tally.connects), (0, 0, 8), "{name}");
        assert_eq!((tally.wins + tally.losses, tally.violations_total()), (tally.bids, 0), "{name}");
        assert!(REQUESTS / 2 < tally.ok && 0 < tally.wins && 0 < tally.losses, "{name}: {tally:?}");
        assert_eq!(tally.no_bid_reasons.get("below_floor"), Some(&tally.no_content), "{name}");
    }
    let total = report.total();
    assert_eq!(report.record.wins.acknowledged, total.wins);
    assert_eq!(report.record.losses.acknowledged, total.losses);
    assert!(report.record.billings.recorded < total.wins, "some impressions are never rendered");
}

#[tokio::test]
async fn the_record_equals_the_bidders_own_account() {
    println!("seed {SEED}");
    for policy in [NoticePolicy::usual(), NoticePolicy::troublesome()] {
        let troubled = 0 < policy.duplicate_per_mille;
        let bidder = Bidder::start().await;
        let mut simulator = Simulator::start(plan(&bidder, policy));
        let report = simulator.finish(SOON).await;
        assert!(report.settled);
        assert!(Nanos(0) < report.record.acknowledged);
        assert_eq!(bidder.charged(), report.record.acknowledged);
        assert_eq!(report.record.sent, report.record.acknowledged);

        let billed = simulator.record().billed(|_| true);
        let book = bidder.book.lock().expect("book");
        assert_eq!(billed.len(), book.charged.len());
        for (key, amount) in &billed {
            assert_eq!(book.charged.get(&key.bid), Some(amount), "{key:?}");
        }
        let by_campaign = report.record.campaigns.values().map(|campaign| campaign.acknowledged);
        assert_eq!(Nanos::checked_sum(by_campaign), Some(report.record.acknowledged));

        assert_eq!(book.losses.keys().map(String::as_str).collect::<Vec<_>>(), ["102"]);
        assert!(book.methods.contains_key("POST") && book.methods.contains_key("GET"));
        assert_eq!(book.odd_prices.contains_key("audit"), troubled, "{:?}", book.odd_prices);
        let repeats = report.record.billings.repeats;
        assert_eq!(0 < repeats, troubled);
        assert_eq!(book.calls["billing"], report.record.billings.sent + repeats);
    }
}

#[tokio::test]
async fn the_same_seed_bills_the_same() {
    let mut totals = Vec::new();
    for _ in 0..2 {
        let bidder = Bidder::start().await;
        let mut simulator = Simulator::start(plan(&bidder, NoticePolicy::usual()));
        let record = simulator.finish(SOON).await.record;
        totals.push((record.acknowledged, record.wins.sent, record.losses.sent));
    }
    assert_eq!(totals[0], totals[1]);
}

#[tokio::test]
async fn a_probe_sends_bad_payloads_beside_steady_load() {
    let bidder = Bidder::start().await;
    let mut plan = plan(&bidder, NoticePolicy::usual());
    plan.limit.requests = u64::MAX;
    let mut simulator = Simulator::start(plan);
    let endpoint = Dialect::xandr().endpoint(bidder.server.address, PathAndQuery::from_static("/bid/xandr"));
    let mut probe = Probe::new(endpoint, SOON);
    probe.open().await.expect("connected");
    for seed in 0..20 {
        let outcome = probe.hostile(&HostileKind::Truncated.payload(seed)).await;
        let Outcome::Answered(answer) = outcome else { panic!("{outcome:?}") };
        assert!(HostileKind::Truncated.payload(seed).expectation.allows(answer.status.as_u16()));
    }
    assert!(!probe.check().await);
    assert_eq!((probe.tally().bad_request, probe.tally().connects), (20, 1));
    simulator.stop();
    let report = simulator.finish(SOON).await;
    assert!(report.settled);
    let total = report.total();
    assert_eq!((total.lost(), total.scheduled), (0, total.sent + total.unsent));
}

#[tokio::test]
async fn a_server_that_is_gone_is_counted_and_nothing_hangs() {
    let bidder = Bidder::start().await;
    let mut plan = plan(&bidder, NoticePolicy { attempts_max: 1, ..NoticePolicy::usual() });
    plan.limit.requests = 30;
    drop(bidder);
    tokio::task::yield_now().await;
    let report = Simulator::start(plan).finish(SOON).await;
    for (name, tally) in &report.exchanges {
        assert_eq!((tally.scheduled, tally.sent, tally.lost(), tally.unconnected), (30, 0, 30, 30), "{name}");
        assert!(30 <= tally.refused, "{name}");
    }
    assert!(report.settled);
}
