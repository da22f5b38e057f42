//! A seeded source of draws whose sequence never changes between releases.
//!
//! Promises: the same seed gives the same traffic, on every machine and with every version of every dependency,
//! so that a printed seed is enough to repeat a run. Never used for secrets.

/// A deterministic generator (SplitMix64, Steele, Lea and Flood 2014).
///
/// # Examples
///
/// ```
/// use simulator::Dice;
///
/// let mut one = Dice::new(7);
/// let mut two = Dice::new(7);
/// assert_eq!(one.next_u64(), two.next_u64());
/// ```
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Makes the generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Derives an independent generator for a part of a run, such as one exchange or one line of a corpus.
    pub fn derive(seed: u64, part: u64) -> Self {
        let mut mixer = Self::new(seed ^ part.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17));
        Self::new(mixer.next_u64())
    }

    /// Draws 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Draws a number below `bound`; zero if `bound` is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The product's high half is uniform enough for traffic (bias below 2^-32 for the bounds in use).
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Draws a number from `low` to `high`, both included; `low` if the range is empty.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        if high <= low {
            return low;
        }
        let span = low.abs_diff(high).saturating_add(1);
        low.wrapping_add_unsigned(self.below(span))
    }

    /// Says yes in `per_mille` of 1000 draws.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < u64::from(per_mille)
    }

    /// Picks an element.
    ///
    /// # Panics
    ///
    /// If `items` is empty: the tables of this crate are not.
    #[track_caller]
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        assert!(!items.is_empty(), "a pick needs at least one item");
        &items[self.below(items.len() as u64) as usize]
    }

    /// Draws `len` lower-case hexadecimal digits.
    pub fn hex(&mut self, len: usize) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        (0..len).map(|_| char::from(DIGITS[self.below(16) as usize])).collect()
    }

    /// Draws an identifier in the form of a version 4 UUID.
    pub fn uuid(&mut self) -> String {
        let (a, b) = (self.next_u64(), self.next_u64());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            8 + (b >> 62),
            (b >> 48) & 0xfff,
            b & 0xffff_ffff_ffff
        )
    }
}
