//! `frequency_capper`: how often each user was shown each campaign, and each creative that is counted.
//!
//! Promises that the billed counts are the ledger's: those of the store at one moment, and one more for every billing since.
//! Never counts a notice: only what the ledger has recorded. The counts are read on a blocking thread: a million users hold
//! up nobody but their own region, which answers `region_recovering` meanwhile.

use std::sync::Arc;
use std::time::Instant;

use ledger::{BidFacts, Clock, EventKind, LedgerEvent};
use tembusu::{Actor, Context, Flow, Init};

use crate::cap_estate::{CapEstate, CarriedBids};
use crate::cap_table::CapTable;
use crate::chaos::{CAPPER_EVENT, CAPPER_FIRST_MESSAGE};
use crate::crash::{RegionCrash, strike};
use crate::day::millis;
use crate::feed::Feed;
use crate::limits::{CAP_SHARDS, CARRIED_PERIOD, FORGET_PERIOD, WON_TTL};
use crate::link::Link;
use crate::port::Tables;
use crate::timings::Timings;

/// What `frequency_capper` can be told.
#[derive(Debug)]
pub(crate) enum CapperMessage {
    /// The ledger recorded something of this region.
    Event(Arc<LedgerEvent>),
    /// Timer: forget, in one shard, whom no cap looks back on.
    Forget,
    /// Timer: end bids of earlier incarnations whose time has run out.
    Expire,
}

/// The third actor of a region.
#[derive(Debug)]
pub(crate) struct FrequencyCapper {
    caps: Arc<CapTable>,
    carried: CarriedBids,
    feed: Feed,
    clock: Clock,
    won_ttl_ms: i64,
    estate: CapEstate,
    /// The shard in which is forgotten next.
    shard: usize,
    fresh: bool,
}

/// What every incarnation is made from.
#[derive(Debug)]
pub(crate) struct CapperArgs {
    pub(crate) link: Link,
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) timings: Timings,
}

impl Actor for FrequencyCapper {
    type Message = CapperMessage;
    type Args = CapperArgs;
    type Crash = RegionCrash;

    async fn init(args: &CapperArgs, cx: &mut Context<Self>) -> Result<Init<Self>, RegionCrash> {
        let started = Instant::now();
        let no_epoch = || RegionCrash::NoEpoch { region: args.link.region().to_string() };
        let epoch = args.tables.incarnation.read().ok_or_else(no_epoch)?.epoch;
        args.tables.estate.collect();
        args.link.subscribe(cx, CapperMessage::Event)?;
        let (caps, region_seq) = args.link.load_caps(CapTable::of(epoch)).await?;
        let now_ms = args.clock.now_ms();
        let won_ttl_ms = millis(args.timings.won_ttl.min(WON_TTL));
        // Before anybody can bid with the table: what is out is in it.
        let mut carried = args.tables.estate.settle(&caps, now_ms);
        let caps = cx.publish(&args.tables.caps, caps);
        args.tables.estate.hand_to(&caps);
        if !carried.is_empty() {
            // Billings that the last incarnation did not hear of are among the counts; that their bids are over is not.
            let mut unheard = Feed::new(args.link.clone(), args.tables.estate.followed());
            let won_until_ms = now_ms.saturating_add(won_ttl_ms);
            unheard.catch_up(|event| follow(&caps, &mut carried, event, won_until_ms)).await;
        }
        args.tables.estate.follow(region_seq);
        args.tables.recovery.note(started.elapsed(), caps.len());
        cx.after(FORGET_PERIOD, CapperMessage::Forget);
        if !carried.is_empty() {
            cx.after(CARRIED_PERIOD, CapperMessage::Expire);
        }
        Ok(Init::Ready(Self {
            caps,
            carried,
            feed: Feed::new(args.link.clone(), region_seq),
            clock: args.clock.clone(),
            won_ttl_ms,
            estate: args.tables.estate.clone(),
            shard: 0,
            fresh: true,
        }))
    }

    async fn handle(&mut self, message: CapperMessage, cx: &mut Context<Self>) -> Result<Flow, RegionCrash> {
        if std::mem::take(&mut self.fresh) {
            strike(&CAPPER_FIRST_MESSAGE)?;
        }
        let now_ms = self.clock.now_ms();
        match message {
            CapperMessage::Event(event) => {
                self.feed.strike(&CAPPER_EVENT, &event)?;
                let Self { caps, carried, feed, won_ttl_ms, .. } = self;
                let won_until_ms = now_ms.saturating_add(*won_ttl_ms);
                feed.take(event, |event| count(caps, carried, event, won_until_ms)).await;
                self.estate.follow(self.feed.applied());
            }
            CapperMessage::Forget => {
                self.caps.forget(self.shard, now_ms);
                self.shard = (self.shard + 1) % CAP_SHARDS;
                cx.after(FORGET_PERIOD, CapperMessage::Forget);
            }
            CapperMessage::Expire => {
                self.carried.expire(&self.caps, now_ms);
                if !self.carried.is_empty() {
                    cx.after(CARRIED_PERIOD, CapperMessage::Expire);
                }
            }
        }
        Ok(Flow::Continue)
    }
}

/// Counts a billing, and follows the bids that an earlier incarnation had open.
fn count(caps: &CapTable, carried: &mut CarriedBids, event: &LedgerEvent, won_until_ms: i64) {
    let Some(BidFacts { token, creative, cap_key: Some(key), .. }) = event.bid.as_deref() else { return };
    if event.kind == EventKind::Billing {
        caps.bill(event.campaign, *key, *token, event.at_ms);
        if key.counts_creatives() {
            caps.bill(*creative, *key, *token, event.at_ms);
        }
    }
    follow(caps, carried, event, won_until_ms);
}

/// Follows the bids that an earlier incarnation had open.
fn follow(caps: &CapTable, carried: &mut CarriedBids, event: &LedgerEvent, won_until_ms: i64) {
    let Some(BidFacts { token, cap_key: Some(_), .. }) = event.bid.as_deref() else { return };
    match event.kind {
        EventKind::Billing | EventKind::Loss => carried.end(*token, caps),
        EventKind::Win => carried.win(*token, caps, won_until_ms),
        _ => {}
    }
}
