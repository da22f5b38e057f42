//! One campaign of 10,000 that panics on every evaluation costs itself and nobody else; one that cannot be compiled is out
//! of bidding and seen.
//!
//! How: the same requests, on the same connections, before the fault, while it crashes the campaign again and again, and in
//! quarantine. They are tests by OpenRTB's flag, so that no bid waits for a lease: each answer is the decision and nothing
//! else, and must be the same three times. The failing campaign pays most and fits every request, so it is evaluated first
//! for each; the advertiser that it has is blocked by all, so that its own bids are not what changes.

mod drill;
mod support;

use adserver::system::System;
use campaign::{Campaign, CampaignId, Creative, CreativeId, Size, chaos};
use drill::keep_alive::KeepAlive;
use drill::{Turn, until};
use money::{Cpm, Nanos};
use serde_json::Value;
use support::{World, config, get, post};
use tembusu::{EventKind, Events, NodeSnapshot, State};

/// Campaigns of the tree.
const CAMPAIGNS: u32 = 10_000;
/// Slot sizes, each of which a few dozen campaigns fit.
const GROUPS: u32 = 300;
const EXCHANGES: [&str; 3] = ["google_adx", "xandr", "index"];
const COUNTRIES: [&str; 3] = ["SGP", "IDN", "THA"];
/// Restarts that a campaign is granted.
const GRANTED: usize = 3;

fn size(group: u32) -> Size {
    Size::new(100 + group, 50)
}

/// Of the support's two campaigns the first, with another number, size and price.
fn campaign(id: u32) -> Campaign {
    let template = support::campaigns().swap_remove(0);
    let creative = Creative { id: CreativeId(id), sizes: vec![size(id % GROUPS)], ..template.creatives[0].clone() };
    // Distinct within a group, so that exactly one pays most.
    let bid_cpm = Cpm(1_000_000 + i64::from(id));
    Campaign { id: CampaignId(id), name: format!("campaign {id}"), bid_cpm, creatives: vec![creative], ..template }
}

/// Fits every request, pays more than all others, and is blocked by every request when it is judged.
fn failing(id: u32) -> Campaign {
    let mut campaign = Campaign { bid_cpm: Cpm(9_000_000), budget: Nanos(1_000_000_000_000), ..campaign(id) };
    campaign.advertiser_domain = "blocked.example".to_owned();
    campaign.creatives[0].sizes = (0..GROUPS).map(size).collect();
    campaign
}

fn request(group: u32) -> String {
    let Size { w, h } = size(group);
    let country = COUNTRIES[group as usize % COUNTRIES.len()];
    format!(
        r#"{{"id":"auction-{group}","test":1,"imp":[{{"id":"1","banner":{{"w":{w},"h":{h}}},"bidfloor":0.1,"secure":1}}],"badv":["blocked.example"],"site":{{"id":"s","domain":"news.example"}},"device":{{"ip":"203.0.113.1","geo":{{"country":"{country}"}}}},"at":1,"tmax":5000,"cur":["USD"]}}"#
    )
}

/// What an exchange learns of a bid, but for its names, which are never the same twice.
type Sold = (String, Option<String>, Option<String>, String);

fn ask(connections: &mut [KeepAlive; 3], group: u32) -> Sold {
    let answer = connections[group as usize % connections.len()].ask(&request(group));
    let bid = answer.bid();
    let text = |text: &Option<std::borrow::Cow<'_, str>>| text.as_ref().map(|text| text.to_string());
    (bid.price.to_string(), text(&bid.cid), text(&bid.crid), bid.impid.to_string())
}

fn start(campaigns: impl Iterator<Item = Campaign>) -> World {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder");
    let config = config(folder.path());
    let system = System::start(&config, campaigns.collect()).expect("the system starts");
    World { system, config, folder }
}

/// Every node but the failing campaign's, with its state, incarnation and restarts.
fn others(world: &World, path: &str) -> Vec<(String, State, u64, u64)> {
    let root = world.system.tree().snapshot();
    let outside = |node: &&NodeSnapshot| *node.path != *path && !node.path.starts_with(&format!("{path}/"));
    root.walk().filter(outside).map(|of| (of.path.to_string(), of.state, of.incarnation, of.restarts)).collect()
}

/// How often `path` has crashed; nothing else may have.
fn crashes(events: &mut Events, path: &str) -> usize {
    let mut crashes = 0;
    while let Some(event) = events.try_recv() {
        let event = event.expect("no event is lost");
        let subtree = path.rsplit_once('/').expect("a subtree").0;
        assert!(event.path.starts_with(subtree), "it climbed: {event:?}");
        crashes += usize::from(*event.path == *path && matches!(event.kind, EventKind::Crashed { .. }));
    }
    crashes
}

fn json(world: &World, page: &str) -> Value {
    serde_json::from_str(&get(world.system.ports().admin, page).body).expect("JSON")
}

