//! How a region ends: in good order, or by a crash of one of its actors.
//!
//! All that the pacer hears in either case is that it is to stop. In good order the capper has stopped before it, and
//! `bidding_state` has not ended; after a crash of the capper nobody has said so, and after one of `bidding_state` that is
//! gone. Promises to say "in good order" of nothing else: what a crash leaves in leases stays there until their bids can no
//! longer bill.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

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
