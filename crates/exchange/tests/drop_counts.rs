//! What is counted of a sampled request: each campaign once an imp, with what the decision saw before what is found afterwards.

use std::sync::Arc;

use bytes::Bytes;
use campaign::CampaignId;
use exchange::decision::{ImpExplanation, Verdict};
use exchange::drops::{DropCounts, Sample};
use exchange::{Explanation, NoBidReason};

const ALL: [CampaignId; 2] = [CampaignId(1), CampaignId(2)];

/// Counts a request on which both may bid by what is found afterwards, and nobody was looked at.
fn counted(no_bid: Option<NoBidReason>) -> Vec<(&'static str, u64)> {
    let exchange: Arc<str> = "xandr".into();
    let campaigns = ALL.map(|campaign| (campaign, Verdict::Eligible)).to_vec();
    let imps = vec![ImpExplanation { imp: "1".to_owned(), no_bid: None, campaigns }];
    let sample = Sample { body: Bytes::new(), no_bid, trail: Default::default() };
    let mut counts = DropCounts::default();
    counts.add(&exchange, &sample, &Explanation::Imps("sg".to_owned(), imps), &ALL);
    counts.report(None).reasons[&exchange].iter().map(|(reason, count)| (*reason, *count)).collect()
}

#[test]
fn what_only_the_moment_knew_is_the_reason_of_all() {
    for reason in [NoBidReason::RegionDown, NoBidReason::RegionRecovering, NoBidReason::NoIndex, NoBidReason::Deadline]
    {
        assert_eq!(counted(Some(reason)), [(reason.as_str(), 2)]);
    }
    assert_eq!(counted(None), [("outranked", 2)]);
}
