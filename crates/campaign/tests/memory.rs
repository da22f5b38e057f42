//! A campaign that has done nothing wrong takes the memory of its definition and little more.
//!
//! How: a counting allocator, and a tree with so many campaigns and one with three times as many, read from a file as operators
//! write it; the difference is what a campaign takes: definition, compiled form, place in the registry, columns and lists of
//! the index. Alone in its file, since the allocator counts for the whole process.

mod support;

use std::alloc::System;
use std::fmt::Write as _;

use campaign::{CampaignId, parse_campaigns};
use cap::Cap;
use support::tree::World;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const FEW: u32 = 1_000;
const MANY: u32 = 3 * FEW;

/// What a campaign at rest may take in bytes asked of the allocator, of which its texts are 200.
const RESTING_MAX: usize = 1_024;
/// And what it takes at most once it has its subtree.
const AWAKE_MAX: usize = 8_000;

fn text(count: u32) -> String {
    let mut text = String::new();
    for id in 1..=count {
        let _ = write!(
            text,
            r#"
[[campaign]]
id = {id}
name = "Campaign {id}"
advertiser_domain = "advertiser-{}.example"
budget = "5000000.00"
bid_cpm = "1.{:02}"
starts = "2020-01-01"
ends = "2090-12-31"
countries = ["SG", "TH"]
categories = ["IAB8-5"]
cap_per_user_per_day = 10

[[campaign.creative]]
id = {id}
sizes = ["300x250", "320x50"]
markup = '<a href="https://advertiser.example/{id}"><img src="https://cdn.example/{id}.jpg" alt="{id}"></a>'
"#,
            id % 100,
            id % 90 + 10,
        );
    }
    text
}

/// A tree of so many campaigns, and the bytes that it takes.
async fn grown(count: u32) -> (World, usize) {
    let before = ALLOCATOR.allocated();
    let world = World::start(parse_campaigns(&text(count)).expect("sound")).await;
    (world, ALLOCATOR.allocated() - before)
}

#[tokio::test]
async fn a_campaign_takes_a_kilobyte_and_its_subtree_only_once_it_needs_one() {
    // What is made once is there; nothing is given back while others are counted.
    let (once, _) = grown(10).await;
    let (few, with_few) = grown(FEW).await;
    let (many, with_many) = grown(MANY).await;
    let each = (with_many - with_few) / (MANY - FEW) as usize;
    println!("{each} bytes a campaign at rest");
    assert!(each <= RESTING_MAX, "a campaign takes {each} bytes");
    assert!(each >= 400, "{each} bytes cannot be all");

    let before = ALLOCATOR.allocated();
    for id in 1..=100 {
        many.campaigns.wake(CampaignId(id)).await.expect("awake");
    }
    let woken = (ALLOCATOR.allocated() - before) / 100;
    println!("{woken} more with a subtree");
    assert!(woken <= AWAKE_MAX, "a subtree takes {woken} bytes");
    for world in [once, few, many] {
        world.tree.shutdown().await;
    }
}
