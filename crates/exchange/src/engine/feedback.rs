//! What an exchange tells of earlier bids within a later request.
//!
//! Promises that nothing is believed but what carries a token of ours for this exchange: everything else is counted and left
//! alone. Bounded work, off the path of requests without feedback; never decides on the request that brings it.

use money::{Cpm, Currency, Rounding};
use openrtb::{BidFeedback, Floor};

use super::settings::EngineSettings;

/// Entries of one request that are looked at: some microseconds each. Google sends a handful.
pub const FEEDBACK_MAX: usize = 32;

/// Hands the least winning prices of bids on to their regions.
#[cold]
pub(super) fn take(settings: &EngineSettings, feedback: &[BidFeedback<'_>]) {
    let outcomes = &settings.meters.feedback;
    for entry in feedback.iter().take(FEEDBACK_MAX) {
        outcomes.inc(told(settings, entry));
    }
    if FEEDBACK_MAX < feedback.len() {
        outcomes.inc("too_many");
    }
}

/// What became of one entry.
fn told(settings: &EngineSettings, entry: &BidFeedback<'_>) -> &'static str {
    let payload = entry.event_notification_token.as_ref().and_then(|token| token.payload.as_deref());
    let Some(payload) = payload else { return "no_token" };
    let Ok(opened) = settings.token_keys.open(payload, settings.clock.now_ms()) else { return "unknown" };
    if opened.claims.exchange != settings.exchange {
        return "unknown";
    }
    let Floor::Price(min_to_win) = entry.minimum_bid_to_win else { return "no_price" };
    // In the currency of the account, which is the one of requests that name none.
    let usd = settings.rates.convert(min_to_win, settings.dialect.currency, Currency::USD, Rounding::Up);
    let Some(min_to_win) = usd.filter(|price| Cpm::ZERO < *price && !opened.claims.test) else { return "no_price" };
    let mut territories = settings.territories.iter();
    match territories.find(|territory| *territory.port.name() == opened.claims.region) {
        Some(territory) => {
            territory.port.told(opened.id, min_to_win);
            "told"
        }
        None => "unknown",
    }
}
