//! Series that a rule of Prometheus looks at stand from the start, at zero: one that appears with its first count has not
//! increased, and the first late notice or clamped price of a process would go unseen.

use ledger::Flags;
use telemetry::NoticeMeters;

/// What becomes of a notice, as far as a rule looks at it.
const OUTCOMES: [&str; 2] = ["counted", "not_durable"];

/// Takes their places in the meters.
pub(crate) fn announce(meters: &NoticeMeters) {
    for name in Flags::LATE.names().chain(Flags::CLAMPED.names()) {
        meters.flags.of(name);
    }
    for outcome in OUTCOMES {
        meters.outcomes.of(outcome);
    }
}
