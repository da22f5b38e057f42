//! What an exchange reports of a bid, when, and what goes wrong on the way.
//!
//! Promises notices with the delays of their exchange and format: most within the window in which the bid stands, some
//! late, some twice, some never. Never tells two outcomes of one bid.

use simulator::Dice;

use super::auction::Outcome;
use super::opportunity::Opportunity;
use super::places::EXCHANGES;
use super::{exponential, uniform};

/// Wins of 1000 that are never shown.
const UNRENDERED_PER_MILLE: u32 = 40;
/// Billing notices of 1000 that never arrive.
const LOST_PER_MILLE: u32 = 8;
/// Billing notices of 1000 that come after the window.
const LATE_PER_MILLE: u32 = 4;
/// By how much, at most.
const LATE_MAX_MS: f64 = 40.0 * 60_000.0;
/// Notices of 1000 that come twice.
const TWICE_PER_MILLE: u32 = 30;
/// And how much later, at most.
const TWICE_MAX_MS: f64 = 10.0 * 60_000.0;
/// How long after the auction wins and losses are told, on average, in milliseconds.
const TOLD_MEAN_MS: f64 = 700.0;

/// Which notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LetterKind {
    /// The bid won.
    Win,
    /// The impression is to be paid.
    Billing,
    /// The bid lost.
    Loss,
}

/// One notice on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Which notice.
    pub kind: LetterKind,
    /// When it is sent first.
    pub at_ms: i64,
}

/// All that an exchange sends about one bid.
pub fn letters(opportunity: &Opportunity, outcome: Outcome, dice: &mut Dice) -> Vec<Letter> {
    let exchange = &EXCHANGES[opportunity.exchange];
    let mut letters = Vec::with_capacity(2);
    let told_ms = opportunity.at_ms + 120 + exponential(dice, TOLD_MEAN_MS) as i64;
    match outcome {
        Outcome::Lost => {
            if dice.chance(exchange.losses_per_mille) {
                letters.push(Letter { kind: LetterKind::Loss, at_ms: told_ms });
            }
        }
        Outcome::Won(_) => {
            if dice.chance(exchange.wins_per_mille) {
                letters.push(Letter { kind: LetterKind::Win, at_ms: told_ms });
            }
            if !dice.chance(UNRENDERED_PER_MILLE) && !dice.chance(LOST_PER_MILLE) {
                letters.push(Letter { kind: LetterKind::Billing, at_ms: billed_ms(opportunity, dice) });
            }
        }
    }
    let twice: Vec<_> = letters.iter().filter(|_| dice.chance(TWICE_PER_MILLE)).copied().collect();
    let again = |letter: Letter, dice: &mut Dice| Letter {
        at_ms: letter.at_ms + (uniform(dice) * TWICE_MAX_MS) as i64,
        ..letter
    };
    for letter in twice {
        letters.push(again(letter, dice));
    }
    letters
}

fn billed_ms(opportunity: &Opportunity, dice: &mut Dice) -> i64 {
    let window_ms = opportunity.format.window_ms();
    if dice.chance(LATE_PER_MILLE) {
        return opportunity.at_ms + window_ms + (uniform(dice) * LATE_MAX_MS) as i64;
    }
    let mean_ms = f64::from(opportunity.format.billing_mean_s()) * 1_000.0;
    let shown_ms = 300 + exponential(dice, mean_ms) as i64;
    // What would be shown later is shown within the window: an exchange does not show an expired bid.
    opportunity.at_ms + if shown_ms < window_ms { shown_ms } else { 300 + shown_ms.rem_euclid(window_ms - 1_000) }
}
