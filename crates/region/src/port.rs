//! What the bid path holds of a region: its port, and the view that it opens for a request.
//!
//! Promises that a view is of one incarnation: leases, pacing and caps of a region that agree with each other. Never
//! waits, neither for an actor nor for the ledger.

use std::sync::Arc;
use std::time::Duration;

use campaign::{CampaignId, Caps, CreativeId, Pacing};
use ledger::{CapSubject, Clock, TokenId};
use money::{Cpm, Nanos};
use tembusu::{Address, Table};
use thiserror::Error;

use crate::account::{Account, Demand, PacerTable};
use crate::bidding_book::BiddingFigures;
use crate::bidding_state::BiddingMessage;
use crate::budget_pacer::PacerMessage;
use crate::cap_estate::CapEstate;
use crate::cap_place::{CapAsk, CapPlace};
use crate::cap_table::{CapTable, NoPlace};
use crate::cap_user::CapUser;
use crate::day::millis;
use crate::epoch::{Incarnation, Starting};
use crate::farewell::Farewell;
use crate::hold::Hold;
use crate::lease_cell::LeaseFigures;
use crate::lease_estate::LeaseEstate;
use crate::limits::HOLD_MAX;
use crate::pace::{Pass, Plan};
use crate::recovery::{Recovery, RecoveryFigures};
use crate::risk::{BidClass, RiskMemory};
use crate::shading::{Lesson, MarketView, Outlook, ShadeAsk, Shaded, explores};

/// A region as the bid path knows it. Cheap to clone; the same for all incarnations.
#[derive(Clone, Debug)]
pub struct RegionPort {
    pub(crate) name: Arc<str>,
    pub(crate) clock: Clock,
    pub(crate) tables: Tables,
    pub(crate) bidding: Address<BiddingMessage>,
    pub(crate) pacer: Address<PacerMessage>,
}

/// The tables of a region, made before its tree.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// There is an incarnation, which may not be able to bid yet.
    pub(crate) starting: Table<Starting>,
    pub(crate) incarnation: Table<Incarnation>,
    pub(crate) pacer: Table<PacerTable>,
    pub(crate) caps: Table<CapTable>,
    pub(crate) estate: CapEstate,
    pub(crate) risk: RiskMemory,
    pub(crate) recovery: Recovery,
    pub(crate) farewell: Farewell,
    pub(crate) leases: LeaseEstate,
    pub(crate) market: Table<MarketView>,
}

/// The region has no incarnation that could answer: it is starting, restarting, or in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("region {region} is down: bid nothing for it (204 region_down)")]
pub struct RegionDown {
    /// Which region.
    pub region: Arc<str>,
}

/// Why a region does not bid at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegionClosed {
    /// It has no incarnation: it was never started, was stopped, or is in quarantine.
    #[error("region {region} is down: bid nothing for it (204 region_down)")]
    Down {
        /// Which region.
        region: Arc<str>,
    },
    /// It has one that still learns what was billed before it: it bids within a second or so.
    #[error("region {region} is recovering: bid nothing for it yet (204 region_recovering)")]
    Recovering {
        /// Which region.
        region: Arc<str>,
    },
}

/// What a bid asks of its region.
#[derive(Clone, Debug)]
pub struct Want {
    /// The campaign that is to pay.
    pub campaign: CampaignId,
    /// Its plan, from its definition: see [`Plan::of`].
    pub plan: Plan,
    /// What is to be held: the whole bid price of one impression.
    pub price: Nanos,
    /// The user, if the request has one that may be counted, with keys marked as the campaign counts.
    pub user: Option<CapUser>,
    /// The campaign's caps.
    pub caps: Caps,
    /// What is to be shown.
    pub creative: CreativeId,
    /// The creative's own caps.
    pub creative_caps: Caps,
    /// Whose statistics say how much of the price is to be held when the bid has been out for a while; a strict plan holds
    /// all of it, whatever they say.
    pub class: BidClass,
    /// What the bid teaches of a first-price market, as [`RegionView::shade`] gave it.
    pub lesson: Option<Lesson>,
    /// How long the bid is held if neither a win nor a loss is heard of; [`HOLD_MAX`] at most.
    pub ttl: Duration,
    /// Decides with the pass probability whether the bid goes on: any bits that differ from auction to auction, such as a
    /// hash of the auction's id. The same draw gives the same answer.
    pub draw: u64,
}

