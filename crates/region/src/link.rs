//! A region's way to the ledger, to who grants its leases, and to who keeps its counts of users.
//!
//! Promises that every call has a time-out. Never repeats a call: whoever asked decides what a missing answer means.

use std::fmt;
use std::sync::Arc;

use campaign::CampaignId;
use ledger::{
    BankError, CapStore, EventPage, LeaseAsk, LeaseBank, LeaseGrant, LeaseLeft, LeaseRefusal, LedgerEvent,
    LedgerMessage, RegionSnapshot, Subscriber, Totals,
};
use money::Nanos;
use tembusu::{Actor, Address, CallError, Context};
use tokio::task::spawn_blocking;

use crate::cap_archive::CapArchive;
use crate::cap_load::{self, LoadedCaps};
use crate::crash::RegionCrash;
use crate::epoch::Epoch;
use crate::funding::{Ask, GiveBack};
use crate::limits::{COUNTS_CALL, JOIN_CALL, LEDGER_CALL};

/// The ledger as one region sees it.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    ledger: Address<LedgerMessage>,
    bank: Arc<dyn LeaseBank>,
    caps: Arc<dyn CapStore>,
    region: Arc<str>,
}

type Answer<T> = Result<T, CallError<LedgerMessage>>;

impl Link {
    pub(crate) fn new(
        ledger: Address<LedgerMessage>,
        bank: Arc<dyn LeaseBank>,
        caps: Arc<dyn CapStore>,
        region: Arc<str>,
    ) -> Self {
        Self { ledger, bank, caps, region }
    }

    pub(crate) fn region(&self) -> &Arc<str> {
        &self.region
    }

    /// What an incarnation of an actor starts from. It hears of everything that comes after the snapshot, in messages made
    /// by `event`. Users are not counted in the snapshot.
    pub(crate) async fn join<A: Actor>(
        &self,
        cx: &Context<A>,
        event: fn(Arc<LedgerEvent>) -> A::Message,
    ) -> Result<RegionSnapshot, RegionCrash> {
        // First the subscription, then the snapshot: what falls between them is in both, and its number tells.
        self.subscribe(cx, event)?;
        let region = Arc::clone(&self.region);
        let snapshot =
            self.ledger.call(|reply| LedgerMessage::Snapshot { region, since_ms: i64::MAX, reply }, JOIN_CALL).await;
        snapshot.map_err(|cause| self.crash("take a snapshot", &cause))
    }

    /// Asks for everything that happens in the region from now on, in messages made by `event`.
    pub(crate) fn subscribe<A: Actor>(
        &self,
        cx: &Context<A>,
        event: fn(Arc<LedgerEvent>) -> A::Message,
    ) -> Result<(), RegionCrash> {
        // Each subscriber has the name of its actor, so that a new incarnation takes the place of the old one.
        let name = cx.path().rsplit('/').next().unwrap_or_default();
        let subscribe = LedgerMessage::Subscribe {
            region: Arc::clone(&self.region),
            name: name.into(),
            subscriber: Subscriber::to(cx.address(), event),
        };
        self.ledger.tell(subscribe).map_err(|cause| self.crash("subscribe to events", &cause))
    }

    /// Makes the region's counts of users on a blocking thread; `known` is what an earlier incarnation has read of them.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the thread ends with the count at hand.
    pub(crate) async fn load_caps(
        &self,
        epoch: Epoch,
        known: Option<Arc<CapArchive>>,
        now_ms: i64,
    ) -> Result<LoadedCaps, RegionCrash> {
        let doing = "count its users";
        let reader = self.caps.open(Arc::clone(&self.region)).await.map_err(|cause| self.crash(doing, &cause))?;
        let (wanted, region) = (Arc::new(()), Arc::clone(&self.region));
        let still = Arc::downgrade(&wanted);
        let is_wanted = move || 0 < still.strong_count();
        let loading = spawn_blocking(move || cap_load::load(reader, epoch, known, now_ms, &region, &is_wanted));
        let loaded = tokio::time::timeout(COUNTS_CALL, loading).await.map_err(|cause| self.crash(doing, &cause))?;
        drop(wanted);
        loaded.map_err(|cause| self.crash(doing, &cause))?.map_err(|cause| self.crash(doing, &cause))
    }

    /// The events of the region after `region_seq`, at most a page.
    pub(crate) async fn events_since(&self, region_seq: u64) -> Answer<EventPage> {
        let region = Arc::clone(&self.region);
        self.ledger.call(|reply| LedgerMessage::EventsSince { region, region_seq, reply }, LEDGER_CALL).await
    }

    /// Asks for a lease. It is durable when it is granted.
    pub(crate) async fn lease(
        &self,
        campaign: CampaignId,
        ask: Ask,
    ) -> Result<Result<LeaseGrant, LeaseRefusal>, BankError> {
        let ask = LeaseAsk { region: Arc::clone(&self.region), campaign, want: ask.want, least: ask.least };
        self.bank.lease(ask).await
    }

    /// Gives back what no bid can need; repeating it changes nothing.
    pub(crate) async fn give_back(&self, back: GiveBack) -> Result<Nanos, BankError> {
        self.bank.give_back(back.lease, back.keep).await
    }

    /// Leaves a lease whose bids nobody will follow any more.
    pub(crate) async fn leave(&self, left: LeaseLeft) -> Result<Nanos, BankError> {
        self.bank.leave(left).await
    }

    /// What each campaign has spent over all regions.
    pub(crate) async fn totals(&self) -> Result<Totals, BankError> {
        self.bank.totals().await
    }

    fn crash(&self, doing: &'static str, cause: &dyn fmt::Display) -> RegionCrash {
        RegionCrash::Ledger { region: self.region.to_string(), doing, cause: cause.to_string() }
    }
}
