//! A region's bidding state, budget pacer and frequency capper.
//!
//! A region bids with leases of campaigns' budgets, granted by the ledger. Its subtree is `one_for_all`: *bidding_state*
//! keeps the open bids, *budget_pacer* the leases and the pacing, *frequency_capper* the users' counts; they must agree, so
//! they restart together. The bid path holds a [`RegionPort`], opens a [`RegionView`] for each request, and asks it for a
//! [`Hold`] on money and cap; it waits for nobody.
//!
//! # What is promised
//!
//! - A bid's money and its place in the user's cap are held before it is sent, until it is billed, lost or expired.
//! - A campaign with a strict budget holds each price in full: of each of its leases, `available + held + spent` is what was
//!   granted, and no two bids hold the same money. All others hold back what their open bids need by the statistics of their
//!   exchange and format ([`risk`]): in full while there are none, and for the last few bids of a lease.
//! - Nothing is counted twice: every actor starts from a snapshot of the ledger at a sequence number, ignores what is in it,
//!   and fetches what is missing.
//! - After a crash the leases of the old incarnation are never used again. Their bids may still bill; what they do not need
//!   goes back to the campaign when the last of them can no longer do so. After a crash of the process that is when the ledger
//!   closes the lease.
//!
//! # What is not
//!
//! A lease without a strict budget that is unluckier than four standard deviations takes the difference from what is free
//! of the campaign: the ledger books it as late. The statistics are lost with the process, which then reserves in full
//! for as long as its bids are out. A user for whom bids were made in the last tenth of a second before the process was
//! killed may be shown as many more as there were (see [`RegionArgs::cap_journal`]); a crash of the region alone leaves them
//! counted. A billing that comes after its reservation has expired is booked all the same and may overdraw the lease; one that comes
//! after the lease has closed, for which its token leaves two days, overdraws the campaign. No lease closes while the
//! region holds a bid of it ([`limits::BILLABLE_MAX`]).

#![warn(clippy::disallowed_methods)]

mod account;
mod bidding_book;
mod bidding_state;
mod budget_pacer;
mod cap_archive;
mod cap_estate;
mod cap_journal;
mod cap_key;
mod cap_load;
mod cap_marks;
mod cap_note;
mod cap_place;
mod cap_shard;
mod cap_table;
mod cap_user;
pub mod chaos;
mod crash;
mod cursor;
mod day;
mod due;
mod epoch;
mod farewell;
mod fates;
mod feed;
mod frequency_capper;
mod funding;
mod hold;
mod join;
mod lease_cell;
mod lease_estate;
mod lessons;
pub mod limits;
mod link;
mod notice;
mod open_bids;
mod pace;
mod port;
mod recovery;
mod reservations;
pub mod risk;
pub mod shading;
mod spread_map;
pub mod supply;
mod timings;
mod tree;

pub use account::{Account, AccountFigures, PacerTable};
pub use bidding_book::{BiddingBook, BiddingFigures};
pub use cap_key::{CapKeys, CapSecret, UserIds};
pub use cap_table::{CapCounts, CapFigures, CapTable, NoPlace};
pub use cap_user::CapUser;
pub use crash::RegionCrash;
pub use cursor::{EventCursor, Step};
pub use day::{DAY_MS, day_of};
pub use hold::{Hold, NotTracked};
pub use lease_cell::{LeaseCell, LeaseFigures};
pub use pace::{Controller, Course, Observation, PacingBoard, Pass, Plan, Supply};
pub use port::{Refusal, RegionClosed, RegionDown, RegionPort, RegionView, Want};
pub use recovery::RecoveryFigures;
pub use reservations::{Reservation, Reservations};
pub use timings::Timings;
pub use tree::{RegionArgs, region_supervisor};
