//! Where a region's counts of users are kept: the ledger of this process, or something that several nodes share.
//!
//! # Contract
//!
//! Whoever implements [`CapStore`] promises what the ledger does:
//!
//! - A billing is counted once, in the same moment in which its event becomes durable.
//! - A reader sees one moment: every billing up to [`CapReader::region_seq`], and none after it. Events that follow are the
//!   region's to add.
//! - A count is kept for as long as its key says, and forgotten then. Until then it does not change once its minute is over:
//!   a region may keep what it has read, and read only later minutes the next time. A store whose clock goes back records
//!   such a minute with the event's time, which the region sees.
//!
//! # Never
//!
//! On the bid path: a region reads its counts when it starts, and counts in memory from there.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tembusu::Address;
use thiserror::Error;

use crate::{CapCount, LedgerMessage};

/// An answer that is waited for.
pub type CapAnswer<'a> = Pin<Box<dyn Future<Output = Result<Box<dyn CapReader>, CapStoreError>> + Send + 'a>>;

/// The counts cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
#[error("no counts of users: {cause}; try again")]
pub struct CapStoreError {
    /// What happened instead.
    pub cause: String,
}

impl CapStoreError {
    /// An error of one's own store.
    pub fn new(cause: impl fmt::Display) -> Self {
        Self { cause: cause.to_string() }
    }
}

/// Keeps the counts of users.
pub trait CapStore: fmt::Debug + Send + Sync + 'static {
    /// Opens the counts of a region as they are now or later.
    fn open(&self, region: Arc<str>) -> CapAnswer<'_>;
}

/// The counts of one region at one moment.
pub trait CapReader: Send {
    /// Begins to read, at this moment: the last event of the region that is counted. It may be called again, for another
    /// moment.
    ///
    /// # Errors
    ///
    /// [`CapStoreError`].
    fn begin(&mut self) -> Result<u64, CapStoreError>;

    /// Hands every count since the minute of `since_ms` on, the earliest of a user first, until `take` says false. It may
    /// block its thread for a second and longer. When it returns, nothing of the moment is held any longer.
    ///
    /// # Errors
    ///
    /// [`CapStoreError`]; what was handed on before is a part of the counts.
    fn read(&mut self, since_ms: i64, take: &mut dyn FnMut(CapCount) -> bool) -> Result<(), CapStoreError>;
}

/// The ledger of this process as a store of counts. It reads beside the writer, which it does not hold up.
#[derive(Clone, Debug)]
pub struct LedgerCaps {
    ledger: Address<LedgerMessage>,
    within: Duration,
}

impl LedgerCaps {
    /// The store of a ledger whose answer is waited for at most so long.
    #[must_use]
    pub fn new(ledger: Address<LedgerMessage>, within: Duration) -> Self {
        Self { ledger, within }
    }
}

impl CapStore for LedgerCaps {
    fn open(&self, region: Arc<str>) -> CapAnswer<'_> {
        Box::pin(async move {
            let opened = self.ledger.call(|reply| LedgerMessage::OpenCaps { region, reply }, self.within).await;
            let reader = opened.map_err(CapStoreError::new)?;
            Ok(Box::new(reader) as Box<dyn CapReader>)
        })
    }
}
