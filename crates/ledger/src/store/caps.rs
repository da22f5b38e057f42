//! The counts of users in the database: written with the billings, read by regions that start, forgotten in time.
//!
//! Promises that the counts follow from the billings and are durable with them. A reader has a connection of its own and
//! holds up nobody.

use std::array::TryFromSliceError;
use std::path::PathBuf;
use std::sync::Arc;

use campaign::CapMemory;
use rusqlite::types::Type;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};

use super::open::connect;
use super::write::database;
use super::{Store, StoreError};
use crate::cap::life_of;
use crate::report::DAY_MS;
use crate::{CAP_SLOT_MS, CapCount, CapKey, CapReader, CapStoreError, CapSubject, EventKind, LedgerEvent};

/// Kept beyond the widest window: keys change at midnight (UTC), and a campaign may look back over it.
const CAP_MARGIN_MS: i64 = DAY_MS;

/// How long an event keeps its user's key: for as long as replay compares events with counts.
const EVENT_KEY_LIFE_MS: i64 = 2 * DAY_MS;

const SELECT: &str =
    "SELECT subject, cap_key, slot, count FROM cap_count WHERE region = ?1 AND life = ?2 AND slot >= ?3";

impl Store {
    /// Forgets whom no cap looks back on any more: counts when the memory of their key is over, keys in events after two
    /// days; of both at most so many rows. Says how many: as many as it may if there may be more.
    ///
    /// # Errors
    /// [`StoreError::Uncommitted`]; all others as [`commit`](Self::commit).
    pub fn forget_cap_keys(&mut self, now_ms: i64, rows_max: usize) -> Result<usize, StoreError> {
        self.check_readable()?;
        self.poisoned = true;
        let regions: Vec<_> = self.books.regions().cloned().collect();
        let forgotten = forget(&mut self.conn, &regions, now_ms, rows_max).map_err(database("forget users"))?;
        self.poisoned = false;
        Ok(forgotten)
    }

    /// A reader of a region's counts, for another thread.
    #[must_use]
    pub fn cap_reader(&self, region: Arc<str>) -> LedgerCapReader {
        LedgerCapReader { path: self.path().to_owned(), region, conn: None }
    }

    /// Counts the batch's billings.
    pub(super) fn write_cap_counts(&self) -> rusqlite::Result<()> {
        for event in self.batch.iter().filter(|event| event.kind == EventKind::Billing) {
            for (key, subject) in counted(event) {
                self.conn
                    .prepare_cached(
                        "INSERT INTO cap_count VALUES (?1, ?2, ?3, ?4, ?5, 1) \
                         ON CONFLICT DO UPDATE SET count = count + 1",
                    )?
                    .execute(params![
                        event.region.as_deref(),
                        key.life(),
                        event.at_ms / CAP_SLOT_MS,
                        subject.code(),
                        key.0
                    ])?;
            }
        }
        Ok(())
    }
}

/// What a billing is counted for.
fn counted(event: &LedgerEvent) -> impl Iterator<Item = (CapKey, CapSubject)> {
    let facts = event.bid.as_ref().and_then(|facts| Some((facts.cap_key?, facts.creative)));
    let campaign = facts.map(|(key, _)| (key, CapSubject::Campaign(event.campaign)));
    let creative = facts.filter(|(key, _)| key.counts_creatives());
    campaign.into_iter().chain(creative.map(|(key, creative)| (key, CapSubject::Creative(creative))))
}

/// The counts of a region since a time.
pub(super) fn counts_since(conn: &Connection, region: &str, since_ms: i64) -> rusqlite::Result<Vec<CapCount>> {
    let mut counts = Vec::new();
    each_count(conn, region, since_ms.div_euclid(CAP_SLOT_MS), &mut |count| {
        counts.push(count);
        true
    })?;
    Ok(counts)
}

