//! What an incarnation of a region leaves to the next: the caps of the bids that are out, and what it read of the ledger.
//!
//! Promises that a bid that was sent counts in its user's caps until it is billed, lost or expired, whatever crashes in the
//! region meanwhile, and that a bid which came too late to be left is not sent. It stands outside the incarnations; after a
//! crash of the process it begins with what the [journal](crate::cap_journal) has of the bids that are out, and without an
//! archive.
//!
//! # What may be taken over
//!
//! A restart leads back to a known state, so of an incarnation that crashed nothing is believed but
//!
//! - the **archive**: a copy of what the ledger said of minutes that were over, which nothing changes once it is built and whose
//!   checksums are looked at first. What a reader would say again may as well be kept: any crash, the capper's own too, leaves
//!   it what it was. It is read anew if a checksum does not hold, or if the ledger has recorded something in a minute that
//!   the archive took for over (a clock that was set back).
//! - the **open bids**, which nobody else knows: entry by entry, each with its own end.
//!
//! Everything else, the counts since the archive first of all, is read from the ledger.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use ledger::TokenId;

use crate::cap_archive::CapArchive;
use crate::cap_note;
use crate::cap_table::{CapTable, CarriedOpen};

/// The caps in use, or what was left of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct CapEstate(Arc<Mutex<Left>>);

#[derive(Debug, Default)]
struct Left {
    table: Option<Arc<CapTable>>,
    archive: Option<Arc<CapArchive>>,
    open: Vec<CarriedOpen>,
    /// The last event of the region that was applied to them.
    followed: u64,
    /// What the last process left is known.
    is_restored: bool,
}

impl CapEstate {
    /// Closes the table of the incarnation that is gone, and keeps what was open in it. Nothing happens if that was done.
    pub(crate) fn collect(&self) {
        let mut left = self.lock();
        if let Some(table) = left.table.take() {
            left.open = table.hand_over();
        }
    }

    /// Whether what the last process left is still to be asked for: an incarnation that did not get to know it leaves that to the
    /// next.
    pub(crate) fn begins(&self) -> bool {
        !self.lock().is_restored
    }

    /// Begins with what the last process left.
    pub(crate) fn restore(&self, from: cap_note::Left) {
        let mut left = self.lock();
        left.is_restored = true;
        (left.open, left.followed) = (from.open, from.followed);
    }

    /// Counts what was left in a new table, which nobody bids with yet.
    pub(crate) fn settle(&self, table: &CapTable, now_ms: i64) -> CarriedBids {
        let mut left = self.lock();
        // Kept until the table is handed over: if the incarnation ends before that, the next one finds them.
        left.open.retain(|open| now_ms < open.expires_ms);
        let mut carried = CarriedBids::default();
        for open in &left.open {
            table.carry(open);
            carried.add(*open);
        }
        carried
    }

    /// The table has been published: from now on it is the one whose open bids are left.
    pub(crate) fn hand_to(&self, table: &Arc<CapTable>) {
        let mut left = self.lock();
        left.open.clear();
        left.table = Some(Arc::clone(table));
    }

    /// What the ledger said of the minutes that are over, if somebody has read it.
    pub(crate) fn archive(&self) -> Option<Arc<CapArchive>> {
        self.lock().archive.clone()
    }

    /// Leaves an archive to whoever comes next, or none.
    pub(crate) fn leave_archive(&self, archive: Option<Arc<CapArchive>>) {
        self.lock().archive = archive;
    }

    /// Notes how far the region's events have been applied to what is open.
    pub(crate) fn follow(&self, region_seq: u64) {
        self.lock().followed = region_seq;
    }

    /// The last event that was applied to what was left: what ended after it is known to nobody here.
    pub(crate) fn followed(&self) -> u64 {
        self.lock().followed
    }

    fn lock(&self) -> MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Open bids of earlier incarnations: nobody else follows them to their end.
#[derive(Debug, Default)]
pub(crate) struct CarriedBids {
    by_bid: HashMap<TokenId, Vec<CarriedOpen>, RandomState>,
    expiries: BTreeMap<i64, Vec<TokenId>>,
}

impl CarriedBids {
    fn add(&mut self, open: CarriedOpen) {
        let places = self.by_bid.entry(open.bid).or_default();
        places.push(open);
        if places.len() == 1 {
            self.expiries.entry(open.expires_ms).or_default().push(open.bid);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_bid.is_empty()
    }

    /// The bid was won: it waits for its billing.
    pub(crate) fn win(&mut self, bid: TokenId, caps: &CapTable, expires_ms: i64) {
        let Some(places) = self.by_bid.get_mut(&bid) else { return };
        for place in places {
            caps.extend(place.subject, place.key, bid, expires_ms);
            place.expires_ms = place.expires_ms.max(expires_ms);
        }
        self.expiries.entry(expires_ms).or_default().push(bid);
    }

    /// The bid was lost, or billed, which the table has noted.
    pub(crate) fn end(&mut self, bid: TokenId, caps: &CapTable) {
        for place in self.by_bid.remove(&bid).into_iter().flatten() {
            caps.close(place.subject, place.key, bid);
        }
    }

    /// Ends the bids whose time has run out.
    pub(crate) fn expire(&mut self, caps: &CapTable, now_ms: i64) {
        while let Some(entry) = self.expiries.first_entry().filter(|entry| *entry.key() <= now_ms) {
            for bid in entry.remove() {
                let due = self.by_bid.get(&bid).is_some_and(|places| places[0].expires_ms <= now_ms);
                if due {
                    self.end(bid, caps);
                }
            }
        }
    }
}
