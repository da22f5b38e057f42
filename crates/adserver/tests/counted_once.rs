//! A region, or the ledger, crashes around a notice: between the durable write and its delivery, and between a
//! snapshot and the first message after it. Whatever crashes, an impression counts once: in the ledger, in the
//! region's leases, and towards its user's cap, which is how an exchange sees it.
//!
//! How: a user may be shown a campaign three times a day. The first impression is billed with a crash armed; then there
//! must be room for exactly two more. Only one region has traffic, so that no other passes the points.

mod drill;
mod support;

use std::time::{Duration, Instant};

use adserver::config::Intensity;
use adserver::system::System;
use campaign::{CampaignId, Flight, parse_campaigns};
use drill::keep_alive::{Answer, KeepAlive};
use drill::{Turn, until};
use ledger::{Audit, CapKey, EventKind, LedgerMessage, RegionSnapshot, TokenKeys, Totals};
use money::Nanos;
use region::chaos::{
    BIDDING_EVENT, BIDDING_FIRST_MESSAGE, CAPPER_EVENT, CAPPER_FIRST_MESSAGE, PACER_EVENT, PACER_FIRST_MESSAGE,
};
use support::{WITHIN, World, config, get, target};
use tembusu::State;
use tembusu::chaos::Point;

const CAMPAIGN: CampaignId = CampaignId(9);
const CAP: u32 = 3;
/// What each impression is billed at, in the notice and in nano-USD.
const PRICE: (&str, i64) = ("1.25", 1_250_000);
/// For so long the ledger is silent when nothing is on its way any more: some ticks of the pacer.
const SILENCE: Duration = Duration::from_millis(250);
/// Longer than two sweeps of the ledger, each of which tells every region its newest event again.
const SWEEPS: Duration = Duration::from_millis(1_200);

const CAMPAIGNS: &str = r#"
[[campaign]]
id = 9
name = "capped"
advertiser_domain = "capped.example"
budget = "100.00"
bid_cpm = "2.50"
starts = "2026-01-01"
ends = "2026-12-31"
pacing = "asap"
countries = ["SG"]
cap_per_user_per_day = 3

[[campaign.creative]]
id = 90
sizes = ["300x250"]
secure = true
markup = '<img src="https://cdn.capped.example/a.png">'
"#;

fn start() -> World {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut config = config(folder.path());
    // Each case crashes it once or twice.
    for region in &mut config.regions {
        region.intensity = Intensity { restarts: 100, within: Duration::from_secs(10) };
    }
    config.ledger.intensity = config.regions[0].intensity;
    let mut campaigns = parse_campaigns(CAMPAIGNS).expect("the campaigns are right");
    campaigns.iter_mut().for_each(|campaign| campaign.flight = Flight { starts_ms: 0, ends_ms: i64::MAX });
    let system = System::start(&config, campaigns).expect("the system starts");
    World { system, config, folder }
}

/// A user of an exchange.
struct Viewer<'a> {
    world: &'a World,
    connection: KeepAlive,
    ifa: String,
    asked: u32,
}

/// A bid that has been made, as its notices know it.
struct Impression {
    burl: String,
    key: CapKey,
}

impl Viewer<'_> {
    fn new(world: &World, number: usize) -> Viewer<'_> {
        let port = world.system.ports().exchange("xandr").expect("configured");
        let ifa = format!("6d92078a-8246-4ba4-ae5b-76104861e{number:03}");
        Viewer { world, connection: KeepAlive::open(port), ifa, asked: 0 }
    }

    fn ask(&mut self) -> Answer {
        self.asked += 1;
        self.connection.ask(&format!(
            r#"{{"id":"{}-{}","at":1,"tmax":1000,"imp":[{{"id":"1","banner":{{"w":300,"h":250}},"secure":1}}],"device":{{"ifa":"{}","geo":{{"country":"SGP"}}}},"cur":["USD"]}}"#,
            self.ifa, self.asked, self.ifa
        ))
    }

    /// Asks until there is money; that the user has seen enough is never the reason to wait.
    fn bid(&mut self) -> Impression {
        let answer = until("a bid", || {
            let answer = self.ask();
            assert_ne!(answer.reason, "capped", "an impression was counted twice");
            (answer.status == 200).then_some(answer)
        });
        let burl = answer.bid().burl.expect("a billing notice").into_owned();
        let burl = target(&burl, PRICE.0);
        let token = burl.strip_prefix(exchange::BILLING_PATH).and_then(|rest| rest.split('?').next()).expect("a token");
        let keys = TokenKeys::load(&self.world.config.ledger.key_file).expect("the keys");
        let key = keys.open(token, 0).expect("genuine").claims.cap_key.expect("the user is counted");
        Impression { burl, key }
    }

    fn bill(&self, impression: &Impression) -> u16 {
        get(self.world.system.ports().notices, &impression.burl).status
    }

    /// The impressions that the running incarnation knows of: billed, and open.
    fn counts(&self, key: CapKey) -> Option<(u32, u32)> {
        let counts = self.world.system.regions()[0].open().ok()?.caps().counts(CAMPAIGN, key);
        Some((counts.billed, counts.open))
    }
}

