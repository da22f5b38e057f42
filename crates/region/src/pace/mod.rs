//! Pacing: the share of eligible bids that a campaign passes, from its plan and what it has spent.
//!
//! Feed-forward plus a proportional term: each tick asks what a pass probability of one would spend ([`Supply`]), what the
//! plan wants ([`Plan`]), and passes the quotient ([`Controller`]). What has been bid and not been billed counts as spent by
//! as much as such bids cost on average. The regions of a process tell each other what they see ([`PacingBoard`]), so that
//! all of them pass the same share and the plan is the campaign's, not the region's.
//!
//! Promises the same answer for the same ticks: neither clock nor randomness is in here. Planned amounts are integers;
//! floats decide a probability and nothing else. It is not what keeps a campaign within its budget: leases are.

mod board;
mod controller;
mod course;
mod pass;
mod patience;
mod plan;

pub use board::PacingBoard;
pub(crate) use board::Seat;
pub use controller::{Controller, Observation, Supply};
pub use course::Course;
pub use pass::Pass;
pub(crate) use patience::{Patience, SHORT_MS};
pub use plan::Plan;
