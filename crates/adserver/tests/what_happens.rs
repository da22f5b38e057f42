//! The design's table "what happens" when an intensity is used up, a row a test, from the outside: what exchanges
//! see on connections that were open before, what the money does, what operators are told, and how it comes back.
//!
//! The root's row needs a process that ends: `process.rs`.

mod drill;
mod support;

use std::time::{Duration, Instant};

use campaign::{CampaignId, Country, Facts, Formats, Scratch, Setting, Want};
use drill::keep_alive::KeepAlive;
use drill::rearm::Rearm;
use drill::{Turn, until};
use ledger::{Audit, EventKind, LedgerMessage, OpenLease, Totals};
use money::Nanos;
use serde_json::Value;
use support::{World, bid_request, get, post, start, start_with, target};
use tembusu::{EventKind as Happening, Events, NodeSnapshot, State};

const EXCHANGES: [&str; 3] = ["google_adx", "xandr", "index"];
/// Connections that an exchange holds open through everything.
const CONNECTIONS: usize = 8;

fn open(world: &World, exchange: &str) -> KeepAlive {
    KeepAlive::open(world.system.ports().exchange(exchange).expect("a configured exchange"))
}

/// A request of a country, with the floor of the incident or one that our bids are above.
fn request(country: &str, floor: &str) -> String {
    bid_request("drill", floor).replace("SGP", country)
}

fn bid_on(connection: &mut KeepAlive, country: &str) -> openrtb::Bid<'static> {
    let request = request(country, "0.1");
    until("a bid", || Some(connection.ask(&request)).filter(|answer| answer.status == 200)).bid()
}

fn state(world: &World, path: &str) -> State {
    world.system.tree().snapshot().find(path).expect("a node of the tree").state
}

fn totals(world: &World) -> Totals {
    Audit::open(&world.config.ledger.path).expect("the ledger opens").verify().expect("the ledger balances")
}

/// Every node outside of `path` and what it is inside of, with its state and incarnation.
fn elsewhere(world: &World, path: &str) -> Vec<(String, State, u64)> {
    let inside = format!("{path}/");
    let outside = |node: &&NodeSnapshot| *node.path != *path && !node.path.starts_with(&inside);
    let root = world.system.tree().snapshot();
    root.walk().filter(outside).map(|node| (node.path.to_string(), node.state, node.incarnation)).collect()
}

/// Waits until the operators' API shows the alert as standing, and checks that we are ready all the same.
fn assert_alert(world: &World, cause: &str, severity: &str, subtree: &str) {
    let admin = world.system.ports().admin;
    let alert = until("the alert stands", || {
        let alerts: Value = serde_json::from_str(&get(admin, "/alerts").body).expect("JSON");
        let standing = alerts["standing"].as_array().cloned().unwrap_or_default();
        standing.into_iter().find(|alert| alert["cause"] == cause)
    });
    assert_eq!((&alert["subtree"], &alert["severity"]), (&subtree.into(), &severity.into()), "{alert}");
    assert_eq!(get(admin, "/readyz").status, 200, "degraded stays ready");
}

fn assert_alert_ended(world: &World, cause: &str) {
    until("the alert has ended", || {
        let alerts: Value = serde_json::from_str(&get(world.system.ports().admin, "/alerts").body).expect("JSON");
        let is_it = |alert: &Value| alert["cause"] == cause;
        let (standing, ended) = (alerts["standing"].as_array()?, alerts["ended"].as_array()?);
        (!standing.iter().any(is_it) && ended.iter().any(is_it)).then_some(())
    });
}

/// Uses up an exchange's intensity with the incident's payload.
fn degrade(world: &World, exchange: &str) {
    let path = format!("root/exchanges/{exchange}");
    let mut failing = open(world, exchange);
    exchange::chaos::NEGATIVE_FLOOR.arm();
    for _ in 0..6 {
        let answer = failing.ask(&request("SGP", "-1.5"));
        assert!(answer.is_no_bid("engine_crashed"), "{answer:?}");
    }
    exchange::chaos::NEGATIVE_FLOOR.disarm();
    until("it is degraded", || (state(world, &path) == State::Degraded).then_some(()));
    assert!(failing.is_open());
}

