//! From bytes to an object.

use serde_json::Deserializer;

use crate::lenient::{Object, Scanner, fill, scan};
use crate::{Malformed, MalformedKind};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads one JSON object and nothing after it.
pub(crate) fn object<'a, T: Object<'a>>(body: &'a [u8]) -> Result<T, Malformed> {
    let mut object = T::default();
    object_into(body, &mut object).map(|()| object)
}

/// The same into a fresh one, which is not moved then; it is anything if the body cannot be read.
pub(crate) fn object_into<'a, T: Object<'a>>(body: &'a [u8], object: &mut T) -> Result<(), Malformed> {
    let fault = |kind, at, detail: &str| Malformed { kind, at, detail: detail.to_owned() };
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|error| {
        let kind = if error.error_len().is_none() { MalformedKind::Truncated } else { MalformedKind::Encoding };
        fault(kind, error.valid_up_to(), "not UTF-8: send JSON in UTF-8")
    })?;
    let at = text.bytes().take_while(u8::is_ascii_whitespace).count();
    match text.as_bytes().get(at) {
        None => return Err(fault(MalformedKind::Empty, at, "no body: send a JSON object")),
        Some(b'{') => {}
        Some(b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
            return Err(fault(MalformedKind::NotAnObject, at, "no JSON object"));
        }
        Some(_) => return Err(fault(MalformedKind::Syntax, at, "no JSON")),
    }
    match scanned_into(text, object) {
        Some(()) => Ok(()),
        None => deserialized(text).map(|read| *object = read),
    }
}

/// The object, by the fast lane; `None` leaves the text to the other.
pub(crate) fn scanned<'a, T: Object<'a>>(text: &'a str) -> Option<T> {
    let mut object = T::default();
    scanned_into(text, &mut object).map(|()| object)
}

fn scanned_into<'a, T: Object<'a>>(text: &'a str, object: &mut T) -> Option<()> {
    let scanner = Scanner::new(text);
    let (is_object, behind) = scan(object, scanner, 0)?;
    (is_object && scanner.is_at_end(behind)).then_some(())
}

/// The object, by the lane that takes all JSON and says what is wrong with the rest.
pub(crate) fn deserialized<'a, T: Object<'a>>(text: &'a str) -> Result<T, Malformed> {
    let mut deserializer = Deserializer::from_str(text);
    let mut object = T::default();
    fill(&mut object, &mut deserializer)
        .and_then(|_| deserializer.end())
        .map_err(|error| Malformed::from_json(&error, text))?;
    Ok(object)
}
