//! The fast lane: reads sound JSON in one pass over its bytes, without a visitor between the text and the field.
//!
//! Promises: what it takes is JSON that [`serde_json`] takes too, and every field becomes what the other lane makes of it. Of
//! what is odd (a syntax error, an escape in a name, a number where an object belongs, nesting of more than 63 levels) it makes
//! nothing: it says [`None`], and the body is read again by the other lane, which knows what is wrong.
//! Never: recursion deeper than the types themselves; a word about an error.

/// How deep a value may be that is skipped: a bit each.
const SKIPPED_LEVELS_MAX: u32 = 63;

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);
const BLANKS: u64 = u64::from_le_bytes([b' '; 8]);

/// A place in a text. Every method leaves it behind what it has read; after a `None` it is anywhere.
#[derive(Debug)]
pub(crate) struct Scanner<'de> {
    text: &'de str,
    /// What has not been read: the end of `text`.
    rest: &'de [u8],
}

/// A string as it stands, without its quotes.
pub(crate) struct Quoted<'de> {
    pub(crate) inner: &'de str,
    pub(crate) has_escapes: bool,
}

impl<'de> Scanner<'de> {
    pub(crate) fn new(text: &'de str) -> Self {
        Self { text, rest: text.as_bytes() }
    }

    #[inline]
    fn at(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    /// The next byte that is no blank; the scanner stands on it.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        match self.rest {
            [byte, ..] if *byte > b' ' => Some(*byte),
            _ => self.peek_behind_blanks(),
        }
    }

    #[inline(never)]
    fn peek_behind_blanks(&mut self) -> Option<u8> {
        loop {
            match self.rest {
                [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] => self.rest = rest,
                [other, ..] => return Some(*other),
                [] => return None,
            }
        }
    }

    /// Goes over a byte if it is the next that is no blank.
    #[inline]
    fn eat(&mut self, wanted: u8) -> Option<()> {
        let byte = self.peek()?;
        self.rest = self.rest.get(1..)?;
        (byte == wanted).then_some(())
    }

    /// Whether nothing but blanks is left.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Goes into an object or a list, at whose bracket it stands; false when there is nothing in it.
    #[inline]
    pub(crate) fn enter(&mut self, close: u8) -> Option<bool> {
        self.rest = self.rest.get(1..)?;
        if self.peek()? == close {
            self.rest = self.rest.get(1..)?;
            return Some(false);
        }
        Some(true)
    }

    /// Behind a member or an element: whether another one follows.
    #[inline]
    pub(crate) fn goes_on(&mut self, close: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.rest = self.rest.get(1..)?;
        match byte {
            b',' => Some(true),
            other => (other == close).then_some(false),
        }
    }

    /// A member's name and its colon.
    #[inline(always)]
    pub(crate) fn key(&mut self) -> Option<&'de [u8]> {
        // As nearly all senders write it: without blanks.
        if let [b'"', name @ ..] = self.rest {
            let mut rest = name;
            while let Some((chunk, behind)) = rest.split_first_chunk::<8>() {
                let found = ends_of_plain_text(u64::from_le_bytes(*chunk));
                if found != 0 {
                    let end = name.len() - rest.len() + found.trailing_zeros() as usize / 8;
                    let [b'"', b':', behind @ ..] = name.get(end..)? else { break };
                    self.rest = behind;
                    return name.get(..end);
                }
                rest = behind;
            }
        }
        self.key_among_blanks()
    }

    #[inline(never)]
    fn key_among_blanks(&mut self) -> Option<&'de [u8]> {
        if self.peek()? != b'"' {
            return None;
        }
        let before = self.rest;
        let has_escapes = self.skip_string()?;
        let key = before.get(1..before.len() - self.rest.len() - 1)?;
        self.eat(b':')?;
        (!has_escapes).then_some(key)
    }

    /// A string, at whose first quote it stands.
    #[inline]
    pub(crate) fn quoted(&mut self) -> Option<Quoted<'de>> {
        let start = self.at() + 1;
        let has_escapes = self.skip_string()?;
        Some(Quoted { inner: self.text.get(start..self.at() - 1)?, has_escapes })
    }

    /// The text of the next value, as it stands.
    #[inline]
    pub(crate) fn value(&mut self) -> Option<&'de str> {
        self.peek()?;
        let start = self.at();
        self.skip()?;
        self.text.get(start..self.at())
    }

    /// A whole number of a few digits, if one comes next; otherwise the scanner stays where it is.
    #[inline]
    pub(crate) fn small_number(&mut self) -> Option<u32> {
        /// So many digits fit.
        const DIGITS_MAX: usize = 9;
        let first = self.peek()?;
        let mut value = 0;
        for (count, byte) in self.rest.iter().enumerate() {
            match byte {
                b'0'..=b'9' if count < DIGITS_MAX => value = value * 10 + u32::from(byte - b'0'),
                b',' | b'}' | b']' if count == 1 || count > 1 && first != b'0' => {
                    self.rest = self.rest.get(count..)?;
                    return Some(value);
                }
                _ => return None,
            }
        }
        None
    }

    /// Goes over the next value.
    #[inline]
    pub(crate) fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' | b'[' => self.skip_nested(),
            _ => self.skip_scalar(),
        }
    }

    #[inline]
    fn skip_scalar(&mut self) -> Option<()> {
        match self.rest.first()? {
            b'"' => self.skip_string().map(drop),
            b'-' | b'0'..=b'9' => self.skip_number(),
            b't' => self.skip_word(b"true"),
            b'f' => self.skip_word(b"false"),
            b'n' => self.skip_word(b"null"),
            _ => None,
        }
    }

    #[inline]
    fn skip_word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    #[inline]
    fn skip_number(&mut self) -> Option<()> {
        let mut rest = self.rest;
        if let [b'-', behind @ ..] = rest {
            rest = behind;
        }
        let begins_with_zero = rest.first() == Some(&b'0');
        let (digits, behind) = behind_digits(rest);
        if digits == 0 || begins_with_zero && digits > 1 {
            return None;
        }
        rest = behind;
        if let [b'.', behind @ ..] = rest {
            let (digits, behind) = behind_digits(behind);
            if digits == 0 {
                return None;
            }
            rest = behind;
        }
        if let [b'e' | b'E', b'+' | b'-', behind @ ..] | [b'e' | b'E', behind @ ..] = rest {
            let (digits, behind) = behind_digits(behind);
            if digits == 0 {
                return None;
            }
            rest = behind;
        }
        self.rest = rest;
        Some(())
    }

    /// Goes over a string, at whose first quote it stands; says whether it has escapes.
    #[inline]
    fn skip_string(&mut self) -> Option<bool> {
        let mut rest = self.rest.get(1..)?;
        let mut has_escapes = false;
        loop {
            // Eight bytes at a time, up to a quote, a backslash or a control character.
            while let Some((chunk, behind)) = rest.split_first_chunk::<8>() {
                let found = ends_of_plain_text(u64::from_le_bytes(*chunk));
                if found != 0 {
                    rest = rest.get(found.trailing_zeros() as usize / 8..)?;
                    break;
                }
                rest = behind;
            }
            match rest {
                [b'"', behind @ ..] => {
                    self.rest = behind;
                    return Some(has_escapes);
                }
                [b'\\', ..] => {
                    has_escapes = true;
                    rest = rest.get(escape_length(rest)?..)?;
                }
                [..=0x1f, ..] | [] => return None,
                [_, behind @ ..] => rest = behind,
            }
        }
    }

    /// Goes over an object or a list, whatever is in it.
    fn skip_nested(&mut self) -> Option<()> {
        // The lowest bit is the innermost level: 1 for an object, 0 for a list.
        let (mut kinds, mut depth) = (0_u64, 0);
        loop {
            // Stands at a value.
            let bracket = self.peek()?;
            if matches!(bracket, b'{' | b'[') {
                if depth == SKIPPED_LEVELS_MAX {
                    return None;
                }
                let is_object = bracket == b'{';
                if self.enter(if is_object { b'}' } else { b']' })? {
                    kinds = kinds << 1 | u64::from(is_object);
                    depth += 1;
                    if is_object {
                        self.skip_key()?;
                    }
                    continue;
                }
            } else {
                self.skip_scalar()?;
            }
            // Stands behind a value.
            loop {
                if depth == 0 {
                    return Some(());
                }
                let is_object = kinds & 1 == 1;
                if self.goes_on(if is_object { b'}' } else { b']' })? {
                    if is_object {
                        self.skip_key()?;
                    }
                    break;
                }
                kinds >>= 1;
                depth -= 1;
            }
        }
    }

    #[inline]
    fn skip_key(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        self.skip_string()?;
        self.eat(b':')
    }
}

