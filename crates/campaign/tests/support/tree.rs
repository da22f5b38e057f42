//! A running tree of campaigns.
//!
//! Promises to wait for what happens, and no longer than [`PATIENCE`]. Never sleeps.

use std::time::Duration;

use campaign::{Campaign, CampaignsHandle, Scratch, Setting, Size, Want, campaigns_supervisor};
use tembusu::{Event, Events, NodeSnapshot, Supervisor, Tree};

use super::{NOW_MS, country, want_of};

/// How long a test waits for an event before it fails.
const PATIENCE: Duration = Duration::from_secs(20);
const SIZES: [Size; 1] = [Size::new(300, 250)];

pub(crate) struct World {
    pub(crate) tree: Tree,
    pub(crate) campaigns: CampaignsHandle,
    events: Events,
}

/// What every sound campaign of the tests bids on.
pub(crate) fn want() -> Want<'static> {
    want_of(Setting { country: country("SG"), exchange: "xandr", now_ms: NOW_MS }, &SIZES, true)
}

impl World {
    pub(crate) async fn start(campaigns: impl IntoIterator<Item = Campaign>) -> Self {
        let (supervisor, campaigns) = campaigns_supervisor(campaigns).expect("sound campaigns");
        let mut root = Supervisor::one_for_one("root").intensity(5, Duration::from_secs(10));
        root.supervisor(supervisor);
        let events = root.handle().events();
        let tree = root.start().await.expect("the tree starts");
        Self { tree, campaigns, events }
    }

    /// The campaigns that bid, by id.
    pub(crate) fn bidding(&self) -> Vec<u32> {
        let Some(index) = self.campaigns.index().read() else { return Vec::new() };
        let (want, mut scratch) = (want(), Scratch::new());
        let mut ids: Vec<u32> =
            index.candidates(&want, &mut scratch).map(|candidate| candidate.campaign().id().0).collect();
        ids.sort_unstable();
        ids
    }

    pub(crate) fn node(&self, path: &str) -> NodeSnapshot {
        let snapshot = self.tree.handle().snapshot();
        let found = snapshot.walk().find(|node| &*node.path == path).cloned();
        found.unwrap_or_else(|| panic!("no {path} in {snapshot:?}"))
    }

    /// Waits for an event of the node at `path`.
    pub(crate) async fn wait_for(&mut self, path: &str, is_it: impl Fn(&Event) -> bool) -> Event {
        let mut seen = Vec::new();
        let wait = async {
            loop {
                let event = self.events.recv().await.expect("no event is lost");
                seen.push(format!("{} {:?}", event.path, event.kind));
                if &*event.path == path && is_it(&event) {
                    return event;
                }
            }
        };
        let event = tokio::time::timeout(PATIENCE, wait).await;
        event.unwrap_or_else(|_| panic!("no such event of {path} within {PATIENCE:?}, but {seen:#?}"))
    }
}

/// Waits until something is so that another thread makes so, and that no event tells.
#[allow(dead_code, reason = "not every test waits for another thread")]
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it is so within the patience of a test");
}

/// The path of a campaign's subtree.
pub(crate) fn path_of(id: u32) -> String {
    format!("root/campaigns/each/campaign_{id}")
}

/// The campaigns that bid, each with its version and price, by id.
pub(crate) fn versions(world: &World) -> Vec<(u32, u32, i64)> {
    let Some(index) = world.campaigns.index().read() else { return Vec::new() };
    let (want, mut scratch) = (want(), Scratch::new());
    let of = |campaign: &campaign::CompiledCampaign| (campaign.id().0, campaign.version(), campaign.bid_cpm().0);
    let mut found: Vec<_> = index.candidates(&want, &mut scratch).map(|candidate| of(candidate.campaign())).collect();
    found.sort_unstable();
    found
}
