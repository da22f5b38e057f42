//! Which auctions are alike: those of one exchange, format, size and time of day.
//!
//! Promises that a segment is one number, and that what is above it follows from it. Never tells exchanges apart whose names
//! collide in thirty bits: theirs are a few dozen.

use crate::risk::Format;

/// The levels of the hierarchy: exchange, format, size and time of day; without the time; without the size; the exchange.
pub const LEVELS: usize = 4;

const HOUR_BITS: u32 = 2;
const SIDE_BITS: u32 = 13;
const FORMAT_BITS: u32 = 2;
const LEVEL_BITS: u32 = 2;
const SIZE_SHIFT: u32 = HOUR_BITS;
const FORMAT_SHIFT: u32 = SIZE_SHIFT + 2 * SIDE_BITS;
const LEVEL_SHIFT: u32 = FORMAT_SHIFT + FORMAT_BITS;
const EXCHANGE_SHIFT: u32 = LEVEL_SHIFT + LEVEL_BITS;

const SIX_HOURS_MS: i64 = 6 * 60 * 60 * 1_000;

/// A kind of auction.
///
/// # Examples
///
/// ```
/// use region::risk::Format;
/// use region::shading::Segment;
///
/// let morning = Segment::of("xandr", Format::Web, (300, 250), 0);
/// let evening = Segment::of("xandr", Format::Web, (300, 250), 12 * 60 * 60 * 1_000);
/// assert_ne!(morning, evening);
/// assert_eq!(morning.above(1), evening.above(1), "the size at any time of day");
/// assert_eq!(morning.above(3), Segment::of("xandr", Format::App, (320, 50), 0).above(3), "the exchange");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Segment(u64);

impl Segment {
    /// The segment of a bid made now, for a slot of this width and height.
    #[must_use]
    pub fn of(exchange: &str, format: Format, (w, h): (u32, u32), now_ms: i64) -> Self {
        // FNV-1a.
        let name = exchange
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
        let side = |pixels: u32| u64::from(pixels.min((1 << SIDE_BITS) - 1));
        // From 0 to 3.
        let hour_class = now_ms.div_euclid(SIX_HOURS_MS).rem_euclid(4) as u64;
        let size = side(w) << SIDE_BITS | side(h);
        Self(name << EXCHANGE_SHIFT | (format as u64) << FORMAT_SHIFT | size << SIZE_SHIFT | hour_class)
    }

    /// So many levels up: 0 is the segment itself, 3 and more the exchange as a whole.
    #[must_use]
    pub fn above(self, levels: usize) -> Self {
        let (kept_from, level) = match levels {
            0 => return self,
            1 => (SIZE_SHIFT, 1),
            2 => (FORMAT_SHIFT, 2),
            _ => (EXCHANGE_SHIFT, 3),
        };
        Self(self.0 >> kept_from << kept_from | level << LEVEL_SHIFT)
    }

    /// The segment and all that are above it, the narrowest first.
    pub fn levels(self) -> impl Iterator<Item = Self> {
        (0..LEVELS).map(move |levels| self.above(levels))
    }

    /// Whether it is one of exchange, format, size and time.
    pub(super) fn is_narrowest(self) -> bool {
        self.0 >> LEVEL_SHIFT & ((1 << LEVEL_BITS) - 1) == 0
    }
}
