//! The bid response of OpenRTB 2.6.
//!
//! Promises: what is written is JSON that the reader reads back as the same value. Prices are written exactly, as
//! numbers.
//! Never: a field that is absent written as null.

mod owned;
mod types;
mod write;

pub use types::{Bid, BidExt, BidResponse, SeatBid, parse_response};
pub use write::write_response;
