//! What is on disk: refused when it is not what was written, believed when it is.

mod common;

use std::fs;
use std::path::Path;

use common::{CAMPAIGN, World, billing, lease};
use ledger::{Audit, EventKind, LeaseId, Store, StoreError, StoreOptions};
use money::Nanos;
use rusqlite::Connection;

fn refusal(world: &World) -> StoreError {
    Store::open(world.options.clone()).expect_err("the ledger is refused")
}

fn sql(path: &Path, statements: &str) {
    Connection::open(path).unwrap().execute_batch(statements).unwrap();
}

/// A ledger with a hundred billings, closed.
fn filled() -> World {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 500_000);
    for number in 0..100 {
        store.record_notice(&billing(number, grant.lease, 100), 10).unwrap();
    }
    store.commit().unwrap();
    drop(store);
    world
}

#[test]
fn a_ledger_is_made_where_there_is_none_or_an_empty_file() {
    let world = World::new();
    fs::write(world.path(), b"").unwrap();
    let store = world.open();
    assert_eq!(store.totals().unwrap().last_seq, 0);
    drop(store);
    world.open();
}

#[test]
fn a_ledger_that_must_exist_is_not_made_anew() {
    let world = World::new();
    let options = StoreOptions { must_exist: true, ..world.options.clone() };
    let error = Store::open(options.clone()).expect_err("it is missing");
    assert!(matches!(error, StoreError::Vanished { .. }) && error.to_string().contains("put it back"), "{error}");
    assert!(!world.path().exists(), "nothing was made");
    fs::write(world.path(), b"").unwrap();
    assert!(matches!(Store::open(options.clone()), Err(StoreError::Vanished { .. })), "it is empty");
    drop(world.open());
    Store::open(options).expect("it is there");
}

#[test]
fn two_writers_are_refused_and_a_reader_is_not() {
    let world = World::new();
    let mut store = world.funded();
    assert!(matches!(refusal(&world), StoreError::InUse { .. }));
    let audit = Audit::open(&world.path()).unwrap();
    let before = audit.verify().unwrap();
    store.record_notice(&billing(1, LeaseId(9), 100), 10).unwrap();
    assert_eq!(audit.totals().unwrap(), before, "what is not committed is not seen");
    store.commit().unwrap();
    assert_eq!(audit.verify().unwrap().spent, Nanos(100));
    drop(store);
    world.open();
}

#[test]
fn a_missing_ledger_cannot_be_audited_and_is_not_made() {
    let world = World::new();
    assert!(Audit::open(&world.path()).is_err());
    assert!(!world.path().exists());
}

#[test]
fn a_file_that_is_no_database_is_refused_with_advice_and_left_as_it_is() {
    let world = World::new();
    let text = "these are not the bytes of a database, however often one looks at them ".repeat(100);
    fs::write(world.path(), &text).unwrap();
    let error = refusal(&world);
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("restore the last backup"), "{error}");
    assert_eq!(fs::read_to_string(world.path()).unwrap(), text);
}

#[test]
fn another_programs_database_is_refused() {
    let world = World::new();
    sql(&world.path(), "CREATE TABLE bookmark (url TEXT); PRAGMA application_id = 42;");
    let error = refusal(&world);
    assert!(matches!(error, StoreError::NotALedger { found: 42, .. }), "{error:?}");
    assert!(error.to_string().contains("check the configured path"), "{error}");
}

#[test]
fn an_unknown_version_is_refused_with_advice() {
    for (version, advice) in
        [(0, "restore the last backup"), (7, "a newer program wrote it"), (-1, "no program wrote it")]
    {
        let world = filled();
        sql(&world.path(), &format!("PRAGMA user_version = {version};"));
        let error = refusal(&world);
        assert!(matches!(error, StoreError::UnknownVersion { found, known: 6, .. } if found == version), "{error:?}");
        assert!(error.to_string().contains(advice), "{error}");
        assert!(Audit::open(&world.path()).is_err());
    }
}

