//! Plays the exchanges: bid requests, auctions, notices, and open-loop load.
//!
//! Promises: real HTTP/1.1 on real sockets; traffic that a printed seed repeats; latencies from the scheduled instant;
//! every request accounted for; an own record, to the nano-dollar, of what the exchanges billed. Judges the ad server by
//! the standard, with readers and rules of its own.
//!
//! Never: shares the ad server's parser, asks it what it did, or runs inside its tree.
//!
//! | to | take |
//! |---|---|
//! | play N exchanges for a while | [`Simulator`] with a [`SimulationPlan`] |
//! | send bad payloads beside steady load | [`Probe`] and [`HostileKind`] |
//! | send a corpus and see each answer | [`replay`], [`transform`], [`judge`] |
//! | measure | [`drive`] |
//! | compare with the ledger | [`Record`] |

mod auction;
mod client;
mod dialect;
mod dice;
mod json;
mod load;
mod notice;
mod play;
mod traffic;
mod validate;

pub use auction::{AuctionOutcome, Competition, hold_auction};
pub use client::*;
pub use dialect::{CountryForm, Dialect, FieldAge, PriceForm, gzip};
pub use dice::Dice;
pub use load::*;
pub use notice::*;
pub use play::*;
pub use traffic::*;
pub use validate::*;
