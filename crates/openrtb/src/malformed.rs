//! Bodies that are no bid request at all.
//!
//! Never: a byte of the body in the message. It may hold addresses and ids.

use std::fmt;

/// A body that cannot be read: answered 400, counted by [`kind`](Self::kind).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed body at byte {at}: {detail}")]
#[non_exhaustive]
pub struct Malformed {
    /// What is wrong, as a label for a metric.
    pub kind: MalformedKind,
    /// Offset of the byte at which reading stopped.
    pub at: usize,
    /// What is wrong, in words.
    pub detail: String,
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MalformedKind {
    /// There is no body.
    Empty,
    /// The body is not UTF-8.
    Encoding,
    /// The body is JSON, but no object.
    NotAnObject,
    /// The body ends in the middle.
    Truncated,
    /// The body is not JSON.
    Syntax,
}

impl MalformedKind {
    /// Every kind, for tables of counters.
    pub const ALL: [Self; 5] = [Self::Empty, Self::Encoding, Self::NotAnObject, Self::Truncated, Self::Syntax];

    /// The label of the kind.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Encoding => "encoding",
            Self::NotAnObject => "not_an_object",
            Self::Truncated => "truncated",
            Self::Syntax => "syntax",
        }
    }
}

impl fmt::Display for MalformedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

impl Malformed {
    pub(crate) fn from_json(error: &serde_json::Error, text: &str) -> Self {
        let kind = if error.is_eof() { MalformedKind::Truncated } else { MalformedKind::Syntax };
        Self { kind, at: offset(text, error.line(), error.column()), detail: error.to_string() }
    }
}

/// The byte offset of a line and column, both counted from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}
