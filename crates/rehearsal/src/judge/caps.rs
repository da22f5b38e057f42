//! Who saw a campaign more often than its cap allows.
//!
//! Counts impressions that were billed within their window, at the moment of their billing: of those of one user, no more
//! than the cap may lie within any time as long as the cap's.

use std::collections::HashMap;

use super::overspend::is_in_window;
use crate::record::Win;
use crate::world::Part;

/// Impressions beyond the cap, by campaign's place.
pub fn beyond_cap(cast: &[Part], wins: &[Win]) -> Vec<u32> {
    let mut seen: HashMap<(usize, u64), Vec<i64>> = HashMap::new();
    let mut beyond = vec![0; cast.len()];
    for win in wins.iter().filter(|win| is_in_window(win)) {
        let place = win.campaign as usize - 1;
        match (cast[place].cap, win.user, win.billed_ms) {
            (None, ..) | (.., None) => {}
            // Nobody may be shown a capped campaign who cannot be counted.
            (Some(_), None, _) => beyond[place] += 1,
            (Some(_), Some(user), Some(billed_ms)) => seen.entry((place, user)).or_default().push(billed_ms),
        }
    }
    for ((place, _), mut times) in seen {
        let Some(cap) = cast[place].cap else { continue };
        times.sort_unstable();
        let window = cap.max as usize + 1;
        let too_many = times.windows(window).filter(|times| times[window - 1] - times[0] < cap.window_ms()).count();
        beyond[place] += u32::try_from(too_many).unwrap_or(u32::MAX);
    }
    beyond
}
