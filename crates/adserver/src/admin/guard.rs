//! What a request says about a change: of which version it is one, who makes it, and why.
//!
//! Pure. Promises that words for the log are short and hold no control characters.

use std::collections::BTreeMap;

use axum::http::HeaderMap;

use crate::book::{Change, Expected};

/// Longest name of an operator, and longest reason.
const WORD_CHARS_MAX: usize = 200;

/// Which header said what is expected: each has a status of its own for "it is another".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    None,
    Header,
}

pub(super) fn expected(
    headers: &HeaderMap,
    parameters: &BTreeMap<String, String>,
) -> Result<(Expected, Guard), String> {
    let version = |text: &str| {
        let text = text.trim().trim_start_matches("W/").trim_matches('"');
        text.parse()
            .map(Expected::Version)
            .map_err(|_| format!("{text:?} is no version: write the number of one, such as If-Match: \"3\""))
    };
    if let Some(text) = header_text(headers, "if-match") {
        return if text.trim() == "*" {
            Ok((Expected::Any, Guard::Header))
        } else {
            Ok((version(text)?, Guard::Header))
        };
    }
    if header_text(headers, "if-none-match").is_some_and(|text| text.trim() == "*") {
        return Ok((Expected::Absent, Guard::Header));
    }
    match parameters.get("expected_version") {
        Some(text) => Ok((version(text)?, Guard::None)),
        None => Ok((Expected::Unsaid, Guard::None)),
    }
}

pub(super) fn by(headers: &HeaderMap, parameters: &BTreeMap<String, String>) -> Change {
    let said = |name: &str, parameter: &str| {
        let text = header_text(headers, name).or(parameters.get(parameter).map(String::as_str)).unwrap_or_default();
        text.chars().filter(|letter| !letter.is_control()).take(WORD_CHARS_MAX).collect::<String>()
    };
    let who = said("x-operator", "who");
    Change { who: if who.is_empty() { "operators' API".to_owned() } else { who }, why: said("x-reason", "why") }
}

/// A header that is text.
pub(super) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
