//! Where a test or a drill may crash the ledger.

use tembusu::chaos::Point;

/// Before a group's commit: nothing of it is durable, nobody was answered. Fires once each time it is armed.
pub static BEFORE_COMMIT: Point = Point::new("ledger.before_commit");

/// After a group's commit and before its delivery: all of it is durable, nobody knows. Fires once each time it is armed.
pub static AFTER_COMMIT: Point = Point::new("ledger.after_commit");

/// Within a step of folding: when the balances are computed, when they are written and the events removed, when notices are, when
/// billings are, and when all of it is durable and nobody knows. Each fires once each time it is armed.
pub static FOLD_STEPS: [Point; 5] = [
    Point::new("ledger.fold_computed"),
    Point::new("ledger.fold_written"),
    Point::new("ledger.fold_notices"),
    Point::new("ledger.fold_billings"),
    Point::new("ledger.fold_committed"),
];
