//! What an exchange reports of a bid, and what the ledger answers.
//!
//! Promises that every notice has a booking, whatever its price is.
//! Never charges more than the bid offered, and never charges for what names no price.

use money::{Cpm, Nanos, Rounding};

use crate::{EventKind, Flags, TokenClaims, TokenId};

/// Which notice of a bid it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// The bid won the auction.
    Win,
    /// The exchange's billing event: the bid costs money.
    Billing,
    /// The bid lost.
    Loss,
}

impl NoticeKind {
    /// The kind under which the notice is recorded.
    #[must_use]
    pub const fn event(self, observed: bool) -> EventKind {
        match (self, observed) {
            (Self::Win, false) => EventKind::Win,
            (Self::Billing, false) => EventKind::Billing,
            (Self::Loss, false) => EventKind::Loss,
            (Self::Win, true) => EventKind::WinObserved,
            (Self::Billing, true) => EventKind::BillingObserved,
            (Self::Loss, true) => EventKind::LossObserved,
        }
    }
}

/// What stood where the price should stand, as the reader of the exchange's encoding found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceSeen {
    /// A price per thousand in the bid's currency.
    Price(Cpm),
    /// Nothing: absent, or the macro's value was unknown to the exchange.
    Empty,
    /// The literal `AUDIT`: the markup was rendered for a review (OpenRTB 2.6, 4.4).
    Audit,
    /// The macro, not replaced by the exchange.
    Unsubstituted,
    /// Something that is no price, or below zero, or does not decrypt.
    Unreadable,
}

/// A notice whose token has been opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which notice.
    pub kind: NoticeKind,
    /// The token's identity: with `kind`, the key under which it is counted once.
    pub token: TokenId,
    /// What the token claims.
    pub claims: TokenClaims,
    /// What the notice says about the price.
    pub price: PriceSeen,
}

/// What the ledger made of a notice. All of them are answered 200: the exchange need not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeAnswer {
    /// What became of it.
    pub outcome: Outcome,
    /// What was spent by it; zero for all but a new billing.
    pub billed: Nanos,
    /// What was remarkable.
    pub flags: Flags,
}

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Recorded, and it counts.
    Counted,
    /// Recorded, and nothing moves: a test, an audit, or no price where one is needed.
    Observed,
    /// Known already; nothing was recorded.
    Duplicate,
}

/// How a notice is to be booked, before the ledger is asked whether it is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Booking {
    pub(crate) kind: EventKind,
    pub(crate) amount: Nanos,
    pub(crate) price: Option<Cpm>,
    pub(crate) flags: Flags,
}

/// Reads a notice: what it costs, and whether it counts. Converts with the rate of the token, rounding spend up.
pub(crate) fn book(notice: &Notice) -> Booking {
    let claims = &notice.claims;
    let (price, mut flags) = match notice.price {
        PriceSeen::Price(price) if price.is_negative() => (None, Flags::UNREADABLE),
        PriceSeen::Price(price) => (Some(price), Flags::NONE),
        PriceSeen::Empty => (None, Flags::EMPTY),
        PriceSeen::Audit => (None, Flags::AUDIT),
        PriceSeen::Unsubstituted => (None, Flags::UNSUBSTITUTED),
        PriceSeen::Unreadable => (None, Flags::UNREADABLE),
    };
    if claims.test {
        flags |= Flags::TEST;
    }
    let observed = match notice.kind {
        NoticeKind::Billing => price.is_none() || claims.test,
        // A win or loss without a price is one all the same; one that was rendered for a review is none.
        NoticeKind::Win | NoticeKind::Loss => {
            claims.test || flags.contains(Flags::AUDIT) || flags.contains(Flags::UNSUBSTITUTED)
        }
    };
    let mut amount = Nanos::ZERO;
    if let (NoticeKind::Billing, false, Some(price)) = (notice.kind, observed, price) {
        let limit = claims.bid_price.max(Cpm::ZERO);
        // A price that no integer holds is above every bid.
        let usd = claims.rate.to_usd(price, Rounding::Up).unwrap_or(Cpm::MAX);
        if usd > limit {
            flags |= Flags::CLAMPED;
        }
        amount = usd.min(limit).cost_in_usd();
    }
    debug_assert!(!amount.is_negative(), "a notice never gives money back");
    Booking { kind: notice.kind.event(observed), amount, price, flags }
}
