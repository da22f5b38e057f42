//! A corpus of bid requests, a system with a house campaign for every size in it, and the exchanges that send it.
//!
//! There are two: a small one of this crate's own, and the workspace's shared data where that is present.
#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

mod lines;
mod pass;
mod sender;

pub(crate) use lines::{Corpus, Kind, corpora, own, tmax};
pub(crate) use pass::Pass;
pub(crate) use sender::{Exchange, exchanges};

use std::collections::BTreeSet;
use std::fmt::Write as _;

use adserver::config::AdserverConfig;
use adserver::system::System;
use campaign::{Campaign, Flight, SIDE_MAX, parse_campaigns};
use simulator::RequestView;
use tempfile::TempDir;

use crate::support;

/// Dearer than any floor that a house campaign can be expected to pay.
const HOUSE_BID_CPM: &str = "30.00";

/// A running system and the folder of its ledger.
pub(crate) struct World {
    pub(crate) system: System,
    pub(crate) config: AdserverConfig,
    _folder: TempDir,
}

/// Where the exchanges of the demonstration's configuration are served.
pub(crate) const SERVED: [&str; 3] = ["SG", "ID", "TH"];

/// Starts a system with house campaigns for the countries given.
pub(crate) fn start(corpus: &Corpus, countries: &[&str], change: impl FnOnce(&mut AdserverConfig)) -> World {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut config = support::config(folder.path());
    change(&mut config);
    let system = System::start(&config, house(&sizes(corpus), countries)).expect("the system starts");
    World { system, config, _folder: folder }
}

impl World {
    /// Incarnation and restarts of every node: the same before and after, or something crashed.
    pub(crate) fn incarnations(&self) -> Vec<(String, u64, u64)> {
        let root = self.system.tree().snapshot();
        root.walk().map(|node| (node.path.to_string(), node.incarnation, node.restarts)).collect()
    }
}

/// Every size of every banner of the corpus that a campaign may name.
fn sizes(corpus: &Corpus) -> BTreeSet<(i64, i64)> {
    let views = corpus.lines().filter_map(|line| RequestView::read(line.as_bytes()));
    let sizes = views.flat_map(|view| view.imps.into_iter().flat_map(|imp| imp.sizes));
    sizes.filter(|(w, h)| *w <= i64::from(SIDE_MAX) && *h <= i64::from(SIDE_MAX)).collect()
}

/// One campaign a size, in flight now and not capped.
fn house(sizes: &BTreeSet<(i64, i64)>, countries: &[&str]) -> Vec<Campaign> {
    let mut text = String::new();
    for (number, (w, h)) in (1..).zip(sizes) {
        let _ = write!(
            text,
            r#"
[[campaign]]
id = {number}
name = "house {w}x{h}"
advertiser_domain = "house.example"
budget = "100000.00"
bid_cpm = "{HOUSE_BID_CPM}"
starts = "2026-01-01"
ends = "2026-12-31"
pacing = "asap"
countries = {countries:?}

[[campaign.creative]]
id = {number}
sizes = ["{w}x{h}"]
secure = true
markup = '<img src="https://cdn.house.example/{w}x{h}.png">'
"#
        );
    }
    let mut campaigns = parse_campaigns(&text).expect("the house campaigns are right");
    for campaign in &mut campaigns {
        campaign.flight = Flight { starts_ms: 0, ends_ms: i64::MAX };
    }
    campaigns
}
