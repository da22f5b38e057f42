//! Bringing a ledger of an earlier schema up to date.
//!
//! Promises that the ledger is either as it was or wholly of the present schema, whatever happens on the way: all steps are one
//! transaction, and what they made is checked like any ledger before it counts. There is no way back: a program of the
//! earlier schema refuses the file afterwards.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;
use super::open::{SCHEMA_VERSION, check_books, schema_version};
use super::write::database;

/// Each brings a ledger of its number, counted from 1, to the next.
const STEPS: [&str; 5] = [
    include_str!("1_to_2.sql"),
    include_str!("2_to_3.sql"),
    include_str!("3_to_4.sql"),
    include_str!("4_to_5.sql"),
    include_str!("5_to_6.sql"),
];
const _: () = assert!(STEPS.len() as i64 + 1 == SCHEMA_VERSION, "every earlier schema has a step");

/// Takes all steps from the ledger's schema to the present one.
pub(super) fn bring_up_to_date(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let found = schema_version(conn, path)?;
    if found == SCHEMA_VERSION {
        return Ok(());
    }
    tracing::info!(path = %path.display(), found, known = SCHEMA_VERSION, "the ledger is brought up to date");
    let doing = "bring the ledger up to date (nothing was changed)";
    // Rolled back when it is dropped.
    let transaction = conn.unchecked_transaction().map_err(database(doing))?;
    for step in STEPS.iter().skip(usize::try_from(found - 1).unwrap_or(0)) {
        transaction.execute_batch(step).map_err(database(doing))?;
    }
    transaction.execute_batch(&format!("PRAGMA user_version = {SCHEMA_VERSION}")).map_err(database(doing))?;
    check_books(&transaction, path)?;
    transaction.commit().map_err(database(doing))
}
