//! Recording events, and making them durable.
//!
//! Promises that a failure at any step poisons the store: what it holds in memory is then no longer what is on disk.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use campaign::CampaignId;
use money::Nanos;
use rusqlite::{Connection, params};

use super::{Store, StoreError, rows};
use crate::notice::{Booking, book};
use crate::{
    Account, BidFacts, EventKind, Flags, LastBids, LeaseAsk, LeaseGrant, LeaseId, LeaseLeft, LeaseRefusal, LeaseTerm,
    LedgerEvent, Notice, NoticeAnswer, Outcome,
};

/// What all events of one call have in common.
struct Draft {
    kind: EventKind,
    region: Option<Arc<str>>,
    campaign: CampaignId,
    lease: Option<LeaseId>,
    amount: Nanos,
    late: Nanos,
    flags: Flags,
    term: Option<LeaseTerm>,
    bid: Option<Box<BidFacts>>,
}

impl Draft {
    fn new(kind: EventKind, campaign: CampaignId, amount: Nanos) -> Self {
        let (late, flags) = (Nanos::ZERO, Flags::NONE);
        Self { kind, region: None, campaign, lease: None, amount, late, flags, term: None, bid: None }
    }

    fn lease(self, lease: LeaseId, region: &Arc<str>) -> Self {
        Self { lease: Some(lease), region: Some(Arc::clone(region)), ..self }
    }
}

