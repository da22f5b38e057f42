//! Reading a ledger that somebody else may be writing.
//!
//! Promises not to hold up the writer, and to see one moment of it. Never writes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use campaign::CampaignId;
use money::Nanos;
use rusqlite::{Connection, OpenFlags};

use super::balances::NOW;
use super::open::{check_identity, connect, unreadable};
use super::{StoreError, campaigns, replay};
use crate::{CampaignWord, DefinitionSource, EventKind, TokenId, Totals};

/// A reader of a ledger.
#[derive(Debug)]
pub struct Audit {
    conn: Connection,
    path: PathBuf,
}

/// One billing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Billed {
    /// The bid.
    pub token: TokenId,
    /// Who billed it.
    pub exchange: Arc<str>,
    /// Who pays.
    pub campaign: CampaignId,
    /// What was spent.
    pub amount: Nanos,
    /// Which version of the campaign's definition made the bid; `None` if its token did not say so.
    pub definition: Option<u32>,
}

impl Audit {
    /// Opens a ledger for reading.
    ///
    /// # Errors
    /// [`StoreError`] if the file is missing, is no ledger, or has another version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        check_identity(&conn, path)?;
        Ok(Self { conn, path: path.into() })
    }

    /// All accounts and counts.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read or does not balance.
    pub fn totals(&self) -> Result<Totals, StoreError> {
        self.at_one_moment(|| {
            let books = NOW.load(&self.conn).map_err(|error| unreadable(&self.path, error))?;
            books.check().map_err(|source| StoreError::DoesNotBalance { path: self.path.clone(), source })?;
            Ok(Totals::of(&books))
        })
    }

    /// The last word on every campaign, by campaign; for those that the operators' API keeps, with the definition that counts.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read.
    pub fn campaign_words(&self) -> Result<Vec<(CampaignWord, Option<String>)>, StoreError> {
        let read = || {
            if !campaigns::has_tables(&self.conn)? {
                return Ok(Vec::new());
            }
            let with_text = |word: CampaignWord| {
                let is_kept = word.source == DefinitionSource::Api && !word.removed;
                let text = if is_kept { campaigns::text(&self.conn, word.campaign, word.version)? } else { None };
                Ok((word, text))
            };
            campaigns::words(&self.conn)?.into_iter().map(with_text).collect()
        };
        self.at_one_moment(|| read().map_err(|error| unreadable(&self.path, error)))
    }

    /// All billings that are kept, in order.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read.
    pub fn billed(&self) -> Result<Vec<Billed>, StoreError> {
        let read = || {
            let mut statement = self.conn.prepare_cached(
                "SELECT token, exchange, campaign, amount, definition FROM event WHERE kind = ?1 ORDER BY seq",
            )?;
            let billed = statement.query_map([EventKind::Billing.name()], |row| {
                Ok(Billed {
                    token: TokenId(row.get(0)?),
                    exchange: row.get::<_, String>(1)?.into(),
                    campaign: CampaignId(row.get(2)?),
                    amount: Nanos(row.get(3)?),
                    definition: row.get(4)?,
                })
            })?;
            billed.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| unreadable(&self.path, error))
    }

    /// Replays all events since the last that was folded, checks each, compares the result with the tables and what is kept of
    /// earlier ones with what was carried forward, and gives it.
    ///
    /// # Errors
    /// [`StoreError::DoesNotBalance`], [`StoreError::ReplayDiffers`], or the file cannot be read.
    pub fn verify(&self) -> Result<Totals, StoreError> {
        self.at_one_moment(|| {
            let books = NOW.load(&self.conn).map_err(|error| unreadable(&self.path, error))?;
            replay::compare(&self.conn, &self.path, &books)?;
            replay::compare_kept(&self.conn, &self.path)?;
            Ok(Totals::of(&books))
        })
    }

    /// Reads within one transaction, so that what a writer adds meanwhile is not seen by half.
    fn at_one_moment<T>(&self, read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let run = |sql: &str| self.conn.execute_batch(sql).map_err(|error| unreadable(&self.path, error));
        run("BEGIN")?;
        let result = read();
        run("COMMIT")?;
        result
    }
}
