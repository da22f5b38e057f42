//! Campaigns are added, changed, paused, killed and removed by hand while the server bids, and what was confirmed survives
//! the end of the process, whatever ended it.

mod drill;
mod support;

use std::net::SocketAddr;

use adserver::system::System;
use campaign::{CampaignId, parse_campaigns};
use drill::keep_alive::KeepAlive;
use drill::process::Site;
use drill::{Turn, until};
use ledger::Audit;
use money::Nanos;
use serde_json::{Value, json};
use support::{Reply, World, ask, bid_request, get, post, start};

fn put(admin: SocketAddr, target: &str, headers: &str, body: &str) -> Reply {
    ask(
        admin,
        &format!(
            "PUT {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

fn delete(admin: SocketAddr, target: &str) -> Reply {
    ask(admin, &format!("DELETE {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"))
}

fn json(reply: &Reply) -> Value {
    serde_json::from_str(&reply.body).unwrap_or_else(|error| panic!("{error}: {reply:?}"))
}

fn one(admin: SocketAddr, id: u32) -> Value {
    json(&get(admin, &format!("/campaigns/{id}")))
}

/// The text of a campaign as the API gives it.
fn text(admin: SocketAddr, id: u32) -> String {
    let request =
        format!("GET /campaigns/{id} HTTP/1.1\r\nhost: test\r\nconnection: close\r\naccept: application/toml\r\n\r\n");
    ask(admin, &request).body
}

/// Who bids first on a test request, for which no lease is asked; each answer is the decision and nothing else.
fn first(connection: &mut KeepAlive) -> Option<String> {
    let request = bid_request("decision", "0.1").replace("\"at\":1", "\"at\":1,\"test\":1");
    let answer = connection.ask(&request);
    (answer.status == 200).then(|| answer.bid().cid.expect("a campaign").to_string())
}

fn connect(world: &World) -> KeepAlive {
    KeepAlive::open(world.system.ports().exchange("xandr").expect("a configured exchange"))
}

/// The same folder, as the next process finds it; the demonstration's ports are any that are free.
fn restart(world: World) -> World {
    let World { system, config, folder } = world;
    drop(system.drain());
    let system = System::start(&config, support::campaigns()).expect("it starts again");
    World { system, config, folder }
}

#[test]
fn a_change_counts_when_it_is_confirmed_and_after_the_next_start() {
    let _turn = Turn::take();
    let world = start();
    let admin = world.system.ports().admin;
    let mut connection = connect(&world);
    assert_eq!(first(&mut connection).as_deref(), Some("7"), "it pays more");
    let before = one(admin, 8);
    assert_eq!((&before["version"], &before["source"], &before["file"]), (&json!(1), &json!("file"), &json!("same")));

    // Dearer than the other from now on.
    let dearer = text(admin, 8).replace("bid_cpm = \"1.5\"", "bid_cpm = \"4.00\"");
    let unguarded = put(admin, "/campaigns/8", "", &dearer);
    assert_eq!((unguarded.status, &json(&unguarded)["version"]), (428, &json!(1)), "{unguarded:?}");
    let changed = put(admin, "/campaigns/8", "if-match: \"1\"\r\nx-operator: mei\r\nx-reason: raised\r\n", &dearer);
    assert_eq!(changed.status, 200, "{changed:?}");
    assert!(changed.head.to_lowercase().contains("etag: \"2\""), "{}", changed.head);
    assert_eq!(first(&mut connection).as_deref(), Some("8"), "the next decision knows it");
    for (headers, target, status) in
        [("if-match: \"1\"\r\n", "/campaigns/8", 412), ("", "/campaigns/8?expected_version=1", 409)]
    {
        let late = put(admin, target, headers, &text(admin, 8).replace("\"4\"", "\"0.50\""));
        assert_eq!((late.status, &json(&late)["version"]), (status, &json!(2)), "{late:?}");
    }

    // A third, in JSON; then taken out again.
    let campaign = json!({
        "id": 9, "name": "third", "advertiser_domain": "third.example", "budget": "50.00", "bid_cpm": "6.00",
        "starts": "2026-01-01", "ends": "2099-12-31", "pacing": "asap", "countries": ["SG"], "categories": null,
        "creative": [{ "id": 90, "sizes": ["300x250"], "markup": "<b>third</b>" }],
    });
    let as_json = "content-type: application/json\r\n";
    let added = put(admin, "/campaigns/9", as_json, &campaign.to_string());
    assert_eq!((added.status, &json(&added)["state"]), (201, &json!("live")), "{added:?}");
    assert_eq!(first(&mut connection).as_deref(), Some("9"));
    assert_eq!(one(admin, 9)["budget_usd"], "50");

    let world = restart(world);
    let (admin, mut connection) = (world.system.ports().admin, connect(&world));
    assert_eq!(first(&mut connection).as_deref(), Some("9"), "no file knows it");
    assert_eq!(delete(admin, "/campaigns/9").status, 200);
    assert_eq!(first(&mut connection).as_deref(), Some("8"));
    let shown = one(admin, 8);
    assert_eq!((&shown["version"], &shown["source"], &shown["file"]), (&json!(2), &json!("api"), &json!("differs")));
    assert_eq!(shown["last"], json!({ "action": "define", "who": "mei", "why": "raised" }));
    let log = json(&get(admin, "/campaigns/8/log"));
    let said: Vec<_> = log["log"].as_array().expect("a list").iter().map(|line| line["version"].clone()).collect();
    assert_eq!(said, [json!(2), json!(1)]);
    assert_eq!((get(admin, "/campaigns/9").status, delete(admin, "/campaigns/9").status), (404, 404));
    assert_eq!(json(&get(admin, "/campaigns/9/log"))["log"][0]["action"], "remove");

    // One that comes back goes on counting.
    let back = put(admin, "/campaigns/9", &format!("{as_json}if-none-match: *\r\n"), &campaign.to_string());
    assert_eq!((back.status, &json(&back)["version"]), (201, &json!(2)), "{back:?}");
}

#[test]
fn what_is_sound_and_hardly_meant_is_said_when_it_is_taken() {
    let _turn = Turn::take();
    let world = start();
    let admin = world.system.ports().admin;
    let odd = json!({
        "id": 9, "name": "odd", "advertiser_domain": "odd.example", "budget": "50.00", "bid_cpm": "1.00",
        "starts": "2026-01-01", "ends": "2099-12-31", "countries": ["SG"], "utc_offset": "+08:00",
        "hour_weights": ["mon-fri 0-24: 2", "mon-sun 0-24: 3", "sat 8-9: 1"],
        "creative": [{ "id": 90, "sizes": ["300x250"], "markup": "<b>odd</b>" }],
    });
    let added = put(admin, "/campaigns/9", "content-type: application/json\r\n", &odd.to_string());
    let said = json(&added);
    let warnings = said["warnings"].as_array().expect("a list");
    assert!(added.status == 201 && warnings.len() == 1, "{added:?}");
    assert!(warnings[0].as_str().is_some_and(|text| text.starts_with("hour_weights: ") && text.contains("no effect")));
    assert_eq!(said["effective"], true);
    // Said again of the same, though nothing changes.
    let again = json(&put(admin, "/campaigns/9", "if-match: *\r\n", &text(admin, 9)));
    assert_eq!((&again["version"], &again["warnings"]), (&json!(1), &said["warnings"]));
    let plain =
        put(admin, "/campaigns/9", "if-match: *\r\n", &text(admin, 9).replace("\"mon,tue,wed,thu,fri 0-24: 2\", ", ""));
    assert_eq!((&json(&plain)["version"], &json(&plain)["warnings"]), (&json!(2), &json!([])), "{plain:?}");
}

#[test]
fn what_may_not_be_changed_is_refused_with_every_reason_and_changes_nothing() {
    let _turn = Turn::take();
    let world = start();
    let admin = world.system.ports().admin;
    drop(support::bid(&world, "xandr"));
    let leased = until("money is out", || {
        let leased: Nanos = one(admin, 7)["leased_usd"].as_str()?.parse().ok()?;
        (Nanos(1_000) < leased).then_some(leased)
    });
    let cut = text(admin, 7).replace("budget = \"100\"", "budget = \"0.0026\"");
    let refused = put(admin, "/campaigns/7", "if-match: *\r\n", &cut);
    assert_eq!(refused.status, 409, "{refused:?}, {leased}");
    assert!(refused.body.contains("out with its regions"), "{refused:?}");

    let flawed = text(admin, 7).replace("budget = \"100\"", "budget = \"-1\"").replace("\"SG\"", "\"SG\", \"SG\"");
    let refused = json(&put(admin, "/campaigns/7", "if-match: *\r\n", &flawed));
    let errors = refused["errors"].as_array().expect("a list");
    assert!(
        errors.len() == 2 && errors.iter().all(|error| error.as_str().is_some_and(|e| e.starts_with("line "))),
        "{refused}"
    );
    let foreign = text(admin, 8).replace("id = 80", "id = 70");
    assert_eq!(put(admin, "/campaigns/8", "if-match: *\r\n", &foreign).status, 422, "a creative of campaign 7");
    assert_eq!(put(admin, "/campaigns/7", "if-match: *\r\n", &text(admin, 8)).status, 422, "another id");
    let elsewhere = text(admin, 8).replace("countries =", "exchanges = [\"nowhere\"]\ncountries =");
    let refused = put(admin, "/campaigns/8", "if-match: *\r\n", &elsewhere);
    assert!(refused.status == 422 && refused.body.contains("`nowhere` is not configured"), "{refused:?}");
    let as_json = json!({ "id": 8, "name": "second", "budget": 2.5, "colour": null });
    let refused = put(admin, "/campaigns/8", "content-type: application/json\r\nif-match: *\r\n", &as_json.to_string());
    assert!(refused.status == 422 && refused.body.contains("budget: "), "{refused:?}");
    for id in [7, 8] {
        assert_eq!(one(admin, id)["version"], 1);
    }
    assert_eq!(
        put(admin, "/campaigns/99", "if-match: \"1\"\r\n", &text(admin, 8).replace("id = 8\n", "id = 99\n")).status,
        412
    );
    Audit::open(&world.config.ledger.path).expect("the ledger opens").verify().expect("it balances");
}

#[test]
fn bids_of_an_old_version_and_of_a_removed_campaign_are_billed() {
    let _turn = Turn::take();
    let world = start();
    let (admin, notices) = (world.system.ports().admin, world.system.ports().notices);
    let bids = [support::bid(&world, "xandr"), support::bid(&world, "xandr")];
    let raised = text(admin, 7).replace("bid_cpm = \"2.5\"", "bid_cpm = \"3.00\"").replace("\"100\"", "\"120\"");
    let bill = |bid: &openrtb::Bid<'_>| get(notices, &support::target(bid.burl.as_deref().expect("a burl"), "1.00"));
    assert_eq!(put(admin, "/campaigns/7", "if-match: *\r\n", &raised).status, 200);
    assert_eq!(bill(&bids[0]).status, 200);
    assert_eq!((delete(admin, "/campaigns/7").status, delete(admin, "/campaigns/8").status), (200, 200));
    assert_eq!(bill(&bids[1]).status, 200);
    let totals = Audit::open(&world.config.ledger.path).expect("the ledger opens").verify().expect("it balances");
    assert_eq!(totals.spent, Nanos(2_000_000), "0.001 USD each");
    let mut connection = connect(&world);
    assert_eq!(first(&mut connection), None, "nobody is left");
}

#[test]
fn a_pause_and_a_kill_hold_over_the_next_start_until_they_are_taken_back() {
    let _turn = Turn::take();
    let world = start();
    let admin = world.system.ports().admin;
    let mut connection = connect(&world);
    assert_eq!(post(admin, "/campaigns/7/kill?who=mei&why=wrong+price", "").status, 200);
    assert_eq!(first(&mut connection).as_deref(), Some("8"), "the next decision knows it");
    assert_eq!(post(admin, "/campaigns/8/pause", "").status, 200);
    assert_eq!(first(&mut connection), None);
    // A crash of all campaigns changes nothing of it.
    world.system.block_on(async {
        world.system.tree().terminate_child("campaigns").await.expect("terminated");
        world.system.tree().restart_child("campaigns").await.expect("restarted");
    });
    assert_eq!(first(&mut connection), None);

    let world = restart(world);
    let (admin, mut connection) = (world.system.ports().admin, connect(&world));
    assert_eq!(first(&mut connection), None);
    let (seven, eight) = (one(admin, 7), one(admin, 8));
    assert_eq!((&seven["state"], &eight["state"]), (&json!("killed"), &json!("paused")));
    assert_eq!(seven["last"], json!({ "action": "kill", "who": "mei", "why": "wrong price" }));
    assert_eq!(post(admin, "/campaigns/8/resume", "").status, 200);
    assert_eq!(first(&mut connection).as_deref(), Some("8"));
    assert_eq!(post(admin, "/campaigns/7/resume", "").status, 200, "to resume is not to revive");
    assert_eq!(first(&mut connection).as_deref(), Some("8"));
    assert_eq!(post(admin, "/campaigns/7/revive", "").status, 200);
    assert_eq!(first(&mut connection).as_deref(), Some("7"));
    assert_eq!(
        (post(admin, "/campaigns/99/pause", "").status, post(admin, "/campaigns/7/sing", "").status),
        (404, 404)
    );
}

#[test]
fn a_kill_that_was_never_confirmed_holds_until_a_later_word_on_the_campaign_is_on_disk() {
    let _turn = Turn::take();
    let world = start();
    let admin = world.system.ports().admin;
    let mut connection = connect(&world);
    world.system.block_on(world.system.tree().terminate_child("ledger")).expect("terminated");
    let unconfirmed = post(admin, "/campaigns/7/kill", "");
    assert!(unconfirmed.status == 503 && unconfirmed.body.contains("until this process ends"), "{unconfirmed:?}");
    assert_eq!(first(&mut connection).as_deref(), Some("8"), "it is out all the same");
    world.system.block_on(world.system.tree().restart_child("ledger")).expect("restarted");

    // The book compares all campaigns with the disk before it changes another one.
    let renamed = text(admin, 8).replace("name = \"", "name = \"new ");
    let changed = put(admin, "/campaigns/8", "if-match: *\r\n", &renamed);
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(one(admin, 7)["state"], "killed");
    assert_eq!(first(&mut connection).as_deref(), Some("8"), "of which the disk knows nothing");
    assert_eq!(post(admin, "/campaigns/7/revive", "").status, 200);
    assert_eq!(first(&mut connection).as_deref(), Some("7"));
}

/// `kill -9` right after the answer: what was confirmed is there, and the file is followed again where it is told to be.
#[test]
fn what_was_confirmed_survives_a_killed_process_and_a_reload_follows_the_file() {
    let _turn = Turn::take();
    let site = Site::new(|text| text);
    let server = site.start();
    let admin = site.ports.admin;
    let ids: Vec<u32> = ids(admin);
    let (changed, paused, killed, gone) = (ids[0], ids[1], ids[2], ids[3]);
    let file = site.config.campaigns.file.clone();
    let dearer = |text: &str| text.replacen("bid_cpm = \"", "bid_cpm = \"9", 1);
    assert_eq!(
        put(admin, &format!("/campaigns/{changed}"), "if-match: \"1\"\r\n", &dearer(&text(admin, changed))).status,
        200
    );
    assert_eq!(delete(admin, &format!("/campaigns/{gone}")).status, 200);
    assert_eq!(post(admin, &format!("/campaigns/{paused}/pause"), "").status, 200);
    assert_eq!(post(admin, &format!("/campaigns/{killed}/kill"), "").status, 200);
    server.kill();

    let server = site.start();
    assert_eq!((&one(admin, paused)["state"], &one(admin, killed)["state"]), (&json!("paused"), &json!("killed")));
    let shown = one(admin, changed);
    assert_eq!((&shown["version"], &shown["source"], &shown["file"]), (&json!(2), &json!("api"), &json!("differs")));
    assert_eq!(get(admin, &format!("/campaigns/{gone}")).status, 404);

    // One flaw in the file, and nothing of it counts.
    let sound = std::fs::read_to_string(&file).expect("the file");
    let (other, vanished) = (ids[4], paused);
    let mut campaigns = parse_campaigns(&sound).expect("sound");
    campaigns.retain(|campaign| campaign.id != CampaignId(vanished));
    campaigns.iter_mut().filter(|campaign| campaign.id == CampaignId(other)).for_each(|of| of.name = "renamed".into());
    let edited: String = campaigns.iter().map(|campaign| campaign.to_toml()).collect();
    let flawed = edited.replacen("budget = \"", "budget = \"-", 2);
    std::fs::write(&file, &flawed).expect("written");
    let refused = post(admin, "/campaigns/reload", "");
    assert_eq!((refused.status, json(&refused)["errors"].as_array().map(Vec::len)), (422, Some(2)), "{refused:?}");
    assert_eq!(one(admin, other)["version"], 1);

    std::fs::write(&file, &edited).expect("written");
    server.hang_up();
    until("the file is followed", || (one(admin, other)["name"] == "renamed").then_some(()));
    assert_eq!((&one(admin, other)["version"], &one(admin, other)["source"]), (&json!(2), &json!("file")));
    until("what is no longer in it is gone", || {
        (get(admin, &format!("/campaigns/{}", vanished)).status == 404).then_some(())
    });
    let again = json(&post(admin, "/campaigns/reload", ""));
    assert_eq!((&again["kept"], &again["changed"]), (&json!([changed, gone]), &json!([])), "{again}");
    let taken = json(&post(admin, &format!("/campaigns/reload?take={changed},{gone}"), ""));
    assert_eq!((&taken["changed"], &taken["added"]), (&json!([changed]), &json!([gone])), "{taken}");
    assert_eq!((&one(admin, changed)["file"], &one(admin, gone)["version"]), (&json!("same"), &json!(2)));
    drop(server);
}

fn ids(admin: SocketAddr) -> Vec<u32> {
    let list = json(&get(admin, "/campaigns"));
    let ids = list["campaigns"].as_array().expect("a list").iter().filter_map(|campaign| campaign["id"].as_u64());
    ids.map(|id| u32::try_from(id).expect("an id")).collect()
}

/// So looks a file that is cut off, or that another program is just writing.
#[test]
fn a_file_without_most_of_its_campaigns_is_followed_only_if_that_is_meant() {
    let _turn = Turn::take();
    let world = start();
    let admin = world.system.ports().admin;
    let file = &world.config.campaigns.file;
    let whole: Vec<String> = support::campaigns().iter().map(|campaign| campaign.to_toml()).collect();
    let reload = |text: &str, parameters: &str| {
        std::fs::write(file, text).expect("written");
        post(admin, &format!("/campaigns/reload{parameters}"), "")
    };
    let refused = reload("", "");
    let error = json(&refused)["errors"][0].as_str().expect("an error").to_owned();
    let wanted = "2 of the 2 campaigns";
    assert!(refused.status == 409 && error.contains(wanted) && error.contains("may_remove=2"), "{error}");
    assert_eq!(reload("", "?may_remove=1").status, 409);
    assert_eq!(reload("", "?may_remove=many").status, 400);
    assert_eq!(ids(admin), [7, 8], "nothing was changed");

    let one_gone = json(&reload(&whole[0], ""));
    assert_eq!((&one_gone["removed"], &one_gone["unchanged"]), (&json!([8]), &json!(1)), "half of them may go");
    // What the API keeps is no reason to refuse, and goes only if it is taken.
    assert_eq!(put(admin, "/campaigns/8", "if-none-match: *\r\n", &whole[1]).status, 201);
    assert_eq!(json(&reload(&whole[0], ""))["kept"], json!([8]));
    let empty = json(&reload("", "?take=all&may_remove=2"));
    assert_eq!(empty["removed"], json!([7, 8]), "{empty}");
    assert_eq!(ids(admin), [0_u32; 0]);
}

#[test]
fn a_list_of_many_campaigns_comes_in_pages() {
    let _turn = Turn::take();
    let world = start();
    let admin = world.system.ports().admin;
    let page = |parameters: &str| {
        let page = json(&get(admin, &format!("/campaigns{parameters}")));
        let ids: Vec<u64> =
            page["campaigns"].as_array().expect("a list").iter().flat_map(|of| of["id"].as_u64()).collect();
        (ids, page["next"].as_u64(), page["count"].as_u64().expect("a count"))
    };
    assert_eq!(page(""), (vec![7, 8], None, 2));
    assert_eq!(page("?limit=1"), (vec![7], Some(7), 2));
    assert_eq!(page("?limit=1&after=7"), (vec![8], None, 2));
    assert_eq!(page("?after=8"), (vec![], None, 2));
    for (parameters, advice) in [("limit=0", "1 to 10000"), ("limit=x", "1 to 10000"), ("after=x", "after=7")] {
        let refused = get(admin, &format!("/campaigns?{parameters}"));
        assert!(refused.status == 400 && refused.body.contains(advice), "{refused:?}");
    }
}
