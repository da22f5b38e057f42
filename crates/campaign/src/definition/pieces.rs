//! A file of campaigns in pieces of one campaign each.
//!
//! Promises that the pieces together are the text, and that each but the first begins with a line `[[campaign]]` that stands in
//! no string: so that reading a file of 100,000 campaigns takes the memory of one beyond what it says. Never judges: what is no
//! TOML is none in its piece.

const HEADER: &[u8] = b"[[campaign]]";

/// The pieces, each with the line on which it begins, counted from 1. The first is what stands before all campaigns.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut lines = Lines { bytes: text.as_bytes(), at: 0 };
    let mut begun = Some(0);
    let mut next_line = 1;
    std::iter::from_fn(move || {
        let start = begun?;
        begun = lines.next_header();
        let piece = &text[start..begun.unwrap_or(text.len())];
        let line = next_line;
        next_line += piece.bytes().filter(|byte| *byte == b'\n').count();
        Some((line, piece))
    })
}

/// Lines, but for what is within strings.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Lines<'_> {
    /// Where the next campaign begins.
    fn next_header(&mut self) -> Option<usize> {
        while self.at < self.bytes.len() {
            let start = self.at;
            self.skip_line();
            if self.bytes[start..].starts_with(HEADER) {
                return Some(start);
            }
        }
        None
    }

    fn skip_line(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'\n' => return,
                b'#' => self.skip_to(|bytes| bytes.starts_with(b"\n"), false),
                b'"' | b'\'' => self.skip_string(*byte),
                _ => {}
            }
        }
    }

    /// Skips the rest of a string whose first quote has been read.
    fn skip_string(&mut self, quote: u8) {
        if self.bytes[self.at..].starts_with(&[quote; 2]) {
            self.at += 2;
            self.skip_to(|bytes| bytes.starts_with(&[quote; 3]), quote == b'"');
            self.at = (self.at + 3).min(self.bytes.len());
        } else {
            self.skip_to(|bytes| bytes.starts_with(&[quote]) || bytes.starts_with(b"\n"), quote == b'"');
            // A line that ends in a string is none of TOML, and the next one begins anew.
            self.at += usize::from(self.bytes.get(self.at) == Some(&quote));
        }
    }

    /// Skips to where `is_end` holds; a backslash hides what follows it where strings have such.
    fn skip_to(&mut self, is_end: impl Fn(&[u8]) -> bool, has_escapes: bool) {
        while self.at < self.bytes.len() && !is_end(&self.bytes[self.at..]) {
            self.at += if has_escapes && self.bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at = self.at.min(self.bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(text: &str) -> Vec<usize> {
        let found: Vec<_> = pieces(text).collect();
        assert_eq!(found.iter().map(|(_, piece)| *piece).collect::<String>(), text);
        found[1..].iter().map(|(line, _)| *line).collect()
    }

    #[test]
    fn a_campaign_begins_where_a_line_says_so_and_never_within_a_string() {
        assert!(starts("").is_empty());
        assert_eq!(starts("[[campaign]]\nid = 1\n[[campaign]] # two\n[[campaign.creative]]\n"), [1, 3]);
        assert_eq!(starts("# [[campaign]]\n\na = \"[[campaign]]\"\n[[campaign]]"), [4]);
        assert_eq!(starts("a = '''\n[[campaign]]\n'''\n[[campaign]]\n"), [4]);
        assert_eq!(starts("a = \"\"\"\n[[campaign]]\n\\\"\"\"\n[[campaign]]\n\"\"\"\n[[campaign]]\n"), [6]);
        assert_eq!(starts("a = \"\"\n[[campaign]]\nb = ''\n[[campaign]]\n"), [2, 4]);
        assert_eq!(starts("a = 'it\\'\n[[campaign]]\nb = \"\\\"\"\n[[campaign]]\n"), [2, 4]);
        assert_eq!(starts("a = \"open\n[[campaign]]\n"), [2], "no TOML, and told of in its own line");
        assert_eq!(starts("a = '''it''''\n[[campaign]]\n"), [2], "a quote before the end");
    }
}
