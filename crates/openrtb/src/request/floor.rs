//! A floor as the exchange sent it.
//!
//! Never: a floor that cannot be read taken for none.

use money::Cpm;

/// The least price that an exchange asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Floor {
    /// Not sent, null or empty: no floor.
    #[default]
    Absent,
    /// A price, rounded up; may be negative.
    Price(Cpm),
    /// Something that is no price ("1,50", an object): what it asks for is not known.
    Unreadable,
}

impl Floor {
    /// The price; zero if there is no floor, `None` if it cannot be read.
    #[must_use]
    pub const fn price(self) -> Option<Cpm> {
        match self {
            Self::Absent => Some(Cpm::ZERO),
            Self::Price(price) => Some(price),
            Self::Unreadable => None,
        }
    }
}
