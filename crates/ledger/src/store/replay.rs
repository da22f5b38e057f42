//! Replay: the events alone must give the tables.
//!
//! Promises that every event passes the same checks as when it was written. Never writes.

use std::path::Path;

use rusqlite::Connection;

use super::caps::agree_with_events;
use super::open::unreadable;
use super::{StoreError, rows};
use crate::Books;

/// Applies all events to empty books.
pub(super) fn replay(conn: &Connection, path: &Path) -> Result<Books, StoreError> {
    let mut books = Books::default();
    let damaged = |error| unreadable(path, error);
    let mut statement = conn.prepare(rows::SELECT_ALL).map_err(damaged)?;
    let mut events = statement.query([]).map_err(damaged)?;
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
    let differs = |detail| Err(StoreError::ReplayDiffers { path: path.into(), detail });
    if let Some(detail) = difference(&replayed, tables) {
        return differs(detail);
    }
    match agree_with_events(conn).map_err(|error| unreadable(path, error))? {
        true => Ok(()),
        false => differs("users: the events count them differently than the table does".into()),
    }
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
