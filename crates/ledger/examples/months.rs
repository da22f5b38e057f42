//! How large a ledger becomes, how long its replay takes, and how long a step of folding does: before folding and after it.
//!
//! `cargo run --release -p ledger --example months -- FOLDER EVENTS`: 10,000 campaigns in three regions take leases and give them
//! back, one lease in four wins and is billed; 1,000 events a second of a clock that is told. Times are those of the machine as
//! it is.

use std::env::args;
use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use campaign::{CampaignId, CreativeId};
use ledger::{
    Audit, FOLD_ROWS_MAX, LeaseAsk, LeaseId, Notice, NoticeKind, PriceSeen, Retention, Store, StoreOptions,
    TokenClaims, TokenId,
};
use money::{Cpm, Currency, Nanos, Rate};

const CAMPAIGNS: u64 = 10_000;
const REGIONS: [&str; 3] = ["sg", "id", "th"];
const EVENTS_PER_SECOND: u64 = 1_000;
const EVENTS_PER_COMMIT: usize = 4_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut given = args().skip(1);
    let folder = PathBuf::from(given.next().ok_or("say in which folder")?);
    let events: u64 = given.next().ok_or("say how many events")?.parse()?;
    let path = folder.join("months.db");
    let keeping = StoreOptions { retention: Retention::everything(), ..StoreOptions::new(&path) };
    let started = Instant::now();
    let now_ms = live(&mut Store::open(keeping.clone())?, events)?;
    println!("{events} events written in {:.1?}", started.elapsed());
    report(&keeping, "before")?;

    let options = StoreOptions { retention: Retention::default(), ..keeping };
    let mut store = Store::open(options.clone())?;
    let started = Instant::now();
    let mut steps: Vec<Duration> = Vec::new();
    loop {
        let step = Instant::now();
        if !store.fold(now_ms, FOLD_ROWS_MAX)?.is_more {
            break;
        }
        steps.push(step.elapsed());
    }
    steps.sort_unstable();
    let at = |share: usize| steps[(steps.len() - 1) * share / 1_000];
    println!(
        "folded in {:.1?}: {} steps of {FOLD_ROWS_MAX} events, median {:.1?}, p99 {:.1?}, longest {:.1?}",
        started.elapsed(),
        steps.len(),
        at(500),
        at(990),
        at(1_000)
    );
    drop(store);
    report(&options, "after")
}

/// What a ledger of this size costs.
fn report(options: &StoreOptions, when: &str) -> Result<(), Box<dyn Error>> {
    let opened = Instant::now();
    let store = Store::open(options.clone())?;
    let opened = opened.elapsed();
    let (size, rows) = (store.size()?, store.books().last_seq() - store.folded_seq());
    drop(store);
    let verified = Instant::now();
    Audit::open(&options.path)?.verify()?;
    println!(
        "{when}: {} MB used, {} MB free, {rows} events to replay; opened in {opened:.1?}, verified in {:.1?}",
        (size.bytes - size.free_bytes) >> 20,
        size.free_bytes >> 20,
        verified.elapsed()
    );
    Ok(())
}

/// Writes so many events and says what time it is then.
fn live(store: &mut Store, events: u64) -> Result<i64, Box<dyn Error>> {
    for campaign in 0..CAMPAIGNS {
        store.set_budget(CampaignId(u32::try_from(campaign)?), "1000000.00".parse()?, 0)?;
    }
    store.commit()?;
    let (mut at, mut now_ms) = (0, 0);
    while store.books().last_seq() < events {
        now_ms = i64::try_from(store.books().last_seq() * 1_000 / EVENTS_PER_SECOND)?;
        let (region, campaign) = (REGIONS[(at % 3) as usize], CampaignId(u32::try_from(at / 3 % CAMPAIGNS)?));
        let ask = LeaseAsk { region: region.into(), campaign, want: Nanos(1_000_000), least: Nanos(1_000) };
        let lease = store.grant(&ask, now_ms)?.map_err(|refusal| format!("{refusal:?}"))?.lease;
        if at % 4 == 0 {
            for kind in [NoticeKind::Win, NoticeKind::Billing] {
                store.record_notice(&notice(kind, at, campaign, region, lease, now_ms), now_ms)?;
            }
        }
        store.give_back(lease, Nanos::ZERO, now_ms)?;
        at += 1;
        if EVENTS_PER_COMMIT <= store.uncommitted() {
            store.commit()?;
            store.forget_cap_keys(now_ms, EVENTS_PER_COMMIT)?;
        }
    }
    store.commit()?;
    Ok(now_ms)
}

fn notice(kind: NoticeKind, number: u64, campaign: CampaignId, region: &str, lease: LeaseId, now_ms: i64) -> Notice {
    let mut token = [0; TokenId::BYTES];
    token[..8].copy_from_slice(&number.to_be_bytes());
    let claims = TokenClaims {
        exchange: "google_adx".into(),
        region: region.into(),
        auction: format!("auction-{number:016x}"),
        imp: "1".into(),
        bid: format!("bid-{number:016x}"),
        campaign,
        definition: Some(3),
        creative: CreativeId(campaign.0),
        lease,
        bid_price: Cpm(900_000),
        currency: Currency::USD,
        rate: Rate::ONE,
        cap_key: None,
        issued_ms: now_ms,
        test: false,
    };
    Notice { kind, token: TokenId(token), claims, price: PriceSeen::Price(Cpm(800_000)) }
}
