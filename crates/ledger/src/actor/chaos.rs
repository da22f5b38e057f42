//! Where a test or a drill may crash the ledger.

use tembusu::chaos::Point;

/// Before a group's commit: nothing of it is durable, nobody was answered. Fires once each time it is armed.
pub static BEFORE_COMMIT: Point = Point::new("ledger.before_commit");

/// After a group's commit and before its delivery: all of it is durable, nobody knows. Fires once each time it is armed.
pub static AFTER_COMMIT: Point = Point::new("ledger.after_commit");
