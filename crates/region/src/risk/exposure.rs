//! The open bids of one lease, by when they were made: what they cost at most, and what they need.
//!
//! Promises that a bid that is entered and left leaves nothing behind. A bid does not move when it grows older: its slot
//! does. Pure: the time is an argument.

use money::Nanos;

use super::chance::Chance;
use super::class::Classes;
use super::survival::{AGE_BUCKETS, age_begin_ms};

/// Bids of this time share a slot.
pub const SLOT_MS: i64 = 250;

/// A lease of fewer of the dearest bids is in its endgame: its bids are reserved in full.
pub const ENDGAME_BIDS: i64 = 8;

/// A dearer bid is reserved in full: 1,000 USD an impression, whose square no sum can overflow.
pub const PRICE_MAX: Nanos = Nanos(1_000_000_000_000);

/// Standard deviations beyond the expected sum that are held back: one lease in some ten thousand needs more.
const DEVIATIONS: u128 = 4;

/// Where a bid was entered: it is to be given back when the bid leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    made: i64,
    class: u8,
}

impl Slot {
    /// The class's place among all classes.
    #[must_use]
    pub fn class(self) -> u8 {
        self.class
    }
}

/// What the open bids of a lease ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The sum of their prices.
    pub full: Nanos,
    /// What is to be held back: at most that.
    pub held_back: Nanos,
}

#[derive(Clone, Copy, Debug)]
struct Bids {
    slot: Slot,
    bucket: u8,
    count: u32,
    value: u128,
    squares: u128,
}

/// The open bids of one lease.
#[derive(Debug, Default)]
pub struct Exposure {
    /// By slot, the oldest first.
    bids: Vec<Bids>,
    price_max: i64,
}

impl Exposure {
    /// No bid is open.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether no bid is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bids.is_empty()
    }

    /// Enters a bid that is sent now.
    pub fn enter(&mut self, class: u8, price: Nanos, now_ms: i64) -> Slot {
        assert!(0 < price.0, "a bid has a price: {}", price.0);
        let slot = Slot { made: now_ms.div_euclid(SLOT_MS), class };
        let place = self.place(slot).unwrap_or_else(|place| {
            self.bids.insert(place, Bids { slot, bucket: 0, count: 0, value: 0, squares: 0 });
            place
        });
        let bids = &mut self.bids[place];
        bids.count += 1;
        bids.value += u128::from(price.0.unsigned_abs());
        bids.squares += u128::from(price.0.unsigned_abs()).pow(2);
        self.price_max = self.price_max.max(price.0);
        slot
    }

    /// Takes a bid out, and says in which bucket of age it was; `None` if it is not in here.
    pub fn leave(&mut self, slot: Slot, price: Nanos) -> Option<usize> {
        let place = self.place(slot).ok()?;
        let bids = &mut self.bids[place];
        let bucket = usize::from(bids.bucket);
        bids.count -= 1;
        bids.value -= u128::from(price.0.unsigned_abs());
        bids.squares -= u128::from(price.0.unsigned_abs()).pow(2);
        if bids.count == 0 {
            assert_eq!((bids.value, bids.squares), (0, 0), "a slot without bids costs nothing");
            self.bids.remove(place);
        }
        Some(bucket)
    }

    /// Lets the bids grow older, and counts those that pass from bucket to bucket.
    pub fn age(&mut self, now_ms: i64, classes: &mut Classes) {
        self.age_with(now_ms, |class, bucket, count| classes.at_mut(class).passed(bucket, count));
    }

    /// The same, and hands on those that pass: class, bucket, how many.
    pub(super) fn age_with(&mut self, now_ms: i64, mut passed: impl FnMut(u8, usize, u64)) {
        for bids in &mut self.bids {
            let age_ms = now_ms - bids.slot.made * SLOT_MS;
            while usize::from(bids.bucket) + 1 < AGE_BUCKETS && age_begin_ms(usize::from(bids.bucket) + 1) <= age_ms {
                passed(bids.slot.class, usize::from(bids.bucket), u64::from(bids.count));
                bids.bucket += 1;
            }
        }
    }

    /// What the bids will cost on average, by their chances: class and bucket.
    pub(super) fn expected(&self, chance: impl Fn(u8, usize) -> Chance) -> Nanos {
        let of = |bids: &Bids| chance(bids.slot.class, usize::from(bids.bucket)).of(bids.value);
        nanos(self.bids.iter().map(of).sum())
    }

    /// What the bids need, out of a lease of `amount`: the expected sum, four standard deviations, and the dearest bid.
    #[must_use]
    pub fn need(&self, amount: Nanos, classes: &Classes) -> Need {
        let (mut full, mut expected, mut variance) = (0_u128, 0_u128, 0_u128);
        for bids in &self.bids {
            let chance = classes.at(bids.slot.class).chance(usize::from(bids.bucket));
            full += bids.value;
            expected += chance.of(bids.value);
            variance = variance.saturating_add(chance.variance_of(bids.squares));
        }
        let full = nanos(full);
        if self.is_empty() || amount.0 / ENDGAME_BIDS < self.price_max {
            return Need { full, held_back: full };
        }
        let root = variance.isqrt();
        let deviation = root + u128::from(root * root < variance);
        let price_max = u128::from(self.price_max.unsigned_abs());
        let held_back = expected.saturating_add(deviation.saturating_mul(DEVIATIONS)).saturating_add(price_max);
        Need { full, held_back: nanos(held_back).min(full) }
    }

    fn place(&self, slot: Slot) -> Result<usize, usize> {
        self.bids.binary_search_by(|bids| (bids.slot.made, bids.slot.class).cmp(&(slot.made, slot.class)))
    }
}

fn nanos(amount: u128) -> Nanos {
    Nanos(i64::try_from(amount).unwrap_or(i64::MAX))
}
