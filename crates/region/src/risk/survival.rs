//! What becomes of a class of bids, by their age: how many of those that reach an age are won in the end.
//!
//! With the survival functions of wins and losses, `P(win | open at age a) = w·S_win(a) / (w·S_win(a) + (1−w)·S_loss(a))`.
//! Both functions and `w` follow from how many bids leave each bucket of age by a win, by a loss, and by growing older, and
//! so does the quotient at once, from the last bucket back: `P(b) = (won + passed · P(b+1)) / (won + lost + passed)`. That
//! needs no bid to be followed to its end: statistics are there as soon as each age has been seen, and traffic that grows
//! or ends does not bend them.
//!
//! Promises to err towards certainty: an age that few bids have left is certain, and all others are raised by two
//! standard errors. Never a float.

use super::chance::Chance;

/// Buckets of age.
pub const AGE_BUCKETS: usize = 60;

/// The first bucket's length; losses are told within a second, if at all.
const FIRST_MS: i64 = 250;

/// Buckets of one length, before it doubles: the age is known to a sixth and better.
const BUCKETS_PER_LENGTH: usize = 5;

/// Bids that must have left a bucket before its figures count.
const LEFT_MIN: u64 = 50;

/// Wins of a class before its figures count: two standard errors of fewer are two fifths of the rate and more.
const WON_MIN: u64 = 25;

/// So many bids are remembered at least; at twice as many all counts are halved, so that the class may change.
const REMEMBERED: u64 = 1 << 16;

/// Where a bucket begins. The bucket after the last begins beyond every hold.
#[must_use]
pub const fn age_begin_ms(bucket: usize) -> i64 {
    let (doubled, rest) = (bucket / BUCKETS_PER_LENGTH, bucket % BUCKETS_PER_LENGTH);
    // Five of 250 ms, five of 500 ms, and so on.
    let before = FIRST_MS * BUCKETS_PER_LENGTH as i64 * ((1 << doubled) - 1);
    before + FIRST_MS * (1 << doubled) * rest as i64
}

const _: () = assert!(crate::limits::HOLD_MAX.as_millis() < age_begin_ms(AGE_BUCKETS) as u128, "every bid has an age");

/// The bucket of an age; the last for all that is older.
#[must_use]
pub fn bucket_of(age_ms: i64) -> usize {
    let later = (1..AGE_BUCKETS).take_while(|bucket| age_begin_ms(*bucket) <= age_ms);
    later.last().unwrap_or(0)
}

/// How bids left one bucket.
#[derive(Clone, Copy, Debug, Default)]
struct Left {
    won: u64,
    lost: u64,
    passed: u64,
}

impl Left {
    fn all(self) -> u64 {
        self.won + self.lost + self.passed
    }

    fn halved(self) -> Self {
        Self { won: self.won / 2, lost: self.lost / 2, passed: self.passed / 2 }
    }
}

/// The statistics of one class.
#[derive(Clone, Debug)]
pub struct Survival {
    left: Box<[Left; AGE_BUCKETS]>,
    chances: Box<[Chance; AGE_BUCKETS]>,
}

impl Default for Survival {
    fn default() -> Self {
        Self::new()
    }
}

impl Survival {
    /// Has seen nothing: every bid is certain.
    #[must_use]
    pub fn new() -> Self {
        Self { left: Box::new([Left::default(); AGE_BUCKETS]), chances: Box::new([Chance::CERTAIN; AGE_BUCKETS]) }
    }

    /// A bid of a bucket was won.
    pub fn won(&mut self, bucket: usize) {
        self.left[bucket].won += 1;
    }

    /// A bid of a bucket was lost, or its time ran out.
    pub fn lost(&mut self, bucket: usize) {
        self.left[bucket].lost += 1;
    }

    /// So many bids of a bucket have become too old for it.
    pub fn passed(&mut self, bucket: usize, count: u64) {
        self.left[bucket].passed += count;
    }

    /// Makes the probabilities follow from what was counted.
    pub fn settle(&mut self) {
        if self.left[0].all() >= 2 * REMEMBERED {
            self.left.iter_mut().for_each(|left| *left = left.halved());
        }
        let won: u64 = self.left.iter().map(|left| left.won).sum();
        // Two standard errors of the number of wins, as a part of it.
        let error = Chance::ratio(2, u128::from(won.max(1)).isqrt());
        let enough = WON_MIN <= won;
        // Beyond the last bucket: nobody gets there, and who did would be certain.
        let mut after = Chance::CERTAIN;
        for bucket in (0..AGE_BUCKETS).rev() {
            let left = self.left[bucket];
            let all = left.all();
            let here = if all < LEFT_MIN || !enough {
                Chance::CERTAIN
            } else {
                let ended = u128::from(left.won) * u128::from(Chance::CERTAIN.units());
                let older = u128::from(left.passed) * u128::from(after.units());
                Chance::ratio(ended + older, u128::from(all) * u128::from(Chance::CERTAIN.units()))
            };
            // Bids inside the bucket are between its begin and its end: the dearer counts, unless nobody leaves by the end.
            let inside = if left.passed == 0 { here } else { here.max(after) };
            self.chances[bucket] = raised(inside, error, all);
            after = here;
        }
    }

    /// How likely a bid of this age is to be won still.
    #[must_use]
    pub fn chance(&self, bucket: usize) -> Chance {
        self.chances[bucket.min(AGE_BUCKETS - 1)]
    }
}

/// Raised by the error of the estimate, and by one more win among those that were seen.
fn raised(chance: Chance, error: Chance, seen: u64) -> Chance {
    let one_more = Chance::ratio(1, u128::from(seen) + 1);
    let by = u128::from(chance.units()) * u128::from(error.units());
    let error = Chance::ratio(by, u128::from(Chance::CERTAIN.units()) * u128::from(Chance::CERTAIN.units()));
    chance.plus(error).plus(one_more)
}
