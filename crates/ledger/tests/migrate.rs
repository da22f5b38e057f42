//! A ledger of an earlier schema is brought up to date as a whole or not at all, and there is no way back.

mod common;

use std::fs;
use std::path::Path;

use campaign::{CampaignId, CapMemory};
use common::World;
use ledger::{
    Audit, CAP_SLOT_MS, CapKey, CapSubject, EventKind, LastBids, LeaseId, LeaseLeft, NoticeKind, Store, StoreError,
    StoreOptions,
};
use money::Nanos;
use rusqlite::Connection;

const SCHEMA_2: &str = include_str!("fixtures/schema2.sql");
const SCHEMA_5: &str = include_str!("fixtures/schema5.sql");
const STEP: &str = include_str!("../src/store/migrate/2_to_3.sql");
/// The midnight around which the ledger of the fixture was written.
const MIDNIGHT_MS: i64 = 20_400 * 86_400_000;

fn write(path: &Path, statements: &str) {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(&format!("PRAGMA journal_mode = WAL; BEGIN; {statements} COMMIT;")).unwrap();
}

/// A ledger as the program of schema 2 left it.
fn earlier() -> World {
    let world = World::new();
    write(&world.path(), SCHEMA_2);
    world
}

fn version(path: &Path) -> i64 {
    Connection::open(path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

/// The user of the fixture whose key begins so, as keys are marked now.
fn user(first: u8) -> CapKey {
    CapKey(std::array::from_fn(|at| first + u8::try_from(at).unwrap())).marked(CapMemory::Day, false)
}

fn assert_is_what_it_was(store: &Store) {
    let totals = store.totals().unwrap();
    assert_eq!((totals.last_seq, totals.spent, totals.count(EventKind::Billing)), (12, Nanos(2_400), 6));
    let account = store.books().account(CampaignId(7)).unwrap();
    assert_eq!((account.leased(), account.free()), (Nanos(797_600), Nanos(9_200_000)));
    let snapshot = store.snapshot(&"sg".into(), 0).unwrap();
    assert_eq!(snapshot.leases.iter().map(|lease| lease.lease).collect::<Vec<_>>(), [LeaseId(1)]);
    let mut billed: Vec<_> =
        snapshot.billed.iter().map(|count| (count.cap_key, count.until_ms - MIDNIGHT_MS, count.count)).collect();
    billed.sort_unstable();
    let (one, other) = (user(0xa1), user(0xb1));
    assert_eq!(billed, [(one, 0, 1), (one, CAP_SLOT_MS, 2), (other, 2 * CAP_SLOT_MS, 1)], "by the minute now");
    assert!(snapshot.billed.iter().all(|count| count.subject == CapSubject::Campaign(CampaignId(7))));
    let events = store.events_since("sg", 0).unwrap().events;
    assert!(events.iter().filter_map(|event| event.bid.as_ref()).all(|bid| bid.definition.is_none()));
}

#[test]
fn a_ledger_of_schema_2_keeps_its_money_its_events_and_its_users() {
    let world = earlier();
    let mut store = world.open();
    assert_is_what_it_was(&store);
    // A notice is still known, and a new one is counted with the user's others.
    let mut known = common::notice(NoticeKind::Billing, 4, LeaseId(1), 100);
    known.token.0 = 4_u128.to_be_bytes();
    assert_eq!(store.record_notice(&known, MIDNIGHT_MS + 90_000).unwrap().outcome, ledger::Outcome::Duplicate);
    let mut new = common::notice(NoticeKind::Billing, 900, LeaseId(1), 100);
    new.claims.cap_key = Some(user(0xb1));
    store.record_notice(&new, MIDNIGHT_MS + 60_500).unwrap();
    store.commit().unwrap();
    let billed = store.snapshot(&"sg".into(), MIDNIGHT_MS + 60_000).unwrap().billed;
    assert_eq!(billed.iter().map(|count| count.count).collect::<Vec<_>>(), [2]);
    drop(store);
    assert_eq!(Audit::open(&world.path()).unwrap().verify().unwrap().spent, Nanos(2_500));
    assert_eq!(version(&world.path()), 6);
    world.open();
}

#[test]
fn a_ledger_of_schema_1_is_brought_up_to_date_as_well() {
    let world = earlier();
    let back = "DROP TABLE cap_count; DROP INDEX event_capped; \
                CREATE INDEX event_capped ON event (region, at_ms) WHERE cap_key IS NOT NULL; PRAGMA user_version = 1;";
    Connection::open(world.path()).unwrap().execute_batch(back).unwrap();
    assert_is_what_it_was(&world.open());
}

#[test]
fn a_ledger_of_schema_4_keeps_its_leases_until_their_end() {
    let world = World::new();
    let grant = common::lease(&mut world.funded(), "sg", 5_000);
    let back = "ALTER TABLE lease DROP COLUMN open_until_ms; ALTER TABLE lease DROP COLUMN won_ttl_ms; \
                DROP TABLE carried_account; DROP TABLE carried_lease; DROP TABLE carried_region; DROP TABLE carried_tally; \
                DROP TABLE carried_mark; PRAGMA user_version = 4;";
    Connection::open(world.path()).unwrap().execute_batch(back).unwrap();
    let mut store = world.open();
    assert_eq!(version(&world.path()), 6);
    let lease = store.books().lease(grant.lease).expect("it is open").clone();
    assert_eq!((lease.closes_ms(), lease.left), (grant.term.closes_ms, grant.amount));
    // From now on it may be left.
    let last = LastBids { open_until_ms: 10_000, won_ttl_ms: 1_000 };
    store.leave(LeaseLeft { lease: grant.lease, keep: Nanos(1_000), last, heard: 0 }, 10).unwrap();
    store.commit().unwrap();
    drop(store);
    assert_eq!(world.open().books().lease(grant.lease).expect("it is open").closes_ms(), 10_000);
}

#[test]
fn a_ledger_of_schema_5_is_what_it_was_and_is_folded_from_then_on() {
    let world = World::new();
    write(&world.path(), SCHEMA_5);
    let mut store = world.open();
    assert_eq!((version(&world.path()), store.folded_seq()), (6, 0));
    let totals = store.totals().unwrap();
    assert_eq!((totals.last_seq, totals.spent, totals.count(EventKind::LeaseGranted)), (17, Nanos(2_400), 4));
    let account = store.books().account(CampaignId(7)).unwrap();
    assert_eq!((account.leased(), account.free()), (Nanos(597_600), Nanos(9_400_000)));
    let closes: Vec<_> = store.books().leases().map(|lease| (lease.lease.0, lease.closes_ms())).collect();
    assert_eq!(closes, [(1, 1_762_565_520_000), (2, 1_762_562_000_000)], "the second was left");
    let billed = Audit::open(&world.path()).unwrap().billed().unwrap();
    // Months later, with leases that close and a notice that nobody knows any more.
    let now_ms = MIDNIGHT_MS + 90 * 86_400_000;
    while store.fold(now_ms, 1).unwrap().is_more {}
    assert_eq!(store.folded_seq(), 17);
    assert_eq!(store.totals().unwrap(), totals);
    drop(store);
    let audit = Audit::open(&world.path()).unwrap();
    assert_eq!((audit.verify().unwrap(), audit.billed().unwrap()), (totals, billed));
    let kinds: Vec<String> = Connection::open(world.path())
        .unwrap()
        .prepare("SELECT DISTINCT kind FROM event ORDER BY kind")
        .and_then(|mut kinds| kinds.query_map([], |row| row.get(0))?.collect())
        .unwrap();
    assert_eq!(kinds, ["billing", "budget"]);
    assert_eq!(world.open().books().leases().count(), 2);
}

/// What a kill in the midst of the transaction leaves: the files as they stood on the disk then, pages of it among them.
#[test]
fn one_that_was_killed_midway_is_of_the_old_schema_and_is_brought_up_to_date_by_the_next_start() {
    let world = earlier();
    let conn = Connection::open(world.path()).unwrap();
    conn.execute_batch(
        "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; PRAGMA wal_autocheckpoint = 0; BEGIN IMMEDIATE;",
    )
    .unwrap();
    conn.execute_batch(STEP).unwrap();
    conn.execute_batch("PRAGMA user_version = 6;").unwrap();
    let killed = World::new();
    for end in ["", "-wal"] {
        let name = |world: &World| format!("{}{end}", world.path().display());
        fs::copy(name(&world), name(&killed)).unwrap();
    }
    let log = fs::metadata(format!("{}-wal", killed.path().display())).unwrap().len();
    assert!(0 < log, "some of the transaction is in the log");
    drop(conn);
    assert_eq!(version(&killed.path()), 2);
    assert_is_what_it_was(&killed.open());
    assert_is_what_it_was(&world.open());
}

#[test]
fn without_room_for_it_nothing_is_changed() {
    let world = earlier();
    // One user in 500 minutes: one row of the earlier table, 500 of the present one.
    let more = format!(
        "WITH RECURSIVE each (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM each WHERE n < 500) \
         INSERT INTO event SELECT 12 + n, {MIDNIGHT_MS} + n * 60000, kind, region, 7 + n, campaign, lease, 0, 0, flags, NULL, \
         NULL, unhex(printf('%032x', 1000 + n)), exchange, auction, imp, bid, creative, bid_price, 0, currency, cap_key \
         FROM event, each WHERE seq = 7; \
         UPDATE tally SET count = count + 500 WHERE kind = 'billing'; UPDATE region SET head = 507 WHERE region = 'sg'; \
         UPDATE mark SET last_seq = 512;"
    );
    write(&world.path(), &more);
    // A limit below it is the size that the file has.
    let full = StoreOptions { bytes_max: Some(4_096), ..world.options.clone() };
    let error = Store::open(full).expect_err("there is no room");
    assert!(matches!(error, StoreError::Database { .. }), "{error:?}");
    assert!(error.to_string().contains("nothing was changed"), "{error}");
    assert_eq!(version(&world.path()), 2);
    let old: i64 = Connection::open(world.path())
        .unwrap()
        .query_row("SELECT count(DISTINCT day) FROM cap_count", [], |row| row.get(0))
        .unwrap();
    assert_eq!(old, 2, "the earlier table is there, with all that it held");
    assert_eq!(world.open().totals().unwrap().count(EventKind::Billing), 506);
}

#[test]
fn one_that_does_not_balance_is_refused_and_stays_of_its_schema() {
    let world = earlier();
    write(&world.path(), "UPDATE account SET spent = spent + 1, free = free - 1 WHERE campaign = 7;");
    let error = Store::open(world.options.clone()).expect_err("the tables do not follow from the events");
    assert!(error.to_string().contains("do not follow from its events: accounts"), "{error}");
    assert_eq!(version(&world.path()), 2);
}

#[test]
fn a_reader_changes_nothing_and_says_what_to_do() {
    let world = earlier();
    let error = Audit::open(&world.path()).expect_err("it is of an earlier schema").to_string();
    assert!(error.contains("schema version 2") && error.contains("start the server on it once"), "{error}");
    assert_eq!(version(&world.path()), 2);
}
