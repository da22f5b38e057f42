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

/// The text of the next value, where it is not as it mostly is.
#[inline(never)]
fn scan_odd_text<'de>(scanner: Scanner<'de>, at: usize) -> Option<(Option<Cow<'de, str>>, usize)> {
    let (first, at) = scanner.peek(at)?;
    if first != b'"' {
        let (raw, behind) = scanner.value(at)?;
        return Some((text(raw), behind));
    }
    let Quoted { inner, has_escapes, behind } = scanner.quoted(at)?;
    let text = match has_escapes {
        false if inner.is_empty() => None,
        false => Some(Cow::Borrowed(inner)),
        true => without_escapes(inner),
    };
    Some((text, behind))
}

/// A string as most are: not empty, without escapes, and not at the very end of the text.
#[inline(always)]
pub(super) fn scan_plain_text<'de>(scanner: Scanner<'de>, at: usize) -> Option<(&'de str, usize)> {
    let (b'"', at) = scanner.peek(at)? else { return None };
    scanner.plain(at).filter(|(text, _)| !text.is_empty())
}

/// Read again by the book: escapes are rare where text belongs.
#[cold]
fn without_escapes(inner: &str) -> Option<Cow<'static, str>> {
    serde_json::from_str(&format!("\"{inner}\"")).ok().map(Cow::Owned)
}

impl<'de> Lenient<'de> for Option<Cow<'de, str>> {
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = text(raw(deserializer)?);
        Ok(())
    }

    fn scan(&mut self, scanner: Scanner<'de>, at: usize) -> Option<usize> {
        if let Some((text, behind)) = scan_plain_text(scanner, at) {
            *self = Some(Cow::Borrowed(text));
            return Some(behind);
        }
        let (text, behind) = scan_odd_text(scanner, at)?;
        *self = text;
        Some(behind)
    }
}

/// For identifiers that must be there: absent reads as empty, and validation says so.
impl<'de> Lenient<'de> for Cow<'de, str> {
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = text(raw(deserializer)?).unwrap_or_default();
        Ok(())
    }

    fn scan(&mut self, scanner: Scanner<'de>, at: usize) -> Option<usize> {
        let (text, behind) = scan_odd_text(scanner, at)?;
        *self = text.unwrap_or_default();
        Some(behind)
    }
}

scalar!(Option<Raw<'de>>, raw => (raw != "null").then_some(Raw(raw)));
