//! What outlives the process of a rehearsed bidder: its disk, its keys, and the clock on the wall.
//!
//! Promises that the same ledger is there at every start. Never a part of the bidder.

use std::sync::Arc;

use anyhow::Context;
use ledger::{Clock, TokenKeys};
use region::{CapKeys, CapSecret, day_of};
use tokio::time::Instant;

use crate::fault::Fault;
use crate::world::Scenario;

/// What outlives the process: the disk, the keys, the clock on the wall.
#[derive(Debug)]
pub struct Backstage {
    folder: tempfile::TempDir,
    clock: Clock,
    pub(crate) token_keys: Arc<TokenKeys>,
    pub(crate) cap_keys: CapKeys,
    pub(crate) fault: Option<Fault>,
}

impl Backstage {
    /// A disk, and a clock that begins with the scenario.
    pub fn new(scenario: &Scenario, fault: Option<Fault>) -> anyhow::Result<Self> {
        // In memory where there is such a place: a day has a million commits, and the rehearsal is not about the disk.
        let folder =
            tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).context("a folder for the ledger")?;
        let (starts_ms, origin) = (scenario.starts_ms, Instant::now());
        let clock = Clock::new(move || starts_ms + i64::try_from(origin.elapsed().as_millis()).unwrap_or(i64::MAX));
        Ok(Self {
            folder,
            token_keys: Arc::new(TokenKeys::ephemeral()?),
            cap_keys: CapKeys::new(CapSecret::new(day_of(clock.now_ms()), [7; 32])),
            clock,
            fault,
        })
    }

    /// The clock on the wall.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Where the ledger's database is.
    pub fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("ledger.db")
    }
}
