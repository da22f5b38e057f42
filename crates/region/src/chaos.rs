//! Named points at which a region can be made to crash, for tests and drills. Off unless armed; each fires once.
//!
//! Two moments matter to counting: an event is durable in the ledger but was not applied here, and a snapshot was taken
//! but nothing was handled yet. Never armed by anything in this crate.

use tembusu::chaos::Point;

/// Crashes `bidding_state` when the next event of the ledger is delivered to it, before it is applied.
pub static BIDDING_EVENT: Point = Point::new("region.bidding_state.event");
/// Crashes `budget_pacer` when the next event of the ledger is delivered to it, before it is applied.
pub static PACER_EVENT: Point = Point::new("region.budget_pacer.event");
/// Crashes `frequency_capper` when the next event of the ledger is delivered to it, before it is applied.
pub static CAPPER_EVENT: Point = Point::new("region.frequency_capper.event");

/// Crashes the next incarnation of `bidding_state` at its first message after its snapshot.
pub static BIDDING_FIRST_MESSAGE: Point = Point::new("region.bidding_state.first_message");
/// Crashes the next incarnation of `budget_pacer` at its first message after its snapshot.
pub static PACER_FIRST_MESSAGE: Point = Point::new("region.budget_pacer.first_message");
/// Crashes the next incarnation of `frequency_capper` at its first message after its snapshot.
pub static CAPPER_FIRST_MESSAGE: Point = Point::new("region.frequency_capper.first_message");

/// Crashes the next `budget_pacer` in its `init`, after its snapshot: a failed start.
pub static PACER_INIT: Point = Point::new("region.budget_pacer.init");

/// Changes one bit of the next archive of users' counts that is built, after its checksums were taken: damage in memory.
pub static ARCHIVE_DAMAGE: Point = Point::new("region.caps.archive_damage");
