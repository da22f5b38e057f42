//! What happened, as the exchanges saw it: the only thing that the judge looks at.
//!
//! Promises numbers and times and nothing of the bidder's. Bids that lost are counted, not kept.

use crate::world::Actor;

/// A bid that won its auction.
#[derive(Clone, Copy, Debug)]
pub struct Win {
    /// Whose.
    pub campaign: u32,
    /// Place among the countries.
    pub region: usize,
    /// Who is counted for a cap.
    pub user: Option<u64>,
    /// When the request was sent.
    pub at_ms: i64,
    /// Until when a notice is within the window of its exchange and format.
    pub window_ms: i64,
    /// What the exchange charges if it is shown, in nano-USD.
    pub price: i64,
    /// When the acknowledged win notice came in.
    pub won_ms: Option<i64>,
    /// When the first acknowledged billing notice came in.
    pub billed_ms: Option<i64>,
}

/// An actor that crashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// When.
    pub at_ms: i64,
    /// Place among the countries.
    pub region: usize,
    /// Which.
    pub actor: Actor,
}

/// What the ledger says of one campaign at the end, in nano-USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// What it may spend.
    pub budget: i64,
    /// What it has spent.
    pub spent: i64,
    /// What is out on leases.
    pub leased: i64,
    /// What is left.
    pub free: i64,
    /// The part of its spend that no lease covered.
    pub late: i64,
}

/// The record of a rehearsal.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Requests that were sent.
    pub requests: u64,
    /// Requests that nobody answered, since there was no process.
    pub unanswered: u64,
    /// How often the process was started.
    pub starts: u32,
    /// Bids that came back.
    pub bids: u64,
    /// Of these, such as broke a rule: of no campaign, not for this impression, below the floor, above its price.
    pub absurd: u64,
    /// Those that won.
    pub wins: Vec<Win>,
    /// Notices that were acknowledged.
    pub acknowledged: u64,
    /// Attempts that were not.
    pub refused: u64,
    /// The crashes, as they were seen.
    pub crashes: Vec<Crash>,
    /// The ledger's books at the end, by campaign's place in the cast.
    pub books: Vec<Book>,
    /// Why there was no bid, the commonest first.
    pub no_bids: Vec<(String, u64)>,
}
