//! An exchange's own runtime, how late it is, and what is done when it is lost.
//!
//! Code that never returns cannot be ended in Rust: it keeps its thread. A lane notices that its runtime has stopped beating,
//! and can be given a fresh one; the old one is left behind at the lowest priority, and counted. It moves nobody by itself: children stand on its
//! [`Ground`](tembusu::Ground), connections are their sockets' business.

mod beat;
mod runtime;
mod threads;
mod turn;
mod watch;

pub use beat::LagGauge;
pub use runtime::{ABANDONED_MAX, Lane, LaneError, LostRuntime};
pub use threads::LaneThreads;
pub use watch::{LaneWatch, Sign};
