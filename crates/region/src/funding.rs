//! How much of a campaign's money a region takes at a time, and when it gives it back.
//!
//! Promises small leases, since a crash freezes them: some seconds of bidding, or a small part of what is left of the budget.
//! Never asks for a campaign that nobody bids for, and never returns money that an open bid holds. Pure: the pacer around it
//! talks to the ledger.

use std::sync::Arc;

use campaign::Pacing;
use ledger::{LeaseGrant, LeaseId, LeaseRefusal};
use money::Nanos;

use crate::account::{Account, AccountFigures};
use crate::day::millis;
use crate::due::Due;
use crate::lease_cell::LeaseCell;
use crate::limits::{
    EXHAUSTED_RETRY, LEASE_BIDS_MIN, LEASE_HORIZON, LEASE_NANOS_MIN, LEASE_PART_MAX, LEASES_PER_CAMPAIGN_MAX,
    SILENT_MAX,
};
use crate::pace::{Controller, Course, Observation, Pass, Patience, Plan, Supply};

/// One campaign's money in a region, as the pacer manages it.
#[derive(Debug)]
pub(crate) struct Funding {
    account: Arc<Account>,
    controller: Controller,
    /// The plan under way, and what it was asked for since it was last told.
    course: Course,
    patience: Patience,
    asked: u64,
    /// For how long nobody has asked for it.
    silent_ms: i64,
    /// What the bid cost that opened the account.
    price: Nanos,
    /// What was left of the budget at the last tick, over all regions.
    remaining: Nanos,
    /// What bids held per second, on average.
    hold_rate: i64,
    /// The account's figures when the hold rate was last measured, and when the pass probability was last set.
    measured: AccountFigures,
    controlled: AccountFigures,
    billings: Billings,
    /// Somebody asked for money since the last look.
    demanded: bool,
    retry: Due,
    /// Leases that are closed and wait for their last bids, with the time at which the ledger takes the rest anyway.
    closing: Vec<Closing>,
    closes_ms: Vec<(LeaseId, i64)>,
}

/// The billings since the last control tick.
#[derive(Clone, Copy, Debug, Default)]
struct Billings {
    amount: Nanos,
    /// How many of them say how long after their bid they came, and the sum of that.
    delays: u64,
    delay_ms: i64,
}

#[derive(Debug)]
struct Closing {
    lease: Arc<LeaseCell>,
    closes_ms: i64,
    /// What the ledger knows to be needed of it; `None` while it has not been told.
    kept: Option<Nanos>,
}

impl Closing {
    /// Whether the ledger should hear what is needed of it: never told, nothing any more, or a quarter less than it knows.
    fn is_due(&self) -> bool {
        let needed = self.lease.figures().needed();
        self.lease.is_returnable() || self.kept.is_none_or(|kept| needed.0 < kept.0 - kept.0 / 4)
    }
}

/// Money that goes back to the ledger: everything of the lease but `keep`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GiveBack {
    pub(crate) lease: LeaseId,
    pub(crate) keep: Nanos,
}

/// A lease to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) want: Nanos,
    pub(crate) least: Nanos,
}

/// The weight of the newest measurement of the hold rate is a quarter.
const RATE_DECAY: i64 = 4;

impl Funding {
    /// A campaign for which somebody wants to bid, with what the last incarnation knew of its traffic.
    pub(crate) fn new(account: Account, price: Nanos, before: Option<Controller>) -> Self {
        let figures = account.figures();
        if let Some(controller) = before.filter(|_| account.plan().pacing != Pacing::Asap) {
            account.set_pass(controller.pass());
        }
        Self {
            remaining: account.plan().budget,
            course: Course::of(account.plan().clone()),
            patience: Patience::of(account.plan()),
            asked: 0,
            silent_ms: 0,
            account: Arc::new(account),
            controller: before.unwrap_or_default(),
            price,
            hold_rate: 0,
            measured: figures,
            controlled: figures,
            billings: Billings::default(),
            demanded: true,
            retry: Due::NOW,
            closing: Vec::new(),
            closes_ms: Vec::new(),
        }
    }

    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Goes on with another plan: the leases stay.
    pub(crate) fn replan(&mut self, account: Account, price: Nanos) {
        self.price = price;
        let account = account.following(&self.account);
        account.set_leases(self.account.leases().to_vec());
        if account.plan().strict && !self.account.plan().strict {
            // Their credit is no money: a strict budget begins with new leases.
            self.close(&account, |_| true);
        }
        account.set_exhausted(self.account.is_exhausted());
        if account.plan().pacing == self.account.plan().pacing {
            account.set_pass(self.account.pass());
        }
        self.remaining = account.plan().budget;
        self.course = Course::of(account.plan().clone());
        self.patience = Patience::of(account.plan());
        self.account = Arc::new(account);
        self.measured = AccountFigures::default();
        self.controlled = AccountFigures::default();
        self.demanded = true;
    }

    /// The bid path found nothing to hold.
    pub(crate) fn demand(&mut self) {
        self.demanded = true;
        self.account.looked_at();
    }

