//! Requests that nobody here wrote: every line is answered, none crashes anything, none that breaks a MUST is bid on.
//!
//! How: the lines of `shared/data`, if that folder is to be had, go over HTTP to a whole exchange; then the decision alone sees
//! them with a house campaign for every size, to count on how many it bids.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use campaign::{Campaign, CampaignId, Country, Creative, CreativeId, Flight, Index, Pacing, Size, compile};
use common::purse::Wallet;
use common::tree::Running;
use common::{Client, post};
use exchange::Dialect;
use exchange::decision::{DecisionView, handle_bid_request};
use money::{Cpm, Currency, Nanos, Rates};
use openrtb::BidRequest;
use region::{CapKeys, CapSecret};

fn lines(name: &str) -> Option<Vec<String>> {
    let roots = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let folder: PathBuf = roots.map(|root| root.join("shared/data")).find(|folder| folder.is_dir())?;
    let text = std::fs::read_to_string(folder.join(name)).expect("readable");
    Some(text.lines().map(str::to_owned).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_line_is_answered_200_204_or_400_and_nothing_restarts() {
    let running = Running::start_with(Some(0), 1_000).await;
    let mut client = running.warm_client().await;
    for name in ["prebid", "other", "invalid", "odd"] {
        let Some(lines) = lines(&format!("bid-requests-{name}.jsonl")) else {
            println!("skipped: no shared/data");
            return;
        };
        let mut answers: BTreeMap<(u16, String), usize> = BTreeMap::new();
        for line in &lines {
            let reply = client.ask(post(line)).await;
            assert!(matches!(reply.status, 200 | 204 | 400), "{} for {line}", reply.status);
            if reply.header("connection") == "close" {
                client = Client::connect(running.address).await;
            }
            *answers.entry((reply.status, reply.header("x-no-bid").to_owned())).or_default() += 1;
        }
        println!("{name}: {} lines: {answers:?}", lines.len());
    }
    assert_eq!(running.incarnations(), [1, 1, 1]);
    assert_eq!(running.meters.late.get(), 0);
    running.tree.shutdown().await;
}

/// A campaign that fits every banner of these requests.
fn house(requests: &[BidRequest<'_>]) -> Campaign {
    let banners = requests.iter().flat_map(|request| &request.imp).filter_map(|imp| imp.banner.as_ref());
    let mut sizes: Vec<Size> = banners.flat_map(|banner| banner.sizes()).map(|(w, h)| Size::new(w, h)).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes.retain(|size| size.w <= campaign::SIDE_MAX && size.h <= campaign::SIDE_MAX);
    Campaign {
        id: CampaignId(1),
        name: "house".into(),
        budget: Nanos(1_000_000_000_000),
        bid_cpm: Cpm(100_000_000),
        flight: Flight { starts_ms: 0, ends_ms: i64::MAX },
        pacing: Pacing::Asap,
        hour_weights: Vec::new(),
        strict_budget: false,
        bid_on_uncounted_users: false,
        shading: true,
        countries: vec![Country::SG],
        exchanges: Vec::new(),
        targeting: None,
        categories: vec!["IAB24".into()],
        advertiser_domain: "house.example".into(),
        advertises: None,
        caps: campaign::Caps::NONE,
        creatives: vec![Creative {
            id: CreativeId(1),
            sizes,
            markup: "<b>house</b>".into(),
            secure: true,
            caps: campaign::Caps::NONE,
            attributes: Vec::new(),
            technology: Default::default(),
        }],
    }
}

#[test]
fn a_house_campaign_bids_on_most_banners_and_on_no_imp_that_breaks_a_must() {
    let Some(prebid) = lines("bid-requests-prebid.jsonl") else {
        println!("skipped: no shared/data");
        return;
    };
    let invalid = lines("bid-requests-invalid.jsonl").expect("beside it");
    let parse = |line: &'static str| openrtb::parse_request(line.as_bytes()).ok();
    let keep = |lines: Vec<String>| lines.into_iter().map(|line| &*line.leak()).filter_map(parse).collect::<Vec<_>>();
    let (prebid, invalid) = (keep(prebid), keep(invalid));
    let campaign = house(&prebid);
    let index = Index::of([Arc::new(compile(&campaign).expect("compiles"))]);
    let rates = Rates::usd_only("2026-11-01".parse().expect("a date"));
    let (dialect, wallet) = (Dialect::openrtb("house"), Wallet::default());
    let view = DecisionView {
        exchange: "xandr",
        dialect: &dialect,
        index: &index,
        rates: &rates,
        country: Country::SG,
        region: 0,
        purse: &wallet,
        cap_keys: &CapKeys::new(CapSecret::new(20_000, [7; 32])),
        now_ms: 1_795_305_600_000,
        deadline: tokio::time::Instant::now() + std::time::Duration::from_secs(3_600),
    };
    let decide = |request: &BidRequest<'_>| match openrtb::validity(request) {
        Err(invalid) => Err(invalid.kind().label()),
        Ok(validity) => handle_bid_request(request, &validity, &view).map_err(|no_bid| no_bid.reason.as_str()),
    };
    for request in &invalid {
        if let Ok(bid) = decide(request) {
            let validity = openrtb::validity(request).expect("valid as a whole");
            let broken =
                |id: &str| request.imp.iter().enumerate().any(|(at, imp)| imp.id == id && validity.fault(at).is_some());
            assert!(bid.imps.iter().all(|imp| !broken(&imp.imp)), "a bid on a broken imp of {}", request.id);
        }
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut bids = 0;
    let wanted = |request: &&BidRequest<'_>| {
        let sized =
            request.imp.iter().any(|imp| imp.banner.as_ref().is_some_and(|banner| banner.sizes().next().is_some()));
        sized && !request.is_test() && request.accepts_currency(Currency::USD, Currency::USD)
    };
    let wanted: Vec<_> = prebid.iter().filter(wanted).collect();
    for request in &wanted {
        match decide(request) {
            Ok(_) => bids += 1,
            Err(reason) => *reasons.entry(reason).or_default() += 1,
        }
    }
    println!("{bids} bids on {} requests; else {reasons:?}", wanted.len());
    assert!(bids * 100 >= wanted.len() * 85);
}

/// xorshift64*: enough to damage lines with.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).expect("31 bits") % end.max(1)
    }
}

