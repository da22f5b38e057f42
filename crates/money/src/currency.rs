//! Currency codes.
//!
//! Never: a list of the world's currencies. Whether a code means something is the rate table's business.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ParseMoneyError;

/// Three upper-case letters of ISO 4217.
///
/// # Examples
/// ```
/// use money::Currency;
/// assert_eq!("usd".parse(), Ok(Currency::USD));
/// assert!("US".parse::<Currency>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// US dollar: the ledger's currency, and OpenRTB's default.
    pub const USD: Self = Self(*b"USD");
    /// Singapore dollar.
    pub const SGD: Self = Self(*b"SGD");
    /// Indonesian rupiah.
    pub const IDR: Self = Self(*b"IDR");
    /// Thai baht.
    pub const THB: Self = Self(*b"THB");

    /// Takes three ASCII letters of any case; `None` for anything else.
    #[must_use]
    pub const fn from_bytes(code: [u8; 3]) -> Option<Self> {
        let [a, b, c] = code;
        if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && c.is_ascii_alphabetic() {
            Some(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase(), c.to_ascii_uppercase()]))
        } else {
            None
        }
    }

    /// The three letters as bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 3] {
        self.0
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }
}

impl FromStr for Currency {
    type Err = ParseMoneyError;

    fn from_str(text: &str) -> Result<Self, ParseMoneyError> {
        <[u8; 3]>::try_from(text.as_bytes()).ok().and_then(Self::from_bytes).ok_or(ParseMoneyError::Currency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Code;
        impl de::Visitor<'_> for Code {
            type Value = Currency;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a currency code of three letters, for example \"USD\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Currency, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Code)
    }
}
