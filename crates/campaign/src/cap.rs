//! Frequency caps as an operator writes them: how often one user may see something, within which window.
//!
//! Promises windows that slide: "3 per hour" means never more than three within any sixty minutes, wherever an hour of the
//! clock begins. Never counts: that is the region's.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 24 * 60 * 60 * SECOND_MS;

/// The period within which a cap counts. Every window slides with the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CapWindow {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// 30 days.
    Month,
    /// The whole flight; counts are kept for a year and a day, which no flight with this cap may exceed.
    Lifetime,
}

impl CapWindow {
    /// All windows, the shortest first.
    pub const ALL: [Self; 6] = [Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Lifetime];

    /// The name in a definition.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Lifetime => "lifetime",
        }
    }

    /// The length in milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        match self {
            Self::Minute => 60 * SECOND_MS,
            Self::Hour => 3_600 * SECOND_MS,
            Self::Day => DAY_MS,
            Self::Week => 7 * DAY_MS,
            Self::Month => 30 * DAY_MS,
            Self::Lifetime => 366 * DAY_MS,
        }
    }
}

impl fmt::Display for CapWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// For how long a user's impressions must be remembered, so that the widest window of a campaign can be told.
///
/// A user is known by a key that changes every day wherever no window is wider than a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CapMemory {
    /// For windows up to a day.
    Day,
    /// For windows up to a month.
    Month,
    /// For the whole flight.
    Lifetime,
}

impl CapMemory {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Day, Self::Month, Self::Lifetime];

    /// For how long that is: the widest window.
    #[must_use]
    pub const fn millis(self) -> i64 {
        match self {
            Self::Day => CapWindow::Day.millis(),
            Self::Month => CapWindow::Month.millis(),
            Self::Lifetime => CapWindow::Lifetime.millis(),
        }
    }
}

/// The most impressions that a cap may allow: a larger number limits nobody.
pub const CAP_MAX: u32 = 10_000;

/// All caps of one campaign or creative: for each window at most one.
///
/// # Examples
///
/// ```
/// use campaign::{CapMemory, CapWindow, Caps};
///
/// let caps = Caps::NONE.with(CapWindow::Hour, 3).with(CapWindow::Day, 10);
/// assert_eq!(caps.max_per(CapWindow::Day), Some(10));
/// assert_eq!(caps.memory(), Some(CapMemory::Day));
/// assert_eq!(caps.to_string(), "3 per hour, 10 per day");
/// assert!(Caps::NONE.is_empty());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Caps([Option<NonZeroU32>; CapWindow::ALL.len()]);

impl Caps {
    /// No cap: as often as it wins.
    pub const NONE: Self = Self([None; CapWindow::ALL.len()]);

    /// The same with a cap for one window, in place of an earlier one; 0 takes that away.
    #[must_use]
    pub const fn with(mut self, window: CapWindow, max: u32) -> Self {
        self.0[window as usize] = NonZeroU32::new(max);
        self
    }

    /// How often a user may see it within a window.
    #[must_use]
    pub fn max_per(&self, window: CapWindow) -> Option<u32> {
        self.0[window as usize].map(NonZeroU32::get)
    }

    /// Whether there is no cap.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The caps, the shortest window first.
    pub fn iter(&self) -> impl Iterator<Item = (CapWindow, u32)> + '_ {
        CapWindow::ALL.into_iter().filter_map(|window| Some((window, self.max_per(window)?)))
    }

    /// For how long impressions must be remembered; `None` without a cap.
    #[must_use]
    pub fn memory(&self) -> Option<CapMemory> {
        let (widest, _) = self.iter().last()?;
        CapMemory::ALL.into_iter().find(|memory| widest.millis() <= memory.millis())
    }

    /// Whether one more impression is within every cap, if `seen_within` says how many there were in a window.
    #[must_use]
    pub fn allow(&self, mut seen_within: impl FnMut(CapWindow) -> u32) -> bool {
        self.iter().all(|(window, max)| seen_within(window) < max)
    }
}

impl fmt::Display for Caps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (window, max) in self.iter() {
            write!(f, "{separator}{max} per {window}")?;
            separator = ", ";
        }
        Ok(())
    }
}

/// One cap of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cap {
    pub(crate) max: u32,
    pub(crate) window: CapWindow,
}

/// A text that is no cap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseCapError {
    #[error("{0:?} is no cap: write how often per minute, hour, day, week, month or lifetime, such as \"3 per hour\"")]
    Shape(String),
    #[error("0 shows it to nobody: write 1 or more, or remove the line for no cap")]
    Zero,
    #[error("{0} limits nobody: {CAP_MAX} is the most")]
    Many(u64),
}

impl FromStr for Cap {
    type Err = ParseCapError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || ParseCapError::Shape(text.to_owned());
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let [max, "per", name] = words[..] else { return Err(shape()) };
        let window = CapWindow::ALL.into_iter().find(|window| window.name() == name).ok_or_else(shape)?;
        let max: u64 = max.parse().map_err(|_| shape())?;
        match u32::try_from(max) {
            Ok(0) => Err(ParseCapError::Zero),
            Ok(max) if max <= CAP_MAX => Ok(Self { max, window }),
            _ => Err(ParseCapError::Many(max)),
        }
    }
}

/// What is wrong with caps whose windows contradict each other: a wider one that allows less than a shorter one makes that
/// one meaningless, which is a slip.
pub(crate) fn contradiction(caps: &Caps) -> Option<String> {
    let listed: Vec<_> = caps.iter().collect();
    listed.windows(2).find(|pair| pair[1].1 <= pair[0].1).map(|pair| {
        let ((short, at_most), (wide, in_all)) = (pair[0], pair[1]);
        format!("{at_most} per {short} says nothing beside {in_all} per {wide}: remove it, or allow more per {wide}")
    })
}
