//! Opening a ledger: make it, or prove that it is one.
//!
//! Promises that nothing is changed in a file that is refused. Never repairs: a ledger that contradicts itself needs a
//! person.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::balances::NOW;
use super::fold::Folded;
use super::lock::WriterLock;
use super::{Store, StoreError, StoreOptions, campaigns, migrate, replay};

/// "TMBL": marks the file as a ledger.
pub(super) const APPLICATION_ID: u32 = 0x544d_424c;
/// The schema that this program reads and writes.
pub(super) const SCHEMA_VERSION: i64 = 6;
const SCHEMA: &str = include_str!("schema.sql");

/// Up to this many events since the last that was folded are replayed when opening (about a second); beyond it only the tables'
/// own balance is checked, and [`Audit::verify`](super::Audit::verify) replays on demand. What stands beside the replay, users and
/// rows that are kept, is compared when there were never more events than that.
const REPLAY_EVENTS_MAX: u64 = 200_000;
/// Up to this size the pages are checked one by one when opening (about a second).
const CHECK_BYTES_MAX: u64 = 256 << 20;
/// How long an operator's long read may hold up the first checkpoint.
const BUSY_WAIT: Duration = Duration::from_secs(2);
/// SQLite's number for `synchronous = FULL`.
const SYNCHRONOUS_FULL: i64 = 2;
/// More than the distinct statements of this crate.
const STATEMENTS_MAX: usize = 96;

impl Store {
    /// Opens the ledger, or makes one if the file is missing or empty. One of an earlier schema is brought up to date, as a
    /// whole or not at all; the program that wrote it refuses it from then on.
    ///
    /// # Errors
    /// [`StoreError::InUse`]; [`StoreError::Vanished`] where one must exist; and [`StoreError::NotALedger`], [`StoreError::UnknownVersion`], [`StoreError::Damaged`],
    /// [`StoreError::DoesNotBalance`], [`StoreError::ReplayDiffers`] for a file that it does not trust.
    pub fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let path = options.path.as_path();
        let lock = WriterLock::acquire(path)?;
        let vanished = || StoreError::Vanished { path: path.to_owned() };
        if options.must_exist && !path.exists() {
            return Err(vanished());
        }
        let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        if is_blank(&conn).map_err(|error| unreadable(path, error))? {
            if options.must_exist {
                return Err(vanished());
            }
            create(&conn, path)?;
        }
        check_ledger(&conn, path)?;
        let found = schema_version(&conn, path)?;
        if !(1..=SCHEMA_VERSION).contains(&found) {
            return Err(StoreError::UnknownVersion { path: path.into(), found, known: SCHEMA_VERSION });
        }
        configure(&conn, &options)?;
        check_pages(&conn, path)?;
        migrate::bring_up_to_date(&conn, path)?;
        let books = check_books(&conn, path)?;
        let folded = Folded::load(&conn).map_err(|error| unreadable(path, error))?;
        campaigns::ensure_tables(&conn)?;
        Ok(Self {
            conn,
            options,
            books,
            folded,
            batch: Vec::new(),
            words: 0,
            poisoned: false,
            log_commits: 0,
            log_events: 0,
            _lock: lock,
        })
    }
}

pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = |doing| move |source| StoreError::Database { doing, source };
    let conn = Connection::open_with_flags(path, flags).map_err(database("open the file"))?;
    conn.busy_timeout(BUSY_WAIT).map_err(database("set the wait for a lock"))?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(conn)
}

/// Neither application id nor tables: new, or its making was cut short and rolled back.
fn is_blank(conn: &Connection) -> rusqlite::Result<bool> {
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(tables == 0 && application_id(conn)? == 0)
}

fn application_id(conn: &Connection) -> rusqlite::Result<u32> {
    let id: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    Ok(id.cast_unsigned())
}

fn create(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};");
    conn.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA} {marks} COMMIT;"))
        .map_err(|source| StoreError::Database { doing: "make a new ledger", source })?;
    // The file's name must survive the loss of power too.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| StoreError::Io { path: folder.into(), source })
}

