//! How a region ends: in good order, or by a crash of one of its actors.
//!
//! All that the pacer hears in either case is that it is to stop. In good order the capper has stopped before it, and
//! `bidding_state` has not ended; after a crash of the capper nobody has said so, and after one of `bidding_state` that is
//! gone. Promises to say "in good order" of nothing else: what a crash leaves in leases stays there until their bids can no
//! longer bill.
//!
//! A region that ends in good order leaves its leases with the ledger: what no bid needs goes back at once, and the rest when the
//! last bid of its lease can no longer bill, also if there is no region by then that would know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use ledger::{LastBids, LeaseLeft};
use money::Nanos;

use crate::lease_cell::LeaseCell;
use crate::lease_estate::LeaseEstate;
use crate::port::Tables;

/// What the last actor of a region says to the others when it is asked to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Farewell(Arc<AtomicBool>);

impl Farewell {
    /// A new incarnation begins: nobody is leaving.
    pub(crate) fn begin(&self) {
        self.0.store(false, SeqCst);
    }

    /// The capper was asked to stop.
    pub(crate) fn say(&self) {
        self.0.store(true, SeqCst);
    }

    /// Whether the pacer, which is asked to stop now, ends with its region in good order.
    pub(crate) fn is_orderly(&self, tables: &Tables) -> bool {
        self.0.load(SeqCst) && tables.incarnation.read().is_some()
    }
}

/// What is said of the leases of a region that ends: of its last incarnation's, with what their bids need, and of those of
/// earlier ones, of which nothing goes back before their bids are over, since nobody has followed them.
pub(crate) fn last_words(leases: &LeaseEstate, own: Vec<(Arc<LeaseCell>, Nanos)>, won_ttl_ms: i64) -> Vec<LeaseLeft> {
    // Read before the leases: a win that is heard in between counts twice and not never.
    let heard = leases.followed();
    let old = leases.old().into_iter().map(|lease| (lease, Nanos(i64::MAX)));
    let left = |(lease, keep): (Arc<LeaseCell>, Nanos)| {
        let last = LastBids { open_until_ms: lease.open_until_ms(), won_ttl_ms };
        LeaseLeft { lease: lease.id(), keep, last, heard }
    };
    own.into_iter().chain(old).map(left).collect()
}
