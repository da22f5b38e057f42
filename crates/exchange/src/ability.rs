//! Which no-bids are decisions, and which say that we were not able to decide: the service level *able to bid*.
//!
//! A reason that nobody has sorted in counts as ours, so that a new one is never lost; a test has each one sorted in.

use crate::reason::{NoBidReason, unserved};

/// What the request, the campaigns or their money decided, or what the exchange brought about itself.
const OF_BUSINESS: [&str; 29] = [
    NoBidReason::SeatBlocked.as_str(),
    NoBidReason::Currency.as_str(),
    NoBidReason::UnservedCountry.as_str(),
    NoBidReason::InvalidImp.as_str(),
    NoBidReason::ListTooLong.as_str(),
    NoBidReason::UnsupportedMedia.as_str(),
    NoBidReason::NoSize.as_str(),
    NoBidReason::NegativeFloor.as_str(),
    NoBidReason::UnreadableFloor.as_str(),
    NoBidReason::FloorCurrency.as_str(),
    NoBidReason::PrivateAuction.as_str(),
    NoBidReason::NoCandidate.as_str(),
    NoBidReason::BlockedCategory.as_str(),
    NoBidReason::BlockedAdvertiser.as_str(),
    NoBidReason::BlockedApp.as_str(),
    NoBidReason::OtherLanguage.as_str(),
    NoBidReason::BlockedAttribute.as_str(),
    NoBidReason::BlockedBannerType.as_str(),
    NoBidReason::UnsupportedMime.as_str(),
    NoBidReason::UnsupportedApi.as_str(),
    NoBidReason::BelowFloor.as_str(),
    NoBidReason::NoCapKey.as_str(),
    NoBidReason::Capped.as_str(),
    NoBidReason::Paced.as_str(),
    // Between two leases, or at a budget's end; a ledger that is down has an alert of its own.
    NoBidReason::Unfunded.as_str(),
    NoBidReason::BudgetExhausted.as_str(),
    // The exchange's clock: a `tmax` that nobody can keep, a body that came too slowly.
    unserved::INSUFFICIENT_TIME,
    "slow_body",
    // What was contracted, and no more.
    unserved::OVER_QUOTA,
];

/// Whether a request with this no-bid would have been decided on its merits if all of ours had worked.
#[must_use]
pub fn is_unable(reason: &str) -> bool {
    !OF_BUSINESS.contains(&reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something of ours was degraded, down, recovering, crashed, full or too slow.
    const OURS: [&str; 14] = [
        NoBidReason::Degraded.as_str(),
        NoBidReason::NoIndex.as_str(),
        NoBidReason::RegionDown.as_str(),
        NoBidReason::RegionRecovering.as_str(),
        NoBidReason::CampaignCrashed.as_str(),
        NoBidReason::ReservationsFull.as_str(),
        NoBidReason::CapsFull.as_str(),
        NoBidReason::Deadline.as_str(),
        unserved::ENGINE_CRASHED,
        unserved::SERIALIZER_CRASHED,
        unserved::NOBODY_HOME,
        unserved::OVERLOAD,
        unserved::SHED_PRIORITY,
        unserved::SHED_VALUE,
    ];

    #[test]
    fn every_reason_is_sorted_in_once() {
        let source = include_str!("reason.rs");
        let literals = source.lines().filter_map(|line| {
            let code = line.split("//").next().unwrap_or_default();
            let value = code.split_once("=> \"").or_else(|| code.split_once("&str = \""))?.1;
            Some(value.split('"').next().unwrap_or_default())
        });
        let mut reasons: Vec<&str> = literals.collect();
        reasons.sort_unstable();
        reasons.dedup();
        assert!(reasons.len() > 30, "the source is read: {reasons:?}");
        for reason in reasons {
            let lists = [&OF_BUSINESS[..], &OURS[..]];
            let times: usize = lists.iter().map(|list| list.iter().filter(|known| **known == reason).count()).sum();
            assert_eq!(
                times, 1,
                "`{reason}` is a decision, or says that we were not able to decide: put it into one list"
            );
        }
    }
}
