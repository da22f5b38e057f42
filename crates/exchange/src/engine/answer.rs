//! What an engine answers.
//!
//! Every value of it is an orderly outcome; a crash is not among them.

use ledger::TokenId;
use region::Hold;

use crate::NoBid;
use crate::decision::Bid;

/// An engine's answer to one request.
#[derive(Debug)]
pub enum EngineAnswer {
    /// Bids, with the money held.
    Bid(Box<Offer>),
    /// None, for a reason.
    NoBid(NoBid),
    /// The body is no bid request, or breaks a MUST that concerns all of it: 400. The label names the kind.
    Malformed(&'static str),
}

/// Bids and the tokens of their notice URLs.
///
/// Dropping it gives the money back.
#[derive(Debug)]
pub struct Offer {
    /// The bids.
    pub bid: Bid<Hold>,
    /// One for each bid, in the same order.
    pub seals: Vec<Seal>,
}

/// The names of one bid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// `bid.id`.
    pub bid_id: String,
    /// The token's identity.
    pub token_id: TokenId,
    /// The token as it stands in the notice URLs.
    pub token: String,
}
