//! `frequency_capper`: how often each user was shown each campaign, and each creative that is counted.
//!
//! Promises that the billed counts are the ledger's: those of the store at one moment, and one more for every billing since.
//! Never counts a notice: only what the ledger has recorded. The counts are read on a blocking thread: a million users hold
//! up nobody but their own region, which answers `region_recovering` meanwhile. What it has read of minutes that are over
//! outlives it ([`CapArchive`]): after a crash only the last minutes are read again.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger::{BidFacts, CapReader, Clock, EventKind, LedgerEvent};
use tembusu::{Actor, Context, ExitReason, Flow, Init};
use tokio::task::spawn_blocking;

use crate::cap_archive::CapArchive;
use crate::cap_estate::{CapEstate, CarriedBids};
use crate::cap_journal::{CapJournal, Journaling};
use crate::cap_load::{LoadedCaps, Renewal, Renewed};
use crate::cap_note;
use crate::cap_table::CapTable;
use crate::chaos::{CAPPER_EVENT, CAPPER_FIRST_MESSAGE};
use crate::crash::{RegionCrash, strike};
use crate::day::millis;
use crate::due::Due;
use crate::farewell::Farewell;
use crate::feed::Feed;
use crate::limits::{
    ARCHIVE_BLOCKS_CHECKED, ARCHIVE_LAG, ARCHIVE_PERIOD, CAP_SHARDS, CARRIED_PERIOD, FORGET_PERIOD, JOURNAL_PERIOD,
    WON_TTL,
};
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
    /// Timer: write down what is open.
    Journal,
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
    archive: Arc<CapArchive>,
    upkeep: Upkeep,
    farewell: Farewell,
    journaling: Option<Journaling>,
    /// The shard in which is forgotten next.
    shard: usize,
    fresh: bool,
}

/// What is to be done about the archive.
#[derive(Debug)]
struct Upkeep {
    /// The block that is looked at next.
    block: usize,
    /// When it is renewed next.
    due: Due,
    /// Something was recorded in a minute that it took for over.
    is_behind: bool,
    /// The earliest billing that was heard of since the last renewal began, which may have missed it.
    earliest_ms: i64,
    /// Absent while a renewal has it.
    reader: Option<Reader>,
    renewal: Option<Renewal>,
}

struct Reader(Box<dyn CapReader>);

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reader").finish_non_exhaustive()
    }
}

