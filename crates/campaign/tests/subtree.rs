//! One campaign's failures are its own: it is out of bidding, visible, and nobody else notices.
//!
//! The chaos points are of the whole process, so each test has campaigns of its own numbers.

mod support;

use campaign::actors::{DefinitionMessage, INTENSITY_RESTARTS};
use campaign::{AddError, CampaignId, CampaignState, Scratch, chaos};
use support::sound;
use support::tree::{World, path_of, want};
use tembusu::{Address, EventKind, State};

/// Its definition, with a subtree around it.
async fn awake(world: &World, id: u32) -> Address<DefinitionMessage> {
    world.campaigns.wake(CampaignId(id)).await.expect("it has its subtree");
    world.campaigns.definition(CampaignId(id)).expect("a campaign of the test")
}

async fn poke(world: &World, id: u32) {
    let definition = awake(world, id).await;
    definition.send(DefinitionMessage::Poke).await.expect("the definition takes messages");
}

fn state(world: &World, id: u32) -> CampaignState {
    world.campaigns.status(CampaignId(id)).expect("a campaign of the test").state
}

#[tokio::test]
async fn campaigns_of_the_start_bid_when_the_tree_has_started() {
    let world = World::start((1..=3).map(sound)).await;
    assert_eq!(world.bidding(), [1, 2, 3]);
    assert!(world.campaigns.statuses().iter().all(|status| status.state == CampaignState::Live));
    assert!(world.node("root/campaigns/each").children.is_empty(), "they rest");
    world.campaigns.wake(CampaignId(2)).await.expect("awake");
    assert_eq!(world.node("root/campaigns/each").children.len(), 1);
    assert_eq!((world.bidding(), state(&world, 2)), (vec![1, 2, 3], CampaignState::Live));
    world.tree.shutdown().await;
}

#[tokio::test]
async fn a_campaign_added_later_bids_when_add_returns() {
    let world = World::start([sound(11)]).await;
    world.campaigns.add(sound(12)).await.expect("added");
    assert_eq!(world.bidding(), [11, 12]);

    let flawed = campaign::Campaign { budget: money::Nanos(0), ..sound(13) };
    assert!(matches!(world.campaigns.add(flawed).await, Err(AddError::Flawed(_))));
    assert!(matches!(world.campaigns.add(sound(12)).await, Err(AddError::Taken { .. })));
    let same_creative = campaign::Campaign { creatives: sound(12).creatives, ..sound(14) };
    assert!(matches!(world.campaigns.add(same_creative).await, Err(AddError::Taken { .. })));
    assert_eq!(world.bidding(), [11, 12]);
    world.tree.shutdown().await;
}

#[tokio::test]
async fn a_crashed_definition_is_restarted_and_nobody_else_notices() {
    let mut world = World::start([sound(21), sound(22)]).await;
    world.campaigns.wake(CampaignId(22)).await.expect("awake");
    chaos::DEFINITION_HANDLE.arm(CampaignId(21));
    poke(&world, 21).await;
    let path = format!("{}/definition", path_of(21));
    world.wait_for(&path, |event| matches!(event.kind, EventKind::Restarted { .. })).await;
    chaos::DEFINITION_HANDLE.disarm(CampaignId(21));

    assert_eq!(world.bidding(), [21, 22], "the index finds the next incarnation without being rebuilt");
    assert_eq!(world.node(&path).incarnation, 2);
    assert_eq!(world.node(&format!("{}/controller", path_of(21))).incarnation, 1);
    assert_eq!(world.node(&format!("{}/definition", path_of(22))).incarnation, 1);
    assert_eq!(world.node("root/campaigns/index_publisher").incarnation, 1);
    world.tree.shutdown().await;
}

