//! A process that is killed leaves the caps of its open bids to the next.
//!
//! A child process, this test binary itself, bids, says so and waits; the parent kills it with SIGKILL and starts a region over the
//! same files. Time is virtual in both: the child says that it is ready a second of its time after the last bid, in which what is
//! written behind the bids has been written. Chaos points belong to the process, so these tests take turns.

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{CAMPAIGN, PRICE, TTL, World, capped, key};
use ledger::NoticeKind;
use money::Nanos;
use region::limits::{JOURNAL_PERIOD, JOURNAL_RETRY, WON_TTL};
use region::{CapCounts, Refusal, RegionArgs};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

const BUDGET: Nanos = Nanos(250_000_000_000);
const FOLDER: &str = "REGION_KILL_FOLDER";
const READY: &str = "the bids are out";

static TURN: Mutex<()> = Mutex::const_new(());

fn journal(folder: &Path) -> PathBuf {
    folder.join("open-caps-sg")
}

async fn world(folder: &Path) -> World {
    let path = journal(folder);
    let adjust = |args: RegionArgs| RegionArgs { cap_journal: Some(path.clone()), ..args };
    let world = World::start_in(folder, &["sg"], BUDGET, adjust).await;
    world.fund().await;
    world
}

fn counts(world: &World, user: u8) -> CapCounts {
    world.port().open().unwrap().caps().counts(CAMPAIGN, key(user))
}

#[tokio::test(start_paused = true)]
async fn bids_that_were_out_when_the_process_was_killed_count_until_they_are_billed_lost_or_expired() {
    let _turn = TURN.lock().await;
    if let Some(folder) = std::env::var_os(FOLDER) {
        return bid_and_wait(Path::new(&folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg("bids_that_were_out_when_the_process_was_killed_count_until_they_are_billed_lost_or_expired")
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(READY)));
    child.kill().unwrap();
    child.wait().unwrap();

    let mut world = world(folder.path()).await;
    for user in [1, 4, 5] {
        assert_eq!(counts(&world, user), CapCounts { billed: 0, open: 1 }, "user {user}");
        assert_eq!(world.hold(capped(user, 1)).err(), Some(Refusal::Capped), "user {user}");
    }
    assert!(world.hold(capped(2, 1)).is_ok(), "that bid was lost");
    assert_eq!(counts(&world, 3), CapCounts { billed: 1, open: 0 }, "billed, and no longer open as well");
    assert!(world.hold(capped(6, 1)).is_ok(), "that bid was withdrawn");
    assert_eq!(world.port().open().unwrap().caps().figures().open, 3);
    // No token of the killed process has this name.
    world.bids = 1_000;
    let sent = world.bid(capped(7, 1));
    world.notice(NoticeKind::Billing, &sent, PRICE).await;
    sleep(TTL + Duration::from_secs(1)).await;
    world.fund().await;
    assert!(world.hold(capped(1, 1)).is_ok(), "it has expired");
    assert_eq!(world.hold(capped(5, 1)).err(), Some(Refusal::Capped), "it was won, and waits for its billing");
    sleep(WON_TTL).await;
    world.fund().await;
    assert!(world.hold(capped(5, 1)).is_ok(), "which never came");
    assert_eq!(world.port().open().unwrap().caps().figures().open, 0);
}

async fn bid_and_wait(folder: &Path) {
    let mut world = world(folder).await;
    world.bid(capped(1, 1));
    let lost = world.bid(capped(2, 1));
    let billed = world.bid(capped(3, 1));
    world.bid(capped(4, 1));
    let won = world.bid(capped(5, 1));
    let withdrawn = world.bid(capped(6, 1));
    // One that is held and not committed is nobody's but this process's.
    let held = world.hold(capped(7, 1)).unwrap();
    sleep(JOURNAL_PERIOD * 2).await;
    world.notice(NoticeKind::Loss, &lost, PRICE).await;
    world.notice(NoticeKind::Billing, &billed, PRICE).await;
    world.notice(NoticeKind::Win, &won, PRICE).await;
    world.port().withdraw(withdrawn.token);
    sleep(Duration::from_secs(1)).await;
    println!("{READY}");
    loop {
        std::thread::park();
        assert_eq!(held.cap_key(), Some(key(7)), "held to the end");
    }
}

#[tokio::test(start_paused = true)]
async fn an_orderly_end_leaves_the_last_bid_too_and_a_write_that_was_cut_short_all_before_it() {
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let mut world = world_of(&folder).await;
    world.bid(capped(1, 1));
    sleep(Duration::from_secs(1)).await;
    let before = fs::read(journal(folder.path())).unwrap();
    world.bid(capped(2, 1));
    world.tree.shutdown().await;
    let after = fs::read(journal(folder.path())).unwrap();
    assert!(after.starts_with(&before) && before.len() < after.len(), "the end was written behind it");

    let world = world_of(&folder).await;
    assert_eq!([1, 2].map(|user| counts(&world, user).open), [1, 1]);
    world.tree.shutdown().await;
    fs::write(journal(folder.path()), &after[..after.len() - 1]).unwrap();
    let world = world_of(&folder).await;
    assert_eq!([1, 2].map(|user| counts(&world, user).open), [1, 0]);
}

async fn world_of(folder: &tempfile::TempDir) -> World {
    world(folder.path()).await
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_takes_nothing_costs_no_bid_and_gets_all_that_is_open_when_it_does() {
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not yet there").join("open-caps-sg");
    let adjust = |args: RegionArgs| RegionArgs { cap_journal: Some(path.clone()), ..args };
    let mut world = World::start_in(folder.path(), &["sg"], BUDGET, adjust).await;
    world.fund().await;
    world.bid(capped(1, 1));
    sleep(Duration::from_secs(1)).await;
    world.bid(capped(2, 1));
    assert!(!path.exists());
    fs::create_dir(path.parent().unwrap()).unwrap();
    sleep(JOURNAL_RETRY + JOURNAL_PERIOD * 2).await;
    let written = fs::read(&path).unwrap();
    // Its head, an empty block, and one with two notes.
    assert_eq!(written.len(), 8 + 20 + 20 + 2 * 49);
    // A region that crashes writes what it carries over, and its predecessor nothing any more.
    region::chaos::CAPPER_EVENT.arm();
    let sent = world.bid(capped(3, 1));
    world.notice(NoticeKind::Billing, &sent, PRICE).await;
    let crashed = async {
        while world.port().recovery().starts < 2 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(600), crashed).await.expect("the event crashes it");
    sleep(JOURNAL_PERIOD * 3).await;
    assert_eq!(fs::read(&path).unwrap().len(), 8 + 20 + 20 + 2 * 49, "two are out, the third was billed");
    assert_eq!([1, 2, 3].map(|user| counts(&world, user).open), [1, 1, 0]);
}
