//! A region's way to the ledger.
//!
//! Promises that every call has a time-out. Never repeats a call: whoever asked decides what a missing answer means.

use std::fmt::Display;
use std::sync::Arc;

use ledger::{
    EventPage, LeaseAsk, LeaseGrant, LeaseRefusal, LedgerMessage, RegionSnapshot, Subscriber, Totals,
};
use tembusu::Address;

use crate::crash::RegionCrash;
use crate::funding::{Ask, GiveBack};
use crate::limits::LEDGER_CALL;

/// The ledger as one region sees it.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    ledger: Address<LedgerMessage>,
    region: Arc<str>,
}

impl Link {
    pub(crate) fn new(ledger: Address<LedgerMessage>, region: Arc<str>) -> Self {
        Self { ledger, region }
    }

    pub(crate) fn region(&self) -> &Arc<str> {
        &self.region
    }

    /// What an incarnation starts from: it hears of everything that comes after the snapshot.
    pub(crate) async fn join(&self, subscriber: Subscriber, since_ms: i64) -> Result<RegionSnapshot, RegionCrash> {
        // First the subscription, then the snapshot: what falls between them is in both, and its number tells.
        self.subscribe(subscriber).await.map_err(self.crash("subscribe"))?;
        self.snapshot(since_ms).await.map_err(self.crash("snapshot"))
    }
}
