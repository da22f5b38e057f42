//! A day of the whole bidder, rehearsed: everything but sockets is real, time is virtual, and what can go wrong does.
//!
//! ```text
//! world: traffic ─▶ stage: exchange ─▶ region ─▶ ledger (the bidder's own parts, in their tree)
//!    ▲                 │ response         ▲ notice
//!    └── auction ◀─────┘                  │
//!         └── mail: delays, late, twice, lost ──▶ record ──▶ judge
//! ```
//!
//! - [`world`] makes requests, rivals and notices from a seed, and troubles by a script.
//! - [`stage`] is the bidder: ledger on disk, campaigns with their index, regions, exchanges; [`backstage`] what outlives it,
//!   and the [`mailroom`] brings its notices in.
//! - [`play()`] lets the one meet the other and keeps the [`record`].
//! - [`judge`] computes from the record alone what was promised; it shares no code with region and ledger.
//! - [`Watch`] prints the time line of some campaigns, for whoever looks for a cause.
//! - [`fault`] breaks the bidder from outside, so that the judge is seen to find it.

pub mod backstage;
mod crashes;
pub mod fault;
mod in_time;
pub mod judge;
pub mod mailroom;
mod play;
mod post;
pub mod record;
mod report;
mod response;
pub mod stage;
mod watch;
pub mod world;

pub use play::{Played, play};
pub use report::Report;
pub use watch::Watch;
