//! Removing the rows of notices and billings that are kept no longer.
//!
//! Promises that what is removed was folded before, so that no balance changes, and that the counts of what is still listed go
//! down by as much. Never removes a row that is younger than it may be, nor one beyond it.

use rusqlite::{Connection, OptionalExtension, params};

/// The events after one, up to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) after: u64,
    pub(super) last: u64,
}

/// The last event of the next so many rows, if there are so many and none of them is younger than `until_ms`.
pub(super) fn due(conn: &Connection, of: Bounds, until_ms: i64, rows_max: usize) -> rusqlite::Result<Option<u64>> {
    let last = conn
        .prepare_cached("SELECT seq, at_ms FROM event WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT 1 OFFSET ?3")?
        .query_row(params![of.after, of.last, rows_max - 1], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let Some((last, _)) = last.filter(|(_, at_ms)| *at_ms <= until_ms) else { return Ok(None) };
    // A clock that was set back has written younger ones before this one.
    let younger: bool = conn
        .prepare_cached("SELECT EXISTS (SELECT * FROM event WHERE seq > ?1 AND seq <= ?2 AND at_ms > ?3)")?
        .query_row(params![of.after, last, until_ms], |row| row.get(0))?;
    Ok((!younger).then_some(last))
}

/// Removes all but budgets and billings; says how many rows that were.
pub(super) fn notices(conn: &Connection, of: Bounds) -> rusqlite::Result<usize> {
    conn.prepare_cached(
        "UPDATE carried_tally SET listed = listed - (SELECT count(*) FROM event WHERE seq > ?1 AND seq <= ?2 \
         AND event.kind = carried_tally.kind) WHERE kind NOT IN ('budget', 'billing')",
    )?
    .execute(params![of.after, of.last])?;
    let removed = conn
        .prepare_cached("DELETE FROM event WHERE seq > ?1 AND seq <= ?2 AND kind NOT IN ('budget', 'billing')")?
        .execute(params![of.after, of.last])?;
    conn.prepare_cached("UPDATE carried_mark SET notices_seq = ?1")?.execute([of.last])?;
    Ok(removed)
}

/// Removes billings; says how many they were. They stay in their campaigns' spend.
pub(super) fn billings(conn: &Connection, of: Bounds) -> rusqlite::Result<usize> {
    conn.prepare_cached(
        "WITH gone AS (SELECT campaign, sum(amount) AS amount FROM event WHERE seq > ?1 AND seq <= ?2 AND kind = 'billing' \
         GROUP BY campaign) UPDATE carried_account SET unlisted = unlisted + gone.amount FROM gone \
         WHERE gone.campaign = carried_account.campaign",
    )?
    .execute(params![of.after, of.last])?;
    let removed = conn
        .prepare_cached("DELETE FROM event WHERE seq > ?1 AND seq <= ?2 AND kind = 'billing'")?
        .execute(params![of.after, of.last])?;
    conn.prepare_cached("UPDATE carried_tally SET listed = listed - ?1 WHERE kind = 'billing'")?.execute([removed])?;
    conn.prepare_cached("UPDATE carried_mark SET billings_seq = ?1")?.execute([of.last])?;
    Ok(removed)
}
