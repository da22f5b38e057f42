//! Load that does not wait for the server: schedules, connections that carry it, and an honest count of how each
//! request ended.
//!
//! Open loop: the instant at which request *i* is due is fixed before the run; a late answer delays nothing but its own
//! connection, and every latency counts from the due instant. Everything is bounded in count and in time.

mod drive;
mod lane;
mod schedule;
mod tally;

pub use drive::{DriveError, DriveReport, LoadMode, LoadPlan, drive};
pub use lane::Lane;
pub use schedule::{Limit, Pace, Schedule, Slot, StopHandle};
pub use tally::{Outcome, Tally, TallySheet};
