//! A named point at which telemetry can be made to crash, for tests and drills. Off unless armed.

use tembusu::chaos::Point;

/// While armed, crashes the aggregator whenever it takes up events.
pub static FOLLOW: Point = Point::new("telemetry.metrics_aggregator.follow");
