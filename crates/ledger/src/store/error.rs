//! Why the store refuses, and what to do about it.
//!
//! Every one of these stops the ledger: none is a business outcome.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::BooksError;

/// A failure of the store. Nothing that was not acknowledged has happened; everything that was acknowledged has.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process, or an incarnation that does not end, has the ledger open.
    #[error("ledger {} is in use by another process: stop that one first; two writers would spend the same money twice", path.display())]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// The file was there and is gone, or is empty.
    #[error("{} has vanished while it was in use: put it back, or start anew to begin with an empty ledger", path.display())]
    Vanished {
        /// The file.
        path: PathBuf,
    },
    /// The file is a SQLite database of something else.
    #[error("{} is a database, but not a ledger (application id {found:#010x}): check the configured path", path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
        /// Its application id.
        found: u32,
    },
    /// The file was written by another version.
    #[error("ledger {} has schema version {found}, this program knows {known}: {}", path.display(), version_advice(*found, *known))]
    UnknownVersion {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The version of this program.
        known: i64,
    },
    /// The file's content is not what was written.
    #[error("ledger {} is damaged: {detail}; copy it with its -wal file before anything else, then restore the last backup, or rescue what is readable with `sqlite3 {} .recover`", path.display(), path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file can be read, but its content contradicts itself.
    #[error("ledger {} does not balance: {source}; somebody changed it or it is damaged: keep a copy, and restore the last backup", path.display())]
    DoesNotBalance {
        /// The file.
        path: PathBuf,
        /// What contradicts what.
        source: BooksError,
    },
    /// The tables are not what follows from the events.
    #[error("ledger {} holds tables that do not follow from its events: {detail}; keep a copy, and restore the last backup", path.display())]
    ReplayDiffers {
        /// The file.
        path: PathBuf,
        /// The first difference.
        detail: String,
    },
    /// The operating system failed.
    #[error("ledger {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The database failed.
    #[error("ledger: cannot {doing}: {source}; check the disk for space and errors")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        source: rusqlite::Error,
    },
    /// An event that the books refuse: a defect of this program.
    #[error("ledger: {0}; nothing was written")]
    Refused(#[source] BooksError),
    /// An earlier write failed, so that this process no longer knows what is on disk.
    #[error("an earlier write of the ledger failed: open it again and go on from what is on disk")]
    Poisoned,
    /// A test or drill asked for it.
    #[error("ledger stopped at chaos point {0}")]
    Chaos(&'static str),
    /// A read was asked for while writes wait for their commit.
    #[error("the ledger has uncommitted events: commit before reading")]
    Uncommitted,
}

fn version_advice(found: i64, known: i64) -> &'static str {
    if known < found {
        "a newer program wrote it; use that one, or restore the copy that was made before the upgrade (what was billed since \
         is missing in it)"
    } else if 1 <= found && found < known {
        "start the server on it once, which brings it up to date (make a copy first: there is no way back), or use the program \
         that wrote it"
    } else {
        "no program wrote it; restore the last backup"
    }
}
