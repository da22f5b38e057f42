//! The fast lane: reads sound JSON in one pass over its bytes, without a visitor between the text and the field.
//!
//! Promises: what it takes is JSON that [`serde_json`] takes too, and every field becomes what the other lane makes of it. Of
//! what is odd (a syntax error, an escape in a name, a number where an object belongs, nesting of more than 63 levels) it makes
//! nothing: it says [`None`], and the body is read again by the other lane, which knows what is wrong.
//! Never: recursion deeper than the types themselves; a word about an error.
//!
//! Where it stands is a number that goes from hand to hand: kept in a struct behind a reference it would be written to memory
//! and read again at every step, and each step waits for the one before.

use super::names::Name;
use super::words::{digits, ends_of_plain_text, number_of};

/// How deep a value may be that is skipped: a bit each.
const SKIPPED_LEVELS_MAX: u32 = 63;

/// Bytes of one word.
const WORD: usize = size_of::<u64>();

/// A text that is read. Every method takes the place at which it begins, and gives the one behind what it has read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanner<'de> {
    text: &'de str,
}

/// A string as it stands, without its quotes.
pub(crate) struct Quoted<'de> {
    pub(crate) inner: &'de str,
    pub(crate) has_escapes: bool,
    /// The place behind its last quote.
    pub(crate) behind: usize,
}

impl<'de> Scanner<'de> {
    pub(crate) fn new(text: &'de str) -> Self {
        Self { text }
    }

    #[inline(always)]
    fn byte(self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The bytes from a place on, the first one lowest; `None` if there are fewer than eight.
    #[inline(always)]
    fn word(self, at: usize) -> Option<u64> {
        let chunk = self.text.as_bytes().get(at..at.wrapping_add(WORD))?;
        chunk.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
    }

    /// The next byte that is no blank, and its place.
    #[inline(always)]
    pub(crate) fn peek(self, at: usize) -> Option<(u8, usize)> {
        match self.byte(at)? {
            byte if byte > b' ' => Some((byte, at)),
            _ => self.peek_behind_blanks(at),
        }
    }

    #[cold]
    #[inline(never)]
    fn peek_behind_blanks(self, mut at: usize) -> Option<(u8, usize)> {
        loop {
            match self.byte(at)? {
                b' ' | b'\n' | b'\r' | b'\t' => at += 1,
                other => return Some((other, at)),
            }
        }
    }

    /// Whether nothing but blanks is left.
    pub(crate) fn is_at_end(self, at: usize) -> bool {
        self.peek(at).is_none()
    }

    /// Behind the bracket of an object or a list: the place of its first member or element, or behind it if there is none.
    #[inline(always)]
    pub(crate) fn enter(self, at: usize, close: u8) -> Option<(bool, usize)> {
        let (byte, at) = self.peek(at)?;
        Some(if byte == close { (false, at + 1) } else { (true, at) })
    }

    /// Behind a member or an element: whether another one follows.
    #[inline(always)]
    pub(crate) fn goes_on(self, at: usize, close: u8) -> Option<(bool, usize)> {
        let (byte, at) = self.peek(at)?;
        match byte {
            b',' => Some((true, at + 1)),
            other => (other == close).then_some((false, at + 1)),
        }
    }

    /// A member's name; the place is behind its colon.
    #[inline(always)]
    pub(crate) fn key(self, at: usize) -> Option<(Name<'de>, usize)> {
        // As nearly all senders write it: short and without blanks.
        if self.byte(at)? == b'"'
            && let Some(word) = self.word(at + 1)
        {
            let found = ends_of_plain_text(word);
            if found != 0 {
                let end = at + 1 + found.trailing_zeros() as usize / 8;
                if let Some([b'"', b':']) = self.text.as_bytes().get(end..end + 2) {
                    let name = self.text.as_bytes().get(at + 1..end)?;
                    return Some((Name::short(name, word), end + 2));
                }
            }
        }
        self.key_as_it_comes(at)
    }

    #[inline(never)]
    fn key_as_it_comes(self, at: usize) -> Option<(Name<'de>, usize)> {
        let (b'"', at) = self.peek(at)? else { return None };
        let (end, has_escapes) = self.end_of_string(at)?;
        let name = self.text.as_bytes().get(at + 1..end)?;
        let (b':', colon) = self.peek(end + 1)? else { return None };
        (!has_escapes).then_some((Name::new(name), colon + 1))
    }

    /// A string without escapes, at whose first quote it stands; `None` also where it cannot be told at once.
    #[inline(always)]
    pub(crate) fn plain(self, at: usize) -> Option<(&'de str, usize)> {
        let mut end = at + 1;
        loop {
            let found = ends_of_plain_text(self.word(end)?);
            if found != 0 {
                end += found.trailing_zeros() as usize / 8;
                break;
            }
            end += WORD;
        }
        (self.byte(end)? == b'"').then_some((self.text.get(at + 1..end)?, end + 1))
    }

    /// A string, at whose first quote it stands.
    #[inline]
    pub(crate) fn quoted(self, at: usize) -> Option<Quoted<'de>> {
        let (end, has_escapes) = self.end_of_string(at)?;
        Some(Quoted { inner: self.text.get(at + 1..end)?, has_escapes, behind: end + 1 })
    }

    /// The text of the next value, as it stands.
    #[inline]
    pub(crate) fn value(self, at: usize) -> Option<(&'de str, usize)> {
        let (_, at) = self.peek(at)?;
        let behind = self.skip(at)?;
        Some((self.text.get(at..behind)?, behind))
    }

