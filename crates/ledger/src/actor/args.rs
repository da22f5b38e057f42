//! What each incarnation of the ledger is made from.

use std::path::PathBuf;
use std::time::Duration;

use campaign::CampaignId;
use money::Nanos;
use tokio::runtime::Handle;

use super::{Clock, Subscribers};
use crate::{LedgerGauge, StoreOptions};

/// How long a group waits for more after its first change: some 500 flushes a second at most.
pub const LINGER: Duration = Duration::from_millis(2);
/// The longest that a group waits, whatever is configured.
pub const LINGER_MAX: Duration = Duration::from_millis(5);

/// How the ledger is set up.
#[derive(Debug, Clone)]
pub struct LedgerArgs {
    /// The store.
    pub store: StoreOptions,
    /// The runtime that the ledger runs on, and may block.
    pub runtime: Handle,
    /// Campaigns with their budgets: set when the program starts, and for campaigns without an account.
    pub budgets: Vec<(CampaignId, Nanos)>,
    /// Who is told of each region's events.
    pub subscribers: Subscribers,
    /// The time that is written down.
    pub clock: Clock,
    /// How long a group waits for more; at most [`LINGER_MAX`].
    pub linger: Duration,
    /// Where it notes how large it is.
    pub figures: LedgerGauge,
}

impl LedgerArgs {
    /// A ledger at this path with the defaults of [`StoreOptions::new`].
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, runtime: Handle) -> Self {
        Self {
            store: StoreOptions::new(path),
            runtime,
            budgets: Vec::new(),
            subscribers: Subscribers::new(),
            clock: Clock::system(),
            linger: LINGER,
            figures: LedgerGauge::new(),
        }
    }
}