#[test]
fn an_exchange_is_degraded_and_gives_a_proper_no_bid_on_its_open_connections() {
    let _turn = Turn::take();
    let world = start();
    let path = "root/exchanges/google_adx";
    let mut others: Vec<KeepAlive> = EXCHANGES[1..].iter().map(|name| open(&world, name)).collect();
    others.iter_mut().for_each(|other| drop(bid_on(other, "SGP")));
    let mut connections: Vec<KeepAlive> = (0..CONNECTIONS).map(|_| open(&world, "google_adx")).collect();
    connections.iter_mut().for_each(|connection| drop(bid_on(connection, "SGP")));
    let before = elsewhere(&world, path);

    degrade(&world, "google_adx");
    for connection in &mut connections {
        let answer = connection.ask(&request("SGP", "0.1"));
        assert!(answer.is_no_bid("degraded"), "{answer:?}");
    }
    assert_alert(&world, "exchange_degraded", "critical", path);
    others.iter_mut().for_each(|other| drop(bid_on(other, "SGP")));
    assert_eq!(elsewhere(&world, path), before);

    let restored = post(world.system.ports().admin, "/exchanges/google_adx/restore", "");
    assert_eq!(restored.status, 200, "{restored:?}");
    connections.iter_mut().for_each(|connection| drop(bid_on(connection, "SGP")));
    assert_alert_ended(&world, "exchange_degraded");
    assert_eq!(elsewhere(&world, path), before);
}

#[test]
fn a_degraded_exchange_whose_stand_in_is_used_up_gets_constant_204_from_its_sockets_until_an_operator_brings_it_back() {
    let _turn = Turn::take();
    let world = start();
    let path = "root/exchanges/xandr";
    let mut other = open(&world, "index");
    bid_on(&mut other, "SGP");
    let mut connections: Vec<KeepAlive> = (0..CONNECTIONS).map(|_| open(&world, "xandr")).collect();
    connections.iter_mut().for_each(|connection| drop(bid_on(connection, "SGP")));
    let before = elsewhere(&world, path);
    degrade(&world, "xandr");
    exchange::chaos::NO_BID.arm();
    until("nothing runs any more", || {
        for connection in &mut connections {
            let answer = connection.ask(&request("SGP", "0.1"));
            assert_eq!((answer.status, answer.body.len()), (204, 0), "{answer:?}");
        }
        (state(&world, path) == State::Stopped).then_some(())
    });
    exchange::chaos::NO_BID.disarm();
    for connection in &mut connections {
        // Nobody looks at it: what would be 400, or a crash, is 204 too.
        for body in [&*request("SGP", "0.1"), &request("SGP", "-1.5"), "{", "", "[[[["] {
            let answer = connection.ask(body);
            assert_eq!((answer.status, answer.body.len()), (204, 0), "{body}: {answer:?}");
        }
    }
    assert_alert(&world, "exchange_silent", "critical", path);
    bid_on(&mut other, "SGP");
    assert_eq!(elsewhere(&world, path), before);

    let restored = post(world.system.ports().admin, "/exchanges/xandr/restore", "");
    assert_eq!(restored.status, 200, "{restored:?}");
    connections.iter_mut().for_each(|connection| drop(bid_on(connection, "SGP")));
    assert_alert_ended(&world, "exchange_silent");
    assert_eq!(elsewhere(&world, path), before);
}

/// The region's leases as the ledger has them.
fn leases(world: &World, region: &str) -> Vec<OpenLease> {
    let region = region.into();
    let ask = |reply| LedgerMessage::Snapshot { region, since_ms: i64::MAX, reply };
    world.system.block_on(world.system.ledger().call(ask, support::WITHIN)).expect("the ledger answers").leases
}

#[test]
fn a_region_answers_region_down_keeps_its_money_frozen_and_concerns_nobody_else() {
    let _turn = Turn::take();
    let world = start();
    let path = "root/regions/sg";
    let mut connections = EXCHANGES.map(|name| open(&world, name));
    let bids = connections.each_mut().map(|connection| bid_on(connection, "SGP"));
    let before = elsewhere(&world, path);
    // Only Singapore has traffic, so only Singapore hears of the ledger: each event is a crash.
    until("Singapore is down", || {
        region::chaos::CAPPER_EVENT.arm();
        for connection in &mut connections {
            let answer = connection.ask(&request("SGP", "0.1"));
            assert!(matches!(answer.status, 200 | 204), "{answer:?}");
        }
        (state(&world, path) == State::Degraded).then_some(())
    });
    region::chaos::CAPPER_EVENT.disarm();
    let frozen = leases(&world, "sg");
    assert!(!frozen.is_empty());

    let started = Instant::now();
    // Longer than a running region lets a lease rest, and than it waits to ask for another.
    until("Indonesia and Thailand have bid for a while", || {
        for connection in &mut connections {
            let answer = connection.ask(&request("SGP", "0.1"));
            assert!(answer.is_no_bid("region_down"), "{answer:?}");
            bid_on(connection, "IDN");
            bid_on(connection, "THA");
        }
        (Duration::from_millis(1_500) < started.elapsed()).then_some(())
    });
    assert_alert(&world, "region_down", "critical", path);
    assert_eq!(elsewhere(&world, path), before);
    assert_eq!(leases(&world, "sg"), frozen, "nothing is returned, nothing is taken");

    // A bid from before bills from the frozen money.
    let burl = target(bids[1].burl.as_deref().expect("a billing notice"), "1.0");
    assert_eq!(get(world.system.ports().notices, &burl).status, 200);
    let totals = totals(&world);
    assert_eq!((totals.spent, totals.late, totals.count(EventKind::Billing)), (Nanos(1_000_000), Nanos(0), 1));

    assert_eq!(post(world.system.ports().admin, "/regions/sg/restore", "").status, 200);
    connections.iter_mut().for_each(|connection| drop(bid_on(connection, "SGP")));
    let now = leases(&world, "sg");
    assert!(
        frozen.iter().all(|old| now.iter().any(|lease| lease.lease == old.lease)),
        "old leases wait for their bids"
    );
    assert_alert_ended(&world, "region_down");
    assert_eq!(elsewhere(&world, path), before);
}