#[tokio::test]
async fn a_panic_on_the_bid_path_takes_the_campaign_out_at_once_and_charges_it_once() {
    let mut world = World::start([sound(31), sound(32)]).await;
    let index = world.campaigns.index().read().expect("an index");
    let want = want();
    // Two callers are inside when the first panics: both panic, one charge.
    let (mut one, mut other) = (Scratch::new(), Scratch::new());
    let callers: Vec<_> =
        index.candidates(&want, &mut one).filter(|candidate| candidate.campaign().id().0 == 31).collect();
    let again: Vec<_> =
        index.candidates(&want, &mut other).filter(|candidate| candidate.campaign().id().0 == 31).collect();
    for candidate in callers.iter().chain(&again) {
        let judged: Result<(), _> = candidate.evaluate(|_| panic!("a score is corrupt"));
        assert!(judged.is_err());
    }
    assert_eq!(world.bidding(), [32], "out before its subtree has heard of it");

    let path = format!("{}/definition", path_of(31));
    world.wait_for(&path, |event| matches!(event.kind, EventKind::Restarted { .. })).await;
    poke(&world, 31).await;
    assert_eq!(world.bidding(), [31, 32]);
    let node = world.node(&path);
    assert_eq!((node.incarnation, node.restarts), (2, 1));
    assert!(node.last_exit.expect("an exit").to_string().contains("a score is corrupt"));
    assert_eq!(world.node("root/campaigns/each").children.len(), 1, "the other one rests");
    world.tree.shutdown().await;
}

#[tokio::test]
async fn the_panic_that_wakes_a_campaign_is_the_first_of_those_that_it_is_granted() {
    let mut world = World::start([sound(33), sound(34)]).await;
    let path = format!("{}/definition", path_of(33));
    let panics = async |world: &World| {
        let (want, mut scratch) = (want(), Scratch::new());
        let index = world.campaigns.index().read().expect("an index");
        let found = index.candidates(&want, &mut scratch).find(|found| found.campaign().id().0 == 33);
        assert!(found.expect("it bids").evaluate(|_| -> () { panic!("a score is corrupt") }).is_err());
    };
    for crash in 1..=INTENSITY_RESTARTS {
        panics(&world).await;
        world.wait_for(&path, |event| matches!(event.kind, EventKind::Restarted { .. })).await;
        poke(&world, 33).await;
        assert_eq!((world.node(&path).restarts, world.bidding()), (u64::from(crash), vec![33, 34]));
    }
    panics(&world).await;
    world.wait_for(&path_of(33), |event| matches!(event.kind, EventKind::Degraded { .. })).await;
    assert_eq!((world.bidding(), state(&world, 33)), (vec![34], CampaignState::Down));
    world.tree.shutdown().await;
}

#[tokio::test]
async fn a_panic_that_nobody_could_be_told_of_is_charged_when_the_loader_is_back() {
    let mut world = World::start([sound(36), sound(37)]).await;
    let campaigns = world.tree.handle().find("root/campaigns").expect("the supervisor");
    campaigns.terminate_child("loader").await.expect("terminated");
    let index = world.campaigns.index().read().expect("an index");
    let (want, mut scratch) = (want(), Scratch::new());
    let found = index.candidates(&want, &mut scratch).find(|found| found.campaign().id().0 == 36);
    assert!(found.expect("it bids").evaluate(|_| -> () { panic!("a score is corrupt") }).is_err());
    assert_eq!(world.bidding(), [37], "out at once all the same");

    campaigns.restart_child("loader").await.expect("restarted");
    let path = format!("{}/definition", path_of(36));
    world.wait_for(&path, |event| matches!(event.kind, EventKind::Restarted { .. })).await;
    poke(&world, 36).await;
    assert_eq!((world.bidding(), world.node(&path).restarts), (vec![36, 37], 1));
    world.tree.shutdown().await;
}

#[tokio::test]
async fn one_crash_too_many_is_quarantine_until_an_operator_restores() {
    let mut world = World::start([sound(41), sound(42)]).await;
    let definition = awake(&world, 41).await;
    chaos::DEFINITION_INIT.arm(CampaignId(41));
    chaos::DEFINITION_HANDLE.arm(CampaignId(41));
    definition.send(DefinitionMessage::Poke).await.expect("the definition takes messages");
    // The crash and each start that fails are charged; the one after the last granted is fatal.
    world.wait_for(&path_of(41), |event| matches!(event.kind, EventKind::Degraded { .. })).await;
    assert_eq!(world.bidding(), [42]);
    assert_eq!(state(&world, 41), CampaignState::Down);
    assert_eq!(state(&world, 42), CampaignState::Live);
    assert_eq!(world.node(&path_of(41)).state, State::Degraded);
    assert_eq!(world.node("root/campaigns").incarnation, 1);
    assert_eq!(world.node("root/campaigns/each").restarts, 0);
    assert!(matches!(definition.tell(DefinitionMessage::Poke), Err(tembusu::TellError::Degraded(_))));

    chaos::DEFINITION_INIT.disarm(CampaignId(41));
    chaos::DEFINITION_HANDLE.disarm(CampaignId(41));
    let subtree = world.tree.handle().find(&path_of(41)).expect("the subtree is visible");
    subtree.restore().await.expect("restored");
    assert_eq!(world.bidding(), [41, 42]);
    world.tree.shutdown().await;
}

