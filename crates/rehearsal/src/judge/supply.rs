//! What was there to be won: the judge's own count of impressions that a campaign could have had.
//!
//! Promises to count an impression for a campaign only if the campaign's price would have won it, its user was not yet
//! capped, and no other campaign of ours bid on it. Never asks why the bidder did not bid.

use std::collections::HashMap;

use crate::world::{Opportunity, Outcome, Part, Scenario, auction};

/// How fine supply is kept.
pub const SLOT_MS: i64 = 15 * 60_000;

/// What was left to each campaign, by quarter of an hour, in nano-USD.
#[derive(Clone, Debug)]
pub struct SupplyBook {
    starts_ms: i64,
    left: Vec<Vec<i64>>,
    /// By campaign's place and user: which impressions were counted.
    shown: HashMap<(usize, u64), Vec<i64>>,
}

impl SupplyBook {
    /// Nothing was seen yet.
    pub fn new(scenario: &Scenario, cast: &[Part]) -> Self {
        let slots = usize::try_from(scenario.length_ms / SLOT_MS).expect("some hundred") + 1;
        Self { starts_ms: scenario.starts_ms, left: vec![vec![0; slots]; cast.len()], shown: HashMap::new() }
    }

    /// Counts an impression on which the campaign at place `taken` has bid, or none.
    pub fn saw(&mut self, cast: &[Part], opportunity: &Opportunity, taken: Option<usize>) {
        let slot = usize::try_from((opportunity.at_ms - self.starts_ms) / SLOT_MS).unwrap_or(0);
        let places = taken.map_or(0..cast.len(), |place| place..place + 1);
        for place in places {
            let part = &cast[place];
            if !part.fits(opportunity) {
                continue;
            }
            let Outcome::Won(cost) = auction(opportunity, part.offer(opportunity.exchange)) else { continue };
            if let (Some(cap), Some(user)) = (part.cap, opportunity.counted_user()) {
                let shown = self.shown.entry((place, user)).or_default();
                shown.retain(|at_ms| opportunity.at_ms - at_ms < cap.window_ms());
                if cap.max as usize <= shown.len() {
                    continue;
                }
                shown.push(opportunity.at_ms);
            }
            self.left[place][slot] += cost;
        }
    }

    /// What was left to a campaign in the slots that lie within a time.
    pub fn left(&self, place: usize, from_ms: i64, to_ms: i64) -> i64 {
        let slots = self.left[place].iter().enumerate();
        slots
            .filter(|(slot, _)| {
                let begins_ms = self.starts_ms + *slot as i64 * SLOT_MS;
                from_ms <= begins_ms && begins_ms + SLOT_MS <= to_ms
            })
            .map(|(_, left)| left)
            .sum()
    }
}
