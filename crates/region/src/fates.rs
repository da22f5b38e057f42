//! What is known of a campaign's bids before they are billed: which of them were won, and what became of those.
//!
//! Most exchanges tell of a win within a second, and of the impression minutes later. A pacer that waits for the latter bids too
//! much meanwhile, or too little. Promises figures that are written by the region's `bidding_state` and read by its
//! `budget_pacer`. Never money: leases and the ledger have that.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use money::Nanos;

/// What is known of the bids of one campaign in one region.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    expected: AtomicI64,
    shown: AtomicI64,
    billed: AtomicI64,
    told: AtomicU64,
    told_ms: AtomicI64,
}

/// What has come of them for a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// The prices of all bids that were told to be won and have not ended, each as likely as it is to be billed still.
    pub(crate) expected: Nanos,
    /// The prices of bids that were told to be won before they were billed.
    pub(crate) shown: Nanos,
    /// What was billed of those.
    pub(crate) billed: Nanos,
    /// How many wins told how long after their bid they came.
    pub(crate) told: u64,
    /// The sum of those times.
    pub(crate) told_ms: i64,
}

impl Fates {
    /// An open bid was told to be won, so long after it was made if that is known.
    pub(crate) fn note_told(&self, delay_ms: Option<i64>) {
        if let Some(delay_ms) = delay_ms {
            self.told_ms.fetch_add(delay_ms, Relaxed);
            self.told.fetch_add(1, Relaxed);
        }
    }

    /// A bid that was told to be won was billed.
    pub(crate) fn note_billed(&self, price: Nanos, billed: Nanos) {
        self.billed.fetch_add(billed.0, Relaxed);
        self.shown.fetch_add(price.0, Relaxed);
    }

    /// So much is to be expected of what is won.
    pub(crate) fn set_expected(&self, expected: Nanos) {
        self.expected.store(expected.0, Relaxed);
    }

    /// Takes what has come since it was last taken; what is expected stays.
    pub(crate) fn take(&self) -> Fate {
        Fate {
            expected: Nanos(self.expected.load(Relaxed)),
            shown: Nanos(self.shown.swap(0, Relaxed)),
            billed: Nanos(self.billed.swap(0, Relaxed)),
            told: self.told.swap(0, Relaxed),
            told_ms: self.told_ms.swap(0, Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use campaign::{CampaignId, CreativeId};
    use ledger::{BidFacts, EventKind, Flags, LeaseId, LedgerEvent, TokenId};
    use money::{Cpm, Currency};

    use super::*;
    use crate::risk::{BidClass, Format};
    use crate::{BiddingBook, LeaseCell, Reservation};

    const TTL_MS: i64 = 60_000;
    const CAMPAIGN: CampaignId = CampaignId(1);

    fn bid(number: u16) -> TokenId {
        // Made at 0 ms: a token begins with its time.
        let mut token = [0; TokenId::BYTES];
        token[TokenId::BYTES - 2..].copy_from_slice(&number.to_be_bytes());
        TokenId(token)
    }

    fn event(kind: EventKind, number: u16, at_ms: i64, amount: i64) -> LedgerEvent {
        let facts = BidFacts {
            token: bid(number),
            exchange: "adx".into(),
            auction: String::new(),
            imp: String::new(),
            bid: String::new(),
            creative: CreativeId(1),
            bid_price: Cpm(10),
            price: None,
            currency: Currency::USD,
            cap_key: None,
            definition: None,
        };
        LedgerEvent {
            seq: 1,
            at_ms,
            kind,
            region: Some("sg".into()),
            region_seq: 1,
            campaign: CAMPAIGN,
            lease: Some(LeaseId(1)),
            amount: Nanos(amount),
            late: Nanos(0),
            flags: Flags::NONE,
            term: None,
            bid: Some(Box::new(facts)),
        }
    }

    #[test]
    fn a_win_counts_once_and_for_as_long_as_it_is_likely_to_be_billed() {
        let class = BidClass::of("adx", Format::Web);
        let lease = Arc::new(LeaseCell::new(LeaseId(1), Nanos(100_000), i64::MAX));
        let mut book = BiddingBook::new(TTL_MS);
        let open = |book: &mut BiddingBook, number: u16, now_ms: i64| {
            assert!(lease.try_reserve(Nanos(10), 0));
            let reservation = Reservation::new(bid(number), CAMPAIGN, Arc::clone(&lease), Nanos(10), now_ms + 1_000);
            book.commit(reservation.of_class(class), now_ms);
        };
        let tell = |book: &mut BiddingBook, kind, number, at_ms, amount| {
            book.apply(&event(kind, number, at_ms, amount), at_ms, |_| None);
            book.weigh(at_ms);
            lease.fates().take()
        };
        (1..=4).for_each(|number| open(&mut book, number, 0));
        let won = tell(&mut book, EventKind::Win, 1, 300, 0);
        assert_eq!((won.expected, won.told, won.told_ms), (Nanos(10), 1, 300), "nothing is known: it is certain");
        let ten = Fate { expected: Nanos(10), ..Fate::default() };
        assert_eq!(tell(&mut book, EventKind::Win, 1, 400, 0), ten, "told twice");
        assert_eq!(tell(&mut book, EventKind::Win, 2, 400, 0).expected, Nanos(20));
        let billed = tell(&mut book, EventKind::Billing, 1, 450, 7);
        assert_eq!(billed, Fate { shown: Nanos(10), billed: Nanos(7), ..ten });
        assert_eq!(tell(&mut book, EventKind::Billing, 3, 450, 9), ten, "nobody had told that it was won");
        assert_eq!(tell(&mut book, EventKind::Loss, 4, 450, 0), ten);
        book.expire(400 + TTL_MS);
        book.weigh(400 + TTL_MS);
        assert_eq!(lease.fates().take().expected, Nanos(0), "won and never billed");

        // Nine of ten are billed within two seconds, the tenth never.
        let mut now_ms = 10_000;
        for round in 0..100 {
            let numbers = 100 + round * 10..110 + round * 10;
            for number in numbers.clone() {
                open(&mut book, number, now_ms);
                tell(&mut book, EventKind::Win, number, now_ms, 0);
            }
            for number in numbers.take(9) {
                tell(&mut book, EventKind::Billing, number, now_ms + 2_000, 10);
            }
            now_ms += 2_000 + TTL_MS;
            book.weigh(now_ms);
            book.expire(now_ms);
        }
        open(&mut book, 50, now_ms);
        let fresh = tell(&mut book, EventKind::Win, 50, now_ms, 0).expected;
        book.weigh(now_ms + 5_000);
        let old = lease.fates().take().expected;
        assert!(Nanos(9) <= fresh && fresh <= Nanos(10), "it is likely to be billed: {fresh:?}");
        assert!(old <= Nanos(2), "by now it would have been: {old:?}");
    }
}
