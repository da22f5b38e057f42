//! Faults that a drill may inject into an exchange's subtree. Compiled in, off by default.
//!
//! Off, a point costs one relaxed load and changes nothing. A point is the process's: it fires in whichever exchange comes by.

use std::time::Duration;

use tembusu::chaos::Point;

/// Re-introduces the incident's bug: an `imp.bidfloor` below zero reaches an assertion in the parse path and crashes the engine.
///
/// In normal service such a floor is a no-bid with the reason `negative_floor`.
pub static NEGATIVE_FLOOR: Point = Point::new("parser.negative_floor");

/// Crashes the next serializer that is to write a response.
pub static SERIALIZER: Point = Point::new("serializer.write");

/// While armed, every response takes [`SLOW_SERIALIZER_TAKES`] longer to write.
pub static SLOW_SERIALIZER: Point = Point::new("serializer.slow");

/// How long [`SLOW_SERIALIZER`] holds the thread.
pub const SLOW_SERIALIZER_TAKES: Duration = Duration::from_millis(20);

/// Crashes the next pool that is asked for its figures.
pub static POOL: Point = Point::new("pool.figures");

/// While armed, a request with the id [`SPIN_ID`] never comes back from the engine: an endless loop in the middle of a
/// decision, which holds its connection's thread. Disarming it ends the loops.
pub static SPIN: Point = Point::new("engine.spin");

/// The request that [`SPIN`] is for: which engine spins is the sender's choice.
pub const SPIN_ID: &str = "spin";

/// Crashes stand-ins at every request: how a degraded subtree is exhausted in its turn.
pub static NO_BID: Point = Point::new("no_bid.decide");

/// All of them, for who names one.
pub static POINTS: [&Point; 6] = [&NEGATIVE_FLOOR, &SERIALIZER, &SLOW_SERIALIZER, &POOL, &SPIN, &NO_BID];
