//! The tables that follow from the events, and the write-ahead log's way back into the database.
//!
//! Promises that a commit writes only the rows that its events touched. Never writes outside the batch's transaction.

use std::collections::BTreeSet;

use rusqlite::params;

use super::write::database;
use super::{Store, StoreError};

/// After so many commits or events the write-ahead log is written back: some 10 MiB at about ten pages a commit.
const LOG_COMMITS_MAX: usize = 256;
const LOG_EVENTS_MAX: usize = 4_096;

impl Store {
    /// Writes what follows from the batch's events: only the rows that they touched.
    pub(super) fn write_tables(&self) -> rusqlite::Result<()> {
        let (conn, books) = (&self.conn, &self.books);
        let campaigns: BTreeSet<_> = self.batch.iter().map(|event| event.campaign).collect();
        for (campaign, account) in campaigns.iter().filter_map(|id| Some((id, books.account(*id)?))) {
            conn.prepare_cached("INSERT OR REPLACE INTO account VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
                campaign.0,
                account.budget().0,
                account.spent().0,
                account.leased().0,
                account.free().0,
                account.late().0,
            ])?;
        }
        let leases: BTreeSet<_> = self.batch.iter().filter_map(|event| event.lease).collect();
        for id in leases {
            let Some(lease) = books.lease(id) else {
                conn.prepare_cached("DELETE FROM lease WHERE lease = ?1")?.execute([id.0])?;
                continue;
            };
            conn.prepare_cached("INSERT OR REPLACE INTO lease VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?
                .execute(params![
                    id.0,
                    lease.campaign.0,
                    &*lease.region,
                    lease.granted.0,
                    lease.spent.0,
                    lease.left.0,
                    lease.term.expires_ms,
                    lease.term.closes_ms,
                    lease.last.map(|last| last.open_until_ms),
                    lease.last.map(|last| last.won_ttl_ms),
                ])?;
        }
        let regions: BTreeSet<_> = self.batch.iter().filter_map(|event| event.region.as_ref()).collect();
        for region in regions {
            conn.prepare_cached("INSERT OR REPLACE INTO region VALUES (?1, ?2)")?
                .execute(params![&**region, books.head(region)])?;
        }
        self.write_cap_counts()?;
        let kinds: BTreeSet<_> = self.batch.iter().map(|event| event.kind).collect();
        for kind in kinds {
            conn.prepare_cached("INSERT OR REPLACE INTO tally VALUES (?1, ?2)")?
                .execute(params![kind.name(), books.count(kind)])?;
        }
        conn.prepare_cached("UPDATE mark SET last_seq = ?1, last_lease = ?2")?
            .execute(params![books.last_seq, books.last_lease])?;
        Ok(())
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