/// How many digits a text begins with, and what comes behind them.
#[inline]
fn behind_digits(text: &[u8]) -> (usize, &[u8]) {
    let mut rest = text;
    while let [b'0'..=b'9', behind @ ..] = rest {
        rest = behind;
    }
    (text.len() - rest.len(), rest)
}

/// The high bit of the first byte that is a quote, a backslash or a control character; of later ones perhaps, too.
#[inline]
fn ends_of_plain_text(word: u64) -> u64 {
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    (zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES) | word.wrapping_sub(BLANKS) & !word) & HIGHS
}

/// How many bytes come before the first quote, backslash or control character, looked at eight at a time: when it says fewer,
/// fewer than eight were left.
#[inline]
pub(crate) fn plain_length(text: &[u8]) -> usize {
    let mut rest = text;
    while let Some((chunk, behind)) = rest.split_first_chunk::<8>() {
        let found = ends_of_plain_text(u64::from_le_bytes(*chunk));
        if found != 0 {
            return text.len() - rest.len() + found.trailing_zeros() as usize / 8;
        }
        rest = behind;
    }
    text.len() - rest.len()
}

/// How many bytes the escape has that the text begins with.
fn escape_length(text: &[u8]) -> Option<usize> {
    match text.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' if text.get(2..6)?.iter().all(u8::is_ascii_hexdigit) => Some(6),
        _ => None,
    }
}