#[test]
fn a_truncated_file_is_refused() {
    let world = filled();
    let bytes = fs::read(world.path()).unwrap();
    fs::write(world.path(), &bytes[..bytes.len() / 2]).unwrap();
    let error = refusal(&world);
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn no_overwritten_page_is_believed() {
    const PAGE: usize = 4096;
    let pristine = filled();
    let bytes = fs::read(pristine.path()).unwrap();
    for page in 0..bytes.len() / PAGE {
        let world = World::new();
        let mut damaged = bytes.clone();
        for byte in &mut damaged[page * PAGE..(page + 1) * PAGE] {
            *byte = !*byte;
        }
        fs::write(world.path(), damaged).unwrap();
        let error = refusal(&world);
        assert!(error.to_string().contains("backup"), "page {page}: {error}");
    }
}

#[test]
fn tables_that_do_not_balance_or_do_not_follow_from_the_events_are_refused() {
    let cases = [
        ("UPDATE account SET spent = spent + 1, free = free - 1", "do not follow from its events: accounts"),
        ("UPDATE account SET leased = leased + 1, free = free - 1", "does not balance"),
        ("UPDATE lease SET spent = spent + 1", "do not follow from its events: open leases"),
        ("UPDATE lease SET left = left - 1", "does not balance"),
        ("DELETE FROM lease", "does not balance"),
        ("UPDATE region SET head = head + 1", "do not follow from its events: regions"),
        ("UPDATE tally SET count = count + 1", "do not follow from its events: counts"),
        ("UPDATE cap_count SET count = count - 1", "do not follow from its events: users"),
        ("INSERT INTO cap_count VALUES ('sg', 0, 1, 7, x'00', 1)", "do not follow from its events: users"),
        ("DELETE FROM event WHERE seq = 50", "does not balance"),
        ("UPDATE event SET amount = amount + 1 WHERE seq = 50", "do not follow from its events: accounts"),
        ("UPDATE event SET kind = 'bribe' WHERE seq = 50", "unknown kind"),
        ("UPDATE mark SET last_lease = 0", "do not follow from its events: last lease"),
    ];
    for (statement, says) in cases {
        let world = filled();
        sql(&world.path(), statement);
        let error = refusal(&world).to_string();
        assert!(error.contains(says) && error.contains("backup"), "{statement}: {error}");
        assert!(Audit::open(&world.path()).unwrap().verify().is_err(), "{statement}");
    }
}

#[test]
fn the_database_itself_refuses_an_account_that_does_not_balance_and_a_notice_twice() {
    let world = filled();
    let conn = Connection::open(world.path()).unwrap();
    assert!(conn.execute_batch("UPDATE account SET spent = spent + 1").is_err());
    let twice = "INSERT INTO event SELECT seq + 1000, at_ms, kind, 'xx', seq, campaign, lease, amount, late, flags, \
                 expires_ms, closes_ms, token, exchange, auction, imp, bid, creative, bid_price, price, currency, \
                 cap_key, definition FROM event WHERE seq = 50";
    assert!(conn.execute_batch(twice).unwrap_err().to_string().contains("UNIQUE"));
}

#[test]
fn a_failed_write_poisons_the_store_and_what_was_acknowledged_is_there_after_opening() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000_000);
    drop(store);
    let full = StoreOptions { bytes_max: Some(256 << 10), ..world.options.clone() };
    let mut store = Store::open(full).unwrap();
    let mut acknowledged = Vec::new();
    let error = 'full: loop {
        let first = acknowledged.len() as u64;
        for number in first..first + 10 {
            if let Err(error) = store.record_notice(&billing(number, grant.lease, 1), 10) {
                break 'full error;
            }
        }
        match store.commit() {
            Ok(events) => acknowledged.extend(events),
            Err(error) => break error,
        }
        assert!(acknowledged.len() < 100_000, "the size is limited");
    };
    assert!(matches!(error, StoreError::Database { .. }), "{error:?}");
    assert!(matches!(store.commit(), Err(StoreError::Poisoned)));
    assert!(matches!(store.totals(), Err(StoreError::Poisoned)));
    assert!(matches!(store.record_notice(&billing(0, grant.lease, 1), 10), Err(StoreError::Poisoned)));
    drop(store);

    let store = world.open();
    let totals = store.totals().unwrap();
    assert!(!acknowledged.is_empty());
    assert_eq!(totals.count(EventKind::Billing), acknowledged.len() as u64, "the failed batch is gone whole");
    assert_eq!(totals.spent, Nanos(acknowledged.len() as i64));
}

