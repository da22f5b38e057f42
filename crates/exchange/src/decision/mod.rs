//! From a parsed request to a bid, or to the reason why there is none.
//!
//! [`handle_bid_request`] is a plain function over borrowed views: no randomness, no waiting, no float, and a clock for nothing
//! but the deadline, at which it gives up. Business outcomes are values ([`NoBid`](crate::NoBid)); what it takes (money, a place in a cap) it takes through a [`Purse`] and gives
//! back by dropping.

mod bid;
mod blocks;
mod currency;
mod explain;
mod handle;
mod imp;
mod scratch;
mod terms;
mod trail;
mod user;
mod view;

pub use bid::{Bid, ImpBid};
pub use blocks::{APPS_MAX, CATEGORIES_MAX, DOMAINS_MAX, LANGUAGES_MAX};
pub use currency::{CommonCurrency, common_currency};
pub use explain::{ImpExplanation, NoHold, NoMoney, Verdict, explain_request};
pub use handle::{CANDIDATES_MAX, IMPS_MAX, handle_bid_request, handle_on_trail};
pub use imp::{ATTRIBUTES_MAX, SIZES_MAX};
pub use terms::{DEAL_LIST_MAX, DEALS_MAX, Terms, terms};
pub use trail::{Looked, Trail};
pub use user::user_ids;
pub use view::{DecisionView, Held, Purse};
