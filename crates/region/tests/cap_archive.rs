//! What a region has read of the ledger's counts outlives its crashes, as long as it is still what the ledger says.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::time::Duration;

use common::{CAMPAIGN, PRICE, Sent, World, capped, key};
use ledger::{CapAnswer, CapCount, CapReader, CapStore, CapStoreError, Clock, LedgerCaps, NoticeKind};
use money::Nanos;
use region::limits::{ARCHIVE_EXACT, ARCHIVE_LAG, ARCHIVE_PERIOD, FORGET_PERIOD};
use region::{CapCounts, Refusal, RegionArgs, Timings, chaos};
use tembusu::chaos::Point;
use tokio::sync::Mutex;
use tokio::time::sleep;

const BUDGET: Nanos = Nanos(250_000_000_000);
/// A renewal begins within this time, and has ended and been taken.
const RENEWED: Duration = ARCHIVE_PERIOD.saturating_add(FORGET_PERIOD.saturating_mul(4));

/// Chaos points belong to the process.
static TURN: Mutex<()> = Mutex::const_new(());

/// The ledger's counts, and since when each reader was asked for them.
#[derive(Clone, Debug)]
struct Watched {
    inner: LedgerCaps,
    since_ms: Arc<std::sync::Mutex<Vec<i64>>>,
    fails: Arc<AtomicBool>,
}

struct WatchedReader {
    inner: Box<dyn CapReader>,
    watched: Watched,
}

impl CapStore for Watched {
    fn open(&self, region: Arc<str>) -> CapAnswer<'_> {
        Box::pin(async move {
            let inner = self.inner.open(region).await?;
            Ok(Box::new(WatchedReader { inner, watched: self.clone() }) as Box<dyn CapReader>)
        })
    }
}

impl CapReader for WatchedReader {
    fn begin(&mut self) -> Result<u64, CapStoreError> {
        self.inner.begin()
    }

    fn read(&mut self, since_ms: i64, take: &mut dyn FnMut(CapCount) -> bool) -> Result<(), CapStoreError> {
        self.watched.since_ms.lock().unwrap().push(since_ms);
        if self.watched.fails.load(SeqCst) {
            return Err(CapStoreError::new("the test says so"));
        }
        self.inner.read(since_ms, take)
    }
}

struct Watch {
    world: World,
    since_ms: Arc<std::sync::Mutex<Vec<i64>>>,
    /// By how much the region's clock is ahead of the ledger's.
    ahead_ms: Arc<AtomicI64>,
    /// Whether readers fail.
    fails: Arc<AtomicBool>,
}

impl Watch {
    async fn start() -> Self {
        let since_ms = Arc::<std::sync::Mutex<Vec<i64>>>::default();
        let ahead_ms = Arc::<AtomicI64>::default();
        let fails = Arc::<AtomicBool>::default();
        let adjust = |args: RegionArgs| {
            let inner = LedgerCaps::new(args.ledger.clone(), Duration::from_secs(1));
            let (clock, ahead_ms) = (args.clock.clone(), Arc::clone(&ahead_ms));
            RegionArgs {
                caps: Arc::new(Watched { inner, since_ms: Arc::clone(&since_ms), fails: Arc::clone(&fails) }),
                timings: Timings { renewal: Duration::from_secs(1), control: Duration::from_secs(60), ..args.timings },
                clock: Clock::new(move || clock.now_ms() + ahead_ms.load(SeqCst)),
                ..args
            }
        };
        let world = World::start(&["sg"], BUDGET, adjust).await;
        world.fund().await;
        Self { world, since_ms, ahead_ms, fails }
    }

    /// As if the ledger's clock were set back: its minutes are over for the region long before.
    fn go_ahead(&self) {
        self.ahead_ms.store(i64::try_from(ARCHIVE_LAG.as_millis()).unwrap() * 5, SeqCst);
    }

    /// With a billing of user 1, and a bid of user 2 whose billing comes in a minute that is over.
    async fn ahead() -> (Self, Sent) {
        let mut watch = Self::start().await;
        watch.bill(1).await;
        let late = watch.bid(2).await;
        watch.go_ahead();
        (watch, late)
    }

    async fn bid(&mut self, user: u8) -> Sent {
        loop {
            self.world.fund().await;
            if let Ok(hold) = self.world.hold(capped(user, 1_000)) {
                return self.world.send(hold);
            }
        }
    }