fn standing(world: &World, cause: &str) -> Vec<Value> {
    let alerts = json(world, "/alerts")["standing"].as_array().cloned().unwrap_or_default();
    alerts.into_iter().filter(|alert| alert["cause"] == cause).collect()
}

/// What an operator is told of a campaign: its state, and its first reason at a request that it would fit.
fn seen(world: &World, id: u32) -> (String, String) {
    let page = json(world, &format!("/campaigns?limit=1&after={}", id - 1));
    let of = &page["campaigns"][0];
    assert_eq!(of["id"], id, "a campaign of the test");
    let state = of["state"].as_str().expect("a text").to_owned();
    let explained = post(world.system.ports().admin, "/exchanges/xandr/explain", &request(id % GROUPS)).body;
    let explained: Value = serde_json::from_str(&explained).expect("JSON");
    let verdicts = explained["imps"][0]["campaigns"].as_array().expect("a list").clone();
    let verdict = verdicts.iter().find(|verdict| verdict["id"] == id).expect("a campaign of the test");
    (state, verdict["first_reason"].as_str().expect("a text").to_owned())
}

#[test]
fn one_of_10000_campaigns_that_panics_on_every_evaluation_costs_nobody_a_bid() {
    let _turn = Turn::take();
    let bad = 5_000;
    let world = start((1..=CAMPAIGNS).map(|id| if id == bad { failing(id) } else { campaign(id) }));
    let path = format!("root/campaigns/each/campaign_{bad}");
    let mut connections = EXCHANGES.map(|name| KeepAlive::open(world.system.ports().exchange(name).expect("known")));
    let without: Vec<Sold> = (0..GROUPS).map(|group| ask(&mut connections, group)).collect();
    assert_eq!(without[7].1.as_deref(), Some("9907"), "the dearest of its group");
    let before = others(&world, &path);
    let mut events = world.system.tree().events();

    chaos::EVALUATION.arm(CampaignId(bad));
    let mut asked = 0;
    until("it is in quarantine", || {
        // Each is answered with the bid that it got without the fault, whatever becomes of the campaign meanwhile.
        for group in 0..GROUPS {
            assert_eq!(ask(&mut connections, group), without[group as usize]);
            asked += 1;
        }
        let snapshot = world.system.tree().snapshot();
        (snapshot.find(&path).expect("its subtree").state == State::Degraded).then_some(())
    });
    assert_eq!(crashes(&mut events, &format!("{path}/definition")), GRANTED + 1, "after {asked} requests");
    for group in 0..GROUPS {
        assert_eq!(ask(&mut connections, group), without[group as usize]);
    }
    chaos::EVALUATION.disarm(CampaignId(bad));

    assert_eq!(others(&world, &path), before, "no region, exchange or campaign has restarted");
    assert!(connections.iter().all(KeepAlive::is_open));
    let alerts = until("the alert", || Some(standing(&world, "campaign_quarantined")).filter(|all| !all.is_empty()));
    assert_eq!((alerts.len(), alerts[0]["subtree"].as_str()), (1, Some(&*path)));
    assert_eq!(seen(&world, bad), ("down".to_owned(), "down".to_owned()));

    assert_eq!(post(world.system.ports().admin, &format!("/campaigns/{bad}/restore"), "").status, 200);
    assert_eq!(seen(&world, bad), ("live".to_owned(), "blocked_advertiser".to_owned()));
}

#[test]
fn a_campaign_whose_compilation_panics_is_out_of_bidding_and_seen() {
    let _turn = Turn::take();
    let bad = 310;
    chaos::DEFINITION_INIT.arm(CampaignId(bad));
    let world = start([10, bad].into_iter().map(campaign));
    chaos::DEFINITION_INIT.disarm(CampaignId(bad));
    // Both fit; the one that cannot be compiled pays more.
    let mut connections = EXCHANGES.map(|name| KeepAlive::open(world.system.ports().exchange(name).expect("known")));
    assert_eq!(ask(&mut connections, 10).1.as_deref(), Some("10"));
    let (state, verdict) = seen(&world, bad);
    assert!(state.starts_with("not started: ") && state.contains("campaign_definition_init"), "{state}");
    assert_eq!(verdict, "down");
    let alerts = standing(&world, "campaign_not_started");
    let subtree = format!("root/campaigns/each/campaign_{bad}");
    assert_eq!((alerts.len(), alerts[0]["subtree"].as_str()), (1, Some(&*subtree)));
    assert!(alerts[0]["detail"].as_str().is_some_and(|detail| detail.contains("campaign_definition_init")));

    // Mended, it is started where one in quarantine is restored.
    assert_eq!(post(world.system.ports().admin, &format!("/campaigns/{bad}/restore"), "").status, 200);
    assert_eq!(ask(&mut connections, 10).1.as_deref(), Some("310"));
    assert_eq!(seen(&world, bad), ("live".to_owned(), "eligible".to_owned()));
    assert!(standing(&world, "campaign_not_started").is_empty());
}
