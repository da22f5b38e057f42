//! From a parsed request to a bid, or to the reason why there is none.
//!
//! [`handle_bid_request`] is a plain function over borrowed views: no clock, no randomness, no waiting, no float. Business
//! outcomes are values ([`NoBid`](crate::NoBid)); what it takes (money, a place in a cap) it takes through a [`Purse`] and gives
//! back by dropping.

mod bid;
mod currency;
mod handle;
mod imp;
mod terms;
mod user;
mod view;

pub use bid::{Bid, ImpBid};
pub use currency::{CommonCurrency, common_currency};
pub use handle::{CANDIDATES_MAX, IMPS_MAX, handle_bid_request};
pub use terms::{Terms, terms};
pub use user::user_ids;
pub use view::{DecisionView, Held, Purse};