/// The campaigns that the published index offers to a request.
fn candidates(world: &World) -> Vec<CampaignId> {
    let index = world.system.campaigns().index().read().expect("an index is published");
    let sizes = [campaign::Size { w: 300, h: 250 }];
    let request = openrtb::BidRequest::default();
    let facts = Facts::of(&request, Setting { country: Country::SG, exchange: "xandr", now_ms: 1 });
    let want = Want { facts: &facts, sizes: &sizes, secure: true, deals: &[], formats: Formats::default() };
    index.candidates(&want, &mut Scratch::new()).map(|candidate| candidate.campaign().id()).collect()
}

/// Its evaluation panics on the bid path: the campaign pays for it, not the request.
#[test]
fn a_campaign_is_quarantined_out_of_the_index_and_no_request_is_lost_to_it() {
    let _turn = Turn::take();
    let world = start();
    let mut connections = EXCHANGES.map(|name| open(&world, name));
    for connection in &mut connections {
        // It pays more, once it has money.
        until("the first one bids", || (bid_on(connection, "SGP").cid.as_deref() == Some("7")).then_some(()));
    }
    // Both campaigns have money before the drill.
    let id = CampaignId(7);
    world.system.block_on(world.system.campaigns().pause(id)).expect("paused");
    until("the other one bids", || (bid_on(&mut connections[0], "SGP").cid.as_deref() == Some("8")).then_some(()));
    world.system.block_on(world.system.campaigns().resume(id)).expect("resumed");
    until("it bids again", || (bid_on(&mut connections[0], "SGP").cid.as_deref() == Some("7")).then_some(()));

    let path = "root/campaigns/each/campaign_7";
    let before = elsewhere(&world, path);
    campaign::chaos::EVALUATION.arm(id);
    until("it is in quarantine", || {
        for connection in &mut connections {
            let answer = connection.ask(&request("SGP", "0.1"));
            // The other one's lease may be used up for a moment: the campaign that crashed is still no reason.
            if !answer.is_no_bid("unfunded") {
                assert_eq!(answer.bid().cid.as_deref(), Some("8"), "the request goes on with the others");
            }
        }
        (state(&world, path) == State::Degraded).then_some(())
    });
    campaign::chaos::EVALUATION.disarm(id);
    assert_eq!(candidates(&world), [CampaignId(8)]);
    assert_alert(&world, "campaign_quarantined", "warning", path);
    for connection in &mut connections {
        assert_eq!(bid_on(connection, "SGP").cid.as_deref(), Some("8"));
    }
    assert_eq!(elsewhere(&world, path), before);

    assert_eq!(post(world.system.ports().admin, "/campaigns/7/restore", "").status, 200);
    assert_eq!(candidates(&world), [id, CampaignId(8)]);
    until("it bids again", || (bid_on(&mut connections[0], "SGP").cid.as_deref() == Some("7")).then_some(()));
    assert_alert_ended(&world, "campaign_quarantined");
}

/// Notes what happens to one supervisor, and that nothing happens to any other outside of it.
struct Watch {
    events: Events,
    path: &'static str,
    degraded: Vec<Instant>,
    restored: Vec<Instant>,
}

impl Watch {
    fn new(world: &World, path: &'static str) -> Watch {
        Watch { events: world.system.tree().events(), path, degraded: Vec::new(), restored: Vec::new() }
    }

    /// Takes up what has happened since.
    fn look(&mut self) {
        while let Some(event) = self.events.try_recv() {
            let event = event.expect("no event is lost");
            assert!(event.path.starts_with(self.path), "it climbed: {event:?}");
            match event.kind {
                Happening::Degraded { .. } if *event.path == *self.path => self.degraded.push(event.instant),
                Happening::Restored if *event.path == *self.path => self.restored.push(event.instant),
                _ => {}
            }
        }
    }

    /// How long it was off, each time that it came back.
    fn waits(&self) -> Vec<Duration> {
        self.degraded.iter().zip(&self.restored).map(|(off, on)| on.duration_since(*off)).collect()
    }

