//! Measures how long a region with so many users takes to bid again after a crash, and what a user costs in memory.
//!
//! `cargo run --release -p region --example recovery -- 1000000 5 0`: users, rounds, and how many of the users were billed within
//! the last minutes, which a region reads again after a crash. The ledger is the real one, in a
//! temporary folder (some 500 bytes a user); time is the system's. Prints one line for each round; judges nothing.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use campaign::{CampaignId, CapMemory, CreativeId};
use ledger::{
    CapKey, LeaseAsk, LeaseId, LedgerArgs, LedgerMessage, Notice, NoticeKind, PriceSeen, Store, StoreOptions,
    TokenClaims, TokenId,
};
use money::{Cpm, Currency, Nanos, Rate};
use region::{RegionArgs, RegionClosed, RegionPort, chaos, region_supervisor};
use tembusu::{Address, Supervisor};
use tokio::runtime::Handle;

const CAMPAIGNS: u64 = 200;
const BATCH: u64 = 4_096;
const DAY_MS: i64 = 86_400_000;

fn main() {
    let mut words = std::env::args().skip(1).map(|word| word.parse::<u64>().expect("a number"));
    let (users, rounds) = (words.next().unwrap_or(1_000_000), words.next().unwrap_or(5));
    let late = words.next().unwrap_or(0).min(users);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ledger.db");
    let started = Instant::now();
    fill(&path, users, late);
    println!("{users} users in the ledger after {:.1} s", started.elapsed().as_secs_f64());

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let before = resident_bytes();
        let (ledger_tree, ledger) = ledger::supervisor(LedgerArgs::new(&path, Handle::current()));
        let mut args = RegionArgs::new(ledger.clone(), 1);
        args.intensity = (u32::MAX, Duration::from_secs(1));
        let (region_tree, port) = region_supervisor("sg", args);
        let mut root = Supervisor::one_for_one("root");
        root.supervisor(ledger_tree);
        root.supervisor(region_tree);
        let tree = root.start().await.expect("a tree");
        let cpu = cpu_ms();
        let entries = port.recovery().entries;
        let bytes = resident_bytes().saturating_sub(before) / entries.max(1);
        println!("first start: {:?}, {entries} entries, {bytes} bytes of memory each", port.recovery().took);
        for round in 1..=rounds {
            let (closed, recovering) = crash(&port, &ledger, users + round).await;
            let took = port.recovery().took;
            println!("crash {round}: bids again after {closed:?}, of which {recovering:?} region_recovering; counting took {took:?}");
        }
        println!("resident at the end: {} MiB; {} ms of processor time for {rounds} crashes", resident_bytes() >> 20, cpu_ms() - cpu);
        tree.shutdown().await;
    });
}

/// One impression for each user, over the last day; the last `late` of them are of this minute.
fn fill(path: &std::path::Path, users: u64, late: u64) {
    let mut store = Store::open(StoreOptions::new(path)).expect("a ledger");
    let now_ms = now_ms();
    for campaign in 1..=CAMPAIGNS {
        let campaign = CampaignId(u32::try_from(campaign).expect("few"));
        store.set_budget(campaign, Nanos(i64::MAX / 1_000), now_ms).expect("a budget");
        let ask = LeaseAsk { region: "sg".into(), campaign, want: Nanos(1 << 40), least: Nanos(1) };
        store.grant(&ask, now_ms).expect("a grant").expect("a lease");
    }
    store.commit().expect("a commit");
    for user in 0..users {
        let spread_ms = i64::try_from(user * 80_000_000 / users).expect("a day");
        let at_ms = if user < users - late { now_ms - DAY_MS + 600_000 + spread_ms } else { now_ms };
        store.record_notice(&billing(user), at_ms).expect("recorded");
        if user % BATCH == BATCH - 1 {
            store.commit().expect("a commit");
        }
    }
    store.commit().expect("a commit");
}

fn billing(user: u64) -> Notice {
    let mut token = [0; TokenId::BYTES];
    token[..8].copy_from_slice(&user.to_be_bytes());
    // As spread as the keys of users are.
    let spread = u128::from(user + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    let claims = TokenClaims {
        exchange: "google_adx".into(),
        region: Arc::from("sg"),
        auction: String::new(),
        imp: String::new(),
        bid: String::new(),
        campaign: CampaignId(u32::try_from(user % CAMPAIGNS + 1).expect("few")),
        definition: Some(1),
        creative: CreativeId(1),
        lease: LeaseId(user % CAMPAIGNS + 1),
        bid_price: Cpm(1_000),
        currency: Currency::USD,
        rate: Rate::ONE,
        cap_key: Some(CapKey(spread.to_be_bytes()).marked(CapMemory::Day, false)),
        issued_ms: now_ms(),
        test: false,
    };
    Notice { kind: NoticeKind::Billing, token: TokenId(token), claims, price: PriceSeen::Price(Cpm(1_000)) }
}

/// Crashes the region; from the moment in which it is seen closed, for how long it is, and for how long it says recovering.
async fn crash(port: &RegionPort, ledger: &Address<LedgerMessage>, user: u64) -> (Duration, Duration) {
    chaos::CAPPER_EVENT.arm();
    let notice = Box::new(billing(user));
    let answer = ledger.call(|reply| LedgerMessage::Notice { notice, reply }, Duration::from_secs(5)).await;
    answer.expect("recorded");
    while port.is_open() {
        tokio::task::yield_now().await;
    }
    let closed = Instant::now();
    let mut recovering = Duration::ZERO;
    let mut seen = closed;
    loop {
        let state = port.open().map(drop);
        let now = Instant::now();
        match state {
            Ok(()) => return (now - closed, recovering),
            Err(RegionClosed::Recovering { .. }) => recovering += now - seen,
            Err(_) => {}
        }
        seen = now;
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1_024
}

/// What the process has used of processors so far, in the kernel's ticks of 10 ms.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10
}
