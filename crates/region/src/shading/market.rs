//! What exchanges have told of the least prices that would have won.
//!
//! Promises bounded memory, and that what is told counts half after six hours. A bid that was not made at its full price
//! teaches only where nearly every bid is told of. Pure: the time is an argument.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use money::Cpm;

use super::curve::{BINS, Curve, bin_of};
use super::{LEVELS, Lesson, Segment};
use crate::risk::Format;

/// Segments of a region; 200 bytes each.
pub const SEGMENTS_MAX: usize = 4_096;
/// Segments of exchange, format, size and time beyond this many are told as the broader ones alone.
const NARROWEST_MAX: usize = SEGMENTS_MAX / 4 * 3;
/// With fewer auctions than these the next broader segment is asked.
pub const SAMPLES_MIN: f32 = 200.0;
/// How often counts are aged.
const AGE_MS: i64 = 60_000;
/// What is left of a count after [`AGE_MS`]: 2^(-1/360), half after six hours.
const AGE_LEFT: f32 = 0.998_076_4;
/// Less than one auction is forgotten.
const FORGOTTEN: f32 = 0.5;
/// Shaded bids teach if at least nine in ten bids are told of, of at least so many.
const TOLD_PART: f32 = 0.9;
const TOLD_MIN: f32 = 100.0;

type Segments<T> = HashMap<Segment, T, RandomState>;

#[derive(Clone, Debug)]
struct Histogram {
    /// The last is for what is above all bins.
    counts: [f32; BINS + 1],
    changed: bool,
}

/// How many bids were sent to an exchange, and of how many it told the least winning price.
#[derive(Clone, Copy, Debug, Default)]
struct Coverage {
    sent: f32,
    told: f32,
}

/// What one region has learnt of its exchanges' first-price auctions.
///
/// # Examples
///
/// ```
/// use money::Cpm;
/// use region::risk::Format;
/// use region::shading::{Lesson, Market, Segment};
///
/// let segment = Segment::of("xandr", Format::Web, (300, 250), 0);
/// let mut market = Market::default();
/// for _ in 0..300 {
///     let lesson = Lesson { segment, full_price: true };
///     market.sent(lesson);
///     market.told(lesson, Cpm(400_000));
/// }
/// let view = market.view().expect("there is news");
/// let price = view.price(segment, Cpm(2_000_000), Cpm(10_000)).expect("300 auctions are enough");
/// assert!(Cpm(400_000) <= price && price < Cpm(480_000), "just enough to win: {price}");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Market {
    segments: Segments<Histogram>,
    narrowest: usize,
    /// By exchange.
    coverage: Segments<Coverage>,
    curves: Segments<Arc<Curve>>,
    aged_ms: Option<i64>,
    changed: bool,
}

/// What a market promises a bid, over all of an exchange's auctions of the first price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// How many auctions are known, the older ones counted less.
    pub auctions: f32,
    /// What would be bid, in USD; the value itself if nothing below it gains.
    pub price: Cpm,
    /// The share of the auctions that this would win.
    pub wins: f32,
    /// The share that the full value would win.
    pub wins_in_full: f32,
}

/// The curves of a market as the bid path reads them.
#[derive(Clone, Debug, Default)]
pub struct MarketView {
    curves: Segments<Arc<Curve>>,
}

impl MarketView {
    /// The best price in a segment, or in the narrowest above it of which enough is known; `None` for the full price.
    #[must_use]
    pub fn price(&self, segment: Segment, value: Cpm, floor: Cpm) -> Option<Cpm> {
        segment.levels().find_map(|segment| self.curves.get(&segment))?.best(value, floor)
    }