    /// The second wait is twice the first.
    fn assert_backs_off(&self) {
        let waits = self.waits();
        println!("{}: retried after {waits:?}", self.path);
        assert!(Duration::from_millis(990) <= waits[0], "{waits:?}");
        assert!(Duration::from_millis(1_990) <= waits[1], "{waits:?}");
    }
}

#[test]
fn telemetry_is_off_is_retried_with_back_off_and_never_climbs() {
    let _turn = Turn::take();
    let world = start();
    let mut connections = EXCHANGES.map(|name| open(&world, name));
    connections.iter_mut().for_each(|connection| drop(bid_on(connection, "SGP")));
    let before = elsewhere(&world, "root/telemetry");
    let mut watch = Watch::new(&world, "root/telemetry");
    telemetry::chaos::FOLLOW.arm();
    until("telemetry has been tried again twice", || {
        for connection in &mut connections {
            bid_on(connection, "SGP");
        }
        watch.look();
        (watch.restored.len() == 2).then_some(())
    });
    until("telemetry is off", || (state(&world, "root/telemetry") == State::BackingOff).then_some(()));
    assert_alert(&world, "telemetry_off", "warning", "root/telemetry");
    let metrics = || get(world.system.ports().admin, "/metrics").body;
    let off = metrics();
    let alert = "adserver_alerts{severity=\"warning\",cause=\"telemetry_off\",subtree=\"root/telemetry\"} 1";
    assert!(off.contains(alert) && !off.contains("adserver_bids"), "{off}");
    telemetry::chaos::FOLLOW.disarm();
    until("the page is back", || metrics().contains("adserver_bids").then_some(()));
    assert_alert_ended(&world, "telemetry_off");
    watch.look();
    watch.assert_backs_off();
    assert_eq!(elsewhere(&world, "root/telemetry"), before);
}

#[test]
fn the_ledger_is_retried_with_back_off_while_bids_end_with_their_leases_and_notices_get_503() {
    let _turn = Turn::take();
    let world = start_with(|config| config.ledger.lease_life = Duration::from_secs(2));
    let notices = world.system.ports().notices;
    let mut connections = EXCHANGES.map(|name| open(&world, name));
    let bids = connections.each_mut().map(|connection| bid_on(connection, "SGP"));
    let before = elsewhere(&world, "root/ledger");
    let mut watch = Watch::new(&world, "root/ledger");

    // From here on no commit succeeds.
    let broken = Rearm::start(&ledger::chaos::BEFORE_COMMIT);
    let burls = bids.each_ref().map(|bid| target(bid.burl.as_deref().expect("a billing notice"), "AUDIT"));
    let burl = target(bids[1].burl.as_deref().expect("a billing notice"), "1.0");
    until("the ledger is off", || {
        assert_eq!(get(notices, &burl).status, 503);
        (state(&world, "root/ledger") == State::BackingOff).then_some(())
    });
    let answer = connections[0].ask(&request("SGP", "0.1"));
    assert_eq!(answer.status, 200, "there is a lease: {answer:?}");
    assert_alert(&world, "ledger_down", "critical", "root/ledger");
    until("bids have stopped, and the ledger has been tried again twice", || {
        let answer = connections[0].ask(&request("SGP", "0.1"));
        assert!(answer.status == 200 || answer.is_no_bid("unfunded"), "{answer:?}");
        assert_eq!(get(notices, &burls[0]).status, 503);
        watch.look();
        (answer.status == 204 && watch.restored.len() == 2).then_some(())
    });
    let leased = |totals: &Totals| totals.accounts.iter().map(|account| account.leased.0).sum::<i64>();
    until("the ledger is off again", || (state(&world, "root/ledger") == State::BackingOff).then_some(()));
    let off = totals(&world);
    assert_eq!((off.spent, off.count(EventKind::Billing)), (Nanos(0), 0));
    assert!(0 < leased(&off));
    for connection in &mut connections {
        let answer = connection.ask(&request("SGP", "0.1"));
        assert!(answer.is_no_bid("unfunded"), "{answer:?}");
    }
    drop(broken);

    connections.iter_mut().for_each(|connection| drop(bid_on(connection, "SGP")));
    assert_eq!(get(notices, &burl).status, 200, "the exchange repeats it");
    assert_eq!(get(notices, &burl).status, 200);
    assert_alert_ended(&world, "ledger_down");
    watch.look();
    watch.assert_backs_off();
    assert_eq!(elsewhere(&world, "root/ledger"), before);
    let totals = totals(&world);
    assert_eq!((totals.spent, totals.count(EventKind::Billing)), (Nanos(1_000_000), 1));
    assert_eq!(state(&world, "root/ledger"), State::Running);
}
