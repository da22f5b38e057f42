//! First reasons, counted by exchange, campaign and reason.
//!
//! Promises that each campaign of a sampled request is counted exactly once an imp: as `bid`, with the first reason that kept
//! it out, or as `outranked` if another campaign was taken before it was asked for money.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use campaign::CampaignId;
use tembusu::Turn;

use super::Sample;
use crate::decision::{ImpExplanation, Verdict};
use crate::{Explanation, NoBidReason};

/// It bids.
const BID: &str = "bid";
/// It might have; a better one of ours was taken before.
const OUTRANKED: &str = "outranked";

/// A handful of reasons, in the order in which they were met, each with its count.
type Reasons = Vec<(&'static str, u64)>;

/// How often which campaign dropped out for which reason first.
#[derive(Debug, Default, Clone)]
pub struct DropCounts {
    sampled: u64,
    /// By exchange and campaign.
    reasons: BTreeMap<Arc<str>, HashMap<CampaignId, Reasons>>,
}

/// What is counted, added up for a reader.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct DropReport {
    /// Requests that were asked about.
    pub sampled: u64,
    /// By exchange and reason: how many times a campaign dropped out so.
    pub reasons: BTreeMap<Arc<str>, BTreeMap<&'static str, u64>>,
}

impl DropCounts {
    /// Counts what became of every campaign at every imp of a request. `campaigns` are all that there are, for a request that
    /// nobody might bid on.
    pub fn add(&mut self, exchange: &Arc<str>, sample: &Sample, explained: &Explanation, campaigns: &[CampaignId]) {
        self.sampled += 1;
        let counted = self.reasons.entry(Arc::clone(exchange)).or_default();
        let mut turn = Turn::begin();
        let mut count = |campaign: CampaignId, reason: &'static str| {
            turn.step();
            let reasons = counted.entry(campaign).or_default();
            match reasons.iter_mut().find(|(met, _)| *met == reason) {
                Some((_, count)) => *count += 1,
                None => reasons.push((reason, 1)),
            }
        };
        let mut all = |reason: NoBidReason| campaigns.iter().for_each(|campaign| count(*campaign, reason.as_str()));
        // The moment's, which an explanation afterwards does not see.
        if let Some(reason @ (NoBidReason::RegionDown | NoBidReason::RegionRecovering | NoBidReason::NoIndex)) =
            sample.no_bid
        {
            return all(reason);
        }
        let imps = match explained {
            Explanation::Malformed(_) => return,
            Explanation::NoBid(reason) => return all(*reason),
            Explanation::Imps(_, imps) => imps,
        };
        for (at, imp) in imps.iter().enumerate() {
            if let Some(reason) = imp.no_bid {
                campaigns.iter().for_each(|campaign| count(*campaign, reason.as_str()));
                continue;
            }
            for (campaign, reason) in first_reasons(at, imp, sample) {
                count(campaign, reason);
            }
        }
    }

    /// What is counted of one campaign, or of all.
    #[must_use]
    pub fn report(&self, of: Option<CampaignId>) -> DropReport {
        let mut report = DropReport { sampled: self.sampled, ..DropReport::default() };
        for (exchange, campaigns) in &self.reasons {
            let asked = campaigns.iter().filter(|(campaign, _)| of.is_none_or(|of| of == **campaign));
            for (reason, count) in asked.flat_map(|(_, reasons)| reasons) {
                *report.reasons.entry(Arc::clone(exchange)).or_default().entry(reason).or_default() += count;
            }
        }
        report
    }
}

/// What the decision saw counts before what is found afterwards.
fn first_reasons<'a>(
    at: usize,
    imp: &'a ImpExplanation,
    sample: &'a Sample,
) -> impl Iterator<Item = (CampaignId, &'static str)> + 'a {
    let looked_at: HashMap<CampaignId, Option<NoBidReason>> = (sample.trail.looked_at().iter())
        .filter(|(imp, ..)| *imp == at)
        .map(|(_, campaign, reason)| (*campaign, *reason))
        .collect();
    let not_reached =
        if sample.no_bid == Some(NoBidReason::Deadline) { NoBidReason::Deadline.as_str() } else { OUTRANKED };
    imp.campaigns.iter().map(move |(campaign, verdict)| {
        let reason = match looked_at.get(campaign) {
            Some(seen) => seen.map_or(BID, NoBidReason::as_str),
            None if *verdict == Verdict::Eligible => not_reached,
            None => verdict.as_str(),
        };
        (*campaign, reason)
    })
}
