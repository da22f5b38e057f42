//! Random histories of a ledger: what happens, and what a ledger answers to it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use ledger::{
    Audit, LastBids, LeaseId, LeaseLeft, Notice, NoticeKind, PriceSeen, Retention, Store, StoreError, StoreOptions,
};
use money::{Cpm, Nanos};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{CAMPAIGN, ask, claims, token};
use campaign::CampaignId;

pub(crate) const REGIONS: [&str; 3] = ["sg", "id", "th"];
/// For how long a token opens in these histories: notices come no later.
pub(crate) const TOKEN_MS: i64 = 2_000_000;

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Budget { campaign: u32, budget: i64 },
    Lease { region: usize, campaign: u32, want: i64 },
    GiveBack { lease: u64, keep: i64 },
    Leave { lease: u64, keep: i64, open_ms: i64 },
    Notice { kind: NoticeKind, token: u64, lease: u64, price: i64, test: bool },
    Pass(i64),
    Commit,
    Crash,
    Fold(usize),
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![1 => Just(NoticeKind::Win), 3 => Just(NoticeKind::Billing), 1 => Just(NoticeKind::Loss)];
    prop_oneof![
        1 => (0..2_u32, 0..2_000_000_i64).prop_map(|(campaign, budget)| Step::Budget { campaign, budget }),
        4 => (0..3_usize, 0..2_u32, 0..200_000_i64)
            .prop_map(|(region, campaign, want)| Step::Lease { region, campaign, want }),
        2 => (0..16_u64, 0..100_000_i64).prop_map(|(lease, keep)| Step::GiveBack { lease, keep }),
        1 => (0..16_u64, 0..100_000_i64, 0..3_000_000_i64)
            .prop_map(|(lease, keep, open_ms)| Step::Leave { lease, keep, open_ms }),
        10 => (kind, 0..12_u64, 0..16_u64, -10..1_500_i64, prop::bool::weighted(0.1))
            .prop_map(|(kind, token, lease, price, test)| Step::Notice { kind, token, lease, price, test }),
        2 => (0..1_500_000_i64).prop_map(Step::Pass),
        3 => Just(Step::Commit),
        1 => Just(Step::Crash),
        4 => (1..9_usize).prop_map(Step::Fold),
    ]
}

/// Runs random histories; the seed is printed, and may be given as `LEDGER_SEED`.
pub(crate) fn for_random_histories(cases: u32, play: impl Fn(&[Step]) -> Result<(), TestCaseError>) {
    let cases = std::env::var("LEDGER_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    let clock = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("LEDGER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(clock);
    println!("seed LEDGER_SEED={seed} LEDGER_CASES={cases}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&u64::to_le_bytes(seed));
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    runner.run(&prop::collection::vec(step(), 1..160), |steps| play(&steps)).unwrap();
}

fn campaign(number: u32) -> CampaignId {
    CampaignId(CAMPAIGN.0 + number)
}

/// What a step is about: a token is used within its life and then never again.
fn notice(step: &Step, now_ms: i64) -> Option<Notice> {
    let Step::Notice { kind, token: number, lease, price, test } = *step else { return None };
    let era = u64::try_from(now_ms / TOKEN_MS).unwrap();
    let mut claims = claims(LeaseId(lease), REGIONS[(lease % 3) as usize]);
    claims.campaign = campaign((lease % 2) as u32);
    claims.test = test;
    Some(Notice { kind, token: token(era * 1_000 + number), claims, price: PriceSeen::Price(Cpm(price)) })
}

/// Takes a step, and says all that the ledger answered to it.
pub(crate) fn take(store: &mut Store, step: &Step, now_ms: i64) -> Result<String, StoreError> {
    Ok(match *step {
        Step::Budget { campaign: number, budget } => {
            format!("{:?}", store.set_budget(campaign(number), Nanos(budget), now_ms)?)
        }
        Step::Lease { region, campaign: number, want } => {
            let mut ask = ask(REGIONS[region], want);
            ask.campaign = campaign(number);
            format!("{:?}", store.grant(&ask, now_ms)?)
        }
        Step::GiveBack { lease, keep } => format!("{:?}", store.give_back(LeaseId(lease), Nanos(keep), now_ms)?),
        Step::Leave { lease, keep, open_ms } => {
            let last = LastBids { open_until_ms: now_ms + open_ms, won_ttl_ms: 30_000 };
            format!(
                "{:?}",
                store.leave(LeaseLeft { lease: LeaseId(lease), keep: Nanos(keep), last, heard: 3 }, now_ms)?
            )
        }
        Step::Notice { .. } => format!("{:?}", store.record_notice(&notice(step, now_ms).unwrap(), now_ms)?),
        Step::Pass(_) => format!("{:?}", store.expire(now_ms)?),
        Step::Commit => format!("{:?}", store.commit()?),
        Step::Crash | Step::Fold(_) => String::new(),
    })
}

/// Everything that a ledger can be asked, but for what was folded in it.
pub(crate) fn answers(store: &Store, options: &StoreOptions, from: &[u64; 3]) -> Result<String, StoreError> {
    let mut all = format!("{:?}\n{:?}\n", store.totals()?, store.books());
    for (region, from) in REGIONS.into_iter().zip(from) {
        all += &format!("{:?}\n", store.snapshot(&region.into(), 0)?);
        let page = store.events_since(region, *from)?;
        all += &format!("{:?} {:?}\n", page.events, page.head);
    }
    let audit = Audit::open(&options.path)?;
    all += &format!("{:?}\n{:?}\n{:?}", audit.verify()?, audit.billed()?, audit.totals()?);
    Ok(all)
}

/// A ledger that is folded whenever somebody says so, and keeps notices for as long as their token opens.
pub(crate) fn folded_at_once(options: &StoreOptions) -> StoreOptions {
    let notices = std::time::Duration::from_millis(TOKEN_MS.cast_unsigned());
    let retention = Retention { events_max: 0, notices, ..Retention::default() };
    StoreOptions { retention, ..options.clone() }
}

/// One that keeps everything.
pub(crate) fn never_folded(options: &StoreOptions) -> StoreOptions {
    StoreOptions { retention: Retention::everything(), ..options.clone() }
}
