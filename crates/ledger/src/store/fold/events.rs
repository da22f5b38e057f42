//! One step of folding: so many of the oldest events become balances.
//!
//! Promises that the balances after the step are what replay would have, checked in three ways. Never removes an event before
//! that.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, params};

use super::check::compare_with_sums;
use super::strike;
use crate::store::balances::{CARRIED, Touched};
use crate::store::open::unreadable;
use crate::store::write::database;
use crate::store::{Store, StoreError, rows};
use crate::{EventKind, LedgerEvent};

/// Kinds whose rows go as soon as they are folded: the balances say all that they did.
const ONLY_BALANCES: [EventKind; 3] = [EventKind::LeaseGranted, EventKind::LeaseReturned, EventKind::LeaseExpired];

impl Store {
    /// The oldest events if as many as that are due, and none otherwise.
    pub(super) fn events_due(&self, now_ms: i64, rows_max: usize) -> Result<Vec<LedgerEvent>, StoreError> {
        let (retention, folded_seq, last_seq) = (&self.options.retention, self.folded.last_seq, self.books.last_seq());
        let target = folded_seq.saturating_add(rows_max as u64);
        if last_seq < target {
            return Ok(Vec::new());
        }
        let too_many = retention.events_max <= last_seq - target;
        let until_ms = retention.events_until_ms(now_ms);
        let read = || {
            let at_ms = "SELECT at_ms FROM event WHERE seq = ?1";
            let newest_ms: i64 = self.conn.prepare_cached(at_ms)?.query_row([target], |row| row.get(0))?;
            if !too_many && until_ms < newest_ms {
                return Ok(Vec::new());
            }
            let mut statement = self.conn.prepare_cached(rows::SELECT_AFTER)?;
            let events = statement.query_map(params![folded_seq, rows_max], rows::event)?;
            events.collect::<rusqlite::Result<Vec<_>>>()
        };
        let events = read().map_err(|error| unreadable(&self.options.path, error))?;
        // A clock that was set back has written younger events before this one.
        let all_old = too_many || events.iter().all(|event| event.at_ms <= until_ms);
        Ok(if all_old { events } else { Vec::new() })
    }
}

/// Replaces events by balances; says how many rows went.
pub(super) fn fold(conn: &Connection, path: &Path, events: &[LedgerEvent]) -> Result<usize, StoreError> {
    let damaged = |error| unreadable(path, error);
    let touched = Touched {
        campaigns: events.iter().map(|event| event.campaign).collect(),
        leases: events.iter().filter_map(|event| event.lease).collect(),
    };
    let before = CARRIED.load_part(conn, &touched).map_err(damaged)?;
    let mut after = before.clone();
    let mut counts = BTreeMap::<EventKind, u64>::new();
    for event in events {
        after.apply(event).map_err(|source| StoreError::DoesNotBalance { path: path.into(), source })?;
        *counts.entry(event.kind).or_default() += 1;
    }
    compare_with_sums(conn, path, &before, &after)?;
    strike(0)?;

    let doing = "carry balances forward";
    CARRIED.write(conn, &after, &touched).map_err(database(doing))?;
    for region in after.regions().filter(|region| before.head(region) < after.head(region)) {
        CARRIED.write_head(conn, &after, region).map_err(database(doing))?;
    }
    let mut removed = 0;
    for (kind, count) in counts {
        CARRIED.write_count(conn, &after, kind).map_err(database(doing))?;
        if ONLY_BALANCES.contains(&kind) {
            removed += remove(conn, kind, before.last_seq(), after.last_seq()).map_err(database(doing))?;
        } else {
            conn.prepare_cached("UPDATE carried_tally SET listed = listed + ?2 WHERE kind = ?1")
                .and_then(|mut statement| statement.execute(params![kind.name(), count]))
                .map_err(database(doing))?;
        }
    }
    strike(1)?;
    let written = CARRIED.load_part(conn, &touched).map_err(damaged)?;
    if written != after {
        let detail =
            format!("the balances after event {} were written and are not what is read back", after.last_seq());
        return Err(StoreError::ReplayDiffers { path: path.into(), detail });
    }
    Ok(removed)
}

fn remove(conn: &Connection, kind: EventKind, after: u64, last: u64) -> rusqlite::Result<usize> {
    conn.prepare_cached("DELETE FROM event WHERE seq > ?1 AND seq <= ?2 AND kind = ?3")?.execute(params![
        after,
        last,
        kind.name()
    ])
}
