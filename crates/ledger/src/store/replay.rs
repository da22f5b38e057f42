//! Replay: what was carried forward and the events after it must give the tables.
//!
//! Promises that every event passes the same checks as when it was written. Never writes.

use std::path::Path;

use rusqlite::{Connection, params};

use super::balances::CARRIED;
use super::caps::agree_with_events;
use super::fold::listed_rows_agree;
use super::open::unreadable;
use super::{StoreError, rows};
use crate::Books;

/// Applies all events to the books that were carried forward: empty ones if nothing was folded.
pub(super) fn replay(conn: &Connection, path: &Path) -> Result<Books, StoreError> {
    let damaged = |error| unreadable(path, error);
    let mut books = CARRIED.load(conn).map_err(damaged)?;
    books.check().map_err(|source| StoreError::DoesNotBalance { path: path.into(), source })?;
    let mut statement = conn.prepare(rows::SELECT_AFTER).map_err(damaged)?;
    let mut events = statement.query(params![books.last_seq(), i64::MAX]).map_err(damaged)?;
    while let Some(row) = events.next().map_err(damaged)? {
        let event = rows::event(row).map_err(damaged)?;
        books.apply(&event).map_err(|source| StoreError::DoesNotBalance { path: path.into(), source })?;
    }
    books.check().map_err(|source| StoreError::DoesNotBalance { path: path.into(), source })?;
    Ok(books)
}

/// Replays, and compares with the books that the tables give.
pub(super) fn compare(conn: &Connection, path: &Path, tables: &Books) -> Result<(), StoreError> {
    let replayed = replay(conn, path)?;
    match difference(&replayed, tables) {
        None => Ok(()),
        Some(detail) => Err(StoreError::ReplayDiffers { path: path.into(), detail }),
    }
}

/// Compares what does not follow by replay: users with billings, and the events that are kept of those that were folded with the
/// balances.
pub(super) fn compare_kept(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let damaged = |error| unreadable(path, error);
    let detail = match agree_with_events(conn).map_err(damaged)? {
        true => listed_rows_agree(conn).map_err(damaged)?,
        false => Some("users: the events count them differently than the table does".into()),
    };
    detail.map_or(Ok(()), |detail| Err(StoreError::ReplayDiffers { path: path.into(), detail }))
}

fn difference(replayed: &Books, tables: &Books) -> Option<String> {
    if replayed == tables {
        return None;
    }
    let parts = [
        ("last event", format!("{:?}", replayed.last_seq), format!("{:?}", tables.last_seq)),
        ("last lease", format!("{:?}", replayed.last_lease), format!("{:?}", tables.last_lease)),
        ("accounts", format!("{:?}", replayed.accounts), format!("{:?}", tables.accounts)),
        ("open leases", format!("{:?}", replayed.leases), format!("{:?}", tables.leases)),
        ("regions", format!("{:?}", replayed.heads), format!("{:?}", tables.heads)),
        ("counts", format!("{:?}", replayed.tally), format!("{:?}", tables.tally)),
    ];
    let (name, events, tables) = parts.into_iter().find(|(_, events, tables)| events != tables)?;
    Some(format!("{name}: the events give {events}, the tables say {tables}"))
}
