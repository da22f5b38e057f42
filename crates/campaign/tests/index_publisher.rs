//! A crash of the index publisher costs an index of microseconds; its exhaustion brings every campaign back.
//!
//! Alone in its file, as its chaos point is of the whole process.

mod support;

use std::time::Duration;

use campaign::actors::IndexMessage;
use campaign::{CampaignId, CampaignState, chaos};
use support::sound;
use support::tree::{World, path_of};
use tembusu::{Event, EventKind};

#[tokio::test]
async fn the_index_comes_back_and_so_does_every_campaign() {
    let mut world = World::start((1..=3).map(sound)).await;
    world.campaigns.pause(CampaignId(3)).await.expect("confirmed");
    // One with a subtree, and two that rest.
    world.campaigns.wake(CampaignId(1)).await.expect("awake");
    let publisher = world.campaigns.index_publisher().clone();
    let path = "root/campaigns/index_publisher";

    // Once: only the publisher restarts.
    chaos::INDEX_PUBLISHER.arm();
    publisher.send(IndexMessage::Build).await.expect("the publisher takes messages");
    world.wait_for(path, |event| matches!(event.kind, EventKind::Restarted { .. })).await;
    assert_eq!(world.bidding(), [1, 2]);
    assert_eq!(world.node(&path_of(1)).incarnation, 1);

    // Until its supervisor gives up: the root restarts all campaigns.
    for _ in 0..5 {
        publisher.send(IndexMessage::Build).await.expect("the publisher takes messages");
    }
    world.wait_for("root/campaigns", |event| matches!(event.kind, EventKind::Crashed { .. })).await;
    chaos::INDEX_PUBLISHER.disarm();
    let again = |event: &Event| matches!(event.kind, EventKind::Started | EventKind::Restarted { .. });
    world.wait_for("root/campaigns", again).await;
    let indexed = publisher.call(IndexMessage::Refresh, Duration::from_secs(20)).await;
    assert_eq!(indexed.expect("the address of before works"), 3);
    assert_eq!(world.node("root/campaigns").incarnation, 2);
    assert_eq!(world.bidding(), [1, 2], "the pause holds");
    let states: Vec<CampaignState> = world.campaigns.statuses().into_iter().map(|status| status.state).collect();
    assert_eq!(states, [CampaignState::Live, CampaignState::Live, CampaignState::Paused]);
    world.tree.shutdown().await;
}
