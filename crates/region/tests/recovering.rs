//! A region that counts its users anew: it says so, and counts them on another thread than its own.

mod common;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use common::{PRICE, World, capped, settle, want};
use ledger::{CapAnswer, CapCount, CapReader, CapStore, CapStoreError, LedgerCaps, NoticeKind};
use money::Nanos;
use region::limits::JOIN_CALL;
use region::{Refusal, RegionArgs, RegionClosed, Want, chaos};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::yield_now;
use tokio::time::{advance, sleep, timeout};

const BUDGET: Nanos = Nanos(250_000_000_000);

/// Chaos points belong to the process.
static TURN: Mutex<()> = Mutex::const_new(());

async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// The ledger's counts, handed out one reader for each token that the test puts in.
#[derive(Debug)]
struct Gated {
    inner: LedgerCaps,
    gate: Arc<std::sync::Mutex<Receiver<()>>>,
}

struct GatedReader {
    inner: Box<dyn CapReader>,
    gate: Arc<std::sync::Mutex<Receiver<()>>>,
}

impl CapStore for Gated {
    fn open(&self, region: Arc<str>) -> CapAnswer<'_> {
        Box::pin(async move {
            let inner = self.inner.open(region).await?;
            Ok(Box::new(GatedReader { inner, gate: Arc::clone(&self.gate) }) as Box<dyn CapReader>)
        })
    }
}

impl CapReader for GatedReader {
    fn begin(&mut self) -> Result<u64, CapStoreError> {
        // Blocks its thread: on the region's own nothing would go on.
        self.gate.lock().unwrap().recv().map_err(CapStoreError::new)?;
        self.inner.begin()
    }

    fn read(&mut self, since_ms: i64, take: &mut dyn FnMut(CapCount) -> bool) -> Result<(), CapStoreError> {
        self.inner.read(since_ms, take)
    }
}

/// One for each reading that the region may begin, its archive's renewals included.
async fn gated() -> (World, Sender<()>) {
    let (open, gate) = channel();
    // For the first start.
    open.send(()).unwrap();
    let gate = Arc::new(std::sync::Mutex::new(gate));
    let adjust = move |args: RegionArgs| {
        let inner = LedgerCaps::new(args.ledger.clone(), Duration::from_secs(1));
        RegionArgs { caps: Arc::new(Gated { inner, gate: Arc::clone(&gate) }), ..args }
    };
    (World::start(&["sg"], BUDGET, adjust).await, open)
}

