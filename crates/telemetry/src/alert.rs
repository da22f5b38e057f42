//! What an alert is, and which place in the tree raises which alert.
//!
//! An alert follows from what the tree says about itself, or from a service level whose error budget burns too fast. No alert
//! ever acts on the tree.

use std::fmt;
use std::time::SystemTime;

use tembusu::State;

/// How soon a person must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Contained, and costs little: look in working hours.
    Warning,
    /// A promise of the service is being used up: look now.
    Critical,
}

impl Severity {
    /// Returns the label under which it is exported.
    pub fn label(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// What happened, as the design's table of exhausted intensities has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cause {
    /// An exchange's subtree runs degraded: every request gets a proper no-bid.
    ExchangeDegraded,
    /// An exchange's degraded subtree is gone too: its sockets answer 204 by themselves.
    ExchangeSilent,
    /// A region is down: its requests get no bid and its money is frozen.
    RegionDown,
    /// A campaign is quarantined: out of the published index.
    CampaignQuarantined,
    /// A campaign could not be started: it was never in the index.
    CampaignNotStarted,
    /// The ledger is down: notices get 503, bids stop when leases end.
    LedgerDown,
    /// Telemetry is off and is retried.
    TelemetryOff,
    /// The root's intensity is used up: the process drains and ends.
    RootExhausted,
    /// Another subtree is down.
    SubtreeDown,
    /// More of an exchange's requests are answered late, or not at all, than its service level allows.
    AnswersLate,
    /// More of an exchange's requests get no bid for want of something of ours than its service level allows.
    UnableToBid,
    /// An exchange's runtime does not come back: the exchange goes on on a fresh one, and the old one keeps what the others
    /// leave of a processor busy.
    RuntimeLost,
}

impl Cause {
    /// Every cause, for a gauge that shows zeros as well.
    pub const ALL: [Cause; 12] = [
        Cause::ExchangeDegraded,
        Cause::ExchangeSilent,
        Cause::RegionDown,
        Cause::CampaignQuarantined,
        Cause::CampaignNotStarted,
        Cause::LedgerDown,
        Cause::TelemetryOff,
        Cause::RootExhausted,
        Cause::SubtreeDown,
        Cause::AnswersLate,
        Cause::UnableToBid,
        Cause::RuntimeLost,
    ];

    /// Returns the label under which it is exported.
    pub fn label(self) -> &'static str {
        match self {
            Cause::ExchangeDegraded => "exchange_degraded",
            Cause::ExchangeSilent => "exchange_silent",
            Cause::RegionDown => "region_down",
            Cause::CampaignQuarantined => "campaign_quarantined",
            Cause::CampaignNotStarted => "campaign_not_started",
            Cause::LedgerDown => "ledger_down",
            Cause::TelemetryOff => "telemetry_off",
            Cause::RootExhausted => "root_exhausted",
            Cause::SubtreeDown => "subtree_down",
            Cause::AnswersLate => "answers_late",
            Cause::UnableToBid => "unable_to_bid",
            Cause::RuntimeLost => "runtime_lost",
        }
    }

    /// Returns how soon a person must look.
    pub fn severity(self) -> Severity {
        match self {
            Cause::CampaignQuarantined | Cause::CampaignNotStarted | Cause::TelemetryOff | Cause::SubtreeDown => {
                Severity::Warning
            }
            Cause::ExchangeDegraded
            | Cause::ExchangeSilent
            | Cause::RegionDown
            | Cause::LedgerDown
            | Cause::AnswersLate
            | Cause::UnableToBid
            | Cause::RuntimeLost
            | Cause::RootExhausted => Severity::Critical,
        }
    }

    /// Returns whether it follows from the state of the tree, and ends with it.
    pub(crate) fn is_of_the_tree(self) -> bool {
        !matches!(
            self,
            Cause::RootExhausted
                | Cause::CampaignNotStarted
                | Cause::AnswersLate
                | Cause::UnableToBid
                | Cause::RuntimeLost
        )
    }

