//! `frequency_capper`: how often each user was shown each campaign today.
//!
//! Promises that the billed counts are the ledger's: today's at the snapshot, and one more for every billing since. Never
//! counts a notice: only what the ledger has recorded.

use std::sync::Arc;

use ledger::{Clock, EventKind, LedgerEvent};
use tembusu::{Actor, Context, Flow, Init};

use crate::cap_table::CapTable;
use crate::chaos::{CAPPER_EVENT, CAPPER_FIRST_MESSAGE};
use crate::crash::{RegionCrash, strike};
use crate::day::{DAY_MS, day_of};
use crate::feed::Feed;
use crate::limits::FORGET_PERIOD;
use crate::link::Link;
use crate::port::Tables;

/// What `frequency_capper` can be told.
#[derive(Debug)]
pub(crate) enum CapperMessage {
    /// The ledger recorded something of this region.
    Event(Arc<LedgerEvent>),
    /// Timer: forget the users of days gone by.
    Forget,
}

/// The third actor of a region.
#[derive(Debug)]
pub(crate) struct FrequencyCapper {
    caps: Arc<CapTable>,
    feed: Feed,
    clock: Clock,
    fresh: bool,
}

/// What every incarnation is made from.
#[derive(Debug)]
pub(crate) struct CapperArgs {
    pub(crate) link: Link,
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
}

impl Actor for FrequencyCapper {
    type Message = CapperMessage;
    type Args = CapperArgs;
    type Crash = RegionCrash;

    async fn init(args: &CapperArgs, cx: &mut Context<Self>) -> Result<Init<Self>, RegionCrash> {
        let no_epoch = || RegionCrash::NoEpoch { region: args.link.region().to_string() };
        let epoch = args.tables.incarnation.read().ok_or_else(no_epoch)?.epoch;
        let today = day_of(args.clock.now_ms());
        let snapshot = args.link.join(cx, CapperMessage::Event, i64::from(today) * DAY_MS).await?;
        let caps = CapTable::of(epoch);
        for count in &snapshot.billed {
            caps.seed(count.campaign, count.cap_key, count.count, today);
        }
        let caps = cx.publish(&args.tables.caps, caps);
        cx.after(FORGET_PERIOD, CapperMessage::Forget);
        let feed = Feed::new(args.link.clone(), snapshot.region_seq);
        Ok(Init::Ready(Self { caps, feed, clock: args.clock.clone(), fresh: true }))
    }

    async fn handle(&mut self, message: CapperMessage, cx: &mut Context<Self>) -> Result<Flow, RegionCrash> {
        if std::mem::take(&mut self.fresh) {
            strike(&CAPPER_FIRST_MESSAGE)?;
        }
        let today = day_of(self.clock.now_ms());
        let caps = &self.caps;
        match message {
            CapperMessage::Event(event) => {
                self.feed.strike(&CAPPER_EVENT, &event)?;
                self.feed.take(event, |event| count(caps, event, today)).await;
            }
            CapperMessage::Forget => {
                caps.forget_before(today);
                cx.after(FORGET_PERIOD, CapperMessage::Forget);
            }
        }
        Ok(Flow::Continue)
    }
}

fn count(caps: &CapTable, event: &LedgerEvent, today: u32) {
    let Some(facts) = event.bid.as_ref().filter(|_| event.kind == EventKind::Billing) else { return };
    if let Some(key) = facts.cap_key {
        caps.bill(event.campaign, key, facts.token, today);
    }
}
