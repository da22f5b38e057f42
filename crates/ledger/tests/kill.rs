//! `kill -9` under load: acknowledged ⊆ ledger ⊆ sent, and after repeating what was not acknowledged, ledger = sent.
//!
//! A child process, this test binary itself, runs the ledger and feeds it notices; it prints each number before it sends
//! it and again when it is acknowledged. The parent kills it at a random moment, checks the file, and lets the next
//! child go on with it.

mod common;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use common::history::folded_at_once;
use common::tree::Running;
use common::{World, ask, billing, token};
use ledger::{Audit, EventKind, Outcome, StoreOptions};
use money::Nanos;

const FOLDER: &str = "LEDGER_KILL_FOLDER";
const FIRST: &str = "LEDGER_KILL_FIRST";
const ROUNDS: u64 = 20;
const SENDERS: usize = 32;

#[test]
fn killed_at_any_moment_the_ledger_holds_what_it_acknowledged_and_nothing_that_was_not_sent() {
    if std::env::var_os(FOLDER).is_some() {
        return feed();
    }
    let mut seed = std::env::var("LEDGER_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64);
    println!("seed LEDGER_SEED={seed}");
    let world = World::new();
    let (mut sent, mut acknowledged) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..ROUNDS {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let alive = Duration::from_millis(5 + (seed >> 33) % 120);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "--test-threads=1"])
            .arg("killed_at_any_moment_the_ledger_holds_what_it_acknowledged_and_nothing_that_was_not_sent")
            .env(FOLDER, world.folder.path())
            .env(FIRST, (round * 1_000_000).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut first_seen = None::<Instant>;
        while let Some(Ok(line)) = lines.next() {
            let Some((kind, number)) = line.split_once(' ') else { continue };
            match (kind, number.parse::<u64>()) {
                ("sent", Ok(number)) => drop(sent.insert(number)),
                ("acknowledged", Ok(number)) => drop(acknowledged.insert(number)),
                _ => continue,
            }
            // The time runs from the first notice on; after the kill, what is in the pipe is read to its end.
            if alive <= first_seen.get_or_insert_with(Instant::now).elapsed() {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        let ledger: BTreeSet<_> =
            Audit::open(&world.path()).unwrap().billed().unwrap().into_iter().map(|billed| billed.token).collect();
        let tokens = |numbers: &BTreeSet<u64>| numbers.iter().map(|number| token(*number)).collect::<BTreeSet<_>>();
        assert!(tokens(&acknowledged).is_subset(&ledger), "round {round}: acknowledged and not in the ledger");
        assert!(ledger.is_subset(&tokens(&sent)), "round {round}: in the ledger and never sent");
        Audit::open(&world.path()).unwrap().verify().unwrap();
    }
    println!("{ROUNDS} kills, {} sent, {} acknowledged", sent.len(), acknowledged.len());
    assert!(ROUNDS < acknowledged.len() as u64, "the load was real");

    let mut store = world.open();
    println!("{} of {} events folded", store.folded_seq(), store.books().last_seq());
    let before = store.totals().unwrap().count(EventKind::Billing);
    let mut repeated = 0;
    for number in sent.difference(&acknowledged) {
        let answer = store.record_notice(&billing(*number, ledger::LeaseId(1), 1), 0).unwrap();
        repeated += u64::from(answer.outcome == Outcome::Counted);
    }
    store.commit().unwrap();
    let totals = store.totals().unwrap();
    assert_eq!(totals.count(EventKind::Billing), before + repeated);
    assert_eq!(totals.count(EventKind::Billing), sent.len() as u64, "ledger = sent");
    assert_eq!(totals.spent, Nanos(i64::try_from(sent.len()).unwrap()), "each once");
    println!("{repeated} had not become durable and were counted when they were repeated");
}

/// The child: never returns by itself before it is killed, but gives up after a minute.
fn feed() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let first: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    // The test harness has begun a line of its own.
    println!();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::new();
        let path = std::path::Path::new(&folder).join("ledger.db");
        // It folds all the while.
        world.options = StoreOptions { path, ..folded_at_once(&world.options) };
        let running = Arc::new(Running::over(world).await);
        let grant = running.lease(ask("sg", 100_000)).await;
        let next = Arc::new(AtomicU64::new(first));
        let mut senders = tokio::task::JoinSet::new();
        for _ in 0..SENDERS {
            let (running, next) = (Arc::clone(&running), Arc::clone(&next));
            senders.spawn(async move {
                let end = Instant::now() + Duration::from_secs(60);
                while Instant::now() < end {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    say("sent", number);
                    if running.notice(billing(number, grant.lease, 1)).await.is_ok() {
                        say("acknowledged", number);
                    }
                }
            });
        }
        senders.join_all().await;
    });
}

fn say(what: &str, number: u64) {
    // One write a line, so that a kill cannot leave half a number. A closed pipe means that the parent is gone.
    if std::io::stdout().lock().write_all(format!("{what} {number}\n").as_bytes()).is_err() {
        std::process::exit(1);
    }
}
