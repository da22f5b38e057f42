//! The two lanes of the parser, each by itself, for the test that compares them. No part of the API.

use crate::{BidRequest, Malformed, parse};

/// What the fast lane makes of a text; `None` when it leaves it to the other.
#[must_use]
pub fn scanned(text: &str) -> Option<BidRequest<'_>> {
    parse::scanned(text)
}

/// What the other lane makes of it.
///
/// # Errors
/// [`Malformed`] if the text is no JSON object.
pub fn deserialized(text: &str) -> Result<BidRequest<'_>, Malformed> {
    parse::deserialized(text)
}
