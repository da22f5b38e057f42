//! What was found beside what was aimed at.
//!
//! A verdict fails nothing: the figures are for whoever reads them, on whatever machine.

use std::fmt;

use serde::Serialize;

/// One aim and what became of it.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    bench: &'static str,
    verdict: &'static str,
    value: f64,
    target: f64,
    met: bool,
    #[serde(skip)]
    at_most: bool,
}

impl Verdict {
    /// The value is to be no more than the target.
    pub(super) fn at_most(verdict: &'static str, value: f64, target: f64) -> Self {
        Self {
            bench: "bid",
            verdict,
            value: rounded(value),
            target: rounded(target),
            met: value <= target,
            at_most: true,
        }
    }

    /// The value is to be no less than the target.
    pub(super) fn at_least(verdict: &'static str, value: f64, target: f64) -> Self {
        Self { met: value >= target, at_most: false, ..Self::at_most(verdict, value, target) }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (met, sign) = (if self.met { "met" } else { "MISSED" }, if self.at_most { "<=" } else { ">=" });
        write!(f, "{met:>6}  {}: {} {sign} {}", self.verdict, self.value, self.target)
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
