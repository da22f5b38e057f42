//! Which bids share their statistics: those of one exchange and one format.
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
    known: Vec<(BidClass, Survival)>,
}

impl Classes {
    /// Knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The place of a class; `None` if there are too many.
    pub fn place(&mut self, class: BidClass) -> Option<u8> {
        let place = self.known.iter().position(|(known, _)| *known == class).or_else(|| {
            let room = self.known.len() < CLASSES_MAX;
            room.then(|| {
                self.known.push((class, Survival::new()));
                self.known.len() - 1
            })
        });
        place.and_then(|place| u8::try_from(place).ok())
    }

    /// The statistics at a place.
    ///
    /// # Panics
    ///
    /// If it is not one that [`place`](Self::place) gave.
    #[must_use]
    pub fn at(&self, place: u8) -> &Survival {
        &self.known[usize::from(place)].1
    }

    /// The statistics at a place, to be written.
    ///
    /// # Panics
    ///
    /// As [`at`](Self::at).
    pub fn at_mut(&mut self, place: u8) -> &mut Survival {
        &mut self.known[usize::from(place)].1
    }

    /// Makes the probabilities follow from what was counted.
    pub fn settle(&mut self) {
        self.known.iter_mut().for_each(|(_, survival)| survival.settle());
    }
}