/// Why a region does not let a campaign bid: a reason for a no-bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No lease covers the price at the moment; the pacer was told.
    #[error("no lease covers the price yet")]
    Unfunded,
    /// The ledger had nothing left of the campaign's budget when it was last asked.
    #[error("budget is exhausted")]
    BudgetExhausted,
    /// The campaign is ahead of its plan; or so near its end that the bid, if lost, would hold its price for too long.
    #[error("paced")]
    Paced,
    /// The user has seen the campaign as often as it allows, or bids that are still open may get there.
    #[error("frequency cap is reached")]
    Capped,
    /// The same for the creative: another one of the campaign may do.
    #[error("frequency cap of the creative is reached")]
    CreativeCapped,
    /// The user has no count yet, and the region counts as many users as it may: nobody could say when the cap is reached.
    #[error("as many users are counted as may be")]
    CapsFull,
    /// The campaign is capped and the user cannot be counted.
    #[error("capped campaign and no cap key")]
    NoCapKey,
}

impl Refusal {
    /// The reason in metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unfunded => "unfunded",
            Self::BudgetExhausted => "budget_exhausted",
            Self::Paced => "paced",
            Self::Capped => "capped",
            Self::CreativeCapped => "creative_capped",
            Self::CapsFull => "caps_full",
            Self::NoCapKey => "no_cap_key",
        }
    }
}

impl RegionPort {
    /// The region's name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether a view could be opened now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open().is_ok()
    }

    /// A view of the running incarnation, for one request.
    ///
    /// # Errors
    ///
    /// [`RegionClosed`] while a table is withdrawn.
    pub fn open(&self) -> Result<RegionView<'_>, RegionClosed> {
        self.view().ok_or_else(|| self.closed())
    }

    fn closed(&self) -> RegionClosed {
        let region = Arc::clone(&self.name);
        if self.tables.starting.is_published() {
            RegionClosed::Recovering { region }
        } else {
            RegionClosed::Down { region }
        }
    }

    /// Gives back what a committed bid holds that is not sent after all. Never waits: if the region has too much to do, the
    /// bid is held until it expires.
    pub fn withdraw(&self, bid: TokenId) {
        let _ = self.bidding.tell(BiddingMessage::Withdraw(bid));
    }

    /// Hands on what an exchange told of a bid: the least price in USD that would have won. Call it before the bid's notice
    /// is recorded, which ends the bid. Never waits: a region that has too much to do learns nothing from it.
    pub fn told(&self, bid: TokenId, min_to_win: Cpm) {
        let _ = self.bidding.tell(BiddingMessage::Told { bid, min_to_win });
    }

    /// What became of the bids of the running incarnation.
    ///
    /// # Errors
    ///
    /// [`RegionDown`] if it does not answer in time.
    pub async fn figures(&self, within: Duration) -> Result<BiddingFigures, RegionDown> {
        let figures = self.bidding.call(BiddingMessage::Figures, within).await;
        figures.map_err(|_| RegionDown { region: Arc::clone(&self.name) })
    }

    /// What the region has learnt of an exchange's first-price auctions, for a bid of this value; `None` while it is too little.
    #[must_use]
    pub fn outlook(&self, exchange: &str, value: Cpm) -> Option<Outlook> {
        self.tables.market.read()?.outlook(exchange, value)
    }

    /// How long the region took to count its users when it last started.
    #[must_use]
    pub fn recovery(&self) -> RecoveryFigures {
        self.tables.recovery.figures()
    }

    fn view(&self) -> Option<RegionView<'_>> {
        let incarnation = self.tables.incarnation.read()?;
        let pacer = self.tables.pacer.read()?;
        let caps = self.tables.caps.read()?;
        // Read in the midst of a restart they may be of two incarnations.
        let agree = pacer.epoch == incarnation.epoch && caps.epoch() == incarnation.epoch;
        agree.then_some(RegionView { port: self, incarnation, pacer, caps })
    }
}

/// One incarnation's leases, pacing and caps.
///
/// # On restart
///
/// A view that outlives its incarnation still refuses by the old tables, and holds from old leases until the successor closes
/// them; after that it finds no money. What it held stays outstanding in the ledger. Open a new one for each request.
#[derive(Debug)]
pub struct RegionView<'a> {
    port: &'a RegionPort,
    incarnation: Arc<Incarnation>,
    pacer: Arc<PacerTable>,
    caps: Arc<CapTable>,
}

