//! One writer at a time.
//!
//! Promises that the lock is held until the value is dropped or the process ends, however it ends. Readers need no
//! lock: operators may look at the database with SQL while it is in use.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::StoreError;

#[derive(Debug)]
pub(super) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Locks the file `<database>.lock`, which stays behind empty.
    pub(super) fn acquire(database: &Path) -> Result<Self, StoreError> {
        let mut name = database.as_os_str().to_owned();
        name.push(".lock");
        let io_error = |source| StoreError::Io { path: (&name).into(), source };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&name).map_err(io_error)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: database.into() }),
            Err(TryLockError::Error(source)) => Err(io_error(source)),
        }
    }
}
