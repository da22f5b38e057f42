//! What the ledger records: one event for each thing that happened, in one order.
//!
//! Promises that an event says everything that replay needs; the books follow from the events alone.
//! Never changed after it is durable, except that a cap key is forgotten when its day is over.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};
use std::sync::Arc;

use campaign::{CampaignId, CreativeId};
use money::{Cpm, Currency, Nanos};

use crate::{CapKey, LeaseId, TokenId};

/// What happened. The names are those in the database's `kind` column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventKind {
    /// A campaign's budget was set; `amount` is the new budget.
    Budget,
    /// Money went from free to a lease.
    LeaseGranted,
    /// A region gave back a part of a lease that no bid of it can need; or left it, and said until when its bids may bill.
    LeaseReturned,
    /// A lease's bids can no longer bill; its unspent rest went back to free.
    LeaseExpired,
    /// A bid won: its reservation now waits for billing.
    Win,
    /// A bid was billed; `amount` was spent.
    Billing,
    /// A bid lost: its reservation is released.
    Loss,
    /// A win notice of a test, an audit or an unsubstituted rendering: nothing moves.
    WinObserved,
    /// A billing notice that names no price that could be billed: nothing moves, and a later real one still bills.
    BillingObserved,
    /// A loss notice of a test or an audit: nothing moves.
    LossObserved,
}

impl EventKind {
    /// All kinds, in the order of the enum.
    pub const ALL: [Self; 10] = [
        Self::Budget,
        Self::LeaseGranted,
        Self::LeaseReturned,
        Self::LeaseExpired,
        Self::Win,
        Self::Billing,
        Self::Loss,
        Self::WinObserved,
        Self::BillingObserved,
        Self::LossObserved,
    ];

    /// The name in the database and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::LeaseGranted => "lease_granted",
            Self::LeaseReturned => "lease_returned",
            Self::LeaseExpired => "lease_expired",
            Self::Win => "win",
            Self::Billing => "billing",
            Self::Loss => "loss",
            Self::WinObserved => "win_observed",
            Self::BillingObserved => "billing_observed",
            Self::LossObserved => "loss_observed",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What was remarkable about a notice: a set of bits, stored as an integer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u32);

impl Flags {
    /// Nothing remarkable.
    pub const NONE: Self = Self(0);
    /// 1: the request was a test.
    pub const TEST: Self = Self(1);
    /// 2: the price was the literal `AUDIT`.
    pub const AUDIT: Self = Self(1 << 1);
    /// 4: the price was empty or absent.
    pub const EMPTY: Self = Self(1 << 2);
    /// 8: the price macro was not substituted.
    pub const UNSUBSTITUTED: Self = Self(1 << 3);
    /// 16: the price was none that could be read or decrypted.
    pub const UNREADABLE: Self = Self(1 << 4);
    /// 32: the price was above the bid, and the bid was billed.
    pub const CLAMPED: Self = Self(1 << 5);
    /// 64: the lease could not cover all of the amount; the rest came from the campaign's free money.
    pub const LATE: Self = Self(1 << 6);
    /// 128: the notice contradicts an earlier one of the same bid (won and lost, lost and billed).
    pub const CONTRADICTS: Self = Self(1 << 7);

    const NAMES: [(Self, &'static str); 8] = [
        (Self::TEST, "test"),
        (Self::AUDIT, "audit"),
        (Self::EMPTY, "empty"),
        (Self::UNSUBSTITUTED, "unsubstituted"),
        (Self::UNREADABLE, "unreadable"),
        (Self::CLAMPED, "clamped"),
        (Self::LATE, "late"),
        (Self::CONTRADICTS, "contradicts"),
    ];

    /// Says whether all bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names of the bits that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, name)| name)
    }

    /// The stored integer.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// From the stored integer; bits of a later version are kept.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// The names of the bits, joined by `|`.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for name in self.names() {
            write!(f, "{separator}{name}")?;
            separator = "|";
        }
        Ok(())
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({self})")
    }
}

/// When a lease ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTerm {
    /// No bid may be made from the lease after this. Unix milliseconds.
    pub expires_ms: i64,
    /// No bid of the lease can bill after this; its unspent rest goes back to free. Unix milliseconds.
    pub closes_ms: i64,
}

/// When the last bids of a lease can no longer bill: said by a region that ends in good order, since nobody bids with the lease
/// from then on, and nobody follows its bids.
///
/// The lease closes when that time has passed without a win, and waits for the billing of each win that is recorded until it
/// has closed; at the latest it closes when its [`LeaseTerm`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastBids {
    /// Until when one of them may be won, or one that was won may be billed. Unix milliseconds.
    pub open_until_ms: i64,
    /// How long a win waits for its billing, in milliseconds.
    pub won_ttl_ms: i64,
}

impl LastBids {
    /// As an event carries it: bids end, and a win at the last moment ends.
    pub(crate) const fn term(self) -> LeaseTerm {
        LeaseTerm { expires_ms: self.open_until_ms, closes_ms: self.open_until_ms.saturating_add(self.won_ttl_ms) }
    }

    pub(crate) const fn of_term(term: LeaseTerm) -> Self {
        Self { open_until_ms: term.expires_ms, won_ttl_ms: term.closes_ms.saturating_sub(term.expires_ms) }
    }
}

/// What is kept of the bid that a notice speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BidFacts {
    /// The token of the notice.
    pub token: TokenId,
    /// The exchange that the bid went to.
    pub exchange: Arc<str>,
    /// The auction: the bid request's id.
    pub auction: String,
    /// The impression's id in the request.
    pub imp: String,
    /// The bid's id.
    pub bid: String,
    /// The creative that was offered.
    pub creative: CreativeId,
    /// What was offered, in USD; what a region reserved for the bid.
    pub bid_price: Cpm,
    /// The price that the notice named, in the bid's currency, as it was before clamping.
    pub price: Option<Cpm>,
    /// The bid's currency.
    pub currency: Currency,
    /// The user, for the capper; forgotten some days later.
    pub cap_key: Option<CapKey>,
    /// Which version of the campaign's definition made the bid; `None` if its token does not say so.
    pub definition: Option<u32>,
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEvent {
    /// The place in the ledger's one order: 1, 2, 3, without a gap.
    pub seq: u64,
    /// When the ledger recorded it. Unix milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub kind: EventKind,
    /// The region whose event it is; a budget is nobody's.
    pub region: Option<Arc<str>>,
    /// The place among the region's events: 1, 2, 3, without a gap; 0 without a region.
    pub region_seq: u64,
    /// The campaign whose money it is.
    pub campaign: CampaignId,
    /// The lease that the event is about.
    pub lease: Option<LeaseId>,
    /// What moved, by kind: new budget, granted, returned, expired, spent. Otherwise zero.
    pub amount: Nanos,
    /// The part of a billing's `amount` that its lease could not cover.
    pub late: Nanos,
    /// What was remarkable.
    pub flags: Flags,
    /// When the granted lease ends; of one that its region left, when its last bids do ([`LastBids`]): the last that may be won,
    /// and a billing of that.
    pub term: Option<LeaseTerm>,
    /// The bid that a notice speaks of.
    pub bid: Option<Box<BidFacts>>,
}
