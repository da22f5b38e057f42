//! The age-weighted reservation against the table of the literature (`as fast as possible`, price 1, wins known after
//! Exp(20 s), losses after 1 s with probability q, else when the bid's time has run out): no overspend, and nearly as
//! fast as if every outcome were known.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use ledger::LeaseId;
use money::Nanos;
use region::LeaseCell;
use region::risk::{BidClass, End, Format, Risks, Slot};

const PRICE: Nanos = Nanos(1_000_000);
const TICK_MS: i64 = 250;
const WIN_MEAN_MS: f64 = 20_000.0;
const LOSS_MS: i64 = 1_000;

/// xorshift64*.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[derive(Clone, Copy)]
struct Market {
    bids_per_second: i64,
    win_rate: f64,
    ttl_ms: i64,
    losses_told: f64,
}

#[derive(Debug)]
struct Delivery {
    spent: i64,
    /// When 99 % were spent.
    seconds_to_99: i64,
}

struct Play {
    market: Market,
    risks: Option<Risks>,
    dice: Dice,
    now_ms: i64,
    open: BinaryHeap<Reverse<(i64, u64)>>,
    bids: HashMap<u64, (Arc<LeaseCell>, Option<Slot>, bool)>,
    next: u64,
}

impl Play {
    fn new(market: Market, seed: u64, weighted: bool) -> Play {
        let risks = weighted.then(Risks::new);
        let dice = Dice(seed);
        Play { market, risks, dice, now_ms: 0, open: BinaryHeap::new(), bids: HashMap::new(), next: 0 }
    }

    fn bid(&mut self, cell: &Arc<LeaseCell>) {
        if !cell.try_reserve(PRICE, self.now_ms) {
            return;
        }
        let class = BidClass::of("google_adx", Format::App);
        let slot = self.risks.as_mut().and_then(|risks| risks.enter(cell, class, PRICE, self.now_ms));
        let wins = self.dice.unit() < self.market.win_rate;
        let known_ms = if wins {
            // A win that would be known later than the bid is held is not the table's subject.
            ((-self.dice.unit().ln() * WIN_MEAN_MS) as i64).min(self.market.ttl_ms - 1)
        } else if self.dice.unit() < self.market.losses_told {
            LOSS_MS
        } else {
            self.market.ttl_ms
        };
        self.open.push(Reverse((self.now_ms + known_ms, self.next)));
        self.bids.insert(self.next, (Arc::clone(cell), slot, wins));
        self.next += 1;
    }

    /// Everything until the next tick, and the tick.
    fn tick(&mut self, cell: &Arc<LeaseCell>) {
        let bids = self.market.bids_per_second * TICK_MS / 1_000;
        let end_ms = self.now_ms + TICK_MS;
        for bid in 0..bids {
            self.now_ms = end_ms - TICK_MS + bid * TICK_MS / bids;
            self.outcomes();
            self.bid(cell);
        }
        self.now_ms = end_ms;
        self.outcomes();
        if let Some(risks) = &mut self.risks {
            risks.tick(self.now_ms);
        }
    }

    fn outcomes(&mut self) {
        while let Some(&Reverse((at_ms, number))) = self.open.peek() {
            if at_ms > self.now_ms {
                return;
            }
            self.open.pop();
            let (cell, slot, wins) = self.bids.remove(&number).expect("a bid ends once");
            if let (Some(risks), Some(slot)) = (&mut self.risks, slot) {
                risks.leave(cell.id(), slot, PRICE, if wins { End::Won } else { End::Lost });
            }
            if wins { cell.settle(PRICE, PRICE) } else { cell.release(PRICE) }
        }
    }

    /// Other campaigns' traffic, from which the class is known.
    fn learn(&mut self, seconds: i64) {
        let plenty = Arc::new(LeaseCell::new(LeaseId(1), Nanos(i64::MAX / 4), i64::MAX));
        (0..seconds * 1_000 / TICK_MS).for_each(|_| self.tick(&plenty));
    }

    /// Another campaign's budget, in another lease; what is still open at the end comes in.
    fn deliver(&mut self, lease: u64, budget: i64, seconds_max: i64) -> Delivery {
        let cell = Arc::new(LeaseCell::new(LeaseId(lease), Nanos(budget * PRICE.0), i64::MAX));
        let spent = || cell.figures().spent.0 / PRICE.0;
        let began_ms = self.now_ms;
        let mut reached = None;
        while self.now_ms < began_ms + seconds_max * 1_000 {
            self.tick(&cell);
            if reached.is_none() && budget * 99 <= spent() * 100 {
                reached = Some((self.now_ms - began_ms) / 1_000);
            }
        }
        self.now_ms += self.market.ttl_ms + 1;
        self.outcomes();
        assert_eq!(cell.figures().held, Nanos(0));
        Delivery { spent: spent(), seconds_to_99: reached.unwrap_or(i64::MAX) }
    }
}

fn market(bids_per_second: i64, losses_told: f64) -> Market {
    Market { bids_per_second, win_rate: 0.1, ttl_ms: 300_000, losses_told }
}

const CAMPAIGNS: u64 = 3;

/// The table has 178 s and 167 s for functions that are known exactly; ours are learnt, and rounded up.
#[test]
fn a_thousand_impressions_are_delivered_in_minutes_and_none_too_many_whether_losses_are_told_or_not() {
    for losses_told in [0.0, 0.9] {
        let mut play = Play::new(market(200, losses_told), 20_261_122, true);
        play.learn(600);
        for campaign in 1..=CAMPAIGNS {
            let delivery = play.deliver(1 + campaign, 1_000, 300);
            println!("1,000 impressions, q {losses_told}: {delivery:?}");
            assert!(delivery.spent <= 1_000, "overspent: {delivery:?}");
            assert!(delivery.seconds_to_99 <= 240, "slow: {delivery:?}");
        }
    }
}

#[test]
fn a_hundred_impressions_are_never_overspent() {
    for losses_told in [0.0, 0.9] {
        let mut play = Play::new(market(50, losses_told), 20_261_123, true);
        play.learn(900);
        for campaign in 1..=CAMPAIGNS {
            let delivery = play.deliver(1 + campaign, 100, 600);
            println!("100 impressions, q {losses_told}: {delivery:?}");
            assert!((90..=100).contains(&delivery.spent), "{delivery:?}");
        }
    }
}

#[test]
fn full_reservation_delivers_a_fraction_in_the_same_time() {
    let mut play = Play::new(market(200, 0.0), 20_261_124, false);
    let delivery = play.deliver(2, 1_000, 300);
    println!("1,000 impressions, reserved in full: {delivery:?}");
    assert!(delivery.spent < 250, "{delivery:?}");
}
