//! `bidding_state`: the open bids of a region, until each is billed, lost or expired.
//!
//! Promises that its state follows from its snapshot, the commits of its own incarnation, and every event since. Never
//! waits for the bid path, and never gives back what a bid of an earlier incarnation holds.

use std::sync::{Arc, Mutex, PoisonError};

use ledger::{Clock, LedgerEvent, TokenId};
use money::Cpm;
use tembusu::{Actor, Context, Flow, Init, Reply};

use crate::bidding_book::{BiddingBook, BiddingFigures};
use crate::chaos::{BIDDING_EVENT, BIDDING_FIRST_MESSAGE};
use crate::crash::{RegionCrash, strike};
use crate::day::millis;
use crate::due::Due;
use crate::epoch::{Epoch, Incarnation, Starting};
use crate::feed::Feed;
use crate::lease_cell::LeaseCell;
use crate::limits::{EXPIRY_PERIOD, MARKET_PERIOD, WEIGH_PERIOD, WON_TTL};
use crate::link::Link;
use crate::open_bids::OpenBids;
use crate::port::Tables;
use crate::reservations::Reservation;
use crate::shading::Market;
use crate::timings::Timings;

/// What `bidding_state` can be told.
#[derive(Debug)]
pub(crate) enum BiddingMessage {
    /// A bid is about to be sent, held by the incarnation of that epoch.
    Commit { reservation: Reservation, epoch: Epoch },
    /// A committed bid is not sent after all.
    Withdraw(TokenId),
    /// An exchange told the least price in USD that would have won.
    Told { bid: TokenId, min_to_win: Cpm },
    /// The ledger recorded something of this region.
    Event(Arc<LedgerEvent>),
    /// Asks for the figures of this incarnation.
    Figures(Reply<BiddingFigures>),
    /// Timer: release what has expired.
    Expire,
}

/// The first actor of a region.
#[derive(Debug)]
pub(crate) struct BiddingState {
    epoch: Epoch,
    book: BiddingBook,
    feed: Feed,
    clock: Clock,
    won_ttl_ms: i64,
    tables: Tables,
    /// When the open bids are weighed again.
    weighing: Due,
    /// When the market is published again.
    publishing: Due,
    keepsake: Keepsake,
    fresh: bool,
}

/// What the last incarnation had learnt of its exchanges' prices, a minute ago at most. It is taken once: an incarnation
/// that crashes over it leaves nothing to its successor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keepsake(Arc<Mutex<Option<Market>>>);

impl Keepsake {
    fn take(&self) -> Market {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default().renewed()
    }

    fn put(&self, market: Market) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(market);
    }
}

/// What every incarnation is made from.
#[derive(Debug)]
pub(crate) struct BiddingArgs {
    pub(crate) link: Link,
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) timings: Timings,
    pub(crate) open_bids_max: usize,
    pub(crate) keepsake: Keepsake,
}

impl Actor for BiddingState {
    type Message = BiddingMessage;
    type Args = BiddingArgs;
    type Crash = RegionCrash;

    async fn init(args: &BiddingArgs, cx: &mut Context<Self>) -> Result<Init<Self>, RegionCrash> {
        cx.publish(&args.tables.starting, Starting);
        let snapshot = args.link.join(cx, BiddingMessage::Event).await?;
        let won_ttl_ms = millis(args.timings.won_ttl.min(WON_TTL));
        hear_of_wins(args, snapshot.region_seq, won_ttl_ms).await;
        let epoch = Epoch::next();
        let open = OpenBids::bounded(args.open_bids_max);
        cx.publish(&args.tables.incarnation, Incarnation { epoch, open });
        cx.after(EXPIRY_PERIOD, BiddingMessage::Expire);
        Ok(Init::Ready(Self {
            epoch,
            book: BiddingBook::knowing(args.tables.risk.recall(), won_ttl_ms).with_market(args.keepsake.take()),
            feed: Feed::new(args.link.clone(), snapshot.region_seq),
            clock: args.clock.clone(),
            won_ttl_ms,
            tables: args.tables.clone(),
            weighing: Due::NOW,
            publishing: Due::NOW,
            keepsake: args.keepsake.clone(),
            fresh: true,
        }))
    }

    async fn handle(&mut self, message: BiddingMessage, cx: &mut Context<Self>) -> Result<Flow, RegionCrash> {
        if std::mem::take(&mut self.fresh) {
            strike(&BIDDING_FIRST_MESSAGE)?;
        }
        match message {
            BiddingMessage::Commit { reservation, epoch } if epoch == self.epoch => {
                self.book.commit(reservation, self.clock.now_ms());
            }
            BiddingMessage::Commit { reservation, .. } => self.book.ignore_stale(reservation),
            BiddingMessage::Withdraw(bid) => self.book.withdraw(bid),
            BiddingMessage::Told { bid, min_to_win } => self.book.told(bid, min_to_win),
            BiddingMessage::Event(event) => {
                self.feed.strike(&BIDDING_EVENT, &event)?;
                let (book, tables, now_ms) = (&mut self.book, &self.tables, self.clock.now_ms());
                let won_until_ms = now_ms.saturating_add(self.won_ttl_ms);
                let apply = |event: &LedgerEvent| {
                    tables.leases.hear(event, won_until_ms);
                    book.apply(event, now_ms, |event| lease_of(tables, event));
                };
                self.feed.take(event, apply).await?;
                self.tables.leases.follow(self.feed.applied());
            }
            BiddingMessage::Figures(reply) => {
                // Whoever asked may have given up.
                let _ = reply.send(self.book.figures());
            }
            BiddingMessage::Expire => {
                let now_ms = self.clock.now_ms();
                self.book.expire(now_ms);
                if self.weighing.take(now_ms, WEIGH_PERIOD) {
                    self.book.weigh(now_ms);
                    self.tables.risk.keep(self.book.classes(), now_ms);
                }
                if self.publishing.take(now_ms, MARKET_PERIOD) {
                    self.publish_market(now_ms, cx);
                }
                cx.after(EXPIRY_PERIOD, BiddingMessage::Expire);
            }
        }
        Ok(Flow::Continue)
    }
}

impl BiddingState {
    fn publish_market(&mut self, now_ms: i64, cx: &mut Context<Self>) {
        let market = self.book.market();
        let minute = market.age(now_ms);
        if let Some(view) = market.view() {
            cx.publish(&self.tables.market, view);
        }
        if minute {
            self.keepsake.put(market.clone());
        }
    }
}

/// Hears of the wins that the last incarnation did not hear of, up to the snapshot: their leases wait for the billings.
async fn hear_of_wins(args: &BiddingArgs, region_seq: u64, won_ttl_ms: i64) {
    let leases = &args.tables.leases;
    if !leases.is_empty() && leases.followed() < region_seq {
        let won_until_ms = args.clock.now_ms().saturating_add(won_ttl_ms);
        let mut unheard = Feed::new(args.link.clone(), leases.followed());
        unheard.catch_up(|event| leases.hear(event, won_until_ms)).await;
        if unheard.applied() < region_seq {
            leases.hear_of_all(won_until_ms);
        }
    }
    leases.follow(region_seq);
}

/// The lease of an event, if this incarnation bids with it.
fn lease_of(tables: &Tables, event: &LedgerEvent) -> Option<Arc<LeaseCell>> {
    tables.pacer.read()?.account(event.campaign)?.lease(event.lease?)
}