    async fn billed(&mut self, sent: &Sent) {
        self.world.notice(NoticeKind::Billing, sent, PRICE).await;
        common::settle().await;
    }

    async fn bill(&mut self, user: u8) {
        let sent = self.bid(user).await;
        self.billed(&sent).await;
    }

    /// Crashes the region over a billing of user 9, and says since when the next incarnation reads.
    async fn crash(&mut self, point: &Point) -> i64 {
        let sent = self.bid(9).await;
        self.crash_over(&sent, point).await
    }

    async fn crash_over(&mut self, sent: &Sent, point: &Point) -> i64 {
        self.crash_by(NoticeKind::Billing, sent, point).await
    }

    async fn crash_by(&mut self, kind: NoticeKind, sent: &Sent, point: &Point) -> i64 {
        let starts = self.world.port().recovery().starts;
        point.arm();
        self.world.notice(kind, sent, PRICE).await;
        while self.world.port().recovery().starts == starts {
            sleep(Duration::from_millis(1)).await;
        }
        *self.since_ms.lock().unwrap().last().unwrap()
    }

    fn counts(&self, user: u8) -> CapCounts {
        self.world.port().open().unwrap().caps().counts(CAMPAIGN, key(user))
    }
}

fn billed(times: u32) -> CapCounts {
    CapCounts { billed: times, open: 0 }
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_only_the_minutes_since_the_archive_are_read_again() {
    let _turn = TURN.lock().await;
    let mut watch = Watch::start().await;
    watch.bill(1).await;
    watch.bill(2).await;
    sleep(RENEWED).await;
    watch.bill(2).await;
    for (crashes, point) in [(1, &chaos::BIDDING_EVENT), (2, &chaos::CAPPER_EVENT), (3, &chaos::PACER_EVENT)] {
        let since_ms = watch.crash(point).await;
        assert!(common::START_MS < since_ms, "not everything");
        assert_eq!((watch.counts(1), watch.counts(2), watch.counts(9)), (billed(1), billed(2), billed(crashes)));
        assert_eq!(watch.world.port().recovery().entries, 3);
        watch.world.fund().await;
        assert_eq!(watch.world.hold(capped(1, 1)).err(), Some(Refusal::Capped));
        assert!(watch.world.hold(capped(1, 2)).is_ok());
    }
}

/// A user of the archive who is bid for has an entry from then on; it goes when the archive says all that it does.
#[tokio::test(start_paused = true)]
async fn users_go_into_the_archive_and_come_out_of_it_with_what_was_counted() {
    let _turn = TURN.lock().await;
    let mut watch = Watch::start().await;
    watch.bill(1).await;
    for round in 2..=3 {
        // Ten minutes and more are one look at every shard.
        sleep(ARCHIVE_EXACT + RENEWED + FORGET_PERIOD * 70).await;
        assert_eq!(watch.counts(1), billed(round - 1));
        watch.bill(1).await;
        assert_eq!(watch.counts(1), billed(round));
        assert_eq!(watch.world.billed(1).await, (round, round));
        assert_eq!(watch.world.port().open().unwrap().caps().figures().entries, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bit_that_changed_in_memory_ends_the_region_and_the_next_one_reads_the_ledger_again() {
    let _turn = TURN.lock().await;
    let mut watch = Watch::start().await;
    watch.bill(1).await;
    watch.bill(2).await;
    chaos::ARCHIVE_DAMAGE.arm();
    sleep(RENEWED).await;
    assert!(!chaos::ARCHIVE_DAMAGE.is_armed(), "a damaged archive was built");
    assert_eq!(watch.world.port().recovery().starts, 2, "and found");
    let reads = watch.since_ms.lock().unwrap().clone();
    assert_eq!(reads.last(), Some(&i64::MIN), "{reads:?}");
    assert_eq!((watch.counts(1), watch.counts(2)), (billed(1), billed(1)));
}

#[tokio::test(start_paused = true)]
async fn a_damaged_archive_that_nobody_has_looked_at_yet_is_not_started_from() {
    let _turn = TURN.lock().await;
    let mut watch = Watch::start().await;
    watch.bill(1).await;
    sleep(RENEWED).await;
    chaos::ARCHIVE_DAMAGE.arm();
    assert!(common::START_MS < watch.crash(&chaos::BIDDING_EVENT).await, "the archive was sound");
    while chaos::ARCHIVE_DAMAGE.is_armed() {
        sleep(Duration::from_secs(1)).await;
    }
    // Built; it is taken at the next look at the archive, and looked at itself with the one after that.
    sleep(FORGET_PERIOD + Duration::from_millis(500)).await;
    assert_eq!(watch.world.port().recovery().starts, 2, "nobody has looked");
    assert_eq!(watch.crash(&chaos::BIDDING_EVENT).await, i64::MIN);
    assert_eq!((watch.counts(1), watch.counts(9)), (billed(1), billed(2)));
}

#[tokio::test(start_paused = true)]
async fn what_is_recorded_in_a_minute_that_was_over_is_not_lost() {
    let _turn = TURN.lock().await;
    let mut watch = Watch::start().await;
    watch.bill(1).await;
    let (late, last) = (watch.bid(2).await, watch.bid(9).await);
    watch.go_ahead();
    sleep(RENEWED).await;
    watch.billed(&late).await;
    assert_eq!(watch.crash_over(&last, &chaos::BIDDING_EVENT).await, i64::MIN, "everything is read again");
    assert_eq!((watch.counts(1), watch.counts(2), watch.counts(9)), (billed(1), billed(1), billed(1)));
    // Nor is one that comes before the clocks agree again, and keeps nobody from an archive afterwards.
    watch.ahead_ms.store(0, SeqCst);
    watch.bill(2).await;
    sleep(RENEWED * 4).await;
    assert!(common::START_MS < watch.crash(&chaos::CAPPER_EVENT).await, "the archive is whole again");
    assert_eq!((watch.counts(1), watch.counts(2), watch.counts(9)), (billed(1), billed(2), billed(2)));
}

/// The incarnation that crashed over it has not counted it, and the next one is not to take the archive for whole.
#[tokio::test(start_paused = true)]
async fn what_is_recorded_in_a_minute_that_was_over_is_found_by_the_next_incarnation_if_nobody_has_counted_it() {
    let _turn = TURN.lock().await;
    let (mut watch, late) = Watch::ahead().await;
    sleep(RENEWED).await;
    assert_eq!(watch.crash_over(&late, &chaos::CAPPER_EVENT).await, i64::MIN, "everything is read again");
    assert_eq!((watch.counts(1), watch.counts(2)), (billed(1), billed(1)));
}

/// Of a renewal that fails nothing is believed, nor is it forgotten why it was to read everything.
#[tokio::test(start_paused = true)]
async fn what_is_recorded_in_a_minute_that_was_over_is_not_lost_over_a_ledger_that_cannot_be_read() {
    let _turn = TURN.lock().await;
    let (mut watch, late) = Watch::ahead().await;
    sleep(RENEWED).await;
    watch.billed(&late).await;
    watch.ahead_ms.store(0, SeqCst);
    watch.fails.store(true, SeqCst);
    sleep(RENEWED * 3).await;
    assert_eq!(watch.since_ms.lock().unwrap().last(), Some(&i64::MIN), "it was tried");
    assert_eq!(watch.counts(2), billed(1));
    watch.fails.store(false, SeqCst);
    sleep(RENEWED * 2).await;
    assert!(common::START_MS < watch.crash(&chaos::BIDDING_EVENT).await, "the archive is whole again");
    assert_eq!((watch.counts(1), watch.counts(2), watch.counts(9)), (billed(1), billed(1), billed(1)));
}

/// The renewal has read the ledger before, and takes the minute for over; it is taken over when that was counted.
#[tokio::test(start_paused = true)]
async fn what_is_recorded_in_a_minute_that_is_over_for_a_renewal_under_way_is_not_lost() {
    let _turn = TURN.lock().await;
    let mut watch = Watch::start().await;
    watch.bill(1).await;
    let (late, last) = (watch.bid(2).await, watch.bid(9).await);
    watch.go_ahead();
    let reads = watch.since_ms.lock().unwrap().len();
    while watch.since_ms.lock().unwrap().len() == reads {
        sleep(Duration::from_millis(100)).await;
    }
    watch.billed(&late).await;
    sleep(FORGET_PERIOD * 2).await;
    assert_eq!(watch.counts(2), billed(1));
    // By a loss: another billing would show that the archive is behind.
    watch.crash_by(NoticeKind::Loss, &last, &chaos::BIDDING_EVENT).await;
    assert_eq!((watch.counts(1), watch.counts(2), watch.counts(9)), (billed(1), billed(1), billed(0)));
}
