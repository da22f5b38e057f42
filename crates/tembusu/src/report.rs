//! The report that climbs when a restart intensity is used up: the chain of supervisors, and what each one saw.
//!
//! It is made once, shared by whoever is told, and bounded at each level.

use std::fmt;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use crate::exit::ExitReason;
use crate::panics;

/// How many failures a report tells of at each level, the last ones.
pub(crate) const FAILURES_REPORTED: usize = 16;

/// What used up a supervisor's restart intensity: who, which incarnation, why, and what came before.
///
/// When the failing child was itself an exhausted supervisor, `reason` holds the next link of the
/// [chain](Self::chain). `{}` is one line, `{:#}` several, for an operator:
///
/// ```text
/// root/exchanges gave up: 2 failures within 10s, and 1 restart is granted
///   1. root/exchanges/adx #1, 4s ago, after 5s: exhausted by root/exchanges/adx/engine #6: panic at src/parse.rs:41:9: negative price
///   2. root/exchanges/adx #2, after 3s: exhausted
///     root/exchanges/adx gave up: 2 failures within 10s, and 1 restart is granted
///       1. root/exchanges/adx/engine #7, 1s ago, after 2s: panic at src/parse.rs:41:9: negative price
///       2. root/exchanges/adx/engine #8, which did not start: error: no route to host
/// root cause: root/exchanges/adx/engine #8: error: no route to host
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    /// The exhausted supervisor.
    pub supervisor: Arc<str>,
    /// The path of the child whose failure was one too many.
    pub child: Arc<str>,
    /// The incarnation of that child.
    pub incarnation: u64,
    /// Why that incarnation ended.
    pub reason: ExitReason,
    /// How many restarts were allowed … (0 on [trial](crate::Probe))
    pub limit: u32,
    /// … within this time.
    pub period: Duration,
    /// The failures that used it up, the oldest first; the last one was one too many. At most sixteen.
    pub failures: Vec<Failure>,
    /// How many earlier ones are not told of.
    pub omitted: u32,
}

/// A failure that was charged.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The path of the child.
    pub child: Arc<str>,
    /// Its incarnation.
    pub incarnation: u64,
    /// Why it ended.
    pub reason: ExitReason,
    /// How long before the report.
    pub ago: Duration,
    /// How long it had been up. `None` when it did not start.
    pub ran_for: Option<Duration>,
}

impl Drop for Failure {
    /// Quietly: a report may hold several errors that panic when they are dropped.
    fn drop(&mut self) {
        panics::drop_quietly(std::mem::replace(&mut self.reason, ExitReason::Normal));
    }
}

impl Report {
    /// The reports from this one down to the supervisor that was exhausted first, each the reason of the one before.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        iter::successors(Some(self), |report| match &report.reason {
            ExitReason::Exhausted(below) => Some(&**below),
            _ => None,
        })
    }

    /// The first cause: the reason at the end of the chain, with the path of the child that gave it.
    #[must_use]
    pub fn root_cause(&self) -> (&Arc<str>, &ExitReason) {
        let first = self.first();
        (&first.child, &first.reason)
    }

    fn first(&self) -> &Self {
        self.chain().last().unwrap_or(self)
    }

    fn cause(&self) -> Cause<'_> {
        Cause(self.first())
    }

    /// Several lines, each indented by `indent`.
    fn explain(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        let failures = u64::from(self.omitted) + self.failures.len() as u64;
        let (s, rs) = (if failures == 1 { "" } else { "s" }, if self.limit == 1 { " is" } else { "s are" });
        let (supervisor, period, limit) = (&self.supervisor, self.period, self.limit);
        writeln!(
            f,
            "{:indent$}{supervisor} gave up: {failures} failure{s} within {period:?}, and {limit} restart{rs} granted",
            ""
        )?;
        if self.omitted > 0 {
            writeln!(f, "{:indent$}  … {} earlier", "", self.omitted)?;
        }
        for (at, failure) in self.failures.iter().enumerate() {
            let (number, is_last) = (u64::from(self.omitted) + at as u64 + 1, at + 1 == self.failures.len());
            write!(f, "{:indent$}  {number}. {} #{}", "", failure.child, failure.incarnation)?;
            if !failure.ago.is_zero() {
                write!(f, ", {:?} ago", failure.ago)?;
            }
            match failure.ran_for {
                Some(ran_for) => write!(f, ", after {ran_for:?}: ")?,
                None => write!(f, ", which did not start: ")?,
            }
            match &failure.reason {
                ExitReason::Exhausted(below) if is_last => {
                    writeln!(f, "exhausted")?;
                    below.explain(f, indent + 4)?;
                }
                ExitReason::Exhausted(below) => writeln!(f, "exhausted by {}", below.cause())?,
                reason => writeln!(f, "{reason}")?,
            }
        }
        Ok(())
    }
}

/// The end of a chain in a few words.
struct Cause<'a>(&'a Report);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}: {}", self.0.child, self.0.incarnation, self.0.reason)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            self.explain(f, 0)?;
            return write!(f, "root cause: {}", self.cause());
        }
        write!(
            f,
            "{} had more than {} failures in {:?}, the last in {} (incarnation {}): {}",
            self.supervisor, self.limit, self.period, self.child, self.incarnation, self.reason
        )
    }
}
