//! What keeps a campaign from spending more, in one word.
//!
//! Promises the first that holds, from what operators have said down to what nobody can change. Pure: the page asks around
//! first.

use region::Pass;

/// What is known of a campaign at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing<'a> {
    /// `live`, or what else it is.
    pub(super) state: &'a str,
    /// Whether the flight has begun, and has ended.
    pub(super) begun: bool,
    pub(super) ended: bool,
    /// Nothing is left of the budget, or the ledger said so when it was last asked.
    pub(super) exhausted: bool,
    /// It bids at this hour of the week.
    pub(super) awake: bool,
    /// How many of its regions are open.
    pub(super) regions_open: usize,
    /// The greatest pass probability of its regions; `None` if no region was asked for it.
    pub(super) pass: Option<Pass>,
    /// Behind its plan by more than a thousandth of the budget.
    pub(super) behind: bool,
    /// What kept it from bidding on most of what fits it, of the requests that were sampled: see [`limiting`].
    pub(super) drop_reason: Option<&'a str>,
}

/// Reasons after targeting that a plan does not explain.
const LIMITING: [&str; 4] = ["capped", "caps_full", "unfunded", "below_floor"];

/// Which of what was sampled limits a campaign: the most frequent of those reasons that can, if it kept out more bids than there
/// were. Of a campaign that bids on most of what fits it, none does.
pub(super) fn limiting<'r>(sampled: impl Iterator<Item = (&'r str, u64)>) -> Option<&'r str> {
    let mut bids = 0;
    let mut kept_out = [0; LIMITING.len()];
    let mut reasons = [None; LIMITING.len()];
    for (reason, count) in sampled {
        if reason == "bid" {
            bids += count;
        }
        if let Some(at) = LIMITING.iter().position(|limiting| *limiting == reason) {
            (kept_out[at], reasons[at]) = (kept_out[at] + count, Some(reason));
        }
    }
    let (at, most) = kept_out.into_iter().enumerate().max_by_key(|(_, count)| *count)?;
    reasons[at].filter(|_| bids < most)
}

/// The word, and what it means.
pub(super) fn limit(of: &Standing<'_>) -> (&'static str, &'static str) {
    match of {
        Standing { state: "paused", .. } => ("paused", "an operator has paused it"),
        Standing { state: "killed", .. } => ("killed", "an operator has killed it"),
        Standing { state: "down", .. } => ("quarantine", "it has crashed and is not back: see /alerts"),
        Standing { begun: false, .. } => ("flight", "its flight has not begun"),
        Standing { ended: true, .. } => ("flight", "its flight is over"),
        Standing { state, .. } if *state != "live" => ("quarantine", "it could not be started: see /alerts"),
        Standing { exhausted: true, .. } => ("budget", "nothing is left that is not spent or out in leases"),
        Standing { awake: false, .. } => ("hours", "it does not bid at this hour of the week"),
        Standing { regions_open: 0, .. } => ("regions", "none of its regions is open: see /regions"),
        Standing { pass: None, .. } => ("supply", "no request has fitted it since its regions began"),
        Standing { pass: Some(pass), behind: false, .. } if *pass < Pass::ALL => {
            ("pacing", "more would fit than its plan is to spend now")
        }
        Standing { pass: Some(pass), .. } if *pass < Pass::ALL => {
            ("pacing", "it is behind its plan, and is let pass more from tick to tick")
        }
        Standing { drop_reason: Some("capped"), .. } => {
            ("caps", "everything passes, and most users have seen it often enough")
        }
        Standing { drop_reason: Some("caps_full"), .. } => {
            ("users", "everything passes, and a region counts as many users as it may: see cap_pairs_max")
        }
        Standing { drop_reason: Some("unfunded"), .. } => {
            ("leases", "everything passes, and most bids find no lease with money yet")
        }
        Standing { drop_reason: Some("below_floor"), .. } => {
            ("price", "everything passes, and most floors are above its price")
        }
        _ => ("supply", "everything that fits it is bid on"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: Standing<'static> = Standing {
        state: "live",
        begun: true,
        ended: false,
        exhausted: false,
        awake: true,
        regions_open: 3,
        pass: Some(Pass::SLOW_START),
        behind: false,
        drop_reason: None,
    };

    #[test]
    fn what_limits_a_campaign_keeps_out_more_than_it_bids() {
        let of = |sampled: &[(&'static str, u64)]| limiting(sampled.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("country", 900), ("bid", 1), ("capped", 2), ("unfunded", 1)]), Some("capped"));
        assert_eq!(of(&[("country", 900), ("bid", 3), ("capped", 2)]), None, "it bids on most of what fits it");
        assert_eq!(
            of(&[("capped", 2), ("capped", 2), ("below_floor", 3), ("bid", 3)]),
            Some("capped"),
            "of two exchanges"
        );
        assert_eq!(of(&[("size", 5), ("outranked", 9)]), None);
    }

    #[test]
    fn the_first_that_holds_is_said() {
        let said = |of: Standing<'_>| limit(&of).0;
        assert_eq!(said(LIVE), "pacing");
        let all = Standing { pass: Some(Pass::ALL), ..LIVE };
        assert_eq!(said(all), "supply");
        assert_eq!(said(Standing { drop_reason: Some("capped"), ..all }), "caps");
        assert_eq!(said(Standing { drop_reason: Some("unfunded"), ..all }), "leases");
        assert_eq!(said(Standing { drop_reason: Some("below_floor"), ..all }), "price");
        assert_eq!(said(Standing { drop_reason: Some("capped"), ..LIVE }), "pacing");
        assert_eq!(said(Standing { pass: None, ..LIVE }), "supply");
        assert_eq!(said(Standing { regions_open: 0, ..LIVE }), "regions");
        assert_eq!(said(Standing { awake: false, regions_open: 0, ..LIVE }), "hours");
        assert_eq!(said(Standing { exhausted: true, awake: false, ..LIVE }), "budget");
        assert_eq!(said(Standing { ended: true, exhausted: true, ..LIVE }), "flight");
        assert_eq!(said(Standing { begun: false, ..LIVE }), "flight");
        for (state, word) in
            [("paused", "paused"), ("killed", "killed"), ("down", "quarantine"), ("not started: x", "quarantine")]
        {
            assert_eq!(said(Standing { state, exhausted: true, ..LIVE }), word);
        }
    }
}