    /// Measures how fast bids hold money.
    pub(crate) fn measure(&mut self, length_ms: i64) {
        let figures = self.account.figures();
        let held = figures.bid_value.saturating_sub(self.measured.bid_value).0;
        let rate = held.saturating_mul(1_000) / length_ms.max(1);
        self.hold_rate += (rate - self.hold_rate) / RATE_DECAY;
        self.demanded |= figures.eligible != self.measured.eligible;
        self.measured = figures;
    }

    /// What to ask the ledger for now, if anything.
    pub(crate) fn ask(&mut self, now_ms: i64) -> Option<Ask> {
        let demanded = std::mem::take(&mut self.demanded);
        self.account.looked_at();
        let leases = self.account.leases();
        if !demanded || !self.retry.is_due(now_ms, EXHAUSTED_RETRY) || leases.len() >= LEASES_PER_CAMPAIGN_MAX {
            return None;
        }
        let horizon_ms = millis(LEASE_HORIZON);
        let least = self.price.max(self.account.figures().price_max).max(Nanos(1));
        let busy = i128::from(self.hold_rate.max(0)) * i128::from(horizon_ms) / 1_000;
        let busy = Nanos(i64::try_from(busy).unwrap_or(i64::MAX));
        let quiet = Nanos((self.remaining.0 / LEASE_PART_MAX).min(least.0.saturating_mul(LEASE_BIDS_MIN)).max(least.0));
        // Many leases are open when bids stay out for long: then each is larger, so that the list stays short.
        let crowded = Nanos(self.account.funds().needed().0 / (LEASES_PER_CAMPAIGN_MAX as i64 / 2));
        // A burst empties one lease after the other before its rate is measured: then each is larger than all before it.
        let since = self.account.figures().bid_value.saturating_sub(self.measured.bid_value);
        let burst = since.saturating_add(since);
        let want = busy.max(quiet).max(crowded).max(burst).max(LEASE_NANOS_MIN);
        let lasting = leases.iter().filter(|lease| lease.expires_ms() > now_ms.saturating_add(horizon_ms));
        // What does not cover a bid is no use, however many leases have such a rest.
        let useful = lasting.map(|lease| lease.reservable(now_ms)).filter(|rest| least <= *rest);
        let at_hand = useful.fold(Nanos(0), Nanos::saturating_add);
        (at_hand.0 < want.0 / 2).then_some(Ask { want, least })
    }

    /// Puts a new lease at the bid path's disposal.
    pub(crate) fn granted(&mut self, grant: LeaseGrant) -> Arc<LeaseCell> {
        let mut leases = self.account.leases().to_vec();
        let fates = Arc::clone(self.account.fates());
        let lease = Arc::new(LeaseCell::telling(grant.lease, grant.amount, grant.term.expires_ms, fates));
        leases.push(Arc::clone(&lease));
        self.closes_ms.push((grant.lease, grant.term.closes_ms));
        self.account.set_leases(leases);
        self.account.set_exhausted(false);
        lease
    }

    /// The ledger gave nothing: it is not asked again for a while.
    pub(crate) fn refused(&mut self, refusal: LeaseRefusal, now_ms: i64) {
        let exhausted = matches!(refusal, LeaseRefusal::BudgetExhausted { .. });
        self.account.set_exhausted(exhausted);
        self.retry.put_off(now_ms, EXHAUSTED_RETRY);
    }

    /// The ledger did not answer: it is asked again at the next look.
    pub(crate) fn unanswered(&mut self) {
        self.demanded = true;
    }

    /// Closes the leases that are of no further use, and says what of them can go back.
    pub(crate) fn retire(&mut self, now_ms: i64) -> Vec<GiveBack> {
        let price = self.account.figures().price_max;
        let account = Arc::clone(&self.account);
        self.close(&account, |lease| {
            let figures = lease.figures();
            let dust = figures.held == Nanos(0) && figures.available < price;
            lease.expires_ms() <= now_ms || dust
        });
        let due = self.closing.iter().filter(|closing| closing.is_due());
        due.map(|closing| GiveBack { lease: closing.lease.id(), keep: closing.lease.figures().needed() }).collect()
    }

    /// Closes all leases, for the region ends in good order, and gives them away with what their bids need.
    pub(crate) fn end(&mut self) -> impl Iterator<Item = (Arc<LeaseCell>, Nanos)> {
        let account = Arc::clone(&self.account);
        self.close(&account, |_| true);
        let closed = std::mem::take(&mut self.closing).into_iter().map(|closing| closing.lease);
        closed.map(|lease| (Arc::clone(&lease), lease.figures().needed()))
    }

    /// Takes leases from an account, and closes them.
    fn close(&mut self, account: &Account, useless: impl Fn(&LeaseCell) -> bool) {
        let leases = account.leases();
        if !leases.iter().any(|lease| useless(lease)) {
            return;
        }
        let (closed, open): (Vec<_>, Vec<_>) = leases.iter().cloned().partition(|lease| useless(lease));
        account.set_leases(open);
        for lease in closed {
            // Closed after it has left the list, held read after it is closed: no hold slips in between.
            lease.close();
            let place = self.closes_ms.iter().position(|(id, _)| *id == lease.id());
            let closes_ms = place.map_or(i64::MAX, |place| self.closes_ms.swap_remove(place).1);
            self.closing.push(Closing { lease, closes_ms, kept: None });
        }
    }