impl RegionView<'_> {
    /// Holds money, and a place in the user's cap, for one bid.
    ///
    /// # Errors
    ///
    /// [`Refusal`], in the order in which it is decided: cap, pacing, money.
    pub fn try_hold(&self, want: Want) -> Result<Hold, Refusal> {
        let now_ms = self.port.clock.now_ms();
        let Want { campaign, caps, creative, creative_caps, .. } = want;
        let ask = CapAsk { campaign, caps, creative, creative_caps };
        let user = match (ask.is_empty(), want.user) {
            (true, _) => None,
            (false, None) => return Err(Refusal::NoCapKey),
            (false, user) => user,
        };
        if let Some(full) = user.and_then(|user| ask.full(&self.caps, user, now_ms)) {
            return Err(capped((full, NoPlace::Reached)));
        }
        let Some(account) = self.account(&want) else { return Err(Refusal::Unfunded) };
        let out_ms = millis(want.ttl.min(HOLD_MAX));
        if !account.is_patient(out_ms) || !account.passes(mix(want.draw, want.campaign)) {
            return Err(Refusal::Paced);
        }
        let expires_ms = now_ms.saturating_add(out_ms);
        let Some(lease) = account.reserve(want.price, now_ms, expires_ms) else {
            return Err(self.unfunded(account, &want));
        };
        let mut hold = Hold {
            bidding: self.port.bidding.clone(),
            incarnation: Arc::clone(&self.incarnation),
            campaign: want.campaign,
            lease,
            price: want.price,
            cap: None,
            expires_ms,
            class: want.class,
            in_full: want.plan.strict,
            lesson: want.lesson,
            committed: false,
        };
        if let Some(user) = user {
            let place = CapPlace::open(&self.caps, &ask, user, now_ms, hold.expires_ms).map_err(capped)?;
            hold.cap = Some(Box::new(place));
        }
        Ok(hold)
    }

    /// What to bid in a first-price auction.
    ///
    /// The full price while too little is known of the market, for one bid in fifty, and for a campaign that is behind an even
    /// plan although it passes everything: more wins are worth more to it than cheaper ones.
    #[must_use]
    pub fn shade(&self, ask: &ShadeAsk) -> Shaded {
        let account = self.pacer.account(ask.campaign);
        let is_behind = |account: &Arc<Account>| account.plan().pacing != Pacing::Asap && account.pass() == Pass::ALL;
        let explores = explores(mix(ask.draw, ask.campaign)) || account.is_some_and(is_behind);
        let market = if explores { None } else { self.port.tables.market.read() };
        let price = market.and_then(|market| market.price(ask.segment, ask.value, ask.floor));
        let price = price.filter(|price| *price < ask.value);
        Shaded { price, lesson: Lesson { segment: ask.segment, full_price: price.is_none() } }
    }

    /// What the region has of a campaign's money; `None` if it has no account.
    #[must_use]
    pub fn funds(&self, campaign: CampaignId) -> Option<LeaseFigures> {
        self.pacer.account(campaign).map(|account| account.funds())
    }

    /// The accounts of the region.
    #[must_use]
    pub fn pacer(&self) -> &PacerTable {
        &self.pacer
    }

    /// The caps of the region.
    #[must_use]
    pub fn caps(&self) -> &CapTable {
        &self.caps
    }

    /// The account of the campaign; the pacer is told if there is none, or one with a plan that no longer holds. One whose leases
    /// may have credit is none for a budget that has become strict.
    fn account(&self, want: &Want) -> Option<&Account> {
        let account = self.pacer.account(want.campaign);
        if account.is_none_or(|account| *account.plan() != want.plan) {
            self.demand(want);
            return account.map(|account| &**account).filter(|account| account.plan().strict || !want.plan.strict);
        }
        account.map(|account| &**account)
    }

    fn unfunded(&self, account: &Account, want: &Want) -> Refusal {
        if account.is_exhausted() {
            return Refusal::BudgetExhausted;
        }
        if account.should_tell() {
            self.demand(want);
        }
        Refusal::Unfunded
    }

    fn demand(&self, want: &Want) {
        let demand = Demand { plan: want.plan.clone(), price: want.price };
        if self.pacer.wanted.note(want.campaign, demand) {
            // If its queue is full, its next tick finds the note.
            let _ = self.port.pacer.tell(PacerMessage::Wanted);
        }
    }
}

fn capped((subject, why): (CapSubject, NoPlace)) -> Refusal {
    match (why, subject) {
        (NoPlace::TableFull, _) => Refusal::CapsFull,
        (NoPlace::Reached, CapSubject::Campaign(_)) => Refusal::Capped,
        (NoPlace::Reached, CapSubject::Creative(_)) => Refusal::CreativeCapped,
    }
}

/// Spreads a draw over 64 bits, differently for each campaign (the finaliser of splitmix64).
fn mix(draw: u64, campaign: CampaignId) -> u64 {
    let mut bits = draw ^ u64::from(campaign.0).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
