//! Whether the ledger's books say what the exchanges have billed.

use super::overspend::Billed;
use crate::record::Book;
use crate::world::{MINUTE_MS, Part, Scenario};

/// From the last request until no bid can bill any more: a lease's life of a minute, and what its bids may take after it.
const SETTLED_MS: i64 = (1 + 91) * MINUTE_MS;

/// What is wrong with the books, campaign by campaign; empty if nothing is.
pub(super) fn disagreements(scenario: &Scenario, cast: &[Part], billed: &[Billed], books: &[Book]) -> Vec<String> {
    let mut found = Vec::new();
    for ((part, billed), book) in cast.iter().zip(billed).zip(books) {
        let sum = billed.in_window + billed.later;
        if book.spent != sum {
            found
                .push(format!("campaign {}: the ledger has {} spent, the exchanges billed {sum}", part.id, book.spent));
        }
        if book.budget != part.budget || book.budget != book.spent + book.leased + book.free {
            found.push(format!("campaign {}: budget {} is not {book:?}", part.id, part.budget));
        }
        if book.leased != 0 && SETTLED_MS < scenario.tail_ms {
            found.push(format!("campaign {}: {} is still leased when no bid can bill", part.id, book.leased));
        }
    }
    found
}
