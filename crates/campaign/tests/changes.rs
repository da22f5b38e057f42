//! Campaigns are added, changed and removed while they run.

mod support;

use std::sync::Arc;

use campaign::{Campaign, CampaignId, CampaignState, ChangeError, Changes, Scratch, Setting, Size, chaos};
use money::Cpm;
use support::tree::{World, path_of, until, versions, want};
use support::{NOW_MS, country, creative, sound, want_of};

fn define(campaigns: impl IntoIterator<Item = (Campaign, u32)>) -> Changes {
    let define = campaigns.into_iter().map(|(campaign, version)| (Arc::new(campaign), version)).collect();
    Changes { define, remove: Vec::new() }
}

fn paying(id: u32, micros: i64) -> Campaign {
    Campaign { bid_cpm: Cpm(micros), ..sound(id) }
}

#[tokio::test]
async fn a_change_is_in_the_index_when_it_is_confirmed_and_nobody_restarts() {
    for woken in [&[][..], &[2, 3]] {
        let world = World::start((1..=3).map(sound)).await;
        for id in woken {
            world.campaigns.wake(CampaignId(*id)).await.expect("awake");
        }
        let mut changes = define([(paying(2, 3_000_000), 2), (paying(4, 4_000_000), 1)]);
        changes.remove.push(CampaignId(3));
        world.campaigns.apply(changes).await.expect("sound");
        assert_eq!(versions(&world), [(1, 1, 1_200_000), (2, 2, 3_000_000), (4, 1, 4_000_000)]);
        let snapshot = world.tree.handle().snapshot();
        for id in [1, 2, 4] {
            let definition = snapshot.find(&format!("{}/definition", path_of(id)));
            assert_eq!(definition.map(|node| node.incarnation), woken.contains(&id).then_some(1));
        }
        assert!(snapshot.find(&path_of(3)).is_none(), "its subtree is gone");
        assert_eq!(world.campaigns.status(CampaignId(3)), None);
        let status = world.campaigns.status(CampaignId(2)).expect("known");
        assert_eq!((status.version, status.state), (2, CampaignState::Live));
        world.tree.shutdown().await;
    }
}

#[tokio::test]
async fn a_campaign_that_is_found_by_its_old_rules_bids_by_its_old_version() {
    let world = World::start([sound(11), sound(12)]).await;
    let old_index = world.campaigns.index().read().expect("an index");
    let elsewhere = Campaign { countries: vec![country("ID")], ..paying(12, 5_000_000) };
    let (want, mut scratch) = (want(), Scratch::new());
    let mut in_hand = old_index.candidates(&want, &mut scratch).map(|candidate| Arc::clone(candidate.campaign()));
    let held = in_hand.find(|campaign| campaign.id().0 == 12).expect("it fits");
    drop(in_hand);

    world.campaigns.apply(define([(elsewhere, 2)])).await.expect("sound");
    assert_eq!(held.bid_cpm(), Cpm(1_200_000), "who has it in hand goes on with what it has");
    let mut again = Scratch::new();
    let of_old: Vec<_> =
        old_index.candidates(&want, &mut again).map(|candidate| candidate.campaign().version()).collect();
    assert!(of_old.iter().all(|version| *version == 1), "never a new version by old rules: {of_old:?}");
    assert_eq!(world.bidding(), [11], "not where it bid before");
    let index = world.campaigns.index().read().expect("an index");
    let there =
        want_of(Setting { country: country("ID"), exchange: "xandr", now_ms: NOW_MS }, &[Size::new(300, 250)], true);
    let mut scratch = Scratch::new();
    let found: Vec<_> = index.candidates(&there, &mut scratch).map(|candidate| candidate.campaign().id().0).collect();
    assert_eq!(found, [12]);
    world.tree.shutdown().await;
}

#[tokio::test]
async fn a_set_with_one_flaw_changes_nothing_and_every_flaw_is_told() {
    let world = World::start([sound(21), sound(22)]).await;
    let taken = Campaign { creatives: vec![creative(2200, &[Size::new(300, 250)])], ..sound(23) };
    let flawed = Campaign { name: String::new(), bid_cpm: Cpm(0), ..sound(21) };
    let refused = world.campaigns.apply(define([(paying(22, 9_000_000), 2), (flawed, 2), (taken, 1)])).await;
    let told: Vec<String> = refused.expect_err("refused").iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 3, "{told:?}: campaign 22 is changed along, but keeps its creative");
    assert_eq!(versions(&world), [(21, 1, 1_200_000), (22, 1, 1_200_000)]);
    world.tree.shutdown().await;
}

#[tokio::test]
async fn creatives_pass_between_campaigns_that_are_changed_together() {
    let world = World::start([sound(31), sound(32)]).await;
    let with = |id: u32, of: u32| Campaign { creatives: sound(of).creatives, ..sound(id) };
    world.campaigns.apply(define([(with(31, 32), 2), (with(32, 31), 2)])).await.expect("each has its own");
    let alone = world.campaigns.apply(define([(with(31, 31), 3)])).await.expect_err("taken by 32 now");
    assert!(matches!(&alone[..], [ChangeError::Flawed { campaign: CampaignId(31), .. }]), "{alone:?}");
    let mut changes = define([(with(31, 31), 3)]);
    changes.remove.push(CampaignId(32));
    world.campaigns.apply(changes).await.expect("32 is gone");
    assert_eq!(versions(&world), [(31, 3, 1_200_000)]);
    world.tree.shutdown().await;
}

