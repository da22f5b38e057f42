//! `tmax` before the request is parsed, so that the deadline stands while bytes are still coming.
//!
//! Promises: one pass, no allocation, no recursion; works on the beginning of a body.
//! Never: says that the body is JSON.

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

/// The place of the closing quote.
fn string_end(body: &[u8], mut at: usize) -> Option<usize> {
    loop {
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
