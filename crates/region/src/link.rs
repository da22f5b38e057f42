//! A region's way to the ledger, and to who grants its leases.
//!
//! Promises that every call has a time-out. Never repeats a call: whoever asked decides what a missing answer means.

use std::fmt;
use std::sync::Arc;

use campaign::CampaignId;
use ledger::{
    BankError, EventPage, LeaseAsk, LeaseBank, LeaseGrant, LeaseRefusal, LedgerEvent, LedgerMessage, RegionSnapshot,
    Subscriber, Totals,
};
use money::Nanos;
use tembusu::{Actor, Address, CallError, Context};

use crate::crash::RegionCrash;
use crate::funding::{Ask, GiveBack};
use crate::limits::{JOIN_CALL, LEDGER_CALL};

/// The ledger as one region sees it.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    ledger: Address<LedgerMessage>,
    bank: Arc<dyn LeaseBank>,
    region: Arc<str>,
}

type Answer<T> = Result<T, CallError<LedgerMessage>>;

impl Link {
    pub(crate) fn new(ledger: Address<LedgerMessage>, bank: Arc<dyn LeaseBank>, region: Arc<str>) -> Self {
        Self { ledger, bank, region }
    }

    pub(crate) fn region(&self) -> &Arc<str> {
        &self.region
    }

    /// What an incarnation of an actor starts from. It hears of everything that comes after the snapshot, in messages made
    /// by `event`; users' counts in the snapshot are those since `since_ms`.
    pub(crate) async fn join<A: Actor>(
        &self,
        cx: &Context<A>,
        event: fn(Arc<LedgerEvent>) -> A::Message,
        since_ms: i64,
    ) -> Result<RegionSnapshot, RegionCrash> {
        // First the subscription, then the snapshot: what falls between them is in both, and its number tells. Each
        // subscriber has the name of its actor, so that a new incarnation takes the place of the old one.
        let name = cx.path().rsplit('/').next().unwrap_or_default();
        let subscribe = LedgerMessage::Subscribe {
            region: Arc::clone(&self.region),
            name: name.into(),
            subscriber: Subscriber::to(cx.address(), event),
        };
        self.ledger.tell(subscribe).map_err(|cause| self.crash("subscribe to events", &cause))?;
        let region = Arc::clone(&self.region);
        let snapshot = self.ledger.call(|reply| LedgerMessage::Snapshot { region, since_ms, reply }, JOIN_CALL).await;
        snapshot.map_err(|cause| self.crash("take a snapshot", &cause))
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

    /// What each campaign has spent over all regions.
    pub(crate) async fn totals(&self) -> Result<Totals, BankError> {
        self.bank.totals().await
    }

    fn crash(&self, doing: &'static str, cause: &dyn fmt::Display) -> RegionCrash {
        RegionCrash::Ledger { region: self.region.to_string(), doing, cause: cause.to_string() }
    }
}
