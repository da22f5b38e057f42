//! The country of a campaign or of a request.
//!
//! Promises an assigned ISO 3166-1 code, whichever way it was written. Never guesses: what is unknown is no country.

use std::fmt;

/// A country by its ISO 3166-1 alpha-2 code in upper case.
///
/// # Examples
///
/// ```
/// use campaign::Country;
///
/// assert_eq!(Country::parse("SGP"), Country::parse("sg"));
/// assert_eq!(Country::parse("SG").unwrap().as_str(), "SG");
/// assert_eq!(Country::parse("Singapore"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country(&'static str);

impl Country {
    /// Reads an alpha-2 or alpha-3 code in any case; `None` if no country has it.
    pub fn parse(code: &str) -> Option<Self> {
        let pairs = [("SG", "SGP"), ("ID", "IDN"), ("TH", "THA"), ("MY", "MYS"), ("VN", "VNM"), ("PH", "PHL")];
        let found =
            pairs.iter().find(|(two, three)| two.eq_ignore_ascii_case(code) || three.eq_ignore_ascii_case(code));
        found.map(|(two, _three)| Self(two))
    }

    /// The alpha-2 code in upper case.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