/// Straight from the primary key, in its order, whatever else was recorded.
fn each_count(
    conn: &Connection,
    region: &str,
    first_slot: i64,
    take: &mut dyn FnMut(CapCount) -> bool,
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(SELECT)?;
    for memory in CapMemory::ALL {
        let mut rows = statement.query(params![region, life_of(memory), first_slot])?;
        while let Some(row) = rows.next()? {
            let code = row.get_ref(0)?.as_i64()?;
            // A subject of a later version is nobody's here.
            let Some(subject) = CapSubject::from_code(code) else { continue };
            let cap_key = CapKey(row.get_ref(1)?.as_blob()?.try_into().map_err(strange)?);
            let until_ms = row.get_ref(2)?.as_i64()?.saturating_add(1).saturating_mul(CAP_SLOT_MS);
            let count = u32::try_from(row.get_ref(3)?.as_i64()?).unwrap_or(u32::MAX);
            let count = CapCount { subject, cap_key, until_ms, count };
            if !take(count) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn strange(wrong: TryFromSliceError) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(1, Type::Blob, wrong.into())
}

/// Counts by the memory of their key, keys of events by days, and where the events begin that have one.
fn forget(conn: &mut Connection, regions: &[Arc<str>], now_ms: i64, rows_max: usize) -> rusqlite::Result<usize> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut left = rows_max;
    for (memory, region) in CapMemory::ALL.into_iter().flat_map(|memory| regions.iter().map(move |of| (memory, of))) {
        let first_slot = now_ms.saturating_sub(memory.millis() + CAP_MARGIN_MS).div_euclid(CAP_SLOT_MS);
        left -= forget_counts(&transaction, region, life_of(memory), first_slot, left)?;
    }
    let from_ms = now_ms.saturating_sub(EVENT_KEY_LIFE_MS).div_euclid(CAP_SLOT_MS) * CAP_SLOT_MS;
    let events = "UPDATE event SET cap_key = NULL WHERE seq IN \
                  (SELECT seq FROM event WHERE cap_key IS NOT NULL AND at_ms < ?1 ORDER BY at_ms LIMIT ?2)";
    left -= transaction.prepare_cached(events)?.execute(params![from_ms, left])?;
    // From the first portion on: what is older is compared no more, whether it is forgotten or still to be.
    transaction.execute("UPDATE mark SET keys_from_ms = max(keys_from_ms, ?1)", [from_ms])?;
    transaction.commit()?;
    Ok(rows_max - left)
}

/// Forgets the earliest counts before a minute, at most so many; says how many there were.
fn forget_counts(
    conn: &Connection,
    region: &str,
    life: u8,
    first_slot: i64,
    rows_max: usize,
) -> rusqlite::Result<usize> {
    let beyond = conn
        .prepare_cached(
            "SELECT slot, subject, cap_key FROM cap_count WHERE region = ?1 AND life = ?2 AND slot < ?3 \
             ORDER BY slot, subject, cap_key LIMIT 1 OFFSET ?4",
        )?
        .query_row(params![region, life, first_slot, rows_max], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?))
        })
        .optional()?;
    let (slot, subject, cap_key) = beyond.unwrap_or((first_slot, i64::MIN, Vec::new()));
    conn.prepare_cached(
        "DELETE FROM cap_count WHERE region = ?1 AND life = ?2 AND (slot, subject, cap_key) < (?3, ?4, ?5)",
    )?
    .execute(params![region, life, slot, subject, cap_key])
}

/// Every count that the events with a key give stands in the table, and nothing else does since they begin.
pub(super) fn agree_with_events(conn: &Connection) -> rusqlite::Result<bool> {
    conn.query_row(
        "WITH billed AS (SELECT region, substr(cap_key, 16, 1) AS last, at_ms / ?1 AS slot, campaign, creative, cap_key \
                         FROM event WHERE cap_key IS NOT NULL AND kind = ?2 \
                         AND at_ms >= (SELECT keys_from_ms FROM mark)), \
              marked AS (SELECT *, CASE WHEN last IN (x'00', x'80') THEN 0 WHEN last IN (x'01', x'81') THEN 1 \
                                        ELSE 2 END AS life FROM billed), \
              each AS (SELECT region, life, slot, campaign AS subject, cap_key FROM marked UNION ALL \
                       SELECT region, life, slot, creative + ?3, cap_key FROM marked WHERE last >= x'80'), \
              counted AS (SELECT region, life, slot, subject, cap_key, count(*) FROM each GROUP BY 1, 2, 3, 4, 5) \
         SELECT NOT EXISTS (SELECT * FROM counted EXCEPT SELECT * FROM cap_count) \
            AND (SELECT count(*) FROM counted) \
              = (SELECT count(*) FROM cap_count WHERE slot * ?1 >= (SELECT keys_from_ms FROM mark))",
        params![CAP_SLOT_MS, EventKind::Billing.name(), 1_i64 << 32],
        |row| row.get(0),
    )
}

/// A region's counts, read beside the writer.
#[derive(Debug)]
pub struct LedgerCapReader {
    path: PathBuf,
    region: Arc<str>,
    conn: Option<Connection>,
}

impl LedgerCapReader {
    fn failed(&self, error: impl std::fmt::Display) -> CapStoreError {
        CapStoreError::new(format_args!("{}: {error}", self.path.display()))
    }
}

impl CapReader for LedgerCapReader {
    fn begin(&mut self) -> Result<u64, CapStoreError> {
        let conn = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| self.failed(error))?;
        // The first read of the transaction decides which moment it sees.
        let head = conn.execute_batch("BEGIN").and_then(|()| {
            let mut statement = conn.prepare("SELECT head FROM region WHERE region = ?1")?;
            let mut heads = statement.query([&*self.region])?;
            heads.next()?.map_or(Ok(0), |row| row.get(0))
        });
        let head = head.map_err(|error| self.failed(error))?;
        self.conn = Some(conn);
        Ok(head)
    }

    fn read(&mut self, since_ms: i64, take: &mut dyn FnMut(CapCount) -> bool) -> Result<(), CapStoreError> {
        // Closed at the end: an open moment would keep the writer from writing its log back.
        let conn = self.conn.take().ok_or_else(|| self.failed("reading has not begun"))?;
        let first_slot = since_ms.div_euclid(CAP_SLOT_MS);
        each_count(&conn, &self.region, first_slot, take).map_err(|error| self.failed(error))
    }
}
