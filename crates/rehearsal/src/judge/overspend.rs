//! What was billed beyond the budget.
//!
//! A notice counts if it came in within the window of its exchange and format: the time for which the bid stands and a
//! minute, or half an hour from a win notice that came in within it. What came later is told apart.

use crate::record::Win;
use crate::world::Part;

/// How long a win waits for its billing.
const WON_MS: i64 = 30 * 60_000;

/// What one campaign was billed, in nano-USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Billed {
    /// By notices within the window.
    pub in_window: i64,
    /// By later ones.
    pub later: i64,
}

/// Whether its billing came in within the window.
pub fn is_in_window(win: &Win) -> bool {
    let Some(billed_ms) = win.billed_ms else { return false };
    let won_ms = win.won_ms.filter(|won_ms| *won_ms <= win.window_ms);
    billed_ms <= win.window_ms || won_ms.is_some_and(|won_ms| billed_ms <= won_ms + WON_MS)
}

/// Sums up what each campaign was billed, by its place in the cast.
pub fn billed(cast: &[Part], wins: &[Win]) -> Vec<Billed> {
    let mut sums = vec![Billed::default(); cast.len()];
    for win in wins.iter().filter(|win| win.billed_ms.is_some()) {
        let sum = &mut sums[win.campaign as usize - 1];
        *(if is_in_window(win) { &mut sum.in_window } else { &mut sum.later }) += win.price;
    }
    sums
}

/// What was billed in the window beyond the budget, in percent of it.
pub fn overspend_percent(part: &Part, billed: &Billed) -> f64 {
    (billed.in_window - part.budget).max(0) as f64 * 100.0 / part.budget as f64
}
