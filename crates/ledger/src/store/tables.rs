//! The tables that follow from the events, and the write-ahead log's way back into the database.
//!
//! Promises that a commit writes only the rows that its events touched. Never writes outside the batch's transaction.

use std::collections::BTreeSet;

use super::balances::{NOW, Touched};
use super::write::database;
use super::{Store, StoreError};

/// After so many commits or events the write-ahead log is written back: some 10 MiB at about ten pages a commit.
const LOG_COMMITS_MAX: usize = 256;
const LOG_EVENTS_MAX: usize = 4_096;

impl Store {
    /// Writes what follows from the batch's events: only the rows that they touched.
    pub(super) fn write_tables(&self) -> rusqlite::Result<()> {
        let (conn, books) = (&self.conn, &self.books);
        let touched = Touched {
            campaigns: self.batch.iter().map(|event| event.campaign).collect(),
            leases: self.batch.iter().filter_map(|event| event.lease).collect(),
        };
        NOW.write(conn, books, &touched)?;
        let regions: BTreeSet<_> = self.batch.iter().filter_map(|event| event.region.as_ref()).collect();
        regions.iter().try_for_each(|region| NOW.write_head(conn, books, region))?;
        let kinds: BTreeSet<_> = self.batch.iter().map(|event| event.kind).collect();
        kinds.iter().try_for_each(|kind| NOW.write_count(conn, books, *kind))?;
        self.write_cap_counts()
    }

    /// Writes a long log back into the database. A read in progress may delay it; any other failure is one of the disk.
    pub(super) fn write_back(&mut self) -> Result<(), StoreError> {
        self.log_commits += 1;
        self.log_events += self.batch.len();
        if self.log_commits < LOG_COMMITS_MAX && self.log_events < LOG_EVENTS_MAX {
            return Ok(());
        }
        self.conn
            .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")
            .and_then(|mut statement| statement.query_row([], |_| Ok(())))
            .map_err(database("write the log into the database"))?;
        (self.log_commits, self.log_events) = (0, 0);
        Ok(())
    }
}