/// A ledger of the present schema: what a reader asks for, which changes nothing.
pub(super) fn check_identity(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    check_ledger(conn, path)?;
    let found = schema_version(conn, path)?;
    if found != SCHEMA_VERSION {
        return Err(StoreError::UnknownVersion { path: path.into(), found, known: SCHEMA_VERSION });
    }
    Ok(())
}

fn check_ledger(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let found = application_id(conn).map_err(|error| unreadable(path, error))?;
    if found != APPLICATION_ID {
        return Err(StoreError::NotALedger { path: path.into(), found });
    }
    Ok(())
}

pub(super) fn schema_version(conn: &Connection, path: &Path) -> Result<i64, StoreError> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|error| unreadable(path, error))
}

fn configure(conn: &Connection, options: &StoreOptions) -> Result<(), StoreError> {
    let path = options.path.as_path();
    let set = |sql: &str| conn.execute_batch(sql).map_err(|error| unreadable(path, error));
    let mode: String =
        conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(|error| unreadable(path, error))?;
    if mode != "wal" {
        let detail = format!("its journal mode is {mode}, and write-ahead logging is not possible there");
        return Err(StoreError::Damaged { path: path.into(), detail });
    }
    set("PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")?;
    let synchronous: i64 =
        conn.query_row("PRAGMA synchronous", [], |row| row.get(0)).map_err(|error| unreadable(path, error))?;
    assert_eq!(synchronous, SYNCHRONOUS_FULL, "every commit is flushed to the disk before it returns");
    conn.query_row("PRAGMA wal_autocheckpoint = 0", [], |_| Ok(())).map_err(|error| unreadable(path, error))?;
    checkpoint_all(conn)?;
    if let Some(bytes) = options.bytes_max {
        let page: u64 =
            conn.query_row("PRAGMA page_size", [], |row| row.get(0)).map_err(|error| unreadable(path, error))?;
        conn.query_row(&format!("PRAGMA max_page_count = {}", (bytes / page).max(1)), [], |_| Ok(()))
            .map_err(|error| unreadable(path, error))?;
    }
    Ok(())
}

/// Writes and syncs the whole write-ahead log into the database: what the log says is believed only after this.
fn checkpoint_all(conn: &Connection) -> Result<(), StoreError> {
    let doing = "write the log into the database (is a long read of it going on?)";
    let busy: i64 = conn
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(|source| StoreError::Database { doing, source })?;
    if busy != 0 {
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        return Err(StoreError::Database { doing, source: rusqlite::Error::SqliteFailure(busy, None) });
    }
    Ok(())
}

fn check_pages(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let bytes = path.metadata().map_err(|source| StoreError::Io { path: path.into(), source })?.len();
    if CHECK_BYTES_MAX < bytes {
        return Ok(());
    }
    let found: String =
        conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|error| unreadable(path, error))?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged { path: path.into(), detail: found }) }
}

pub(super) fn check_books(conn: &Connection, path: &Path) -> Result<crate::Books, StoreError> {
    let books = NOW.load(conn).map_err(|error| unreadable(path, error))?;
    books.check().map_err(|source| StoreError::DoesNotBalance { path: path.into(), source })?;
    let folded_seq = Folded::load(conn).map_err(|error| unreadable(path, error))?.last_seq;
    if books.last_seq().saturating_sub(folded_seq) <= REPLAY_EVENTS_MAX {
        replay::compare(conn, path, &books)?;
    }
    if books.last_seq() <= REPLAY_EVENTS_MAX {
        replay::compare_kept(conn, path)?;
    }
    Ok(books)
}

/// A file that cannot be read: damage, unless the disk says that it is something else.
pub(super) fn unreadable(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::DatabaseBusy | ErrorCode::ReadOnly) => {
            StoreError::Database { doing: "read the ledger", source: error }
        }
        _ => StoreError::Damaged { path: path.into(), detail: error.to_string() },
    }
}
