//! A bid response, as the simulated exchange reads it: the one bid on the one impression.
//!
//! Never uses the bidder's types of a response.

use money::{Cpm, Rounding};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The bid.
#[derive(Clone, Debug)]
pub(crate) struct ReadBid {
    pub(crate) campaign: u32,
    /// Micros of USD per thousand.
    pub(crate) price: i64,
    pub(crate) nurl: String,
    pub(crate) burl: String,
    pub(crate) lurl: String,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    seatbid: Vec<SeatBid<'a>>,
}

#[derive(Deserialize)]
struct SeatBid<'a> {
    #[serde(borrow)]
    bid: Vec<Bid<'a>>,
}

#[derive(Deserialize)]
struct Bid<'a> {
    #[serde(borrow)]
    price: &'a RawValue,
    cid: String,
    #[serde(default)]
    nurl: String,
    #[serde(default)]
    burl: String,
    #[serde(default)]
    lurl: String,
}

/// Reads a response; `None` if there is not exactly one bid in it.
pub(crate) fn read_bid(body: &[u8]) -> Option<ReadBid> {
    let response: Response<'_> = serde_json::from_slice(body).ok()?;
    let mut bids = response.seatbid.into_iter().flat_map(|seat| seat.bid);
    let (bid, None) = (bids.next()?, bids.next()) else { return None };
    Some(ReadBid {
        campaign: bid.cid.parse().ok()?,
        price: Cpm::parse(bid.price.get(), Rounding::Up).ok()?.0,
        nurl: bid.nurl,
        burl: bid.burl,
        lurl: bid.lurl,
    })
}
