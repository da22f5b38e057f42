//! A file of campaigns in pieces of one campaign each.
//!
//! Promises that the pieces together are the text, and that each but the first begins with a line `[[campaign]]` that stands in
//! no string: so that reading a file of 100,000 campaigns takes the memory of one beyond what it says. Never judges: what is no
//! TOML is none in its piece.

const HEADER: &[u8] = b"[[campaign]]";

/// A part of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    /// The line of the file that is its first, counted from 1.
    line: usize,
    pub(super) text: &'a str,
}

impl Piece<'_> {
    /// The line of the file in which a byte of the piece stands, counted from 1.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.line + newlines(self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes()))
    }

    /// What stands in that line.
    pub(super) fn row(&self, line: usize) -> Option<&str> {
        self.text.lines().nth(line.checked_sub(self.line)?)
    }
}

/// The pieces. The first is what stands before all campaigns.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut lines = Lines { bytes: text.as_bytes(), at: 0 };
    let (mut begun, mut line) = (Some(0), 1);
    std::iter::from_fn(move || {
        let start = begun?;
        begun = lines.next_header();
        let piece = Piece { line, text: &text[start..begun.unwrap_or(text.len())] };
        line += newlines(piece.text.as_bytes());
        Some(piece)
    })
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
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
        while let Some(byte) = self.skip_to(|byte| matches!(byte, b'\n' | b'#' | b'"' | b'\'')) {
            match byte {
                b'\n' => return,
                // To the end of the line, which it leaves for the loop.
                b'#' => self.at += self.bytes[self.at..].iter().take_while(|byte| **byte != b'\n').count(),
                quote => self.skip_string(quote),
            }
        }
    }

    /// Skips the rest of a string whose first quote has been read.
    fn skip_string(&mut self, quote: u8) {
        let is_escaped = quote == b'"';
        let is_long = self.bytes[self.at..].starts_with(&[quote; 2]);
        if is_long {
            self.at += 2;
        }
        while let Some(byte) = self.skip_to(|byte| byte == quote || byte == b'\\' || byte == b'\n' && !is_long) {
            match byte {
                b'\\' if is_escaped => self.at += usize::from(self.at < self.bytes.len()),
                b'\\' => {}
                b'\n' => {
                    // A line that ends in a string is none of TOML, and the next one begins anew.
                    self.at -= 1;
                    return;
                }
                _ if !is_long => return,
                _ if self.bytes[self.at..].starts_with(&[quote; 2]) => {
                    self.at += 2;
                    return;
                }
                _ => {}
            }
        }
    }

    /// Skips past the first byte that is one of those, and says which it is.
    fn skip_to(&mut self, is_one: impl Fn(u8) -> bool) -> Option<u8> {
        let found = self.bytes[self.at..].iter().position(|byte| is_one(*byte));
        self.at = found.map_or(self.bytes.len(), |found| self.at + found + 1);
        found.map(|_| self.bytes[self.at - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(text: &str) -> Vec<usize> {
        let found: Vec<_> = pieces(text).collect();
        assert_eq!(found.iter().map(|piece| piece.text).collect::<String>(), text);
        let lines: Vec<_> = text.lines().collect();
        for piece in &found {
            let rows: Vec<_> = (piece.line..).map_while(|line| piece.row(line)).collect();
            assert!(lines[piece.line - 1..].starts_with(&rows), "{text:?}");
            assert_eq!(piece.line_of(piece.text.len()), piece.line + piece.text.matches('\n').count());
        }
        found[1..].iter().map(|piece| piece.line).collect()
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
