//! How often a price wins, and at which it is best to bid.
//!
//! Promises a price below the value and at least the floor. Prices in USD per thousand; pure.

use money::Cpm;

/// Bins of the least winning prices: four an octave.
pub const BINS: usize = 48;

/// The upper edge of each bin: from two cents, each 2^(1/4) times the one before, to 69 USD.
pub const EDGES: [Cpm; BINS] = edges();

const fn edges() -> [Cpm; BINS] {
    /// 2^(n/4), in millionths.
    const QUARTERS: [i64; 4] = [1_000_000, 1_189_207, 1_414_214, 1_681_793];
    const FIRST: i64 = 20_000;
    let mut edges = [Cpm(0); BINS];
    let mut bin = 0;
    while bin < BINS {
        edges[bin] = Cpm((FIRST << (bin / 4)) * QUARTERS[bin % 4] / 1_000_000);
        bin += 1;
    }
    edges
}

/// The bin of a least winning price; [`BINS`] if it is above all.
#[must_use]
pub(super) fn bin_of(price: Cpm) -> usize {
    EDGES.partition_point(|edge| *edge < price)
}

/// For each edge, how many of the known auctions a bid at it would have won.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    won: [f32; BINS],
    /// All that are known, with those that no edge would have won.
    auctions: f32,
}

impl Curve {
    /// From how many auctions fell into each bin.
    pub(super) fn of(counts: &[f32]) -> Self {
        let mut sum = 0.0;
        let mut won = [0.0; BINS];
        for (won, count) in won.iter_mut().zip(counts) {
            sum += count;
            *won = sum;
        }
        Self { won, auctions: counts.iter().sum() }
    }

    /// The price at which a bid worth `value` gains most; `None` if it gains nowhere below its value.
    #[must_use]
    pub fn best(&self, value: Cpm, floor: Cpm) -> Option<Cpm> {
        let mut best = (0.0, None);
        for (edge, won) in EDGES.iter().zip(self.won).take_while(|(edge, _)| **edge < value) {
            let price = (*edge).max(floor);
            let gain = (value.0 - price.0) as f32 * won;
            if best.0 < gain {
                best = (gain, Some(price));
            }
        }
        best.1
    }

    /// How many auctions are known.
    #[must_use]
    pub fn auctions(&self) -> f32 {
        self.auctions
    }

    /// The share of the known auctions that a bid at this price would have won: at least, by a bin.
    #[must_use]
    pub fn wins(&self, price: Cpm) -> f32 {
        let edges = EDGES.partition_point(|edge| *edge <= price);
        let won = edges.checked_sub(1).map_or(0.0, |at| self.won[at]);
        if self.auctions > 0.0 { won / self.auctions } else { 0.0 }
    }
}