    /// Returns what it costs and what an operator does about it.
    pub fn advice(self) -> &'static str {
        match self {
            Cause::ExchangeDegraded => {
                "every request gets a no-bid; fix the cause; restore the exchange, or let its next trial do it"
            }
            Cause::ExchangeSilent => "its sockets answer 204; fix the cause, then restore the exchange",
            Cause::RegionDown => "its requests get no bid and its money is frozen until it is restored",
            Cause::CampaignQuarantined => "the campaign does not bid; correct its definition",
            Cause::CampaignNotStarted => "the campaign does not bid; correct its definition, then restore it",
            Cause::LedgerDown => "notices get 503 and bids stop when leases end; look at the disk",
            Cause::TelemetryOff => "metrics are missing; it is retried with back-off",
            Cause::RootExhausted => "the process drains and exits; the service manager starts it again",
            Cause::SubtreeDown => "see the tree for its last exit",
            Cause::AnswersLate => "the exchange will send less; look for a busy thread, then for a slow network",
            Cause::UnableToBid => "no-bids by reason say what is down or too slow",
            Cause::RuntimeLost => {
                "an endless loop keeps a processor busy, at the lowest priority; take the stacks of the threads for the engineer, then restart the process"
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// One alert.
#[derive(Debug, Clone)]
pub struct Alert {
    /// How soon a person must look.
    pub severity: Severity,
    /// What happened.
    pub cause: Cause,
    /// Path of the subtree that it happened to, or `service_levels/`, the exchange and its level.
    pub subtree: String,
    /// What the tree reported.
    pub detail: String,
    /// When it was raised.
    pub at: SystemTime,
    /// When it ended; `None` while it stands.
    pub cleared_at: Option<SystemTime>,
}

/// A subtree that has alerts of its own: which one, and how the tree names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Exchange,
    Region,
    Campaign,
    Ledger,
    Telemetry,
    Other,
}

/// The supervisor between `campaigns` and the single ones.
const CAMPAIGNS_EACH: &str = "each";

/// Cuts `path` at the subtree that its alerts are raised for: `root/exchanges/xandr/bid_engine` is
/// the exchange `root/exchanges/xandr`.
pub(crate) fn locate(path: &str) -> (Place, &str) {
    let mut end = 0;
    let mut within = None;
    for segment in path.split('/') {
        let start = end;
        end = start + segment.len();
        if let Some(place) = within
            && !(place == Place::Campaign && segment == CAMPAIGNS_EACH)
        {
            return (place, &path[..end]);
        }
        match segment {
            "exchanges" => within = Some(Place::Exchange),
            "regions" => within = Some(Place::Region),
            "campaigns" => within = Some(Place::Campaign),
            "ledger" => return (Place::Ledger, &path[..end]),
            "telemetry" => return (Place::Telemetry, &path[..end]),
            _ => {}
        }
        end += 1;
    }
    (Place::Other, path)
}

/// The alert that a supervisor in `state` stands for, if any.
pub(crate) fn cause_of(place: Place, state: State, exhausted: bool) -> Option<Cause> {
    match (place, state) {
        // On trial all but a share of its requests still get the degraded no-bid.
        (Place::Exchange, State::Degraded | State::BackingOff | State::Probing) => Some(Cause::ExchangeDegraded),
        (Place::Exchange, State::Stopped) if exhausted => Some(Cause::ExchangeSilent),
        (Place::Region, State::Degraded | State::BackingOff) => Some(Cause::RegionDown),
        (Place::Campaign, State::Degraded | State::BackingOff) => Some(Cause::CampaignQuarantined),
        (Place::Ledger, State::Degraded | State::BackingOff) => Some(Cause::LedgerDown),
        (Place::Telemetry, State::Degraded | State::BackingOff) => Some(Cause::TelemetryOff),
        (Place::Other, State::Degraded | State::BackingOff) => Some(Cause::SubtreeDown),
        (_, State::Stopped) if exhausted => Some(down(place)),
        _ => None,
    }
}

/// The alert for a subtree of which nothing runs any more.
fn down(place: Place) -> Cause {
    match place {
        Place::Exchange => Cause::ExchangeSilent,
        Place::Region => Cause::RegionDown,
        Place::Campaign => Cause::CampaignQuarantined,
        Place::Ledger => Cause::LedgerDown,
        Place::Telemetry => Cause::TelemetryOff,
        Place::Other => Cause::SubtreeDown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cut_at_the_subtree_that_raises_the_alert() {
        assert_eq!(locate("root/exchanges/xandr/bid_engine"), (Place::Exchange, "root/exchanges/xandr"));
        assert_eq!(locate("root/exchanges/xandr"), (Place::Exchange, "root/exchanges/xandr"));
        assert_eq!(locate("root/regions/sg/budget_pacer"), (Place::Region, "root/regions/sg"));
        assert_eq!(locate("root/ledger"), (Place::Ledger, "root/ledger"));
        assert_eq!(locate("root/telemetry/metrics_aggregator"), (Place::Telemetry, "root/telemetry"));
        assert_eq!(locate("root/campaigns/each/campaign_7"), (Place::Campaign, "root/campaigns/each/campaign_7"));
        assert_eq!(locate("root/campaigns/each"), (Place::Other, "root/campaigns/each"));
        assert_eq!(locate("root/exchanges"), (Place::Other, "root/exchanges"));
        assert_eq!(locate("root"), (Place::Other, "root"));
    }
}