    /// A whole number of a few digits, if one comes next.
    #[inline]
    pub(crate) fn small_number(self, at: usize) -> Option<(u32, usize)> {
        let (first, at) = self.peek(at)?;
        let word = self.word(at)?;
        let count = digits(word);
        if count == 0 || count >= WORD || first == b'0' && count > 1 {
            return None;
        }
        matches!(self.byte(at + count)?, b',' | b'}' | b']').then(|| (number_of(word, count), at + count))
    }

    /// Goes over the next value.
    #[inline]
    pub(crate) fn skip(self, at: usize) -> Option<usize> {
        let (byte, at) = self.peek(at)?;
        match byte {
            b'{' | b'[' => self.skip_nested(at),
            _ => self.skip_scalar(byte, at),
        }
    }

    #[inline]
    fn skip_scalar(self, first: u8, at: usize) -> Option<usize> {
        match first {
            b'"' => self.end_of_string(at).map(|(end, _)| end + 1),
            b'-' | b'0'..=b'9' => self.skip_number(at),
            b't' => self.skip_word(at, b"true"),
            b'f' => self.skip_word(at, b"false"),
            b'n' => self.skip_word(at, b"null"),
            _ => None,
        }
    }

    #[inline]
    fn skip_word(self, at: usize, word: &[u8]) -> Option<usize> {
        let behind = at + word.len();
        (self.text.as_bytes().get(at..behind)? == word).then_some(behind)
    }

    #[inline]
    fn skip_number(self, mut at: usize) -> Option<usize> {
        let byte = |at| self.byte(at).unwrap_or(0);
        at += usize::from(byte(at) == b'-');
        let begins_with_zero = byte(at) == b'0';
        let whole = self.behind_digits(at)?;
        if begins_with_zero && whole > at + 1 {
            return None;
        }
        at = whole;
        if byte(at) == b'.' {
            at = self.behind_digits(at + 1)?;
        }
        if matches!(byte(at), b'e' | b'E') {
            at += 1;
            at += usize::from(matches!(byte(at), b'+' | b'-'));
            at = self.behind_digits(at)?;
        }
        Some(at)
    }

    /// The place behind some digits, of which there is one at least.
    #[inline]
    fn behind_digits(self, at: usize) -> Option<usize> {
        let mut behind = at;
        while self.byte(behind).is_some_and(|byte| byte.is_ascii_digit()) {
            behind += 1;
        }
        (behind > at).then_some(behind)
    }

    /// The place of a string's last quote, where its first one is given; says whether the string has escapes.
    #[inline(always)]
    fn end_of_string(self, at: usize) -> Option<(usize, bool)> {
        let mut at = at + 1;
        // A word at a time, up to a quote, a backslash or a control character.
        while let Some(word) = self.word(at) {
            let found = ends_of_plain_text(word);
            if found != 0 {
                at += found.trailing_zeros() as usize / 8;
                if self.byte(at)? == b'"' {
                    return Some((at, false));
                }
                break;
            }
            at += WORD;
        }
        self.end_of_odd_string(at)
    }

    /// The same from within it: where there is something odd, or little is left of the text.
    #[inline(never)]
    fn end_of_odd_string(self, mut at: usize) -> Option<(usize, bool)> {
        let mut has_escapes = false;
        loop {
            while let Some(word) = self.word(at) {
                let found = ends_of_plain_text(word);
                if found != 0 {
                    at += found.trailing_zeros() as usize / 8;
                    break;
                }
                at += WORD;
            }
            match self.byte(at)? {
                b'"' => return Some((at, has_escapes)),
                b'\\' => {
                    has_escapes = true;
                    at += self.escape_length(at)?;
                }
                ..=0x1f => return None,
                _ => at += 1,
            }
        }
    }

    /// How many bytes the escape has that begins at a place.
    fn escape_length(self, at: usize) -> Option<usize> {
        match self.byte(at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
            b'u' if self.text.as_bytes().get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => Some(6),
            _ => None,
        }
    }

    /// Goes over an object or a list, whatever is in it.
    fn skip_nested(self, mut at: usize) -> Option<usize> {
        // The lowest bit is the innermost level: 1 for an object, 0 for a list.
        let (mut kinds, mut depth) = (0_u64, 0);
        loop {
            // Stands at a value.
            let (first, value) = self.peek(at)?;
            if matches!(first, b'{' | b'[') {
                if depth == SKIPPED_LEVELS_MAX {
                    return None;
                }
                let is_object = first == b'{';
                let (has_some, inside) = self.enter(value + 1, if is_object { b'}' } else { b']' })?;
                at = inside;
                if has_some {
                    kinds = kinds << 1 | u64::from(is_object);
                    depth += 1;
                    if is_object {
                        at = self.skip_key(at)?;
                    }
                    continue;
                }
            } else {
                at = self.skip_scalar(first, value)?;
            }
            // Stands behind a value.
            loop {
                if depth == 0 {
                    return Some(at);
                }
                let is_object = kinds & 1 == 1;
                let (goes_on, behind) = self.goes_on(at, if is_object { b'}' } else { b']' })?;
                at = behind;
                if goes_on {
                    if is_object {
                        at = self.skip_key(at)?;
                    }
                    break;
                }
                kinds >>= 1;
                depth -= 1;
            }
        }
    }

    #[inline(always)]
    fn skip_key(self, at: usize) -> Option<usize> {
        let (b'"', at) = self.peek(at)? else { return None };
        let (end, _) = self.end_of_string(at)?;
        let (b':', colon) = self.peek(end + 1)? else { return None };
        Some(colon + 1)
    }
}
