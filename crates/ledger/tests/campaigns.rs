//! What operators say of campaigns is durable with its budget, as a whole, and kept apart from what the file says.

mod common;

use campaign::CampaignId;
use common::{BUDGET, CAMPAIGN, World, lease};
use ledger::{
    Audit, CampaignAction, CampaignEntry, CampaignWord, DefinitionSource, DefinitionText, EventKind, StoreError,
};
use money::Nanos;
use rusqlite::Connection;

fn word(campaign: CampaignId, version: u32, action: CampaignAction) -> CampaignWord {
    CampaignWord {
        campaign,
        version,
        source: DefinitionSource::Api,
        fingerprint: u64::MAX,
        removed: false,
        paused: action == CampaignAction::Pause,
        killed: false,
        action,
        who: "mei".to_owned(),
        why: "the client asked".to_owned(),
        at_ms: 0,
    }
}

fn define(campaign: CampaignId, version: u32, budget: Nanos) -> CampaignEntry {
    let text = format!("version {version}");
    CampaignEntry {
        word: word(campaign, version, CampaignAction::Define),
        definition: Some(DefinitionText { text, budget }),
    }
}

fn say(campaign: CampaignId, version: u32, action: CampaignAction) -> CampaignEntry {
    CampaignEntry { word: word(campaign, version, action), definition: None }
}

#[test]
fn a_definition_and_its_budget_are_durable_together_and_the_history_is_kept() {
    let world = World::new();
    let mut store = world.funded();
    store.record_campaigns(&[define(CAMPAIGN, 2, Nanos(12_000_000))], 10).unwrap().expect("enough");
    store.record_campaigns(&[say(CAMPAIGN, 2, CampaignAction::Pause)], 20).unwrap().expect("enough");
    assert!(matches!(store.campaign_words(), Err(StoreError::Uncommitted)), "what is not durable is not read");
    let audit = Audit::open(&world.path()).unwrap();
    assert_eq!(audit.campaign_words().unwrap(), []);
    let events = store.commit().unwrap();
    assert_eq!(events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::Budget]);
    drop(store);

    let store = world.open();
    assert_eq!(store.books().account(CAMPAIGN).unwrap().budget(), Nanos(12_000_000));
    let words = store.campaign_words().unwrap();
    let paused = CampaignWord { at_ms: 20, ..word(CAMPAIGN, 2, CampaignAction::Pause) };
    assert_eq!(words, [paused]);
    assert_eq!(store.campaign_text(CAMPAIGN, 2).unwrap().as_deref(), Some("version 2"));
    assert_eq!(store.campaign_text(CAMPAIGN, 1).unwrap(), None);
    let said: Vec<_> = store.campaign_log(CAMPAIGN).unwrap().iter().map(|line| (line.at_ms, line.action)).collect();
    assert_eq!(said, [(20, CampaignAction::Pause), (10, CampaignAction::Define)]);
    drop(store);
    let kept = Audit::open(&world.path()).unwrap().campaign_words().unwrap();
    assert_eq!(kept[0].1.as_deref(), Some("version 2"));
    Audit::open(&world.path()).unwrap().verify().expect("it balances");
}

#[test]
fn a_budget_below_what_is_spent_and_out_is_refused_with_the_whole_set() {
    let world = World::new();
    let mut store = world.funded();
    let granted = lease(&mut store, "sg", 500_000).amount;
    let other = CampaignId(8);
    let set = [define(other, 1, Nanos(1_000_000)), define(CAMPAIGN, 2, Nanos(granted.0 - 1))];
    let refused = store.record_campaigns(&set, 10).unwrap().expect_err("too low");
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].campaign, refused[0].leased, refused[0].least), (CAMPAIGN, granted, granted));
    assert!(refused[0].to_string().contains("or more"), "{}", refused[0]);
    store.commit().unwrap();
    assert_eq!(store.campaign_words().unwrap(), []);
    assert!(store.books().account(other).is_none(), "nothing of the set");
    assert_eq!(store.books().account(CAMPAIGN).unwrap().budget(), BUDGET);

    // To the nano what is out: nothing is free, and nothing is below zero.
    store.record_campaigns(&[define(CAMPAIGN, 2, granted)], 20).unwrap().expect("just enough");
    store.commit().unwrap();
    assert_eq!(store.books().account(CAMPAIGN).unwrap().free(), Nanos(0));
}

#[test]
fn a_ledger_from_before_gets_the_tables_and_keeps_its_money() {
    let world = World::new();
    drop(world.funded());
    let drop_tables = "DROP TABLE campaign; DROP TABLE campaign_log;";
    Connection::open(world.path()).unwrap().execute_batch(drop_tables).unwrap();
    assert_eq!(Audit::open(&world.path()).unwrap().campaign_words().unwrap(), []);
    let mut store = world.open();
    assert_eq!(store.books().account(CAMPAIGN).unwrap().budget(), BUDGET);
    store.record_campaigns(&[define(CAMPAIGN, 1, BUDGET)], 10).unwrap().expect("enough");
    store.commit().unwrap();
    assert_eq!(store.campaign_words().unwrap().len(), 1);
}

#[test]
fn a_ledger_whose_definitions_stand_apart_keeps_them_and_adds_the_new_ones_to_its_history() {
    let world = World::new();
    let mut store = world.funded();
    store.record_campaigns(&[define(CAMPAIGN, 1, BUDGET)], 10).unwrap().expect("enough");
    store.commit().unwrap();
    drop(store);
    // As it was before.
    let before =
        "CREATE TABLE campaign_definition (campaign INTEGER NOT NULL, version INTEGER NOT NULL, text TEXT NOT NULL,
                      PRIMARY KEY (campaign, version)) STRICT, WITHOUT ROWID;
                  INSERT INTO campaign_definition SELECT campaign, version, text FROM campaign_log;
                  ALTER TABLE campaign_log DROP COLUMN text;";
    Connection::open(world.path()).unwrap().execute_batch(before).unwrap();
    let kept = Audit::open(&world.path()).unwrap().campaign_words().unwrap();
    assert_eq!(kept[0].1.as_deref(), Some("version 1"), "read before it is brought up to date");

    let mut store = world.open();
    assert_eq!(store.campaign_text(CAMPAIGN, 1).unwrap().as_deref(), Some("version 1"));
    store.record_campaigns(&[define(CAMPAIGN, 2, BUDGET)], 20).unwrap().expect("enough");
    store.commit().unwrap();
    let text = |version| store.campaign_text(CAMPAIGN, version).unwrap();
    assert_eq!((text(1).as_deref(), text(2).as_deref()), (Some("version 1"), Some("version 2")));
    assert_eq!(text(3), None);
    assert_eq!(store.campaign_log(CAMPAIGN).unwrap().len(), 2);
}
