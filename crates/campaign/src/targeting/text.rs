//! Texts made comparable.
//!
//! Promises no allocation for what a request says: a text is folded into a buffer, and one that does not fit equals nothing
//! that a definition may hold. Never changes anything but letters of ASCII and blanks around.

use super::RULE_BYTES_MAX;

/// The longest text of a request that is looked at, in bytes; a longer one says nothing. Room for blanks around a rule's
/// value, and for the URL of any page.
pub(crate) const TEXT_BYTES_MAX: usize = 4_096;

/// What may be put behind a folded text.
const END_BYTES_MAX: usize = 2;

/// A text in lower case, without blanks around it.
pub(crate) struct Folded {
    bytes: [u8; RULE_BYTES_MAX + END_BYTES_MAX],
    length: usize,
}

impl Folded {
    pub(crate) fn as_str(&self) -> &str {
        // Folding changes letters of ASCII only, so it is the text that it was.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    /// The same with a short end.
    pub(crate) fn with(mut self, end: &str) -> Option<Self> {
        let longer = self.length + end.len();
        self.bytes.get_mut(self.length..longer)?.copy_from_slice(end.as_bytes());
        self.length = longer;
        Some(self)
    }
}

/// Folds a text; `None` if nothing is left, or more than a rule may hold.
pub(crate) fn fold(text: &str) -> Option<Folded> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let text = text.trim().as_bytes();
    if text.is_empty() || text.len() > RULE_BYTES_MAX {
        return None;
    }
    let mut bytes = [0; RULE_BYTES_MAX + END_BYTES_MAX];
    let into = &mut bytes[..text.len()];
    into.copy_from_slice(text);
    into.make_ascii_lowercase();
    Some(Folded { bytes, length: text.len() })
}

/// The host of a URL, or of a domain as exchanges write them: without scheme, user, port, path, a leading `www.` and dots
/// around it.
pub(crate) fn host(text: &str) -> &str {
    // A host stands at the beginning.
    let bare = text[..text.floor_char_boundary(TEXT_BYTES_MAX)].trim();
    let bare = bare.split_once("://").map_or(bare, |(_scheme, rest)| rest);
    let bare = bare.split(['/', '?', '#']).next().unwrap_or_default();
    let bare = bare.rsplit_once('@').map_or(bare, |(_user, rest)| rest);
    let bare = bare.split(':').next().unwrap_or_default();
    let bare = bare.trim_matches('.');
    let bare = match bare.get(..4) {
        Some(www) if www.eq_ignore_ascii_case("www.") => &bare[4..],
        _ => bare,
    };
    bare.trim()
}

/// A bundle without the `id` that some exchanges put before the number of Apple's store.
pub(crate) fn bundle(text: &str) -> &str {
    if text.len() > TEXT_BYTES_MAX {
        return text;
    }
    let text = text.trim();
    match text.get(..2) {
        Some(id) if id.eq_ignore_ascii_case("id") && is_number(&text[2..]) => &text[2..],
        _ => text,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
