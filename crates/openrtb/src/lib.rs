//! OpenRTB 2.6 for a bidder: requests, responses, prices, macros, codes.
//!
//! Promises: a request is read in one pass and borrowed from its body; what an exchange may get wrong is tolerated,
//! what the standard demands is checked ([`validate`]), prices are exact. No input panics.
//! Never: decides anything about a bid, does input or output, knows a campaign.
//!
//! | module | what |
//! |---|---|
//! | [`request`] | the bid request and its validation |
//! | [`response`] | the bid response, written and read |
//! | [`macros`] | `${AUCTION_PRICE}` and its kin |
//! | [`price`] | prices in notices, encrypted or not |
//! | [`codes`] | no-bid and loss reasons |
//! | [`country`] | countries in any notation |

pub mod codes;
pub mod country;
#[doc(hidden)]
pub mod lanes;
mod lenient;
pub mod macros;
mod malformed;
mod parse;
pub mod price;
pub mod request;
pub mod response;

pub use codes::{LossReason, Nbr};
pub use country::{Country, UnknownCountry};
pub use lenient::Raw;
pub use malformed::{Malformed, MalformedKind};
pub use request::*;
pub use response::{Bid, BidExt, BidResponse, SeatBid, parse_response, write_response};
