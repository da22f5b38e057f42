//! Threads that bid while the region crashes again and again, in real time. Every bid that a thread could commit is billed,
//! many of them while the region is down; in the end no lease has paid for more than it held, and the region agrees with the
//! ledger.

mod common;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use common::{CAMPAIGN, PRICE, Sent, World, capped, key, seal};
use ledger::{Flags, NoticeKind};
use money::Nanos;
use region::chaos;
use tembusu::chaos::Point;

const THREADS: u8 = 3;
/// Enough for the old leases of every incarnation.
const BUDGET: Nanos = Nanos(PRICE.0 * 100_000);
/// Rounds, in each of which one chaos point is armed.
const ROUNDS: usize = 24;
const BILLINGS_PER_ROUND: usize = 20;
/// Threads pause while so many bids wait for their billing.
const OPEN_BIDS_MAX: usize = 100;
/// Far beyond what the test needs: a bound for what must come and did not.
const PATIENCE: Duration = Duration::from_secs(60);

const POINTS: [&Point; 6] = [
    &chaos::BIDDING_EVENT,
    &chaos::PACER_EVENT,
    &chaos::CAPPER_EVENT,
    &chaos::BIDDING_FIRST_MESSAGE,
    &chaos::PACER_FIRST_MESSAGE,
    &chaos::CAPPER_FIRST_MESSAGE,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bids_billings_and_crashes_at_once_leave_no_lease_overdrawn_and_nothing_counted_twice() {
    let world = World::start(&["sg"], BUDGET, |mut args| {
        args.intensity = (1_000, Duration::from_secs(1));
        args
    })
    .await;
    let (numbers, sent) = (AtomicU32::new(0), Mutex::new(VecDeque::<Sent>::new()));
    let mut billed = Vec::new();
    let start = Instant::now();

    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (port, numbers, sent, stop) = (world.port().clone(), &numbers, &sent, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) && start.elapsed() < PATIENCE * 2 {
                    std::thread::yield_now();
                    if sent.lock().unwrap().len() >= OPEN_BIDS_MAX {
                        continue;
                    }
                    let Ok(view) = port.open() else { continue };
                    let Ok(hold) = view.try_hold(capped(thread, u32::MAX)) else { continue };
                    let bid = seal(&hold, port.name(), numbers.fetch_add(1, Ordering::Relaxed));
                    if hold.commit(bid.token).is_ok() {
                        sent.lock().unwrap().push_back(bid);
                    }
                }
            });
        }
        let notices = async {
            for round in 0..ROUNDS {
                POINTS[round % POINTS.len()].arm();
                while billed.len() < (round + 1) * BILLINGS_PER_ROUND {
                    assert!(start.elapsed() < PATIENCE, "only {} bids went out", billed.len());
                    let bid = sent.lock().unwrap().pop_front();
                    let Some(bid) = bid else {
                        tokio::task::yield_now().await;
                        continue;
                    };
                    let answer = world.notice(NoticeKind::Billing, &bid, PRICE).await;
                    assert_eq!(answer.flags, Flags::NONE, "the lease of the bid could not pay it");
                    billed.push(bid);
                }
            }
            POINTS.iter().for_each(|point| point.disarm());
            stop.store(true, Ordering::Relaxed);
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(notices));
    });
    for bid in sent.into_inner().unwrap() {
        world.notice(NoticeKind::Billing, &bid, PRICE).await;
        billed.push(bid);
    }

    let crashes = world.node("root/sg/bidding_state").incarnation - 1;
    println!("{} bids billed, {crashes} crashes", billed.len());
    assert!(crashes >= ROUNDS as u64 / 2, "the region crashed {crashes} times");

    let totals = world.totals().await;
    assert_eq!(totals.late, Nanos(0));
    assert_eq!(totals.spent, Nanos(PRICE.0 * i64::try_from(billed.len()).unwrap()));

    // The last events are on their way to the region; it is asked until it has them.
    let by_user = |user: u8| billed.iter().filter(|bid| bid.claims.cap_key == Some(key(user))).count();
    let agrees = || {
        let Ok(view) = world.port().open() else { return false };
        (0..THREADS).all(|user| view.caps().counts(CAMPAIGN, key(user)).billed as usize == by_user(user))
    };
    while !agrees() {
        assert!(start.elapsed() < PATIENCE * 2, "the region does not get to what the ledger has");
        tokio::task::yield_now().await;
    }
    let figures = loop {
        match world.port().figures(Duration::from_secs(1)).await {
            Ok(figures) if figures.open == 0 => break figures,
            other => assert!(start.elapsed() < PATIENCE * 2, "bids stay open: {other:?}"),
        }
    };
    println!("{figures:?}");
    for (lease, disk, region) in world.spent_by_lease().await {
        assert_eq!(disk, region, "spend of lease {lease}");
    }
}
