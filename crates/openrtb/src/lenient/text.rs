//! Strings, borrowed where they can be.

use std::borrow::Cow;

use serde::Deserializer;

use super::scanner::Quoted;
use super::{Lenient, Scanner, raw, scalar};

/// One JSON value as it stands in the request, unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// The JSON text.
    #[must_use]
    pub fn json(self) -> &'a str {
        self.0
    }

    /// The value of a JSON string, else the JSON text itself. Native requests come either way.
    #[must_use]
    pub fn text(self) -> Cow<'a, str> {
        if self.0.starts_with('"') { text(self.0).unwrap_or_default() } else { Cow::Borrowed(self.0) }
    }
}

/// A string is itself, a number its digits; anything else, and an empty string, is absent.
/// So is a string that is no text (a lone surrogate).
pub(super) fn text(raw: &str) -> Option<Cow<'_, str>> {
    match raw.as_bytes().first()? {
        b'"' => {
            let inner = raw.get(1..raw.len() - 1)?;
            if inner.is_empty() {
                None
            } else if inner.as_bytes().contains(&b'\\') {
                serde_json::from_str(raw).ok().map(Cow::Owned)
            } else {
                Some(Cow::Borrowed(inner))
            }
        }
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(raw)),
        _ => None,
    }
}

/// The text of the next value.
#[inline]
fn scan_text<'de>(scanner: &mut Scanner<'de>) -> Option<Option<Cow<'de, str>>> {
    if scanner.peek()? != b'"' {
        return scanner.value().map(text);
    }
    let Quoted { inner, has_escapes } = scanner.quoted()?;
    Some(match has_escapes {
        false if inner.is_empty() => None,
        false => Some(Cow::Borrowed(inner)),
        // Read again by the book: escapes are rare where text belongs.
        true => serde_json::from_str(&format!("\"{inner}\"")).ok().map(Cow::Owned),
    })
}

impl<'de> Lenient<'de> for Option<Cow<'de, str>> {
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = text(raw(deserializer)?);
        Ok(())
    }

    #[inline]
    fn scan(&mut self, scanner: &mut Scanner<'de>) -> Option<()> {
        *self = scan_text(scanner)?;
        Some(())
    }
}

/// For identifiers that must be there: absent reads as empty, and validation says so.
impl<'de> Lenient<'de> for Cow<'de, str> {
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = text(raw(deserializer)?).unwrap_or_default();
        Ok(())
    }

    #[inline]
    fn scan(&mut self, scanner: &mut Scanner<'de>) -> Option<()> {
        *self = scan_text(scanner)?.unwrap_or_default();
        Some(())
    }
}

scalar!(Option<Raw<'de>>, raw => (raw != "null").then_some(Raw(raw)));
