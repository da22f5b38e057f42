//! How fast a service level's error budget burns: counts over windows, and the rules that say when it is too fast.
//!
//! Pure: no clock, no lock, no floating point in a decision. Whoever calls brings the time and the counts so far.
//!
//! A burn rate of 1 uses up the budget exactly at the end of its period; 14.4 uses up 2 % of a 30-day budget in an hour. A rule
//! looks at two windows: the long one says that it matters, the short one that it is still going on, so that an alert ends soon
//! after its cause (Google's *Site Reliability Workbook*, chapter 5).

use std::collections::VecDeque;
use std::time::Duration;

/// How often counts are kept: short beside the shortest window.
pub const BURN_STEP: Duration = Duration::from_secs(10);

/// The longest window of [`BURN_RULES`]; older counts are let go of.
const KEPT: Duration = Duration::from_secs(6 * 3_600);

/// Fewer failures than this within the long window are never an alert: at a few requests an hour one says nothing.
pub const FAILURES_MIN: u64 = 10;

/// The rules, the fastest first.
pub const BURN_RULES: [BurnRule; 2] = [
    BurnRule { tenths: 144, long: Duration::from_secs(3_600), short: Duration::from_secs(5 * 60) },
    BurnRule { tenths: 60, long: KEPT, short: Duration::from_secs(30 * 60) },
];

/// Requests that a service level is about, since the process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub requests: u64,
    /// Those that failed it.
    pub failures: u64,
}

/// The share of requests that must not fail, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Objective(u32);

/// Too fast, when both windows burn at this rate or a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BurnRule {
    /// The rate in tenths: 144 is 14.4.
    pub tenths: u64,
    /// The window that says that it matters.
    pub long: Duration,
    /// The window that says that it goes on.
    pub short: Duration,
}

/// What happened within a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Requests and failures in it.
    pub counts: Counts,
    /// How much of it is known: less than its length while the process is young.
    known: Duration,
    length: Duration,
}

/// The counts of one service level over the longest window, a step apart.
///
/// ```
/// use std::time::Duration;
/// use telemetry::{BURN_RULES, BurnHistory, Counts, Objective};
///
/// let objective = Objective::parse("99.95%").expect("a share");
/// let mut history = BurnHistory::new(Duration::ZERO);
/// let hour = Duration::from_secs(3_600);
/// // Within an hour 1 % of 100,000 requests failed: 20 times what 0.05 % allows.
/// let now = Counts { requests: 100_000, failures: 1_000 };
/// assert_eq!(history.window(hour, hour, now).burn_rate(objective), 20.0);
/// assert_eq!(history.too_fast(hour, now, objective), Some(BURN_RULES[0]));
/// ```
#[derive(Debug, Clone)]
pub struct BurnHistory {
    /// Never empty: the first stands for the start, until it is older than every window.
    samples: VecDeque<(Duration, Counts)>,
}

impl Objective {
    /// The share in millionths, between one half and all but one millionth: no budget is left of everything.
    pub const fn of_millionths(share: u32) -> Option<Objective> {
        if 500_000 <= share && share < 1_000_000 { Some(Objective(share)) } else { None }
    }

    /// Reads a percentage with at most four decimals, such as `99.95%`.
    pub fn parse(text: &str) -> Option<Objective> {
        let (whole, decimals) = text.strip_suffix('%')?.split_once('.').unwrap_or((text.strip_suffix('%')?, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || 3 < whole.len() || 4 < decimals.len() || !digits(whole) || !digits(decimals) {
            return None;
        }
        let millionths = format!("{whole}{decimals:0<4}").parse().ok()?;
        Objective::of_millionths(millionths)
    }

    /// The share in millionths.
    pub fn millionths(self) -> u32 {
        self.0
    }

    /// The share that may fail, in millionths: at least one.
    fn budget(self) -> u64 {
        1_000_000 - u64::from(self.0)
    }
}

impl std::fmt::Display for Objective {
    /// As a percentage: `99.95%`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{}.{:04}", self.0 / 10_000, self.0 % 10_000);
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Window {
    /// Whether it burns at so many tenths of the rate that uses the budget up, or faster.
    ///
    /// What is not known yet counts as so much traffic without a failure: the first second of a process is no hour.
    pub fn burns_at(&self, tenths: u64, objective: Objective) -> bool {
        let Counts { requests, failures } = self.counts;
        let times = |a: u128, b: u64| a.saturating_mul(u128::from(b));
        let burnt = times(times(self.known.as_millis(), failures), 10 * 1_000_000);
        let allowed =
            times(times(times(self.known.max(self.length).as_millis(), requests), tenths), objective.budget());
        0 < failures && 0 < burnt && allowed <= burnt
    }

    /// The rate, for people: 1 uses the budget up exactly at its end.
    pub fn burn_rate(&self, objective: Objective) -> f64 {
        if self.counts.requests == 0 || self.known.is_zero() {
            return 0.0;
        }
        let known = self.known.as_secs_f64() / self.known.max(self.length).as_secs_f64();
        let failing = self.counts.failures as f64 / self.counts.requests as f64;
        failing * known * 1_000_000.0 / objective.budget() as f64
    }
}

impl BurnHistory {
    /// A history that begins now, with nothing counted.
    pub fn new(now: Duration) -> BurnHistory {
        BurnHistory { samples: VecDeque::from([(now, Counts::default())]) }
    }

    /// Keeps the counts so far, if a step has passed since the last that were kept.
    pub fn note(&mut self, now: Duration, counts: Counts) {
        if self.samples.back().is_some_and(|(last, _)| now < *last + BURN_STEP) {
            return;
        }
        self.samples.push_back((now, counts));
        // The one before the longest window is its begin.
        while self.samples.get(1).is_some_and(|(at, _)| *at + KEPT <= now) {
            self.samples.pop_front();
        }
    }

    /// What happened within the last `length`, to the step.
    pub fn window(&self, length: Duration, now: Duration, counts: Counts) -> Window {
        let begun = self.samples.partition_point(|(at, _)| *at + length <= now);
        let (at, then) = self.samples.get(begun.saturating_sub(1)).copied().unwrap_or((now, counts));
        let counts = Counts {
            requests: counts.requests.saturating_sub(then.requests),
            failures: counts.failures.saturating_sub(then.failures),
        };
        Window { counts, known: now.saturating_sub(at), length }
    }

    /// The first of [`BURN_RULES`] by which the budget burns too fast now.
    pub fn too_fast(&self, now: Duration, counts: Counts, objective: Objective) -> Option<BurnRule> {
        BURN_RULES.into_iter().find(|rule| {
            let [long, short] = [rule.long, rule.short].map(|length| self.window(length, now, counts));
            FAILURES_MIN <= long.counts.failures
                && [long, short].iter().all(|window| window.burns_at(rule.tenths, objective))
        })
    }
}