#[test]
fn a_power_loss_at_any_byte_of_the_log_leaves_whole_batches_and_all_acknowledged_ones() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000_000);
    let log = world.folder.path().join("ledger.db-wal");
    // How long the log was when each batch was acknowledged, and what had been spent then.
    let mut acknowledged = vec![(fs::metadata(&log).unwrap().len(), Nanos::ZERO)];
    for batch in 0..12 {
        for number in 0..5 {
            store.record_notice(&billing(batch * 100 + number, grant.lease, 10), 10).unwrap();
        }
        store.commit().unwrap();
        acknowledged.push((fs::metadata(&log).unwrap().len(), store.totals().unwrap().spent));
    }
    let (database, bytes) = (fs::read(world.path()).unwrap(), fs::read(&log).unwrap());
    let start = acknowledged[0].0;
    let (mut cuts, mut opened) = (0, 0);
    // A prime step meets frame borders, frame heads and page bodies.
    for cut in (start..=bytes.len() as u64).step_by(1_009).chain(acknowledged.iter().map(|(length, _)| *length)) {
        let crashed = World::new();
        fs::write(crashed.path(), &database).unwrap();
        fs::write(crashed.folder.path().join("ledger.db-wal"), &bytes[..usize::try_from(cut).unwrap()]).unwrap();
        let store = crashed.open();
        let spent = store.totals().unwrap().spent;
        let promised = acknowledged.iter().rfind(|(length, _)| *length <= cut).unwrap().1;
        assert_eq!(spent, promised, "cut at byte {cut}: the acknowledged batches, and nothing of the one cut short");
        assert_eq!(store.snapshot(&"sg".into(), 0).unwrap().region_seq, 1 + u64::try_from(spent.0).unwrap() / 10);
        (cuts, opened) = (cuts + 1, opened + 1);
    }
    println!("{cuts} cuts, {opened} opened");
    assert!(200 < cuts, "the log is long enough to be cut at many places: {cuts}");
    assert_eq!(store.totals().unwrap().account(CAMPAIGN).unwrap().spent, Nanos(600));
}

#[test]
fn what_only_the_log_says_is_written_into_the_database_before_it_is_believed() {
    let world = World::new();
    let mut store = world.funded();
    store.record_notice(&billing(1, LeaseId(1), 10), 10).unwrap();
    store.commit().unwrap();
    let crashed = World::new();
    for name in ["ledger.db", "ledger.db-wal"] {
        fs::copy(world.folder.path().join(name), crashed.folder.path().join(name)).unwrap();
    }
    let log = crashed.folder.path().join("ledger.db-wal");
    assert!(0 < fs::metadata(&log).unwrap().len());
    let reopened = crashed.open();
    assert_eq!(reopened.totals().unwrap().spent, Nanos(10));
    assert_eq!(fs::metadata(&log).unwrap().len(), 0, "the log has been written back and emptied");
}

#[test]
fn a_log_that_grows_long_is_written_back() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000_000);
    for number in 0..600 {
        store.record_notice(&billing(number, grant.lease, 1), 10).unwrap();
        store.commit().unwrap();
    }
    let log = fs::metadata(world.folder.path().join("ledger.db-wal")).unwrap().len();
    assert!(log < 24 << 20, "the log is {log} bytes long");
    assert_eq!(Audit::open(&world.path()).unwrap().verify().unwrap().spent, Nanos(600));
}