    /// What is known of an exchange as a whole, for a bid of this value: `None` while it is too little.
    #[must_use]
    pub fn outlook(&self, exchange: &str, value: Cpm) -> Option<Outlook> {
        let whole = Segment::of(exchange, Format::Web, (0, 0), 0).above(LEVELS - 1);
        let curve = self.curves.get(&whole)?;
        let price = curve.best(value, Cpm(0)).unwrap_or(value);
        let (wins, wins_in_full) = (curve.wins(price), curve.wins(value));
        Some(Outlook { auctions: curve.auctions(), price, wins, wins_in_full })
    }

    /// Of how many segments enough is known.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.curves.len()
    }
}

impl Market {
    /// A bid was sent of which the exchange may tell.
    pub fn sent(&mut self, lesson: Lesson) {
        self.coverage_of(lesson).sent += 1.0;
    }

    /// The exchange told the least price that would have won, in USD. Tell of each bid once.
    pub fn told(&mut self, lesson: Lesson, min_to_win: Cpm) {
        let coverage = self.coverage_of(lesson);
        coverage.told += 1.0;
        let of_all = TOLD_MIN <= coverage.sent && TOLD_PART * coverage.sent <= coverage.told;
        if !lesson.full_price && !of_all {
            return;
        }
        let bin = bin_of(min_to_win);
        for segment in lesson.segment.levels() {
            if let Some(histogram) = self.histogram(segment) {
                histogram.counts[bin] += 1.0;
                histogram.changed = true;
                self.changed = true;
            }
        }
    }

    /// Lets what was told count less as time goes by; true if a minute has passed since it was last true.
    pub fn age(&mut self, now_ms: i64) -> bool {
        // From a clock that was set back on it is a minute again.
        let aged_ms = self.aged_ms.filter(|aged_ms| *aged_ms <= now_ms).unwrap_or(now_ms);
        self.aged_ms = Some(aged_ms);
        let periods = (now_ms - aged_ms) / AGE_MS;
        if periods <= 0 {
            return false;
        }
        self.aged_ms = Some(aged_ms + periods * AGE_MS);
        let left = AGE_LEFT.powf(periods as f32);
        for coverage in self.coverage.values_mut() {
            coverage.sent *= left;
            coverage.told *= left;
        }
        self.segments.retain(|_, histogram| {
            histogram.counts.iter_mut().for_each(|count| *count *= left);
            histogram.changed = true;
            histogram.total() >= FORGOTTEN
        });
        self.narrowest = self.segments.keys().filter(|segment| segment.is_narrowest()).count();
        self.curves.retain(|segment, _| self.segments.contains_key(segment));
        self.changed = true;
        true
    }

    /// What the bid path is to read, if it has changed since this was last asked.
    pub fn view(&mut self) -> Option<MarketView> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        for (segment, histogram) in self.segments.iter_mut().filter(|(_, histogram)| histogram.changed) {
            histogram.changed = false;
            if histogram.total() < SAMPLES_MIN {
                self.curves.remove(segment);
            } else {
                self.curves.insert(*segment, Arc::new(Curve::of(&histogram.counts)));
            }
        }
        Some(MarketView { curves: self.curves.clone() })
    }

    /// The same, whose whole view is news again: what a new incarnation goes on with.
    #[must_use]
    pub fn renewed(self) -> Self {
        Self { changed: true, ..self }
    }

    fn coverage_of(&mut self, lesson: Lesson) -> &mut Coverage {
        self.coverage.entry(lesson.segment.above(super::LEVELS)).or_default()
    }

    fn histogram(&mut self, segment: Segment) -> Option<&mut Histogram> {
        if !self.segments.contains_key(&segment) {
            let narrowest = segment.is_narrowest();
            if SEGMENTS_MAX <= self.segments.len() || narrowest && NARROWEST_MAX <= self.narrowest {
                return None;
            }
            self.narrowest += usize::from(narrowest);
            self.segments.insert(segment, Histogram { counts: [0.0; BINS + 1], changed: true });
        }
        self.segments.get_mut(&segment)
    }
}

impl Histogram {
    fn total(&self) -> f32 {
        self.counts.iter().sum()
    }
}
