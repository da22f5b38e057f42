//! Shading in a region that runs: what is told while a bid is open becomes its successors' price, and outlives a crash.

mod common;

use std::time::Duration;

use campaign::Pacing;
use common::{CAMPAIGN, PRICE, World, plan, settle, want};
use ledger::NoticeKind;
use money::{Cpm, Nanos};
use region::risk::Format;
use region::shading::{Lesson, Segment, ShadeAsk, Shaded};
use region::{Plan, Want, chaos};
use tokio::sync::Mutex;
use tokio::time::sleep;

/// Chaos points belong to the process: the tests take turns.
static TURN: Mutex<()> = Mutex::const_new(());

const BUDGET: Nanos = Nanos(250_000_000_000);

fn segment() -> Segment {
    Segment::of("google_adx", Format::Web, (300, 250), 0)
}

/// What to bid for something worth 1.20, with a draw that does not explore.
fn shade(world: &World) -> Shaded {
    let view = world.port().open().expect("the region is open");
    let ask = |draw| ShadeAsk { campaign: CAMPAIGN, segment: segment(), value: Cpm(PRICE.0), floor: Cpm(10_000), draw };
    let answers: Vec<Shaded> = (0..4).map(|draw| view.shade(&ask(draw))).collect();
    *answers.iter().find(|shaded| shaded.price.is_some()).unwrap_or(&answers[0])
}

/// Sends bids of which all are told to have needed 0.30, and loses them.
async fn tell(world: &mut World, plan: Plan, bids: usize) {
    for _ in 0..bids {
        let shaded = shade(world);
        let hold = loop {
            match world.hold(Want { lesson: Some(shaded.lesson), plan: plan.clone(), ..want() }) {
                Ok(hold) => break hold,
                Err(_) => settle().await,
            }
        };
        let sent = world.send(hold);
        world.port().told(sent.token, Cpm(300_000));
        world.port().told(sent.token, Cpm(30_000_000));
        world.notice(NoticeKind::Loss, &sent, Nanos(0)).await;
    }
    sleep(Duration::from_secs(2)).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_told_of_open_bids_becomes_the_price_once_for_each_bid() {
    let _turn = TURN.lock().await;
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let unknown = Shaded { price: None, lesson: Lesson { segment: segment(), full_price: true } };
    assert_eq!(shade(&world), unknown);
    let asap = plan(Pacing::Asap);
    tell(&mut world, asap.clone(), 199).await;
    assert_eq!(shade(&world), unknown, "told twice counts once");
    tell(&mut world, asap, 1).await;
    let Shaded { price: Some(price), lesson } = shade(&world) else { panic!("200 bids are enough") };
    assert!(Cpm(300_000) <= price && price < Cpm(400_000), "{price}");
    assert!(!lesson.full_price);
    assert_eq!(world.figures().await.told, 200);
    world.tree.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_learnt_outlives_a_crash_of_the_region() {
    let _turn = TURN.lock().await;
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    tell(&mut world, plan(Pacing::Asap), 250).await;
    sleep(Duration::from_secs(61)).await;
    let before = shade(&world);
    assert!(before.price.is_some());
    world.fund().await;
    let sent = world.bid(want());
    chaos::BIDDING_EVENT.arm();
    world.notice(NoticeKind::Loss, &sent, Nanos(0)).await;
    while world.incarnations("sg") != [2, 2, 2] || !world.port().is_open() {
        settle().await;
    }
    // Published with the first look at what has expired.
    sleep(Duration::from_secs(2)).await;
    assert_eq!(shade(&world), before);
    world.tree.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_campaign_behind_its_plan_that_passes_everything_bids_its_full_price() {
    let _turn = TURN.lock().await;
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    // Far more budget than there is traffic.
    let even = Plan { budget: Nanos(i64::MAX / 2), ..plan(Pacing::Even) };
    tell(&mut world, plan(Pacing::Asap), 250).await;
    assert!(shade(&world).price.is_some());
    for draw in 0..50 {
        drop(world.hold(Want { plan: even.clone(), draw, ..want() }));
        sleep(Duration::from_millis(200)).await;
    }
    let view = world.port().open().expect("the region is open");
    assert_eq!(view.pacer().account(CAMPAIGN).map(|account| account.pass()), Some(region::Pass::ALL));
    drop(view);
    assert_eq!(shade(&world).price, None);
    world.tree.shutdown().await;
}
