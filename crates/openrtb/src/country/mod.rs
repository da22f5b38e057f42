//! Countries as exchanges write them.
//!
//! Promises: alpha-2 and alpha-3 in any case become one value. OpenRTB asks for alpha-3, traffic has both.
//! Never: guesses from a name, a language or an address.

mod table;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use table::COUNTRIES;

/// Codes outside ISO 3166-1 that real requests carry, and what they mean.
const ALIASES: [(&[u8], [u8; 2]); 5] =
    [(b"UK", *b"GB"), (b"EL", *b"GR"), (b"ROM", *b"RO"), (b"TMP", *b"TL"), (b"ZAR", *b"CD")];

/// [`COUNTRIES`] sorted by alpha-3.
const BY_ALPHA_3: [([u8; 3], [u8; 2]); COUNTRIES.len()] = by_alpha_3();

/// A country of ISO 3166-1.
///
/// # Examples
/// ```
/// use openrtb::Country;
/// let singapore: Country = "sgp".parse()?;
/// assert_eq!(singapore.as_str(), "SG");
/// assert_eq!(Country::parse("Sg"), Some(singapore));
/// assert_eq!(Country::parse("Singapore"), None);
/// # Ok::<(), openrtb::UnknownCountry>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// Singapore.
    pub const SG: Self = Self(*b"SG");
    /// Indonesia.
    pub const ID: Self = Self(*b"ID");
    /// Thailand.
    pub const TH: Self = Self(*b"TH");

    /// Reads alpha-2 or alpha-3 in any case, blanks around it ignored; `None` if no country has that code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let code = code.trim().as_bytes();
        let mut upper = [0_u8; 3];
        let upper = upper.get_mut(..code.len())?;
        upper.copy_from_slice(code);
        upper.make_ascii_uppercase();
        let alpha_2 = match *upper {
            [a, b] => COUNTRIES.binary_search_by_key(&[a, b], |row| row.0).ok().map(|index| COUNTRIES[index].0),
            [a, b, c] => BY_ALPHA_3.binary_search_by_key(&[a, b, c], |row| row.0).ok().map(|index| BY_ALPHA_3[index].1),
            _ => return None,
        };
        let alias = || ALIASES.iter().find(|(alias, _)| *alias == &*upper).map(|(_, country)| *country);
        alpha_2.or_else(alias).map(Self)
    }

    /// The alpha-2 code in upper case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("ZZ")
    }

    /// The alpha-3 code in upper case.
    #[must_use]
    pub fn alpha_3(self) -> &'static str {
        let row = COUNTRIES.binary_search_by_key(&self.0, |row| row.0);
        row.ok().and_then(|index| std::str::from_utf8(&COUNTRIES[index].1).ok()).unwrap_or("ZZZ")
    }

    /// Every country, by alpha-2.
    pub fn all() -> impl Iterator<Item = Self> {
        COUNTRIES.iter().map(|row| Self(row.0))
    }
}

/// A code that belongs to no country.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no country: write alpha-2 or alpha-3 of ISO 3166-1, for example SG or SGP")]
pub struct UnknownCountry(String);

impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(code: &str) -> Result<Self, UnknownCountry> {
        Self::parse(code).ok_or_else(|| UnknownCountry(code.chars().take(16).collect()))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        code.parse().map_err(de::Error::custom)
    }
}

const fn by_alpha_3() -> [([u8; 3], [u8; 2]); COUNTRIES.len()] {
    let mut sorted = [([0; 3], [0; 2]); COUNTRIES.len()];
    let mut length = 0;
    while length < COUNTRIES.len() {
        let (alpha_2, alpha_3) = COUNTRIES[length];
        let mut slot = length;
        while slot > 0 && is_before(alpha_3, sorted[slot - 1].0) {
            sorted[slot] = sorted[slot - 1];
            slot -= 1;
        }
        sorted[slot] = (alpha_3, alpha_2);
        length += 1;
    }
    sorted
}

const fn is_before(left: [u8; 3], right: [u8; 3]) -> bool {
    let left = u32::from_be_bytes([0, left[0], left[1], left[2]]);
    let right = u32::from_be_bytes([0, right[0], right[1], right[2]]);
    left < right
}
