//! The ledger as an actor: the only writer of the store.
//!
//! Promises
//! - A change is answered after its commit, and pushed to the region after its commit, in that order of `region_seq`.
//! - Changes are committed in groups: at most [`LINGER_MAX`] after the first of a group, or when [`GROUP_MAX`] wait.
//! - A failed commit is a crash. Callers that wait learn [`Died`](tembusu::CallError::Died) and do not know whether their
//!   change is durable; they ask again, and what was recorded is a duplicate.
//! - A subscriber that misses an event (its queue was full, or the ledger crashed between commit and push) sees a gap in
//!   `region_seq` at the next event, at the latest at the next sweep, which pushes each region's newest event again.
//!
//! Never: shows a reader what is not durable; waits for a subscriber.
//!
//! It blocks its thread while it writes: it runs on a runtime of its own.

mod args;
pub mod chaos;
mod clock;
mod group;
mod message;
mod subscribers;
mod upkeep;
mod wiring;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tembusu::{Actor, Context, ExitReason, Flow, Init};
use thiserror::Error;

pub use args::{LINGER, LINGER_MAX, LedgerArgs};
pub use clock::Clock;
pub use message::{LedgerMessage, Timer};
pub use subscribers::{Subscriber, Subscribers};
pub use upkeep::{FOLD_ROWS_MAX, FORGET_ROWS_MAX, SWEEP_EVERY};
pub use wiring::supervisor;

use crate::{LedgerEvent, LedgerGauge, Store, StoreError, StoreOptions};
use group::Answer;
use message::Due;
use upkeep::Upkeep;

/// A group is committed at the latest when so many changes wait.
pub const GROUP_MAX: usize = 512;

/// Why the ledger crashed. None of these is a business outcome.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LedgerCrash {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A test or drill asked for it.
    #[error("ledger crashed at chaos point {0}")]
    Chaos(&'static str),
}

/// The ledger.
#[derive(Debug)]
pub struct Ledger {
    store: Store,
    clock: Clock,
    linger: Duration,
    subscribers: Subscribers,
    /// Who waits for the open group's commit.
    waiting: Vec<Answer>,
    /// The newest event of each region.
    newest: BTreeMap<Arc<str>, Arc<LedgerEvent>>,
    upkeep: Upkeep,
    figures: LedgerGauge,
}

impl Actor for Ledger {
    type Message = LedgerMessage;
    type Args = LedgerArgs;
    type Crash = LedgerCrash;

    async fn init(args: &LedgerArgs, cx: &mut Context<Self>) -> Result<Init<Self>, LedgerCrash> {
        // A ledger that was there at the program's start is not made anew under its feet.
        let options = StoreOptions { must_exist: args.store.must_exist || cx.incarnation() > 1, ..args.store.clone() };
        let mut store = Store::open(options)?;
        let now_ms = args.clock.now_ms();
        let kept_by_api = store.kept_by_api()?;
        for (campaign, budget) in args.budgets.iter().filter(|(campaign, _)| !kept_by_api.contains(campaign)) {
            // The configured budget counts at the program's start; later ones were set while it ran.
            if cx.incarnation() == 1 || store.books().account(*campaign).is_none() {
                store.set_budget(*campaign, *budget, now_ms)?;
            }
        }
        store.commit()?;
        let regions: Vec<_> = store.books().regions().cloned().collect();
        let mut newest = BTreeMap::new();
        for region in regions {
            if let Some(event) = store.newest(&region)? {
                newest.insert(region, event);
            }
        }
        let mut ledger = Self {
            store,
            clock: args.clock.clone(),
            linger: args.linger.min(LINGER_MAX),
            subscribers: args.subscribers.clone(),
            waiting: Vec::new(),
            newest,
            upkeep: Upkeep::new(),
            figures: args.figures.clone(),
        };
        ledger.sweep(cx)?;
        Ok(Init::Ready(ledger))
    }

    async fn handle(&mut self, message: LedgerMessage, cx: &mut Context<Self>) -> Result<Flow, LedgerCrash> {
        let now_ms = self.clock.now_ms();
        match message {
            LedgerMessage::Notice { notice, reply } => {
                let answer = self.store.record_notice(&notice, now_ms)?;
                self.answer_after_commit(Answer::new(reply, answer), cx)?;
            }
            LedgerMessage::Lease { ask, reply } => {
                let answer = self.store.grant(&ask, now_ms)?;
                self.answer_after_commit(Answer::new(reply, answer), cx)?;
            }
            LedgerMessage::ReturnLease { lease, keep, reply } => {
                let answer = self.store.give_back(lease, keep, now_ms)?;
                self.answer_after_commit(Answer::new(reply, answer), cx)?;
            }
            LedgerMessage::LeaveLease { left, reply } => {
                let answer = self.store.leave(left, now_ms)?;
                self.answer_after_commit(Answer::new(reply, answer), cx)?;
            }
            LedgerMessage::SetBudget { campaign, budget, reply } => {
                let answer = self.store.set_budget(campaign, budget, now_ms)?;
                self.answer_after_commit(Answer::new(reply, answer), cx)?;
            }
            LedgerMessage::RecordCampaigns { entries, reply } => {
                let answer = self.store.record_campaigns(&entries, now_ms)?;
                self.answer_after_commit(Answer::new(reply, answer), cx)?;
            }
            LedgerMessage::CampaignWords { reply } => {
                self.commit()?;
                let _ = reply.send(self.store.campaign_words()?);
            }
            LedgerMessage::CampaignText { campaign, version, reply } => {
                self.commit()?;
                let _ = reply.send(self.store.campaign_text(campaign, version)?);
            }
            LedgerMessage::CampaignLog { campaign, reply } => {
                self.commit()?;
                let _ = reply.send(self.store.campaign_log(campaign)?);
            }
            LedgerMessage::Snapshot { region, since_ms, reply } => {
                self.commit()?;
                let _ = reply.send(self.store.snapshot(&region, since_ms)?);
            }
            LedgerMessage::OpenCaps { region, reply } => {
                let _ = reply.send(self.store.cap_reader(region));
            }
            LedgerMessage::EventsSince { region, region_seq, reply } => {
                self.commit()?;
                let _ = reply.send(self.store.events_since(&region, region_seq)?);
            }
            LedgerMessage::Totals { reply } => {
                self.commit()?;
                let _ = reply.send(self.store.totals()?);
            }
            LedgerMessage::Subscribe { region, name, subscriber } => self.subscribe(&region, name, subscriber),
            LedgerMessage::Timer(Timer(Due::Commit)) => self.commit()?,
            LedgerMessage::Timer(Timer(Due::Sweep)) => self.sweep(cx)?,
            LedgerMessage::Timer(Timer(Due::Fold)) => self.fold(cx)?,
        }
        Ok(Flow::Continue)
    }

    async fn stop(mut self, _reason: &ExitReason) {
        if let Err(error) = self.commit() {
            tracing::error!(%error, "the ledger's last group is not durable; those who wait for it will ask again");
        }
    }
}

impl Ledger {
    fn subscribe(&self, region: &str, name: Arc<str>, subscriber: Subscriber) {
        if let Some(event) = self.newest.get(region) {
            subscriber.push(event);
        }
        self.subscribers.add(region, name, subscriber);
    }
}
