//! What was delivered of a budget, where there was enough to be won.

use super::overspend::Billed;
use super::supply::SupplyBook;
use crate::world::Part;

/// Supply allows a budget if this times the budget was left to it in its flight.
const ENOUGH: f64 = 1.5;

/// What was billed of the budget, in percent, late or not.
pub fn delivery_percent(part: &Part, billed: &Billed) -> f64 {
    (billed.in_window + billed.later) as f64 * 100.0 / part.budget as f64
}

/// Whether there was enough.
pub fn supply_allowed(place: usize, part: &Part, supply: &SupplyBook) -> bool {
    let (from_ms, to_ms) = part.flight_ms;
    part.budget as f64 * ENOUGH <= supply.left(place, from_ms, to_ms) as f64
}
