//! From the outcome of an auction to the notices that tell it.
//!
//! Promises: the amount of a billing notice is the clearing price in USD, rounded up, at the plan's rates; nothing else
//! bills: no test, no audit, no win where the billing notice counts.

use std::borrow::Cow;
use std::time::Duration;

use money::{Cpm, Currency, Nanos, Rounding};
use openrtb::LossReason;
use openrtb::macros::{Values, substitute, substitute_for_audit};
use tokio::time::Instant;

use super::exchange::Stage;
use super::plan::BillingEvent;
use crate::Dice;
use crate::auction::AuctionOutcome;
use crate::notice::{BidKey, Destination, Notice, NoticeKind, NoticeMethod};
use crate::validate::BidView;

/// An auction that our bid took part in.
pub(super) struct Auction<'a> {
    pub(super) request_id: &'a str,
    pub(super) test: bool,
    pub(super) response_bid_id: &'a str,
    pub(super) currency: Currency,
    pub(super) bid: &'a BidView,
}

impl Auction<'_> {
    /// Tells a valid bid how its auction ended.
    pub(super) fn tell(&self, outcome: AuctionOutcome, stage: &Stage, dice: &mut Dice) {
        let now = Instant::now();
        match outcome {
            AuctionOutcome::Won { clearing, min_to_win } => self.tell_win(clearing, min_to_win, stage, dice, now),
            AuctionOutcome::Lost { min_to_win } => {
                if dice.chance(stage.inbox.policy().audit_per_mille) {
                    self.tell_audit(stage, dice, now);
                }
                self.tell_loss(LossReason::OUTBID, Some(min_to_win), stage, dice);
            }
        }
    }

    /// Tells a bid that it lost, or was rejected before the auction.
    pub(super) fn tell_loss(&self, reason: LossReason, min_to_win: Option<Cpm>, stage: &Stage, dice: &mut Dice) {
        if !stage.inbox.policy().tell_losses {
            return;
        }
        let values = Values { loss: Some(reason), ..self.values(None, min_to_win) };
        self.post(NoticeKind::Loss, &self.bid.lurl, |url| substitute(url, &values), None, stage, dice, Instant::now());
    }

    fn tell_win(&self, clearing: Cpm, min_to_win: Cpm, stage: &Stage, dice: &mut Dice, now: Instant) {
        let plan = &stage.plan;
        let price = plan.dialect.price_text(clearing, dice);
        let values = self.values(Some(price), Some(min_to_win));
        let amount = self.amount(clearing, stage);
        let fill = |url: &str| substitute(url, &values);
        let (win, billing) = match plan.billing_event {
            BillingEvent::Nurl => (amount, None),
            BillingEvent::Burl => (None, amount),
        };
        self.post(NoticeKind::Win, &self.bid.nurl, fill, win, stage, dice, now);
        if dice.chance(stage.inbox.policy().unrendered_per_mille) {
            return;
        }
        let (low, high) = stage.inbox.policy().billing_delay;
        let delay = dice.between(0, i64::try_from(high.saturating_sub(low).as_micros()).unwrap_or(0)).unsigned_abs();
        let due = now + low + Duration::from_micros(delay);
        self.post(NoticeKind::Billing, &self.bid.burl, fill, billing, stage, dice, due);
    }

    fn tell_audit(&self, stage: &Stage, dice: &mut Dice, now: Instant) {
        self.post(NoticeKind::Billing, &self.bid.burl, substitute_for_audit, None, stage, dice, now);
    }

    /// What the ad server must charge for an impression at the clearing price.
    fn amount(&self, clearing: Cpm, stage: &Stage) -> Option<Nanos> {
        if self.test {
            return None;
        }
        let usd = stage.rates.to_usd(clearing, self.currency, Rounding::Up)?;
        Some(usd.cost_in_usd())
    }

    fn values(&self, price: Option<String>, min_to_win: Option<Cpm>) -> Values<'_> {
        Values {
            auction_id: Some(encode(self.request_id)),
            bid_id: Some(encode(self.response_bid_id)),
            imp_id: Some(encode(&self.bid.imp_id)),
            seat_id: Some(encode(&self.bid.seat)),
            ad_id: Some(encode(&self.bid.adid)),
            price: price.map(Cow::Owned),
            currency: Some(Cow::Owned(self.currency.to_string())),
            min_to_win: min_to_win.map(|price| Cow::Owned(price.to_string())),
            ..Values::default()
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one call site a kind of notice; a struct would only rename them")]
    fn post(
        &self,
        kind: NoticeKind,
        url: &Option<String>,
        fill: impl Fn(&str) -> String,
        amount: Option<Nanos>,
        stage: &Stage,
        dice: &mut Dice,
        due: Instant,
    ) {
        let Some(url) = url else { return };
        let destination = match Destination::parse(&fill(url), stage.inbox.policy().address) {
            Ok(destination) => destination,
            Err(error) => {
                stage.complain("notice_url", &error);
                return;
            }
        };
        let method =
            if dice.chance(stage.plan.dialect.post_notices_per_mille) { NoticeMethod::Post } else { NoticeMethod::Get };
        let bid = BidKey {
            exchange: stage.plan.name.clone(),
            auction: self.request_id.to_owned(),
            imp: self.bid.imp_id.clone(),
            bid: self.bid.id.clone(),
        };
        let campaign = self.bid.cid.clone();
        stage.inbox.post(Notice { bid, campaign, kind, method, destination, amount }, due);
    }
}

/// Percent-encodes what is put into a URL, so that an id cannot change the URL's shape.
fn encode(value: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if value.bytes().all(is_plain) {
        return Cow::Borrowed(value);
    }
    let mut encoded = String::with_capacity(value.len() * 3);
    for byte in value.bytes() {
        if is_plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    Cow::Owned(encoded)
}