fn totals(world: &World) -> Totals {
    Audit::open(&world.config.ledger.path).expect("the ledger opens").verify().expect("the ledger balances")
}

fn snapshot(world: &World) -> RegionSnapshot {
    let ask = |reply| LedgerMessage::Snapshot { region: "sg".into(), since_ms: 0, reply };
    world.system.block_on(world.system.ledger().call(ask, WITHIN)).expect("the ledger answers")
}

/// Waits until the ledger has had nothing to write for a while, and says how far it is.
fn silent(world: &World) -> u64 {
    let mut seen = (totals(world).last_seq, Instant::now());
    until("the ledger is silent", || {
        let now = totals(world).last_seq;
        if now != seen.0 {
            seen = (now, Instant::now());
        }
        (SILENCE < seen.1.elapsed()).then_some(now)
    })
}

/// The incarnations of Singapore's actors, once all of them run.
fn incarnations(world: &World) -> Option<Vec<u64>> {
    let root = world.system.tree().snapshot();
    let region = root.find("root/regions/sg").expect("a region");
    let all = region.children.iter().all(|actor| actor.state == State::Running);
    all.then(|| region.children.iter().map(|actor| actor.incarnation).collect())
}

/// What crashes, in what order; which of the region's actors, and how often.
struct Case {
    points: &'static [&'static Point],
    struck: usize,
    crashes: u64,
}

/// Bills a user's first impression with the points armed, and checks that the user sees exactly two more.
fn play(world: &World, number: usize, case: &Case) {
    let Case { points, struck, crashes } = *case;
    let names: Vec<_> = points.iter().map(|point| point.name()).collect();
    println!("viewer {number}: {names:?}");
    let mut viewer = Viewer::new(world, number);
    let first = viewer.bid();
    let last = silent(world);
    let before = incarnations(world).expect("the region runs");
    let billings = totals(world).count(EventKind::Billing);

    points.iter().for_each(|point| point.arm());
    let status = viewer.bill(&first);
    if crashes == 0 {
        assert_eq!(status, 503, "the ledger crashed before it could say so");
        assert_eq!(viewer.bill(&first), 200, "it is durable");
    } else if status != 200 {
        // A machine that is busy may hold the ledger up for longer than a notice waits; the exchange repeats it then.
        assert_eq!(status, 503, "not yet durable");
        until("it is durable", || (viewer.bill(&first) == 200).then_some(()));
    }
    until("everything armed has struck", || points.iter().all(|point| !point.is_armed()).then_some(()));
    until("the region runs again, all of it", || {
        let now = incarnations(world)?;
        let restarts: Vec<u64> = now.iter().zip(&before).map(|(now, before)| now - before).collect();
        // One that crashes while the others still start is restarted before they have begun.
        let is_whole = restarts.iter().all(|restarts| (crashes.min(1)..=crashes).contains(restarts));
        (is_whole && restarts[struck] == crashes).then_some(())
    });
    assert_eq!(totals(world).last_seq, last + 1, "nothing but the billing was on its way");
    assert_eq!(viewer.bill(&first), 200, "a repeated notice is acknowledged");
    until("it is counted", || viewer.counts(first.key).filter(|counts| *counts == (1, 0)));

    for shown in 2..=CAP {
        let next = viewer.bid();
        assert_eq!(next.key, first.key);
        assert_eq!(viewer.bill(&next), 200);
        until("it is counted", || viewer.counts(first.key).filter(|counts| *counts == (shown, 0)));
    }
    let answer = viewer.ask();
    assert!(answer.is_no_bid("capped"), "an impression was not counted: {answer:?}");
    let totals = totals(world);
    assert_eq!(totals.count(EventKind::Billing), billings + u64::from(CAP));
    assert_eq!((totals.spent, totals.late), (Nanos(PRICE.1 * i64::try_from(billings + 3).expect("few")), Nanos(0)));
    assert_agrees(world);
}

