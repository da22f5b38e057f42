//! The embedded store: SQLite, written by one, readable by all.
//!
//! Promises
//! - **Durable**: when [`Store::commit`] returns, the events survive the loss of power (WAL, `synchronous=FULL`).
//! - **Whole**: a batch is there or it is not. Events and the tables that follow from them are one transaction.
//! - **Once**: a notice is recorded once by token and kind, however often it comes, before and after a restart.
//! - **Balanced**: `budget = spent + leased + free` on every event, checked by the books and again by the database. On
//!   opening the tables must balance, and up to 200,000 events are replayed and must give them; a longer history is
//!   replayed by [`Audit::verify`], which an operator runs beside the writer.
//! - **Bounded**: old events become balances that are carried forward ([`Store::fold`], [`Retention`]); replay starts from these.
//!
//! Never: goes on after a failed write. A commit or fsync that fails leaves unknown what is on disk, so the store
//! [poisons](StoreError::Poisoned) itself and its owner crashes. Who opens it again first writes and syncs the
//! write-ahead log into the database (a checkpoint that must succeed), so that it believes nothing that is only in
//! the page cache. Checkpoints in between are made by us and not by SQLite, which would swallow their errors.
//!
//! What a crash leaves: `acknowledged ⊆ ledger ⊆ sent`. A batch that was durable but not yet acknowledged is in the
//! ledger; its notices are sent again and found to be duplicates.

mod audit;
mod balances;
mod campaigns;
mod caps;
mod error;
mod fold;
mod lock;
mod migrate;
mod open;
mod read;
mod replay;
mod rows;
mod tables;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

pub use audit::{Audit, Billed};
pub use campaigns::CampaignLine;
pub use caps::LedgerCapReader;
pub use error::StoreError;
pub use fold::{Folding, Retention};

use crate::{Books, LedgerEvent};
use fold::Folded;
use lock::WriterLock;

/// How long after a lease has ended its bids may bill, if nothing else is said. An hour and a minute until a bid must have
/// won, and half an hour from there; regions check it against their own limits when they are compiled.
pub const LEASE_GRACE: Duration = Duration::from_secs(91 * 60);

/// How leases are cut, and how large the file may become.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The database. Beside it stand `-wal`, `-shm` and `.lock`.
    pub path: PathBuf,
    /// How long bids may be made from a lease.
    pub lease_life: Duration,
    /// How long after that its bids may bill. Money of a crashed region stays away from the campaign as long as this. A
    /// billing that comes later still (a token opens for [`TOKEN_LIFE`](crate::TOKEN_LIFE)) is booked as late: it takes
    /// the campaign's free money, below zero if need be.
    pub lease_grace: Duration,
    /// How many regions share a campaign's money.
    pub regions: u32,
    /// How long what is kept.
    pub retention: Retention,
    /// The greatest size of the database; beyond it writes fail. `None`: as the disk allows.
    pub bytes_max: Option<u64>,
    /// Refuse to make a new ledger: the money of one that has vanished must not be granted twice.
    pub must_exist: bool,
}

impl StoreOptions {
    /// Leases of a minute that may bill for [`LEASE_GRACE`] more, for three regions.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            lease_life: Duration::from_secs(60),
            lease_grace: LEASE_GRACE,
            regions: 3,
            retention: Retention::default(),
            bytes_max: None,
            must_exist: false,
        }
    }
}

/// The writer of a ledger. There is one at a time.
///
/// # Examples
/// ```
/// use ledger::{LeaseAsk, Store, StoreOptions};
/// use campaign::CampaignId;
/// use money::Nanos;
///
/// let folder = tempfile::tempdir()?;
/// let mut store = Store::open(StoreOptions::new(folder.path().join("ledger.db")))?;
/// store.set_budget(CampaignId(7), "250.00".parse()?, 0)?;
/// let ask = LeaseAsk { region: "sg".into(), campaign: CampaignId(7), want: Nanos(1_000), least: Nanos(10) };
/// let lease = store.grant(&ask, 0)?.expect("the budget is there");
/// let events = store.commit()?;              // durable from here
/// assert_eq!(lease.amount, Nanos(1_000));
/// assert_eq!(events.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Store {
    conn: Connection,
    options: StoreOptions,
    books: Books,
    folded: Folded,
    /// Recorded in the open transaction; empty if none is open.
    batch: Vec<Arc<LedgerEvent>>,
    /// Words on campaigns in the open transaction.
    words: usize,
    poisoned: bool,
    /// Commits and events since the write-ahead log was last written back.
    log_commits: usize,
    log_events: usize,
    /// Released last: nobody else may write before the connection is closed.
    _lock: WriterLock,
}

impl Store {
    /// The database.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.options.path
    }

    /// The books, uncommitted events included.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// How many events, and words on campaigns, wait for their commit.
    #[must_use]
    pub fn uncommitted(&self) -> usize {
        self.batch.len() + self.words
    }
}