/// What stands in the wrong place.
const VALUES: [&[u8]; 14] = [
    b"-1",
    b"1e400",
    b"-0.0000000001",
    b"9223372036854775808",
    b"\"\"",
    b"\"-\"",
    b"\"SGD\"",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"[[1]]",
    b"\"\\ud83d\\ude00\"",
    b"\"${AUCTION_PRICE}\"",
];

/// What breaks parsers: structure, signs, exponents, escapes, bytes that are no text.
const DAMAGE: [&[u8]; 16] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"-",
    b"1e400",
    b"-9e99",
    b"\\ud800",
    b"null",
    b"true",
    b"\xff",
    b"\0",
    b"99999999999999999999",
];

fn damage_bytes(line: &mut Vec<u8>, dice: &mut Dice) {
    let start = dice.below(line.len());
    let end = (start + dice.below(9)).min(line.len());
    line.splice(start..end, DAMAGE[dice.below(DAMAGE.len())].iter().copied());
}

/// Puts something else in the place of a scalar, so that the line mostly stays JSON.
fn damage_value(line: &mut Vec<u8>, dice: &mut Dice) {
    let from = dice.below(line.len());
    let Some(start) = line[from..].iter().position(|byte| *byte == b':').map(|colon| from + colon + 1) else { return };
    let Some(end) = line[start..].iter().position(|byte| matches!(byte, b',' | b'}' | b']')).map(|end| start + end)
    else {
        return;
    };
    if !line[start..end].iter().any(|byte| matches!(byte, b'{' | b'[')) {
        line.splice(start..end, VALUES[dice.below(VALUES.len())].iter().copied());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn damaged_lines_crash_nothing() {
    let Some(lines) = lines("bid-requests-other.jsonl") else {
        println!("skipped: no shared/data");
        return;
    };
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        u64::from(std::process::id()) << 20
            | u64::from(std::time::UNIX_EPOCH.elapsed().expect("after 1970").subsec_micros())
            | 1
    });
    println!("SEED={seed}");
    let mut dice = Dice(seed);
    let running = Running::start_with(Some(0), 1_000).await;
    let mut client = running.warm_client().await;
    let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
    for _ in 0..2_000 {
        let mut line = lines[dice.below(lines.len())].clone().into_bytes();
        for _ in 0..=dice.below(6) {
            match dice.below(8) {
                0 => damage_bytes(&mut line, &mut dice),
                _ => damage_value(&mut line, &mut dice),
            }
        }
        let reply = client.ask(post(&line)).await;
        assert!(matches!(reply.status, 200 | 204 | 400), "{} for {}", reply.status, String::from_utf8_lossy(&line));
        *answers.entry(reply.status).or_default() += 1;
    }
    println!("{answers:?}");
    assert_eq!(running.incarnations(), [1, 1, 1]);
    assert_eq!(running.meters.connections.closed_by_us.total(), 0);
    running.tree.shutdown().await;
}
