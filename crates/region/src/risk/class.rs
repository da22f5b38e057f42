//! Which bids share their statistics: those of one exchange and one format.
//!
//! Of each class it is known how likely its bids are to be won, and how likely those that were won are to be billed, by their age.
//!
//! Promises a bounded number of classes. Never mixes two: a bid beyond the bound has no class, and is reserved in full.

use super::survival::Survival;

/// Classes of one region: more than any configuration of exchanges and formats has.
pub const CLASSES_MAX: usize = 192;

/// How long a bid may be out depends on where it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// In a page.
    Web,
    /// In an app.
    App,
    /// Over the whole screen of an app: it may wait for half an hour.
    FullScreen,
}

/// An exchange and a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BidClass(u64);

impl BidClass {
    /// The class of an exchange's bids in one format.
    #[must_use]
    pub fn of(exchange: &str, format: Format) -> Self {
        // FNV-1a: names are few and chosen by the operator.
        let bytes = exchange.bytes().chain([0xFF, format as u8]);
        Self(bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)))
    }
}

/// The statistics of all classes that were seen.
#[derive(Clone, Debug, Default)]
pub struct Classes {
    known: Vec<Known>,
}

#[derive(Clone, Debug)]
struct Known {
    class: BidClass,
    bids: Survival,
    wins: Survival,
}

impl Classes {
    /// Knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The place of a class; `None` if there are too many.
    pub fn place(&mut self, class: BidClass) -> Option<u8> {
        let place = self.known.iter().position(|known| known.class == class).or_else(|| {
            let room = self.known.len() < CLASSES_MAX;
            room.then(|| {
                self.known.push(Known { class, bids: Survival::new(), wins: Survival::new() });
                self.known.len() - 1
            })
        });
        place.and_then(|place| u8::try_from(place).ok())
    }

    /// The statistics of the bids at a place: won or not.
    ///
    /// # Panics
    ///
    /// If it is not one that [`place`](Self::place) gave.
    #[must_use]
    pub fn at(&self, place: u8) -> &Survival {
        &self.known[usize::from(place)].bids
    }

    /// The statistics at a place, to be written.
    ///
    /// # Panics
    ///
    /// As [`at`](Self::at).
    pub fn at_mut(&mut self, place: u8) -> &mut Survival {
        &mut self.known[usize::from(place)].bids
    }

    pub(super) fn wins_at(&self, place: u8) -> &Survival {
        &self.known[usize::from(place)].wins
    }

    pub(super) fn wins_at_mut(&mut self, place: u8) -> &mut Survival {
        &mut self.known[usize::from(place)].wins
    }

    /// Makes the probabilities follow from what was counted.
    pub fn settle(&mut self) {
        for known in &mut self.known {
            known.bids.settle();
            known.wins.settle();
        }
    }
}