    /// The ledger has taken it back.
    pub(crate) fn given_back(&mut self, back: GiveBack) {
        for closing in self.closing.iter_mut().filter(|closing| closing.lease.id() == back.lease) {
            closing.kept = Some(back.keep);
        }
        self.closing.retain(|closing| closing.lease.id() != back.lease || back.keep > Nanos(0));
    }

    /// Forgets leases whose rest the ledger has taken by itself.
    pub(crate) fn forget_closed(&mut self, now_ms: i64) {
        self.closing.retain(|closing| closing.closes_ms > now_ms);
    }

    /// Notes what the campaign was billed in this region, and how long after the bid if that is known.
    pub(crate) fn billed(&mut self, amount: Nanos, delay_ms: Option<i64>) {
        let billings = &mut self.billings;
        billings.amount = billings.amount.saturating_add(amount);
        if let Some(delay_ms) = delay_ms {
            billings.delays += 1;
            billings.delay_ms = billings.delay_ms.saturating_add(delay_ms);
        }
    }

    /// Learns from the tick that ends.
    pub(crate) fn observe(&mut self, length_ms: i64) {
        let figures = self.account.figures();
        let Billings { amount: billed, delays, delay_ms } = std::mem::take(&mut self.billings);
        let fates = self.account.fates().take();
        self.controller.observe(&Observation {
            length_ms,
            eligible: figures.eligible.saturating_sub(self.controlled.eligible),
            bids: figures.bids.saturating_sub(self.controlled.bids),
            bid_value: figures.bid_value.saturating_sub(self.controlled.bid_value),
            billed,
            delays,
            delay_ms,
            price_max: figures.price_max.max(self.price),
            won: fates.expected,
            won_shown: fates.shown,
            won_billed: fates.billed,
            told: fates.told,
            told_ms: fates.told_ms,
        });
        let asked = figures.eligible.saturating_sub(self.controlled.eligible);
        self.asked += asked;
        self.silent_ms = if asked == 0 { self.silent_ms.saturating_add(length_ms) } else { 0 };
        self.controlled = figures;
    }

    /// Whether it can be forgotten: its flight has ended or nobody has asked for it for long, and the ledger has all its money.
    pub(crate) fn is_over(&self, now_ms: i64) -> bool {
        let is_done = self.account.plan().flight.ends_ms <= now_ms || millis(SILENT_MAX) <= self.silent_ms;
        is_done && !self.demanded && self.closing.is_empty() && self.account.leases().is_empty()
    }

    /// Its plan, and how many bids asked to pass since this was last asked.
    pub(crate) fn asked(&mut self) -> (Plan, u64) {
        (self.account.plan().clone(), std::mem::take(&mut self.asked))
    }

    /// Follows a plan under way.
    pub(crate) fn set_course(&mut self, course: Course) {
        if course.plan() != self.course.plan() {
            self.patience = Patience::of(course.plan());
        }
        self.course = course;
    }

    fn set_pass(&self, pass: Pass, now_ms: i64) {
        self.account.set_pass(pass);
        self.account.set_out_most(self.patience.most_ms(now_ms, pass, self.account.is_mostly_short()));
    }

    pub(crate) fn controller(&self) -> &Controller {
        &self.controller
    }

    /// Sets the pass probability for the coming tick.
    pub(crate) fn control(&mut self, tick: &ControlTick) {
        let own = self.controller.supply();
        // Regions that are not at this board are taken to be like those that are.
        let all = own.and(tick.others).times(tick.of_all);
        self.remaining = self.account.plan().budget.saturating_sub(tick.spent_total).max(Nanos(0));
        let pass = self.controller.follow(&self.course, tick.now_ms, tick.length_ms, tick.spent_total, all);
        self.set_pass(pass, tick.now_ms);
    }
}

/// One control tick of one campaign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ControlTick {
    pub(crate) now_ms: i64,
    pub(crate) length_ms: i64,
    /// What the campaign has spent over all regions.
    pub(crate) spent_total: Nanos,
    /// What the other regions at the board have.
    pub(crate) others: Supply,
    /// How many times the regions at the board are all regions.
    pub(crate) of_all: f64,
}

#[cfg(test)]
mod tests {
    use campaign::{CampaignId, Flight};

    use super::*;

    #[test]
    fn what_nobody_has_asked_for_in_long_is_over_unless_money_is_asked_for_it() {
        let flight = Flight { starts_ms: 0, ends_ms: i64::MAX };
        let plan = Plan { budget: Nanos(1), flight, pacing: Pacing::Even, hours: None, strict: false };
        let mut funding = Funding::new(Account::new(CampaignId(7), plan), Nanos(1), None);
        funding.observe(millis(SILENT_MAX));
        assert!(!funding.is_over(0), "it has just been asked for");
        funding.ask(0);
        assert!(funding.is_over(0));
        let _ = funding.account.passes(0);
        funding.observe(1_000);
        assert!(!funding.is_over(0));
    }
}
