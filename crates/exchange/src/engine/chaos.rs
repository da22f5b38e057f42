//! Faults that a drill may inject into an engine. Compiled in, off by default.
//!
//! Off, a point costs one relaxed load and changes nothing.

use tembusu::chaos::Point;

/// Re-introduces the incident's bug: an `imp.bidfloor` below zero reaches an assertion in the parse path and crashes the engine.
///
/// In normal service such a floor is a no-bid with the reason `negative_floor`.
pub static NEGATIVE_FLOOR: Point = Point::new("parser.negative_floor");
