//! What regions read to start and to catch up.
//!
//! Promises that only durable events are read: with a commit pending, a read is refused.

use std::sync::Arc;

use rusqlite::params;

use super::caps::counts_since;
use super::{Store, StoreError, rows};
use crate::report::EVENTS_PAGE_MAX;
use crate::{EventPage, LedgerEvent, RegionSnapshot, Totals};

impl Store {
    /// All accounts and counts.
    ///
    /// # Errors
    /// [`StoreError::Uncommitted`], [`StoreError::Poisoned`].
    pub fn totals(&self) -> Result<Totals, StoreError> {
        self.check_readable()?;
        Ok(Totals::of(&self.books))
    }

    /// A region as it is now: its open leases, and whom it billed since the minute of `since_ms`.
    ///
    /// # Errors
    /// As [`commit`](Self::commit), and [`StoreError::Uncommitted`].
    pub fn snapshot(&self, region: &Arc<str>, since_ms: i64) -> Result<RegionSnapshot, StoreError> {
        self.check_readable()?;
        let billed = counts_since(&self.conn, region, since_ms)
            .map_err(|source| StoreError::Database { doing: "count impressions", source })?;
        Ok(RegionSnapshot {
            region: Arc::clone(region),
            region_seq: self.books.head(region),
            leases: self.books.leases().filter(|lease| lease.region == *region).cloned().collect(),
            billed,
        })
    }

    /// The events of a region after the one numbered `region_seq`, at most a page of them.
    ///
    /// # Errors
    /// As [`commit`](Self::commit), and [`StoreError::Uncommitted`].
    pub fn events_since(&self, region: &str, region_seq: u64) -> Result<EventPage, StoreError> {
        self.check_readable()?;
        let read = || {
            let mut statement = self.conn.prepare_cached(rows::SELECT_SINCE)?;
            let events = statement.query_map(params![region, region_seq, EVENTS_PAGE_MAX], rows::event)?;
            events.map(|event| event.map(Arc::new)).collect::<rusqlite::Result<Vec<_>>>()
        };
        let events = read().map_err(|source| StoreError::Database { doing: "read events", source })?;
        Ok(EventPage { events, head: self.books.head(region) })
    }

    /// The newest event of a region.
    ///
    /// # Errors
    /// As [`commit`](Self::commit), and [`StoreError::Uncommitted`].
    pub fn newest(&self, region: &str) -> Result<Option<Arc<LedgerEvent>>, StoreError> {
        let head = self.books.head(region);
        if head == 0 {
            return Ok(None);
        }
        Ok(self.events_since(region, head - 1)?.events.pop())
    }
}