#[tokio::test]
async fn a_definition_that_panics_when_compiled_is_refused_and_the_old_one_bids_on() {
    let world = World::start([sound(41), sound(42)]).await;
    world.campaigns.wake(CampaignId(41)).await.expect("awake");
    chaos::DEFINITION_INIT.arm(CampaignId(41));
    let refused = world.campaigns.apply(define([(paying(41, 2_000_000), 2)])).await.expect_err("refused");
    chaos::DEFINITION_INIT.disarm(CampaignId(41));
    assert!(matches!(&refused[..], [ChangeError::Panicked { campaign: CampaignId(41) }]), "{refused:?}");
    assert_eq!(versions(&world), [(41, 1, 1_200_000), (42, 1, 1_200_000)]);
    assert_eq!(world.node(&format!("{}/definition", path_of(41))).incarnation, 1);
    world.tree.shutdown().await;
}

#[tokio::test]
async fn a_campaign_that_is_down_comes_back_as_it_was_changed_meanwhile() {
    let world = World::start([sound(51)]).await;
    world.campaigns.wake(CampaignId(51)).await.expect("awake");
    let subtree = world.tree.handle().find(&path_of(51)).expect("the subtree");
    subtree.terminate_child("definition").await.expect("terminated");
    world.campaigns.apply(define([(paying(51, 2_000_000), 7)])).await.expect("sound");
    assert_eq!(world.bidding(), Vec::<u32>::new());
    subtree.restart_child("definition").await.expect("restarted");
    let indexed = world.campaigns.index_publisher().call(campaign::actors::IndexMessage::Refresh, patience()).await;
    assert_eq!(indexed.expect("built"), 1);
    assert_eq!(versions(&world), [(51, 7, 2_000_000)]);
    world.tree.shutdown().await;
}

fn patience() -> std::time::Duration {
    std::time::Duration::from_secs(20)
}

/// Campaigns of which an index is not built anew for a few changes.
const MANY: u32 = 1_200;

#[tokio::test]
async fn a_few_changes_of_many_campaigns_are_found_and_killed_like_all_others() {
    let first = 100_000;
    let world = World::start((first..first + MANY).map(sound)).await;
    let mut changes = define([(paying(first + 7, 3_000_000), 2), (paying(first + MANY, 4_000_000), 1)]);
    changes.remove.push(CampaignId(first + 8));
    world.campaigns.apply(changes).await.expect("sound");
    let found = versions(&world);
    assert_eq!(found.len(), MANY as usize);
    assert!(found.contains(&(first + 7, 2, 3_000_000)) && found.contains(&(first + MANY, 1, 4_000_000)));
    assert!(!found.iter().any(|(id, ..)| *id == first + 8));

    // Back under its old version's number, it is another one all the same.
    world.campaigns.apply(define([(paying(first + 8, 5_000_000), 1)])).await.expect("sound");
    assert!(versions(&world).contains(&(first + 8, 1, 5_000_000)));
    for id in [first + 7, first + 8, first + 9] {
        world.campaigns.kill(CampaignId(id)).expect("known");
    }
    world.campaigns.apply(define([(paying(first + 10, 6_000_000), 2)])).await.expect("sound");
    let found = versions(&world);
    assert_eq!(found.len(), MANY as usize + 1 - 3, "a kill holds in the next index");
    let index = world.campaigns.index().read().expect("an index");
    assert!(index.len() > MANY as usize + 1, "what has changed stands beside what was built as a whole");
    drop(index);

    // More than a part of them: found at once beside the rest, which is built as a whole after that.
    let many = (first + 100..first + 200).map(|id| (paying(id, 2_000_000), 2));
    world.campaigns.apply(define(many)).await.expect("sound");
    let changed = |found: &[(u32, u32, i64)]| found.iter().filter(|of| (of.1, of.2) == (2, 2_000_000)).count();
    assert_eq!(changed(&versions(&world)), 100);
    let indexed = world.campaigns.index_publisher().call(campaign::actors::IndexMessage::Refresh, patience()).await;
    assert_eq!(indexed.expect("built"), (MANY + 1) as usize);
    assert_eq!(world.campaigns.index().read().expect("an index").len(), (MANY + 1) as usize, "nothing stands twice");
    assert_eq!(changed(&versions(&world)), 100);

    // Most of them: no part is worth keeping.
    world
        .campaigns
        .apply(define((first + 100..first + 1_000).map(|id| (paying(id, 2_500_000), 3))))
        .await
        .expect("sound");
    assert_eq!(world.campaigns.index().read().expect("an index").len(), (MANY + 1) as usize);
    assert_eq!(versions(&world).iter().filter(|of| (of.1, of.2) == (3, 2_500_000)).count(), 900);
    world.tree.shutdown().await;
}

#[tokio::test]
async fn a_change_that_the_index_publisher_was_too_busy_for_is_in_the_next_index() {
    let world = World::start([sound(91)]).await;
    let all = world.tree.handle().find("root/campaigns").expect("the campaigns");
    all.suspend_child("index_publisher").expect("it is there");
    let changes = define([(paying(91, 3_000_000), 2), (paying(92, 4_000_000), 1)]);
    world.campaigns.apply(changes).await.expect("sound, and nobody waits for ever");
    assert_eq!(versions(&world), [(91, 1, 1_200_000)], "as before, meanwhile");
    all.resume_child("index_publisher").expect("it is there");
    until(|| versions(&world) == [(91, 2, 3_000_000), (92, 1, 4_000_000)]).await;
    world.tree.shutdown().await;
}
