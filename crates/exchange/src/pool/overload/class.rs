//! What a request is, as far as a scan of its bytes tells: format, country, deal.
//!
//! It costs a fraction of a parse and may be wrong about a body that hides these words in its texts: it decides what is shed,
//! never what is bid.

use memchr::memmem;
use openrtb::Country;

/// Banner, native, audio, video.
const FORMATS: usize = 4;
/// Countries are told apart up to so many; what shares a place shares its value.
const COUNTRIES: usize = 64;
/// None, one, a guaranteed one.
const DEALS: usize = 3;

/// How many classes there are.
pub const CLASSES: usize = FORMATS * COUNTRIES * DEALS;

/// One of them.
///
/// ```
/// use exchange::pool::overload::Class;
///
/// let of = |imp: &str| Class::of(format!(r#"{{"imp":[{imp}],"device":{{"geo":{{"country":"SGP"}}}}}}"#).as_bytes());
/// assert_eq!(of(r#"{"banner":{}}"#), of(r#"{"banner":{"w":300}}"#));
/// assert_ne!(of(r#"{"banner":{}}"#), of(r#"{"video":{}}"#));
/// assert!(of(r#"{"banner":{},"pmp":{"deals":[{"id":"a","guar": 1}]}}"#).is_guaranteed());
/// assert!(!of(r#"{"banner":{},"pmp":{"deals":[{"id":"a","guar":0}]}}"#).is_guaranteed());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Class(u16);

impl Class {
    /// The class of a request.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let has = |word: &[u8]| memmem::find(body, word).is_some();
        let format = if has(br#""video""#) {
            3
        } else if has(br#""audio""#) {
            2
        } else {
            usize::from(has(br#""native""#))
        };
        let deal = match memmem::find(body, br#""deals""#) {
            None => 0,
            Some(at) => 1 + usize::from(is_guaranteed(&body[at..])),
        };
        let class = (format * COUNTRIES + country(body)) * DEALS + deal;
        debug_assert!(class < CLASSES, "a class has its place");
        Self(u16::try_from(class).unwrap_or(0))
    }

    /// Its place, below [`CLASSES`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0.into()
    }

    /// The class in a place.
    pub(super) fn at(index: usize) -> Self {
        Self(u16::try_from(index).unwrap_or(0))
    }

    /// Whether it has a guaranteed deal.
    #[must_use]
    pub fn is_guaranteed(self) -> bool {
        usize::from(self.0) % DEALS == DEALS - 1
    }
}

/// What follows a key and its colon.
fn value_of<'a>(body: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let rest = &body[memmem::find(body, key)? + key.len()..];
    rest.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start)
}

fn is_guaranteed(deals: &[u8]) -> bool {
    let mut rest = deals;
    while let Some(value) = value_of(rest, br#""guar""#) {
        if value.starts_with(b"1") || value.starts_with(b"true") {
            return true;
        }
        rest = value;
    }
    false
}

/// A place for the country; 0 for none.
fn country(body: &[u8]) -> usize {
    let code = value_of(body, br#""country""#).and_then(|value| {
        let text = value.strip_prefix(b"\"")?;
        let end = text.iter().take(4).position(|byte| *byte == b'"')?;
        Country::parse(std::str::from_utf8(&text[..end]).ok()?)
    });
    let Some(code) = code else { return 0 };
    let hash = code.as_str().bytes().fold(0_usize, |hash, byte| hash * 31 + usize::from(byte));
    1 + hash % (COUNTRIES - 1)
}