/// What every incarnation is made from.
#[derive(Debug)]
pub(crate) struct CapperArgs {
    pub(crate) link: Link,
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) timings: Timings,
    pub(crate) journal: Option<CapJournal>,
    pub(crate) pairs_max: usize,
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
        let now_ms = args.clock.now_ms();
        if let Some(journal) = &args.journal {
            journal.claim(epoch);
            args.restore(journal).await;
        }
        let known = args.still_whole().await;
        let LoadedCaps { table: caps, archive, region_seq, reader } = args.link.load_caps(epoch, known, now_ms).await?;
        args.tables.estate.leave_archive(Some(Arc::clone(&archive)));
        let caps = caps.with_room_for(args.pairs_max);
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
        if args.journal.is_some() {
            cx.after(Duration::ZERO, CapperMessage::Journal);
        }
        Ok(Init::Ready(Self {
            journaling: args.journal.clone().map(Journaling::new),
            caps,
            carried,
            feed: Feed::new(args.link.clone(), region_seq),
            clock: args.clock.clone(),
            won_ttl_ms,
            estate: args.tables.estate.clone(),
            upkeep: Upkeep {
                block: 0,
                due: Due::at(archive.until_ms().saturating_add(millis(ARCHIVE_LAG + ARCHIVE_PERIOD))),
                is_behind: false,
                earliest_ms: i64::MAX,
                reader: Some(Reader(reader)),
                renewal: None,
            },
            archive,
            farewell: args.tables.farewell.clone(),
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
                let Self { caps, carried, feed, won_ttl_ms, archive, upkeep, .. } = self;
                let won_until_ms = now_ms.saturating_add(*won_ttl_ms);
                feed.take(event, |event| {
                    upkeep.is_behind |= is_before(event, archive);
                    if event.kind == EventKind::Billing {
                        upkeep.earliest_ms = upkeep.earliest_ms.min(event.at_ms);
                    }
                    count(caps, carried, event, won_until_ms);
                })
                .await?;
                if upkeep.is_behind {
                    self.estate.leave_archive(None);
                }
                self.estate.follow(self.feed.applied());
            }
            CapperMessage::Forget => {
                self.caps.forget(self.shard, now_ms);
                self.shard = (self.shard + 1) % CAP_SHARDS;
                self.keep_up_archive(now_ms).await?;
                cx.after(FORGET_PERIOD, CapperMessage::Forget);
            }
            CapperMessage::Journal => {
                if let Some(journaling) = &mut self.journaling {
                    journaling.go_on(&self.caps, self.feed.applied(), now_ms).await;
                    cx.after(JOURNAL_PERIOD, CapperMessage::Journal);
                }
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

    async fn stop(mut self, _: &ExitReason) {
        self.farewell.say();
        if let Some(journaling) = &mut self.journaling {
            journaling.finish(&self.caps, self.feed.applied()).await;
        }
    }
}

impl CapperArgs {
    /// Takes over what the last process left of open bids, if this is the first incarnation of its own.
    async fn restore(&self, journal: &CapJournal) {
        let estate = &self.tables.estate;
        if !estate.begins() {
            return;
        }
        let (region, journal) = (self.link.region(), journal.clone());
        match spawn_blocking(move || journal.recover()).await.map_err(io::Error::other).flatten() {
            Ok(left) => {
                tracing::info!(%region, open = left.open.len(), "open bids of the last process count in their caps");
                if 0 < left.unread {
                    tracing::warn!(%region, bytes = left.unread, "the end of their journal is damaged or was cut short: bids of it are forgotten");
                }
                estate.restore(left);
            }
            Err(cause) => {
                tracing::error!(%region, %cause, "open bids of the last process do not count in their caps");
                estate.restore(cap_note::Left::default());
            }
        }
    }

    /// The archive of an earlier incarnation, unless the ledger has recorded something that belongs into it since: then it
    /// is left to nobody any more.
    async fn still_whole(&self) -> Option<Arc<CapArchive>> {
        let estate = &self.tables.estate;
        let archive = estate.archive()?;
        let mut unheard = Feed::new(self.link.clone(), estate.followed());
        let mut is_behind = false;
        let is_told = unheard.catch_up(|event| is_behind |= is_before(event, &archive)).await;
        if is_told && !is_behind {
            return Some(archive);
        }
        estate.leave_archive(None);
        None
    }
}

impl FrequencyCapper {
    /// Looks at some of the archive, and brings it up to date when it is time.
    async fn keep_up_archive(&mut self, now_ms: i64) -> Result<(), RegionCrash> {
        for _ in 0..ARCHIVE_BLOCKS_CHECKED.min(self.archive.blocks()) {
            self.upkeep.block = (self.upkeep.block + 1) % self.archive.blocks();
            if !self.archive.is_block_sound(self.upkeep.block) {
                return Err(RegionCrash::CorruptCaps { block: self.upkeep.block });
            }
        }
        if let Some(renewal) = self.upkeep.renewal.take_if(|renewal| renewal.is_finished()) {
            self.take_renewal(renewal).await;
        }
        let Upkeep { reader, due, .. } = &mut self.upkeep;
        if let Some(Reader(reader)) = reader.take_if(|_| due.take(now_ms, ARCHIVE_PERIOD)) {
            let anew = std::mem::take(&mut self.upkeep.is_behind);
            self.upkeep.earliest_ms = i64::MAX;
            self.upkeep.renewal = Some(Renewal::of(reader, Arc::clone(&self.archive), anew, now_ms));
        }
        Ok(())
    }

    async fn take_renewal(&mut self, renewal: Renewal) {
        let is_anew = renewal.is_anew;
        let Some((reader, renewed)) = renewal.result().await else { return };
        self.upkeep.reader = Some(Reader(reader));
        match renewed {
            // An event that is counted in it would be counted again when it comes.
            Ok(Renewed { region_seq, .. }) if self.feed.applied() < region_seq => self.upkeep.is_behind |= is_anew,
            Ok(Renewed { archive, .. }) => {
                // It may have been read before that was recorded: then it lacks it.
                self.upkeep.is_behind |= self.upkeep.earliest_ms < archive.until_ms();
                self.archive = Arc::new(archive);
                self.caps.take_archive(&self.archive);
                // What came meanwhile and belongs into it is in this incarnation's table, and would be in no other.
                if !self.upkeep.is_behind {
                    self.estate.leave_archive(Some(Arc::clone(&self.archive)));
                }
            }
            Err(cause) => {
                tracing::warn!(%cause, "counts of users are not archived; trying again later");
                self.upkeep.is_behind |= is_anew;
            }
        }
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

/// Whether an event belongs into an archive, which was made without it: the ledger's clock was set back.
fn is_before(event: &LedgerEvent, archive: &CapArchive) -> bool {
    event.kind == EventKind::Billing && event.at_ms < archive.until_ms()
}
