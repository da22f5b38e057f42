//! Random histories, with crashes: the money is always somewhere, and always in the right place.
//!
//! Each history is played against the store and against a naive model that keeps every billing in a list. A crash drops
//! the store with an open batch; the model forgets that batch too.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{CAMPAIGN, World, ask, notice};
use ledger::{Audit, EventKind, LastBids, LeaseId, LeaseLeft, NoticeKind, Outcome, PriceSeen, Store};
use money::{Cpm, Nanos};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

#[derive(Debug, Clone)]
enum Step {
    Budget(i64),
    Lease { region: usize, want: i64 },
    GiveBack { lease: u64, keep: i64 },
    Leave { lease: u64, keep: i64, open_ms: i64, heard: u64 },
    Notice { kind: NoticeKind, token: u64, lease: u64, price: i64, test: bool },
    Pass(i64),
    Commit,
    Crash,
}

const REGIONS: [&str; 3] = ["sg", "id", "th"];

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![1 => Just(NoticeKind::Win), 3 => Just(NoticeKind::Billing), 1 => Just(NoticeKind::Loss)];
    prop_oneof![
        1 => (0..2_000_000_i64).prop_map(Step::Budget),
        4 => (0..3_usize, 0..200_000_i64).prop_map(|(region, want)| Step::Lease { region, want }),
        2 => (0..12_u64, 0..100_000_i64).prop_map(|(lease, keep)| Step::GiveBack { lease, keep }),
        1 => (0..12_u64, 0..100_000_i64, 0..3_000_000_i64, 0..40_u64)
            .prop_map(|(lease, keep, open_ms, heard)| Step::Leave { lease, keep, open_ms, heard }),
        12 => (kind, 0..40_u64, 0..12_u64, -10..1_500_i64, prop::bool::weighted(0.1))
            .prop_map(|(kind, token, lease, price, test)| Step::Notice { kind, token, lease, price, test }),
        1 => (0..2_000_000_i64).prop_map(Step::Pass),
        3 => Just(Step::Commit),
        1 => Just(Step::Crash),
    ]
}

/// What should have been spent: every effective billing, once by token.
#[derive(Debug, Clone, Default)]
struct Model {
    budget: i64,
    known: bool,
    billed: BTreeMap<u64, i64>,
    recorded: BTreeSet<(u64, EventKind)>,
}

fn check(store: &Store, model: &Model) -> Result<(), TestCaseError> {
    store.books().check().map_err(|error| TestCaseError::fail(error.to_string()))?;
    let Some(account) = store.books().account(CAMPAIGN) else {
        prop_assert!(!model.known && model.billed.is_empty());
        return Ok(());
    };
    prop_assert_eq!(account.budget(), Nanos(model.budget));
    prop_assert_eq!(account.spent(), Nanos(model.billed.values().sum()));
    let leased: i64 = store.books().leases().map(|lease| lease.left.0).sum();
    prop_assert_eq!(account.leased(), Nanos(leased));
    prop_assert_eq!(account.free().0, model.budget - account.spent().0 - leased);
    Ok(())
}

