//! `budget_pacer`: keeps each campaign that bids in this region supplied with small leases, and sets how much of what is
//! eligible may go on.
//!
//! Promises that a lease of an earlier incarnation is never used again: the new one takes new leases. When the region ends in
//! good order, what no bid holds goes back to the ledger at once; after a crash the rest of each lease stays outstanding until
//! the last of its bids can no longer bill. Never holds back the bid path: that reads its table, and tells it when an account runs dry.

use std::collections::HashMap;
use std::sync::Arc;

use campaign::CampaignId;
use foldhash::fast::RandomState;
use ledger::{Clock, EventKind, LeaseId, LedgerEvent, Totals};
use money::Nanos;
use tembusu::{Actor, Context, ExitReason, Flow, Init, Turn};
use tokio::time::timeout;

use crate::account::{Account, PacerTable};
use crate::chaos::{PACER_EVENT, PACER_FIRST_MESSAGE, PACER_INIT};
use crate::crash::{RegionCrash, strike};
use crate::day::millis;
use crate::farewell;
use crate::feed::Feed;
use crate::funding::{Ask, ControlTick, Funding, GiveBack};
use crate::join::join_all;
use crate::limits::{GIVE_BACK, LEDGER_CALLS_MAX, WON_TTL};
use crate::link::Link;
use crate::notice::delay_ms;
use crate::pace::{Seat, Supply};
use crate::port::Tables;
use crate::supply::SupplyBook;
use crate::timings::Timings;

/// What `budget_pacer` can be told.
#[derive(Debug)]
pub(crate) enum PacerMessage {
    /// Campaigns want to bid and cannot for want of an account or of money; which ones stands in the table.
    Wanted,
    /// The ledger recorded something of this region.
    Event(Arc<LedgerEvent>),
    /// Timer: top up, close and return leases.
    Renew,
    /// Timer: set the pass probabilities.
    Control,
}

/// Boxed: tables are half empty at times.
type Fundings = HashMap<CampaignId, Box<Funding>, RandomState>;

/// The second actor of a region.
#[derive(Debug)]
pub(crate) struct BudgetPacer {
    table: PacerTable,
    fundings: Fundings,
    feed: Feed,
    args: PacerArgs,
    /// When the pass probabilities were set last.
    controlled_ms: i64,
    fresh: bool,
}

/// What every incarnation is made from.
#[derive(Clone, Debug)]
pub(crate) struct PacerArgs {
    pub(crate) link: Link,
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) timings: Timings,
    pub(crate) regions: u32,
    pub(crate) seat: Seat,
    pub(crate) supply: SupplyBook,
}

impl Actor for BudgetPacer {
    type Message = PacerMessage;
    type Args = PacerArgs;
    type Crash = RegionCrash;

    async fn init(args: &PacerArgs, cx: &mut Context<Self>) -> Result<Init<Self>, RegionCrash> {
        let no_epoch = || RegionCrash::NoEpoch { region: args.link.region().to_string() };
        let epoch = args.tables.incarnation.read().ok_or_else(no_epoch)?.epoch;
        // Only the number counts: old leases stay outstanding until their bids can no longer bill.
        let snapshot = args.link.join(cx, PacerMessage::Event).await?;
        strike(&PACER_INIT)?;
        args.tables.farewell.begin();
        args.tables.leases.collect();
        let table = PacerTable::new(epoch);
        cx.publish(&args.tables.pacer, table.clone());
        cx.after(args.timings.renewal, PacerMessage::Renew);
        cx.after(args.timings.control, PacerMessage::Control);
        Ok(Init::Ready(Self {
            table,
            fundings: Fundings::default(),
            feed: Feed::new(args.link.clone(), snapshot.region_seq),
            controlled_ms: args.clock.now_ms(),
            args: args.clone(),
            fresh: true,
        }))
    }

    async fn handle(&mut self, message: PacerMessage, cx: &mut Context<Self>) -> Result<Flow, RegionCrash> {
        if std::mem::take(&mut self.fresh) {
            strike(&PACER_FIRST_MESSAGE)?;
        }
        match message {
            PacerMessage::Wanted => {
                let opened = self.open_accounts(cx);
                self.top_up(opened).await;
            }
            PacerMessage::Event(event) => {
                self.feed.strike(&PACER_EVENT, &event)?;
                let fundings = &mut self.fundings;
                self.feed.take(event, |event| note_billing(fundings, event)).await?;
            }
            PacerMessage::Renew => {
                self.renew(cx).await;
                cx.after(self.args.timings.renewal, PacerMessage::Renew);
            }
            PacerMessage::Control => {
                self.control().await;
                self.forget(self.args.clock.now_ms(), cx);
                cx.after(self.args.timings.control, PacerMessage::Control);
            }
        }
        Ok(Flow::Continue)
    }

