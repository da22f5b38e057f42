//! What regions read to start and to catch up.
//!
//! Promises that only durable events are read: with a commit pending, a read is refused.

use std::path::Path;
use std::sync::Arc;

use rusqlite::params;

use super::caps::counts_since;
use super::{Store, StoreError, rows};
use crate::report::EVENTS_PAGE_MAX;
use crate::{EventPage, LedgerEvent, LedgerSize, RegionSnapshot, Totals};

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

    /// The events of a region after the one numbered `region_seq`, at most a page of them; none if some of these were folded.
    ///
    /// # Errors
    /// As [`commit`](Self::commit), and [`StoreError::Uncommitted`].
    pub fn events_since(&self, region: &str, region_seq: u64) -> Result<EventPage, StoreError> {
        self.check_readable()?;
        let folded = self.folded.heads.get(region).copied().unwrap_or(0);
        // Of those that were folded some are gone: a page with a gap would be worse than none.
        let rows_max = if region_seq < folded { 0 } else { EVENTS_PAGE_MAX };
        Ok(EventPage { events: self.page(region, region_seq, rows_max)?, head: self.books.head(region), folded })
    }

    fn page(&self, region: &str, region_seq: u64, rows_max: usize) -> Result<Vec<Arc<LedgerEvent>>, StoreError> {
        let read = || {
            let mut statement = self.conn.prepare_cached(rows::SELECT_SINCE)?;
            let events = statement.query_map(params![region, region_seq, rows_max], rows::event)?;
            events.map(|event| event.map(Arc::new)).collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|source| StoreError::Database { doing: "read events", source })
    }

    /// How large the files are.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn size(&self) -> Result<LedgerSize, StoreError> {
        let pragma = |name: &str| -> Result<u64, StoreError> {
            let found = self.conn.prepare_cached(name).and_then(|mut of| of.query_row([], |row| row.get(0)));
            found.map_err(|source| StoreError::Database { doing: "read its size", source })
        };
        let page = pragma("PRAGMA page_size")?;
        let mut log = self.path().as_os_str().to_owned();
        log.push("-wal");
        Ok(LedgerSize {
            bytes: page * pragma("PRAGMA page_count")?,
            free_bytes: page * pragma("PRAGMA freelist_count")?,
            log_bytes: Path::new(&log).metadata().map_or(0, |log| log.len()),
        })
    }

    /// The newest event of a region; `None` if that is not kept any more.
    ///
    /// # Errors
    /// As [`commit`](Self::commit), and [`StoreError::Uncommitted`].
    pub fn newest(&self, region: &str) -> Result<Option<Arc<LedgerEvent>>, StoreError> {
        self.check_readable()?;
        let head = self.books.head(region);
        if head == 0 { Ok(None) } else { Ok(self.page(region, head - 1, 1)?.pop()) }
    }
}