/// The impressions of each user, whichever minutes they fell into.
fn billed_by_user(on_disk: &ledger::RegionSnapshot) -> std::collections::BTreeMap<ledger::CapKey, u32> {
    let mut billed = std::collections::BTreeMap::new();
    for count in &on_disk.billed {
        *billed.entry(count.cap_key).or_default() += count.count;
    }
    billed
}

/// What the region thinks was spent of each of its leases is what the ledger has.
fn assert_agrees(world: &World) {
    let on_disk = snapshot(world);
    let view = world.system.regions()[0].open().expect("the region runs");
    let account = view.pacer().account(CAMPAIGN).expect("it has bid");
    for cell in account.leases().iter() {
        let lease = on_disk.leases.iter().find(|lease| lease.lease == cell.id()).expect("the ledger knows the lease");
        assert_eq!(cell.figures().spent, lease.spent, "{lease:?}");
        assert_eq!(cell.figures().held, Nanos(0));
    }
    for (key, billed) in billed_by_user(&on_disk) {
        let counts = view.caps().counts(CAMPAIGN, key);
        assert_eq!((counts.billed, counts.open), (billed, 0));
    }
}

const CASES: [Case; 7] = [
    // Durable, and not delivered to one of the three.
    Case { points: &[&BIDDING_EVENT], struck: 0, crashes: 1 },
    Case { points: &[&PACER_EVENT], struck: 1, crashes: 1 },
    Case { points: &[&CAPPER_EVENT], struck: 2, crashes: 1 },
    // The next incarnation has its snapshot, and has handled nothing.
    Case { points: &[&BIDDING_EVENT, &BIDDING_FIRST_MESSAGE], struck: 0, crashes: 2 },
    Case { points: &[&PACER_EVENT, &PACER_FIRST_MESSAGE], struck: 1, crashes: 2 },
    Case { points: &[&CAPPER_EVENT, &CAPPER_FIRST_MESSAGE], struck: 2, crashes: 2 },
    // Durable, and neither delivered to anybody nor acknowledged.
    Case { points: &[&ledger::chaos::AFTER_COMMIT], struck: 0, crashes: 0 },
];

#[test]
fn whatever_crashes_around_a_notice_an_impression_counts_once() {
    let _turn = Turn::take();
    let world = start();
    for (number, case) in CASES.iter().enumerate() {
        play(&world, number, case);
    }
    let started = Instant::now();
    until("every region has been told its newest event again", || {
        assert_agrees(&world);
        (SWEEPS < started.elapsed()).then_some(())
    });
    let on_disk = snapshot(&world);
    let billed = billed_by_user(&on_disk);
    assert_eq!(billed.len(), CASES.len());
    assert!(billed.values().all(|billed| *billed == CAP), "{billed:?}");
}

/// Several events of one commit are lost on the way, so that telling the newest again shows a gap.
#[test]
fn notices_of_one_commit_that_were_never_delivered_are_fetched() {
    const VIEWERS: usize = 4;
    let _turn = Turn::take();
    let world = start();
    let mut viewers: Vec<Viewer<'_>> = (0..VIEWERS).map(|number| Viewer::new(&world, number)).collect();
    let impressions: Vec<Impression> = viewers.iter_mut().map(Viewer::bid).collect();
    silent(&world);
    ledger::chaos::AFTER_COMMIT.arm();
    // Sent together, they wait for the same commit.
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let bill = |(viewer, impression)| scope.spawn(move || Viewer::bill(viewer, impression));
        let billing: Vec<_> = viewers.iter().zip(&impressions).map(bill).collect();
        billing.into_iter().map(|billed| billed.join().expect("no panic")).collect()
    });
    println!("answered {statuses:?}");
    assert!(statuses.contains(&503) && statuses.iter().all(|status| matches!(status, 200 | 503)));
    for (viewer, impression) in viewers.iter().zip(&impressions) {
        until("it is counted", || viewer.counts(impression.key).filter(|counts| *counts == (1, 0)));
        assert_eq!(viewer.bill(impression), 200, "the exchange repeats it");
    }
    assert_agrees(&world);
    let totals = totals(&world);
    assert_eq!(totals.count(EventKind::Billing), VIEWERS as u64);
    assert_eq!(incarnations(&world), Some(vec![1, 1, 1]), "the region did not crash");
}