    async fn stop(mut self, _: &ExitReason) {
        let PacerArgs { link, tables, timings, .. } = &self.args;
        if !tables.farewell.is_orderly(tables) {
            return;
        }
        let own: Vec<_> = self.fundings.values_mut().flat_map(|funding| funding.end()).collect();
        let left = farewell::last_words(&tables.leases, own, millis(timings.won_ttl.min(WON_TTL)));
        let giving = async {
            for some in left.chunks(LEDGER_CALLS_MAX) {
                join_all(some.iter().map(|left| link.leave(*left))).await;
            }
        };
        if timeout(GIVE_BACK, giving).await.is_err() {
            tracing::warn!(region = %link.region(), "not all leases were given back; their rest comes back when they close");
        }
    }
}

impl BudgetPacer {
    /// Opens an account for each campaign that wanted one, and publishes them. Says which campaigns want money.
    fn open_accounts(&mut self, cx: &mut Context<Self>) -> Vec<CampaignId> {
        let demands = self.table.wanted.take();
        let now_ms = self.args.clock.now_ms();
        let mut changed = false;
        for (campaign, demand) in &demands {
            let account = Account::new(*campaign, demand.plan.clone());
            match self.fundings.get_mut(campaign) {
                Some(funding) if *funding.account().plan() == demand.plan => {
                    funding.demand();
                    continue;
                }
                Some(funding) => funding.replan(account, demand.price),
                None => {
                    let before = self.args.seat.resume(*campaign, now_ms);
                    self.fundings.insert(*campaign, Box::new(Funding::new(account, demand.price, before)));
                }
            }
            changed = true;
        }
        if changed {
            self.publish(cx);
        }
        demands.into_keys().collect()
    }

    fn publish(&mut self, cx: &mut Context<Self>) {
        let accounts = self.fundings.iter().map(|(campaign, funding)| (*campaign, Arc::clone(funding.account())));
        self.table.accounts = Arc::new(accounts.collect());
        cx.publish(&self.args.tables.pacer, self.table.clone());
    }

    /// Forgets campaigns that are over.
    fn forget(&mut self, now_ms: i64, cx: &mut Context<Self>) {
        let over = self.fundings.iter().filter(|(_, funding)| funding.is_over(now_ms));
        let over: Vec<CampaignId> = over.map(|(campaign, _)| *campaign).collect();
        if over.is_empty() {
            return;
        }
        self.fundings.retain(|campaign, _| !over.contains(campaign));
        self.fundings.shrink_to(self.fundings.len() * 2);
        self.args.seat.leave(&over);
        self.publish(cx);
    }

    async fn renew(&mut self, cx: &mut Context<Self>) {
        self.open_accounts(cx);
        self.give_back().await;
        let length_ms = millis(self.args.timings.renewal);
        let mut turn = Turn::begin();
        for funding in self.fundings.values_mut() {
            funding.measure(length_ms);
            turn.step();
        }
        self.top_up(self.fundings.keys().copied().collect()).await;
    }

    /// Takes leases for those of the campaigns that need one; all asks are one commit of the ledger.
    async fn top_up(&mut self, campaigns: Vec<CampaignId>) {
        let now_ms = self.args.clock.now_ms();
        let mut asks: Vec<(CampaignId, Ask)> = Vec::new();
        let mut turn = Turn::begin();
        for campaign in campaigns {
            if asks.len() >= LEDGER_CALLS_MAX {
                // The others still want money at the next tick; those who have got some do not.
                break;
            }
            turn.step();
            let funding = self.fundings.get_mut(&campaign);
            asks.extend(funding.and_then(|funding| funding.ask(now_ms)).map(|ask| (campaign, ask)));
        }
        let link = &self.args.link;
        let answers = join_all(asks.iter().map(|(campaign, ask)| link.lease(*campaign, *ask))).await;
        let mut unanswered = Vec::new();
        for ((campaign, _), answer) in asks.iter().zip(answers) {
            turn.step();
            let Some(funding) = self.fundings.get_mut(campaign) else { continue };
            match answer {
                Ok(Ok(grant)) => self.args.tables.leases.note(funding.granted(grant), grant.term.closes_ms),
                Ok(Err(refusal)) => funding.refused(refusal, now_ms),
                Err(cause) => {
                    // A grant that was made and not heard of stays unused until it expires.
                    funding.unanswered();
                    unanswered.push((*campaign, cause));
                }
            }
        }
        // One line for all: a ledger that is late is late for everybody.
        if let Some((campaign, cause)) = unanswered.first() {
            let campaigns = unanswered.len();
            tracing::warn!(region = %link.region(), campaigns, first = %campaign, %cause, "the ledger grants no lease; asking again");
        }
    }