impl Store {
    /// Sets a campaign's budget; the campaign is known from then on. Setting the same budget again records nothing; a
    /// budget below zero counts as zero.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn set_budget(&mut self, campaign: CampaignId, budget: Nanos, now_ms: i64) -> Result<Account, StoreError> {
        let budget = budget.max(Nanos::ZERO);
        if self.books.account(campaign).is_none_or(|account| account.budget() != budget) {
            self.record(Draft::new(EventKind::Budget, campaign, budget), now_ms)?;
        }
        Ok(self.books.account(campaign).copied().unwrap_or_default())
    }

    /// Grants a lease, or says why not. The money is the region's when [`commit`](Self::commit) has returned.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn grant(&mut self, ask: &LeaseAsk, now_ms: i64) -> Result<Result<LeaseGrant, LeaseRefusal>, StoreError> {
        self.check_usable()?;
        let amount = match self.books.decide_grant(ask, self.options.regions) {
            Ok(amount) => amount,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let lease = LeaseId(self.books.last_lease + 1);
        let expires_ms = now_ms.saturating_add(millis(self.options.lease_life));
        let closes_ms = expires_ms.saturating_add(millis(self.options.lease_grace));
        let term = LeaseTerm { expires_ms, closes_ms };
        let draft = Draft::new(EventKind::LeaseGranted, ask.campaign, amount).lease(lease, &ask.region);
        self.record(Draft { term: Some(term), ..draft }, now_ms)?;
        Ok(Ok(LeaseGrant { lease, amount, term }))
    }

    /// Takes back what a lease holds beyond `keep`, the sum of the bids that may still bill, and says how much that was.
    /// Repeating it takes nothing more. A lease that holds nothing after it is closed.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn give_back(&mut self, lease: LeaseId, keep: Nanos, now_ms: i64) -> Result<Nanos, StoreError> {
        self.check_usable()?;
        let amount = self.books.decide_return(lease, keep);
        if let (true, Some(open)) = (Nanos::ZERO < amount, self.books.lease(lease)) {
            let draft = Draft::new(EventKind::LeaseReturned, open.campaign, amount).lease(lease, &open.region);
            self.record(draft, now_ms)?;
        }
        Ok(amount)
    }

    /// Takes back what [`give_back`](Self::give_back) would of a lease that its region leaves, and the rest when its last bids can
    /// no longer bill. Says how much was taken now. Repeating it takes nothing more; once left, a lease never closes sooner than
    /// was said first.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn leave(&mut self, left: LeaseLeft, now_ms: i64) -> Result<Nanos, StoreError> {
        self.check_usable()?;
        let LeaseLeft { lease, keep, last, heard } = left;
        let amount = self.books.decide_return(lease, keep);
        let Some(open) = self.books.lease(lease) else { return Ok(amount) };
        let won_ttl_ms = last.won_ttl_ms.max(0);
        let won_ms = self.last_win(lease, &open.region, heard)?.map(|won_ms| won_ms.saturating_add(won_ttl_ms));
        let said_ms = open.last.map(|last| last.open_until_ms);
        let open_until_ms = [won_ms, said_ms].into_iter().flatten().fold(last.open_until_ms, i64::max);
        let last = LastBids { open_until_ms: open_until_ms.min(open.term.closes_ms), won_ttl_ms };
        if Nanos::ZERO < amount || open.last != Some(last) {
            let draft = Draft::new(EventKind::LeaseReturned, open.campaign, amount).lease(lease, &open.region);
            self.record(Draft { term: Some(last.term()), ..draft }, now_ms)?;
        }
        Ok(amount)
    }

    /// When the last win of a lease was recorded of which its region has not heard.
    fn last_win(&self, lease: LeaseId, region: &str, heard: u64) -> Result<Option<i64>, StoreError> {
        let read = |conn: &Connection| {
            let mut statement = conn.prepare_cached(
                "SELECT max(at_ms) FROM event WHERE region = ?1 AND region_seq > ?2 AND lease = ?3 AND kind = ?4",
            )?;
            statement.query_row(params![region, heard, lease.0, EventKind::Win.name()], |row| row.get(0))
        };
        read(&self.conn).map_err(database("look for wins"))
    }

    /// Closes the leases whose bids can no longer bill, returns their rest to free, and says how many they were.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn expire(&mut self, now_ms: i64) -> Result<usize, StoreError> {
        self.check_usable()?;
        let due: Vec<_> = self.books.due(now_ms).collect();
        for id in &due {
            let lease = self.books.lease(*id).expect("a lease that is due is open");
            let draft = Draft::new(EventKind::LeaseExpired, lease.campaign, lease.left).lease(*id, &lease.region);
            self.record(draft, now_ms)?;
        }
        Ok(due.len())
    }

    /// Records a notice, unless it is known. It counts when [`commit`](Self::commit) has returned, and not before.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn record_notice(&mut self, notice: &Notice, now_ms: i64) -> Result<NoticeAnswer, StoreError> {
        self.check_usable()?;
        let Booking { kind, amount, price, mut flags } = book(notice);
        let known = self.kinds_of(notice)?;
        if known.contains(&kind) {
            return Ok(NoticeAnswer { outcome: Outcome::Duplicate, billed: Nanos::ZERO, flags });
        }
        if contradicts(kind, &known) {
            flags |= Flags::CONTRADICTS;
        }
        let claims = &notice.claims;
        let late = self.books.late_part(Some(claims.lease), claims.campaign, amount);
        if Nanos::ZERO < late {
            flags |= Flags::LATE;
        }
        let bid = BidFacts {
            token: notice.token,
            exchange: Arc::clone(&claims.exchange),
            auction: claims.auction.clone(),
            imp: claims.imp.clone(),
            bid: claims.bid.clone(),
            creative: claims.creative,
            bid_price: claims.bid_price,
            price,
            currency: claims.currency,
            cap_key: claims.cap_key,
            definition: claims.definition,
        };
        let draft = Draft::new(kind, claims.campaign, amount).lease(claims.lease, &claims.region);
        self.record(Draft { late, flags, bid: Some(Box::new(bid)), ..draft }, now_ms)?;
        let observed = [EventKind::WinObserved, EventKind::BillingObserved, EventKind::LossObserved].contains(&kind);
        let outcome = if observed { Outcome::Observed } else { Outcome::Counted };
        Ok(NoticeAnswer { outcome, billed: amount, flags })
    }

    /// Makes everything that was recorded durable, and gives the events, in order.
    ///
    /// # Errors
    /// Any error means that this store must be dropped: it is poisoned, and every further call says so.
    pub fn commit(&mut self) -> Result<Vec<Arc<LedgerEvent>>, StoreError> {
        self.check_usable()?;
        if self.uncommitted() == 0 {
            return Ok(Vec::new());
        }
        // Poisoned until the opposite is proven: a panic on the way out leaves it so.
        self.poisoned = true;
        self.write_tables().map_err(database("write the tables"))?;
        self.conn.execute_batch("COMMIT").map_err(database("commit"))?;
        self.write_back()?;
        self.poisoned = false;
        self.words = 0;
        Ok(mem::take(&mut self.batch))
    }

    pub(super) fn check_usable(&self) -> Result<(), StoreError> {
        if self.poisoned { Err(StoreError::Poisoned) } else { Ok(()) }
    }

    pub(super) fn check_readable(&self) -> Result<(), StoreError> {
        self.check_usable()?;
        if self.uncommitted() == 0 { Ok(()) } else { Err(StoreError::Uncommitted) }
    }

    fn record(&mut self, draft: Draft, now_ms: i64) -> Result<(), StoreError> {
        self.check_usable()?;
        let region_seq = draft.region.as_ref().map_or(0, |region| self.books.head(region) + 1);
        let Draft { kind, region, campaign, lease, amount, late, flags, term, bid } = draft;
        let seq = self.books.last_seq + 1;
        let event = LedgerEvent {
            seq,
            at_ms: now_ms,
            kind,
            region,
            region_seq,
            campaign,
            lease,
            amount,
            late,
            flags,
            term,
            bid,
        };
        // The books refuse before anything is changed; from here on, memory is ahead of the disk.
        self.books.apply(&event).map_err(StoreError::Refused)?;
        self.poisoned = true;
        if self.conn.is_autocommit() {
            self.conn.execute_batch("BEGIN IMMEDIATE").map_err(database("begin a transaction"))?;
        }
        rows::insert(&self.conn, &event).map_err(database("record an event"))?;
        self.poisoned = false;
        self.batch.push(Arc::new(event));
        Ok(())
    }

    fn kinds_of(&self, notice: &Notice) -> Result<Vec<EventKind>, StoreError> {
        let read = |conn: &Connection| {
            let mut statement = conn.prepare_cached("SELECT kind FROM event WHERE token = ?1")?;
            let kinds = statement.query_map([notice.token.0], |row| row.get::<_, String>(0))?;
            kinds.collect::<rusqlite::Result<Vec<_>>>()
        };
        let names = read(&self.conn).map_err(database("look a token up"))?;
        Ok(names.iter().filter_map(|name| EventKind::from_name(name)).collect())
    }
}

/// A bid cannot be lost and won, or lost and billed. The later notice is recorded all the same.
fn contradicts(kind: EventKind, known: &[EventKind]) -> bool {
    match kind {
        EventKind::Loss => known.contains(&EventKind::Win) || known.contains(&EventKind::Billing),
        EventKind::Win | EventKind::Billing => known.contains(&EventKind::Loss),
        _ => false,
    }
}

pub(super) fn database(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| StoreError::Database { doing, source }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
