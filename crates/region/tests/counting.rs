//! Nothing is counted twice: a region's pure parts against a model of the ledger, under notices that are repeated and
//! contradict each other, events that are lost, repeated and out of order, and crashes with a new snapshot at any point.
//! A failing case prints its seed and its minimal input.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use campaign::{CampaignId, CapWindow, Caps, CreativeId};
use ledger::{BidFacts, CapCount, CapKey, EventKind, Flags, LeaseId, LedgerEvent, TokenId};
use money::{Cpm, Currency, Nanos};
use proptest::prelude::*;
use region::{BiddingBook, CapTable, CapUser, EventCursor, LeaseCell, Reservation, Step};

const CAMPAIGN: CampaignId = CampaignId(1);
const LEASE: i64 = 5_000;
const BID_TTL_MS: i64 = 100;
const WON_TTL_MS: i64 = 1_000;
const CAP: u32 = 3;
const CAPS: Caps = Caps::NONE.with(CapWindow::Day, CAP);

#[derive(Clone, Debug)]
struct Sent {
    lease: LeaseId,
    price: i64,
    user: CapKey,
    /// Until when the exchange may bill.
    bills_until_ms: i64,
}

/// What the ledger would have on disk.
#[derive(Default)]
struct Ledger {
    events: Vec<LedgerEvent>,
    seen: BTreeSet<(TokenId, EventKind)>,
    spent: BTreeMap<LeaseId, i64>,
    billed: HashMap<CapKey, u32>,
    leases: u64,
}

impl Ledger {
    fn grant(&mut self) -> Arc<LeaseCell> {
        self.leases += 1;
        let id = LeaseId(self.leases);
        self.push(EventKind::LeaseGranted, id, LEASE, None);
        Arc::new(LeaseCell::new(id, Nanos(LEASE), i64::MAX))
    }

    fn notice(&mut self, kind: EventKind, bid: TokenId, sent: &Sent, amount: i64) {
        if !self.seen.insert((bid, kind)) {
            return;
        }
        let amount = if kind == EventKind::Billing { amount } else { 0 };
        if kind == EventKind::Billing {
            *self.spent.entry(sent.lease).or_default() += amount;
            *self.billed.entry(sent.user).or_default() += 1;
        }
        let facts = BidFacts {
            token: bid,
            exchange: "adx".into(),
            auction: String::new(),
            imp: String::new(),
            bid: String::new(),
            creative: CreativeId(1),
            bid_price: Cpm(sent.price),
            price: None,
            currency: Currency::USD,
            cap_key: Some(sent.user),
            definition: Some(1),
        };
        self.push(kind, sent.lease, amount, Some(Box::new(facts)));
    }

    fn push(&mut self, kind: EventKind, lease: LeaseId, amount: i64, bid: Option<Box<BidFacts>>) {
        let seq = self.events.len() as u64 + 1;
        self.events.push(LedgerEvent {
            seq,
            at_ms: 0,
            kind,
            region: Some("sg".into()),
            region_seq: seq,
            campaign: CAMPAIGN,
            lease: Some(lease),
            amount: Nanos(amount),
            late: Nanos(0),
            flags: Flags::NONE,
            term: None,
            bid,
        });
    }
}

/// One incarnation of a region. Bidding and caps have a cursor each, as its actors do.
struct Region {
    book: BiddingBook,
    book_cursor: EventCursor,
    caps: Arc<CapTable>,
    caps_cursor: EventCursor,
    leases: Vec<Arc<LeaseCell>>,
}

impl Region {
    fn start(ledger: &mut Ledger) -> Self {
        let book_cursor = EventCursor::at(ledger.events.len() as u64);
        let lease = ledger.grant();
        let caps = Arc::new(CapTable::new());
        for (user, billed) in &ledger.billed {
            caps.seed(&CapCount { subject: CAMPAIGN.into(), cap_key: *user, until_ms: 0, count: *billed });
        }
        let caps_cursor = EventCursor::at(ledger.events.len() as u64);
        Self { book: BiddingBook::new(WON_TTL_MS), book_cursor, caps, caps_cursor, leases: vec![lease] }
    }

    fn hold(&mut self, bid: TokenId, price: i64, user: CapKey, now_ms: i64) -> Option<Sent> {
        let lease = self.leases.iter().find(|lease| lease.try_reserve(Nanos(price), now_ms))?;
        if !self.caps.try_open(CAMPAIGN, CapUser::lasting(user), CAPS, bid, now_ms, now_ms + BID_TTL_MS) {
            lease.release(Nanos(price));
            return None;
        }
        let sent = Sent { lease: lease.id(), price, user, bills_until_ms: now_ms + BID_TTL_MS };
        let reservation = Reservation::new(bid, CAMPAIGN, Arc::clone(lease), Nanos(price), now_ms + BID_TTL_MS);
        self.book.commit(reservation.with_cap(Arc::clone(&self.caps), user), now_ms);
        Some(sent)
    }

    fn deliver(&mut self, event: &LedgerEvent, ledger: &[LedgerEvent], now_ms: i64) {
        for event in in_turn(&mut self.book_cursor, event, ledger) {
            let lease_of =
                |event: &LedgerEvent| self.leases.iter().find(|cell| Some(cell.id()) == event.lease).cloned();
            self.book.apply(event, now_ms, lease_of);
        }
        for event in in_turn(&mut self.caps_cursor, event, ledger) {
            let user = event.bid.as_ref().and_then(|facts| Some((facts.token, facts.cap_key?)));
            if let (EventKind::Billing, Some((bid, user))) = (event.kind, user) {
                self.caps.bill(CAMPAIGN, user, bid, event.at_ms);
            }
        }
    }
}