    async fn give_back(&mut self) {
        let now_ms = self.args.clock.now_ms();
        let mut backs: Vec<(CampaignId, GiveBack)> = Vec::new();
        let mut turn = Turn::begin();
        for (campaign, funding) in &mut self.fundings {
            turn.step();
            funding.forget_closed(now_ms);
            backs.extend(funding.retire(now_ms).into_iter().map(|back| (*campaign, back)));
        }
        // What is beyond is due again at the next tick.
        backs.truncate(LEDGER_CALLS_MAX);
        let link = &self.args.link;
        let answers = join_all(backs.iter().map(|(_, back)| link.give_back(*back))).await;
        for ((campaign, back), answer) in backs.iter().zip(answers) {
            // Unanswered: it is repeated at the next tick, which changes nothing if it was done.
            if let (Ok(_), Some(funding)) = (answer, self.fundings.get_mut(campaign)) {
                funding.given_back(*back);
                if back.keep == Nanos(0) {
                    self.args.tables.leases.forget(back.lease);
                }
            }
        }
        self.give_back_old(now_ms).await;
    }

    /// Gives back what is left of earlier incarnations' leases whose bids can no longer bill.
    async fn give_back_old(&mut self, now_ms: i64) {
        let PacerArgs { link, tables, .. } = &self.args;
        let mut due = tables.leases.due(now_ms);
        due.truncate(LEDGER_CALLS_MAX);
        let back = |lease: &LeaseId| link.give_back(GiveBack { lease: *lease, keep: Nanos(0) });
        let answers = join_all(due.iter().map(back)).await;
        for (lease, answer) in due.iter().zip(answers) {
            if answer.is_ok() {
                tables.leases.forget(*lease);
            }
        }
    }

    async fn control(&mut self) {
        if self.fundings.is_empty() {
            return;
        }
        // Without the ledger's figures the probabilities stay as they are; leases still bound the spend.
        let Ok(totals) = self.args.link.totals().await else { return };
        let now_ms = self.args.clock.now_ms();
        // A clock that was set back says nothing of how long it was.
        let since_ms = now_ms.saturating_sub(self.controlled_ms);
        let length_ms = if 0 < since_ms { since_ms } else { millis(self.args.timings.control) };
        self.controlled_ms = now_ms;
        let mut turn = Turn::begin();
        let spent = self.spent(&totals, &mut turn);
        for funding in self.fundings.values_mut() {
            funding.observe(length_ms);
            turn.step();
        }

        let PacerArgs { seat, regions, .. } = &self.args;
        let mut others: HashMap<CampaignId, Supply, RandomState> = HashMap::default();
        let own = self.fundings.iter().map(|(campaign, funding)| (*campaign, *funding.controller()));
        seat.exchange(now_ms, own, |campaign, supply| {
            others.insert(campaign, supply);
        });
        let asked = self.fundings.iter_mut().map(|(campaign, funding)| (*campaign, funding.asked()));
        let mut courses = Vec::new();
        self.args.supply.follow(
            now_ms,
            asked.map(|(campaign, (plan, bids))| (campaign, plan, bids)),
            |campaign, course| {
                courses.push((campaign, course));
            },
        );
        for (campaign, course) in courses {
            self.fundings.entry(campaign).and_modify(|funding| funding.set_course(course));
        }
        let members = u32::try_from(seat.members()).unwrap_or(u32::MAX);
        let of_all = f64::from((*regions).max(members)) / f64::from(members.max(1));
        for (campaign, funding) in &mut self.fundings {
            turn.step();
            let spent_total = spent.get(campaign).copied().unwrap_or(Nanos(0));
            let others = others.get(campaign).copied().unwrap_or_default();
            funding.control(&ControlTick { now_ms, length_ms, spent_total, others, of_all });
        }
    }

    /// What the campaigns that bid here have spent. The ledger says it of all that there are.
    fn spent(&self, totals: &Totals, turn: &mut Turn) -> HashMap<CampaignId, Nanos, RandomState> {
        let accounts = totals.accounts.iter().inspect(|_| turn.step());
        let own = accounts.filter(|account| self.fundings.contains_key(&account.campaign));
        own.map(|account| (account.campaign, account.spent)).collect()
    }
}

fn note_billing(fundings: &mut Fundings, event: &LedgerEvent) {
    if event.kind == EventKind::Billing
        && let Some(funding) = fundings.get_mut(&event.campaign)
    {
        funding.billed(event.amount, delay_ms(event));
    }
}
