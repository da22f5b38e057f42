//! What was delivered of a budget, where there was enough to be won.
//!
//! Delivered is what acknowledged notices have billed, late or not. A notice that never came delivers nothing, and nothing is
//! excused for it: its money is free again when the bid's time has run out, and may be bid once more. What no bid can be made
//! with is excused: a rest that is less than the campaign's price. Of twenty impressions that may be a twentieth, and nobody
//! who keeps to budget and price can spend it.

use super::overspend::Billed;
use super::supply::SupplyBook;
use crate::world::Part;

/// Supply allows a budget if this times the budget was left to it in its flight.
const ENOUGH: f64 = 1.5;

/// What was billed of the budget, in percent, late or not.
pub fn delivery_percent(part: &Part, billed: &Billed) -> f64 {
    (billed.in_window + billed.later) as f64 * 100.0 / part.budget as f64
}

/// How many more bids the rest of the budget pays for.
pub fn bids_left(part: &Part, billed: &Billed) -> i64 {
    (part.budget - billed.in_window - billed.later).max(0) / part.price
}

/// Whether there was enough.
pub fn supply_allowed(place: usize, part: &Part, supply: &SupplyBook) -> bool {
    let (from_ms, to_ms) = part.flight_ms;
    part.budget as f64 * ENOUGH <= supply.left(place, from_ms, to_ms) as f64
}