/// The events to apply when one is delivered: none, itself, or a gap fetched from the ledger.
fn in_turn<'a>(cursor: &mut EventCursor, event: &LedgerEvent, ledger: &'a [LedgerEvent]) -> Vec<&'a LedgerEvent> {
    let position = usize::try_from(event.region_seq).unwrap() - 1;
    match cursor.offer(event.region_seq) {
        Step::Apply => vec![&ledger[position]],
        Step::Ignore => Vec::new(),
        Step::Gap { after } => {
            let missing = &ledger[usize::try_from(after).unwrap()..=position];
            for event in missing {
                assert_eq!(cursor.offer(event.region_seq), Step::Apply);
            }
            missing.iter().collect()
        }
    }
}

#[derive(Clone, Debug)]
enum Act {
    Bid { price: i64, user: u8 },
    Notice { bid: usize, kind: u8, share: i64, repeat: u8 },
    Deliver { event: usize },
    Pass { ms: i64 },
    Lease,
    Crash,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (1..2_000_i64, 0..3_u8).prop_map(|(price, user)| Act::Bid { price, user }),
        6 => (any::<usize>(), 0..3_u8, 1..=100_i64, 1..3_u8)
            .prop_map(|(bid, kind, share, repeat)| Act::Notice { bid, kind, share, repeat }),
        8 => any::<usize>().prop_map(|event| Act::Deliver { event }),
        2 => (1..60_i64).prop_map(|ms| Act::Pass { ms }),
        1 => Just(Act::Lease),
        1 => Just(Act::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_region_agrees_with_the_ledger_whatever_happens_on_the_way(acts in prop::collection::vec(act(), 1..120)) {
        let mut ledger = Ledger::default();
        let mut region = Region::start(&mut ledger);
        let mut sent: Vec<(TokenId, Sent)> = Vec::new();
        let mut now_ms = 0;
        for act in acts {
            match act {
                Act::Bid { price, user } => {
                    let bid = TokenId((sent.len() as u128).to_be_bytes());
                    if let Some(made) = region.hold(bid, price, CapKey([user; CapKey::BYTES]), now_ms) {
                        sent.push((bid, made));
                    }
                }
                Act::Notice { bid, kind, share, repeat } if !sent.is_empty() => {
                    let index = bid % sent.len();
                    let (bid, made) = &mut sent[index];
                    let kind = [EventKind::Win, EventKind::Billing, EventKind::Loss][usize::from(kind)];
                    // An honest exchange: it bills while it may, and what it reports lost it does not bill.
                    let lost = ledger.seen.contains(&(*bid, EventKind::Loss));
                    let billed = ledger.seen.contains(&(*bid, EventKind::Billing));
                    let allowed = match kind {
                        EventKind::Billing => !lost && now_ms < made.bills_until_ms,
                        EventKind::Loss => !billed,
                        _ => !lost && now_ms < made.bills_until_ms,
                    };
                    if allowed {
                        for _ in 0..repeat {
                            ledger.notice(kind, *bid, made, made.price * share / 100);
                        }
                    }
                }
                Act::Deliver { event } if !ledger.events.is_empty() => {
                    let event = ledger.events[event % ledger.events.len()].clone();
                    region.deliver(&event, &ledger.events, now_ms);
                }
                Act::Pass { ms } => {
                    // The ledger's events arrive long before a reservation runs out; losing that race is the late
                    // billing of another test.
                    if let Some(event) = ledger.events.last().cloned() {
                        region.deliver(&event, &ledger.events, now_ms);
                    }
                    now_ms += ms;
                    region.book.expire(now_ms);
                }
                Act::Lease => {
                    let lease = ledger.grant();
                    region.leases.push(lease);
                }
                Act::Crash => region = Region::start(&mut ledger),
                Act::Notice { .. } | Act::Deliver { .. } => {}
            }
            for lease in &region.leases {
                let figures = lease.figures();
                prop_assert_eq!(figures.available.0 + figures.held.0 + figures.spent.0, LEASE);
                prop_assert!(figures.available.0 >= 0, "more is held and spent than was leased");
            }
            for (lease, spent) in &ledger.spent {
                prop_assert!(*spent <= LEASE, "lease {} was billed {} of {}", lease, spent, LEASE);
            }
        }
        if let Some(event) = ledger.events.last().cloned() {
            region.deliver(&event, &ledger.events, now_ms);
        }
        for lease in &region.leases {
            prop_assert_eq!(lease.figures().spent.0, ledger.spent.get(&lease.id()).copied().unwrap_or(0));
        }
        for user in 0..3 {
            let user = CapKey([user; CapKey::BYTES]);
            let billed = ledger.billed.get(&user).copied().unwrap_or(0);
            prop_assert_eq!(region.caps.counts(CAMPAIGN, user).billed, billed);
        }
        region.book.expire(i64::MAX);
        for lease in &region.leases {
            prop_assert_eq!(lease.figures().held, Nanos(0));
        }
        for user in 0..3 {
            prop_assert_eq!(region.caps.counts(CAMPAIGN, CapKey([user; CapKey::BYTES])).open, 0);
        }
    }
}