#[tokio::test]
async fn as_many_crashes_as_are_granted_are_restarts() {
    let mut world = World::start([sound(51), sound(52)]).await;
    let path = format!("{}/definition", path_of(51));
    chaos::DEFINITION_HANDLE.arm(CampaignId(51));
    for _ in 0..INTENSITY_RESTARTS {
        poke(&world, 51).await;
        world.wait_for(&path, |event| matches!(event.kind, EventKind::Restarted { .. })).await;
        assert_eq!(world.bidding(), [51, 52]);
    }
    poke(&world, 51).await;
    world.wait_for(&path_of(51), |event| matches!(event.kind, EventKind::Degraded { .. })).await;
    chaos::DEFINITION_HANDLE.disarm(CampaignId(51));
    assert_eq!(world.bidding(), [52]);
    world.tree.shutdown().await;
}

#[tokio::test]
async fn a_campaign_that_cannot_start_is_reported_and_the_others_start() {
    chaos::DEFINITION_INIT.arm(CampaignId(61));
    chaos::DEFINITION_INIT.arm(CampaignId(63));
    let world = World::start([sound(61), sound(62)]).await;
    assert!(matches!(state(&world, 61), CampaignState::NotStarted(_)));
    assert!(matches!(world.campaigns.add(sound(63)).await, Err(AddError::NotStarted { .. })));
    chaos::DEFINITION_INIT.disarm(CampaignId(61));
    chaos::DEFINITION_INIT.disarm(CampaignId(63));
    assert_eq!(world.bidding(), [62]);

    world.campaigns.start(CampaignId(61)).await.expect("started once it can");
    assert_eq!(state(&world, 61), CampaignState::Live);
    assert_eq!(world.bidding(), [61, 62]);
    world.tree.shutdown().await;
}

#[tokio::test]
async fn a_pause_holds_through_a_restart_of_the_controller() {
    let world = World::start([sound(71), sound(72)]).await;
    world.campaigns.pause(CampaignId(71)).await.expect("confirmed");
    assert_eq!((world.bidding(), state(&world, 71)), (vec![72], CampaignState::Paused));
    world.campaigns.wake(CampaignId(71)).await.expect("awake");
    assert_eq!((world.bidding(), state(&world, 71)), (vec![72], CampaignState::Paused));

    let subtree = world.tree.handle().find(&path_of(71)).expect("the subtree");
    subtree.terminate_child("controller").await.expect("terminated");
    assert_eq!(state(&world, 71), CampaignState::Down);
    subtree.restart_child("controller").await.expect("restarted");
    assert_eq!((world.bidding(), state(&world, 71)), (vec![72], CampaignState::Paused));

    world.campaigns.resume(CampaignId(71)).await.expect("confirmed");
    assert_eq!((world.bidding(), state(&world, 71)), (vec![71, 72], CampaignState::Live));
    assert!(world.campaigns.pause(CampaignId(79)).await.is_err());
    world.tree.shutdown().await;
}

#[tokio::test]
async fn a_killed_campaign_is_out_at_once_and_through_every_new_index_until_it_is_revived() {
    let world = World::start([sound(81), sound(82)]).await;
    let before = world.campaigns.index().read().expect("an index");
    world.campaigns.kill(CampaignId(81)).expect("known");
    assert_eq!((world.bidding(), state(&world, 81)), (vec![82], CampaignState::Killed));
    let same = world.campaigns.index().read().expect("an index");
    assert!(std::sync::Arc::ptr_eq(&before, &same), "no index was built for it");

    world.campaigns.add(sound(83)).await.expect("added");
    assert_eq!(world.bidding(), [82, 83], "a new index knows of it");
    world.campaigns.resume(CampaignId(81)).await.expect("confirmed");
    assert_eq!(world.bidding(), [82, 83], "to resume is not to revive");

    world.campaigns.revive(CampaignId(81)).expect("known");
    assert_eq!((world.bidding(), state(&world, 81)), (vec![81, 82, 83], CampaignState::Live));
    assert!(world.campaigns.kill(CampaignId(89)).is_err());
    world.tree.shutdown().await;
}
