//! A ledger that is killed while it folds is as it was before the step or after it, at whatever moment it was.
//!
//! The chaos points are the process's, so that the tests of this file take turns.

mod common;

use std::fs;
use std::sync::{Mutex, PoisonError};

use common::history::{answers, folded_at_once, never_folded};
use common::{BUDGET, CAMPAIGN, World, billing, lease, notice};
use ledger::chaos::FOLD_STEPS;
use ledger::{NoticeKind, Retention, Store, StoreError, StoreOptions};
use money::Nanos;

static TURN: Mutex<()> = Mutex::new(());

const DAY_MS: i64 = 86_400_000;

/// Some months ago, so that events, notices and billings are due.
fn lived() -> (World, StoreOptions) {
    let world = World::new();
    let mut store = Store::open(never_folded(&world.options)).unwrap();
    store.set_budget(CAMPAIGN, BUDGET, 0).unwrap();
    for round in 0..6 {
        let grant = lease(&mut store, ["sg", "id"][round % 2], 5_000);
        for number in 0..5 {
            let number = round as u64 * 100 + number;
            store.record_notice(&notice(NoticeKind::Win, number, grant.lease, 10), 10).unwrap();
            store.record_notice(&billing(number, grant.lease, 10), 10).unwrap();
        }
        store.give_back(grant.lease, Nanos(round as i64 % 3), 11).unwrap();
    }
    store.commit().unwrap();
    store.forget_cap_keys(60 * DAY_MS, 10_000).unwrap();
    let billings = Some(std::time::Duration::from_secs(30 * 86_400));
    let retention = Retention { billings, ..folded_at_once(&world.options).retention };
    let options = StoreOptions { retention, ..world.options.clone() };
    (world, options)
}

/// All but the billings, which are removed here.
fn told(store: &Store, options: &StoreOptions) -> String {
    let from = ["sg", "id", "th"].map(|region| store.books().head(region));
    let all = answers(store, options, &from).unwrap();
    all.lines().filter(|line| !line.starts_with("[Billed")).filter(|line| *line != "[]").collect::<Vec<_>>().join("\n")
}

#[test]
fn stopped_at_any_step_of_folding_the_ledger_opens_and_folds_on() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (world, options) = lived();
    let mut store = Store::open(options.clone()).unwrap();
    let before = told(&store, &options);
    let mut steps = [0; FOLD_STEPS.len()];
    let mut folded_seq = 0;
    loop {
        let mut is_done = true;
        for (at, point) in FOLD_STEPS.iter().enumerate() {
            point.arm();
            match store.fold(90 * DAY_MS, 4) {
                Err(StoreError::Chaos(name)) => {
                    assert_eq!(name, point.name());
                    steps[at] += 1;
                    is_done = false;
                    assert!(matches!(store.commit(), Err(StoreError::Poisoned)));
                    drop(store);
                    store = Store::open(options.clone()).expect("it opens");
                    assert_eq!(told(&store, &options), before, "after a stop at {name}");
                    let is_durable = at == FOLD_STEPS.len() - 1;
                    assert!(is_durable || store.folded_seq() == folded_seq, "{name}: nothing of the step is there");
                    folded_seq = store.folded_seq();
                }
                result => {
                    point.disarm();
                    let folding = result.expect("the store works");
                    is_done &= !folding.is_more;
                    folded_seq = store.folded_seq();
                }
            }
        }
        if is_done {
            break;
        }
    }
    assert!(steps.iter().all(|stops| 0 < *stops), "every step was met: {steps:?}");
    assert!(store.books().last_seq() < store.folded_seq() + 4);
    let left: i64 = rusqlite::Connection::open(world.path())
        .unwrap()
        .query_row("SELECT count(*) FROM event WHERE kind IN ('win', 'billing')", [], |row| row.get(0))
        .unwrap();
    assert!(left < 12, "{left} of 60");
}

#[test]
fn a_power_loss_at_any_byte_of_the_log_leaves_whole_steps() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (world, options) = lived();
    let mut store = Store::open(options.clone()).unwrap();
    let before = told(&store, &options);
    let log = world.folder.path().join("ledger.db-wal");
    // How long the log was when each step was durable, and how far it had folded.
    let mut durable = vec![(0, 0)];
    while store.fold(90 * DAY_MS, 12).unwrap().is_more {
        durable.push((fs::metadata(&log).unwrap().len(), store.folded_seq()));
    }
    assert!(5 < durable.len(), "{durable:?}");
    let (database, bytes) = (fs::read(world.path()).unwrap(), fs::read(&log).unwrap());
    // A prime step meets frame borders, frame heads and page bodies.
    for cut in (0..=bytes.len() as u64).step_by(2_003).chain(durable.iter().map(|(length, _)| *length)) {
        let crashed = World::new();
        fs::write(crashed.path(), &database).unwrap();
        fs::write(crashed.folder.path().join("ledger.db-wal"), &bytes[..usize::try_from(cut).unwrap()]).unwrap();
        let options = StoreOptions { path: crashed.path(), ..options.clone() };
        let store = Store::open(options.clone()).expect("it opens");
        let promised = durable.iter().rfind(|(length, _)| *length <= cut).unwrap().1;
        assert_eq!(store.folded_seq(), promised, "cut at byte {cut}");
        assert_eq!(told(&store, &options), before, "cut at byte {cut}");
    }
}
