//! What was seen of a scenario, step by step: the same text from both sides.
//!
//! `w0-1e w0+2>` says that the first incarnation of `w0` ended with an error and that its second start began; after
//! the `>` stands what was answered. Starts: `+` succeeds, `x` fails, `?` ignores. Ends: `n`ormal, `s`hutdown, shu`t`down
//! with a text, `k`illed, `e`rror or panic. A supervisor's end is `s1-s`, or `s1-x` when a child of its first start
//! failed. `w0~3` (ours only) is a start that was given up before its `init` had ended.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// One line a step, with the start before them and the end after them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// In order. Nothing follows once the root has ended.
    pub lines: Vec<Line>,
}

/// What happened after one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// In order.
    pub events: Vec<Event>,
    /// What was answered; empty when nothing was asked.
    pub result: String,
}

/// One thing that happened to one child.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// The child.
    pub name: String,
    /// `+`, `x`, `?`, `~` or `-`.
    pub mark: char,
    /// Which incarnation; 0 for supervisors.
    pub k: u64,
    /// How it ended, after a `-`.
    pub class: Option<char>,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no trace: {0:?}")]
pub struct BadTrace(String);

impl Trace {
    /// How many events and answers it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.iter().map(|line| line.events.len() + usize::from(!line.result.is_empty())).sum()
    }

    /// Whether nothing was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Display for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, line) in self.lines.iter().enumerate() {
            write!(f, "{}{line}", if at == 0 { "" } else { ";" })?;
        }
        Ok(())
    }
}

impl Display for Line {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, event) in self.events.iter().enumerate() {
            write!(f, "{}{event}", if at == 0 { "" } else { " " })?;
        }
        write!(f, ">{}", self.result)
    }
}

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.mark)?;
        if self.k > 0 {
            write!(f, "{}", self.k)?;
        }
        self.class.map_or(Ok(()), |class| write!(f, "{class}"))
    }
}

impl FromStr for Trace {
    type Err = BadTrace;

    fn from_str(text: &str) -> Result<Self, BadTrace> {
        Ok(Self { lines: text.split(';').map(str::parse).collect::<Result<_, _>>()? })
    }
}

impl FromStr for Line {
    type Err = BadTrace;

    fn from_str(text: &str) -> Result<Self, BadTrace> {
        let (events, result) = text.split_once('>').ok_or_else(|| BadTrace(text.to_owned()))?;
        let events = events.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { events, result: result.to_owned() })
    }
}

impl FromStr for Event {
    type Err = BadTrace;

    fn from_str(text: &str) -> Result<Self, BadTrace> {
        let bad = || BadTrace(text.to_owned());
        let at = text.find(['+', 'x', '?', '~', '-']).ok_or_else(bad)?;
        let (name, rest) = text.split_at(at);
        let mark = rest.chars().next().ok_or_else(bad)?;
        let digits = rest[1..].trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let k = if digits.is_empty() { 0 } else { digits.parse().map_err(|_| bad())? };
        let class = rest[1 + digits.len()..].chars().next();
        Ok(Self { name: name.to_owned(), mark, k, class })
    }
}