fn play(steps: &[Step]) -> Result<(), TestCaseError> {
    let world = World::new();
    let mut store = world.open();
    let mut now_ms = 0;
    let (mut model, mut durable) = (Model::default(), Model::default());
    let fail = |error: ledger::StoreError| TestCaseError::fail(error.to_string());
    for step in steps {
        match *step {
            Step::Budget(budget) => {
                store.set_budget(CAMPAIGN, Nanos(budget), now_ms).map_err(fail)?;
                (model.budget, model.known) = (budget, true);
            }
            Step::Lease { region, want } => {
                let free = store.books().account(CAMPAIGN).map_or(Nanos::ZERO, |account| account.free());
                if let Ok(grant) = store.grant(&ask(REGIONS[region], want), now_ms).map_err(fail)? {
                    prop_assert!(grant.amount <= free && grant.amount <= Nanos(want));
                }
            }
            Step::GiveBack { lease, keep } => {
                let left = store.books().lease(LeaseId(lease)).map_or(0, |lease| lease.left.0);
                let back = store.give_back(LeaseId(lease), Nanos(keep), now_ms).map_err(fail)?;
                prop_assert_eq!(back.0, (left - keep).max(0));
            }
            Step::Leave { lease, keep, open_ms, heard } => {
                let before = store.books().lease(LeaseId(lease)).cloned();
                let last = LastBids { open_until_ms: now_ms + open_ms, won_ttl_ms: 30_000 };
                let left = LeaseLeft { lease: LeaseId(lease), keep: Nanos(keep), last, heard };
                let back = store.leave(left, now_ms).map_err(fail)?;
                prop_assert_eq!(back.0, before.as_ref().map_or(0, |lease| (lease.left.0 - keep).max(0)));
                if let (Some(before), Some(lease)) = (before, store.books().lease(LeaseId(lease))) {
                    prop_assert!((now_ms + open_ms).min(before.term.closes_ms) <= lease.closes_ms());
                    prop_assert!(lease.closes_ms() <= before.term.closes_ms);
                }
            }
            Step::Notice { kind, token, lease, price, test } => {
                let mut notice = notice(kind, token, LeaseId(lease), price);
                notice.claims.region = REGIONS[(lease % 3) as usize].into();
                notice.claims.test = test;
                let known_price = matches!(notice.price, PriceSeen::Price(Cpm(price)) if 0 <= price);
                let observed = test || (kind == NoticeKind::Billing && !known_price);
                let event = match (kind, observed) {
                    (NoticeKind::Win, false) => EventKind::Win,
                    (NoticeKind::Billing, false) => EventKind::Billing,
                    (NoticeKind::Loss, false) => EventKind::Loss,
                    (NoticeKind::Win, true) => EventKind::WinObserved,
                    (NoticeKind::Billing, true) => EventKind::BillingObserved,
                    (NoticeKind::Loss, true) => EventKind::LossObserved,
                };
                let answer = store.record_notice(&notice, now_ms).map_err(fail)?;
                let is_new = model.recorded.insert((token, event));
                prop_assert_eq!(answer.outcome != Outcome::Duplicate, is_new);
                if is_new && event == EventKind::Billing {
                    model.billed.insert(token, price.min(common::BID.0));
                    prop_assert_eq!(answer.billed.0, price.min(common::BID.0));
                } else {
                    prop_assert_eq!(answer.billed, Nanos::ZERO);
                }
            }
            Step::Pass(ms) => {
                now_ms += ms;
                store.expire(now_ms).map_err(fail)?;
                prop_assert!(store.books().leases().all(|lease| now_ms < lease.closes_ms()));
            }
            Step::Commit => {
                store.commit().map_err(fail)?;
                durable = model.clone();
            }
            Step::Crash => {
                drop(store);
                store = world.open();
                model = durable.clone();
            }
        }
        check(&store, &model)?;
    }
    store.commit().map_err(fail)?;
    let live = store.totals().map_err(fail)?;
    prop_assert_eq!(Audit::open(&world.path()).map_err(fail)?.verify().map_err(fail)?, live.clone());
    let books = store.books().clone();
    drop(store);
    let reopened = world.open();
    prop_assert_eq!(reopened.books(), &books, "what is on disk is what was in memory");
    prop_assert_eq!(reopened.totals().map_err(fail)?, live);
    Ok(())
}

#[test]
fn budget_is_spent_plus_leased_plus_free_in_every_history() {
    let cases = std::env::var("LEDGER_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(100);
    let seed = std::env::var("LEDGER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand_seed);
    println!("seed LEDGER_SEED={seed} LEDGER_CASES={cases}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&u64::to_le_bytes(seed));
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    runner.run(&prop::collection::vec(step(), 1..120), |steps| play(&steps)).unwrap();
}

fn rand_seed() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64
}
