//! `tmax` before the request is parsed, so that the deadline stands while bytes are still coming.
//!
//! Promises: no allocation, no recursion, at most two passes; works on the beginning of a body.
//! Never: says that the body is JSON.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::lenient::plain_length;

/// The key with its quotes.
const KEY: &[u8] = b"\"tmax\"";

/// Finds it. Made once: that costs as much as the search.
static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(KEY));

/// Finds the top-level `tmax` in a body or in the beginning of one; `None` if it is not there (yet) or no number.
///
/// # Examples
/// ```
/// assert_eq!(openrtb::peek_tmax(br#"{"id":"a","ext":{"tmax":1},"tmax":120,"imp":["#), Some(120));
/// assert_eq!(openrtb::peek_tmax(br#"{"id":"a","tmax":12"#), None);
/// ```
#[must_use]
pub fn peek_tmax(body: &[u8]) -> Option<u32> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b'"' => {
                let start = at;
                at = string_end(body, at)?;
                if depth == 1 && &body[start..at] == b"tmax" {
                    let colon = skip_blanks(body, at + 1);
                    if body.get(colon) == Some(&b':') {
                        return number(body, skip_blanks(body, colon + 1));
                    }
                }
                at += 1;
            }
            _ => {}
        }
    }
    None
}

/// Finds the top-level `tmax` in a whole body: as [`peek_tmax`], and mostly without a look at every byte.
///
/// A body that is no JSON may be said to have another `tmax`, or one at all.
///
/// # Examples
/// ```
/// assert_eq!(openrtb::tmax_of(br#"{"id":"a","ext":{"tmax":1},"tmax":120}"#), Some(120));
/// assert_eq!(openrtb::tmax_of(br#"{"id":"a","ext":{"tmax":1}}"#), None);
/// ```
#[must_use]
pub fn tmax_of(body: &[u8]) -> Option<u32> {
    let found = FINDER.find(body)?;
    let colon = skip_blanks(body, found + KEY.len());
    let is_key = body.get(colon) == Some(&b':') && found.checked_sub(1).is_some_and(|before| body[before] != b'\\');
    if is_key && is_rest_of_object(&body[colon..]) {
        return number(body, skip_blanks(body, colon + 1));
    }
    peek_tmax(body)
}

/// Whether what follows closes one object and ends with it: then what went before opened one.
///
/// Most exchanges send `tmax` behind the long parts of a request, so that the rest is short.
fn is_rest_of_object(rest: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = rest.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' if depth == 0 => return skip_blanks(rest, at) == rest.len(),
            b'}' | b']' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            b'"' => match string_end(rest, at) {
                Some(end) => at = end + 1,
                None => return false,
            },
            _ => {}
        }
    }
    false
}

/// The place of the closing quote.
fn string_end(body: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += plain_length(body.get(at..)?);
        match body.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn skip_blanks(body: &[u8], at: usize) -> usize {
    let blanks = body.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_whitespace());
    at + blanks.count()
}

/// A number, in quotes or not, that something follows: the last digits may still be on their way. A fraction is cut,
/// as the parser cuts it.
fn number(body: &[u8], at: usize) -> Option<u32> {
    let rest = body.get(at..)?;
    let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
    let (whole, after) = rest.split_at(digits(rest));
    let after = match after.strip_prefix(b".") {
        Some(fraction) => &fraction[digits(fraction)..],
        None => after,
    };
    let is_delimiter = matches!(after.first()?, b',' | b'}' | b'"' | b' ' | b'\n' | b'\r' | b'\t');
    if !is_delimiter || whole.is_empty() {
        return None;
    }
    let text = std::str::from_utf8(whole).ok()?;
    Some(text.parse().unwrap_or(u32::MAX))
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_finds_what_the_long_one_finds() {
        let bodies = [
            r#"{"id":"a","ext":{"tmax":1},"tmax":120,"imp":[{"a":[1,2]}]}"#,
            r#"{"tmax":120}"#,
            r#"{"tmax" : "120" , "s":"}]\"{" } "#,
            r#"{"a":"tmax","tmax":7}"#,
            r#"{"a\"tmax":3,"b":1}"#,
            r#"{"a":"\"tmax\":3","tmax":8}"#,
            r#"{"ext":{"tmax":5}}"#,
            r#"{"imp":[{"tmax":5}]}"#,
            r#"[{"tmax":5}]"#,
            r#"{"tmax":120,"cur":["USD"]"#,
            r#"{"tmax":12"#,
            r#""tmax":12}"#,
            r#"{"id":"a"}"#,
        ];
        for body in bodies {
            assert_eq!(tmax_of(body.as_bytes()), peek_tmax(body.as_bytes()), "{body}");
        }
        assert_eq!(tmax_of(bodies[0].as_bytes()), Some(120));
        assert_eq!(tmax_of(bodies[6].as_bytes()), None, "not at the top");
    }
}