/// Crashes the region by way of a billing, which it counts when it comes back.
async fn crash(world: &mut World) {
    let sent = world.bid(capped(9, 1_000));
    chaos::CAPPER_EVENT.arm();
    world.notice(NoticeKind::Billing, &sent, PRICE).await;
    while chaos::CAPPER_EVENT.is_armed() {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_region_that_counts_its_users_is_recovering_and_not_down() {
    let _turn = turn().await;
    let (mut world, open) = gated().await;
    world.fund().await;
    assert_eq!(world.port().recovery().starts, 1);
    crash(&mut world).await;
    let recovering = RegionClosed::Recovering { region: "sg".into() };
    while world.port().open().err() != Some(recovering.clone()) {
        yield_now().await;
    }
    // It stays so while the counts are read, and the region's actors answer meanwhile.
    for _ in 0..1_000 {
        yield_now().await;
        assert_eq!(world.port().open().err(), Some(recovering.clone()));
    }
    world.figures().await;
    open.send(()).unwrap();
    while !world.port().is_open() {
        yield_now().await;
    }
    assert_eq!(world.port().recovery().starts, 2);
    assert_eq!(world.port().recovery().entries, 1);
    assert_eq!(world.billed(9).await, (1, 1));
    world.tree.handle().terminate_child("sg").await.unwrap();
    assert_eq!(world.port().open().err(), Some(RegionClosed::Down { region: "sg".into() }));
}

/// As many users as it may count take longer to read than a snapshot: who gave up over them would never bid again.
#[tokio::test(start_paused = true)]
async fn a_region_that_has_very_many_users_to_count_goes_on_counting() {
    let _turn = turn().await;
    let (mut world, open) = gated().await;
    world.fund().await;
    crash(&mut world).await;
    while !matches!(world.port().open(), Err(RegionClosed::Recovering { .. })) {
        yield_now().await;
    }
    for _ in 0..6 {
        advance(JOIN_CALL).await;
        for _ in 0..100 {
            yield_now().await;
        }
    }
    assert!(!world.port().is_open());
    // More than one, so that who has given up does not keep the next one waiting for ever.
    (0..20).for_each(|_| open.send(()).unwrap());
    let opened = async {
        while !world.port().is_open() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(600), opened).await.expect("it goes on counting");
    assert_eq!(world.port().recovery().starts, 2);
    assert_eq!(world.incarnations("sg"), [2, 2, 2], "one crash, and none over the counting");
    assert_eq!(world.billed(9).await, (1, 1));
}

#[tokio::test(start_paused = true)]
async fn bids_that_are_out_count_in_their_caps_after_a_crash_until_they_are_billed_lost_or_expired() {
    let _turn = turn().await;
    let (mut world, open) = gated().await;
    world.fund().await;
    let billed = world.bid(capped(1, 1));
    let lost = world.bid(capped(2, 1));
    world.bid(capped(3, 1));
    let won = world.bid(Want { ttl: Duration::from_secs(30), ..capped(4, 1) });
    let late = world.hold(capped(5, 1)).unwrap();
    for _ in 0..2 {
        crash(&mut world).await;
        open.send(()).unwrap();
        while !world.port().is_open() {
            yield_now().await;
        }
        world.fund().await;
        for user in 1..=4 {
            assert_eq!(world.hold(capped(user, 1)).err(), Some(Refusal::Capped), "user {user}");
        }
    }
    assert!(world.hold(capped(6, 1)).is_ok(), "nobody else is");
    assert_eq!(late.commit(ledger::TokenId([5; 16])), Err(region::NotTracked::RegionDown), "not counted, not sent");
    // From here on time passes, and the counts are archived.
    (0..100).for_each(|_| open.send(()).unwrap());
    world.notice(NoticeKind::Billing, &billed, PRICE).await;
    world.notice(NoticeKind::Loss, &lost, PRICE).await;
    world.notice(NoticeKind::Win, &won, PRICE).await;
    settle().await;
    assert_eq!(world.billed(1).await, (1, 1));
    assert_eq!(world.hold(capped(1, 1)).err(), Some(Refusal::Capped), "it was shown");
    assert!(world.hold(capped(1, 2)).is_ok(), "once");
    assert!(world.hold(capped(2, 1)).is_ok(), "it was lost");
    sleep(common::TTL + Duration::from_secs(1)).await;
    world.fund().await;
    assert!(world.hold(capped(3, 1)).is_ok(), "it has expired");
    assert_eq!(world.hold(capped(4, 1)).err(), Some(Refusal::Capped), "it was won, and waits for its billing");
    sleep(region::limits::WON_TTL + Duration::from_secs(1)).await;
    world.fund().await;
    assert!(world.hold(capped(4, 1)).is_ok(), "which never came");
    let figures = world.port().open().unwrap().caps().figures();
    assert_eq!(figures.open, 0);
}

/// What ended before the counts were read, and was not heard of by the incarnation that crashed.
#[tokio::test(start_paused = true)]
async fn a_bid_that_ended_while_its_region_crashed_is_not_open_any_more() {
    let _turn = turn().await;
    let (mut world, open) = gated().await;
    world.fund().await;
    let lost = world.bid(capped(2, 1));
    crash(&mut world).await;
    // The notice that brought the region down is billed in the store; this one comes before its counts are read.
    while !matches!(world.port().open(), Err(RegionClosed::Recovering { .. })) {
        yield_now().await;
    }
    open.send(()).unwrap();
    while !world.port().is_open() {
        yield_now().await;
    }
    world.notice(NoticeKind::Loss, &lost, PRICE).await;
    sleep(Duration::from_secs(1)).await;
    world.fund().await;
    let view = world.port().open().unwrap();
    let counts = |user| view.caps().counts(common::CAMPAIGN, common::key(user));
    assert_eq!(counts(9), region::CapCounts { billed: 1, open: 0 }, "billed, and no longer open as well");
    assert_eq!(counts(2), region::CapCounts::default());
    assert_eq!(view.caps().figures().open, 0);
}

/// Bids, wins a tenth and lets the rest run out, so that the region learns what to hold back.
#[tokio::test(start_paused = true)]
async fn what_was_learned_of_bids_outlives_a_crash_of_the_region() {
    let _turn = turn().await;
    let (mut world, open) = gated().await;
    world.fund().await;
    let bid = |world: &World| world.hold(Want { ttl: Duration::from_secs(2), ..want() });
    for round in 0..40 {
        for number in 0..20 {
            let Ok(hold) = bid(&world) else { break };
            let sent = world.send(hold);
            if number % 10 == 0 {
                world.notice(NoticeKind::Billing, &sent, PRICE).await;
            }
        }
        sleep(Duration::from_millis(if round == 39 { 4_000 } else { 150 })).await;
    }
    let credit_of_new_bids = async |world: &mut World| {
        world.fund().await;
        for _ in 0..200 {
            if let Ok(hold) = bid(world) {
                world.send(hold);
            }
        }
        sleep(Duration::from_millis(400)).await;
        world.port().open().unwrap().funds(common::CAMPAIGN).unwrap().credit
    };
    assert!(Nanos(0) < credit_of_new_bids(&mut world).await, "the region has learned to hold back less");
    sleep(Duration::from_secs(3)).await;
    crash(&mut world).await;
    open.send(()).unwrap();
    while !world.port().is_open() {
        yield_now().await;
    }
    assert!(Nanos(0) < credit_of_new_bids(&mut world).await, "and its successor knows");
}
