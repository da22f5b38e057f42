//! Golden traces: scenarios with what Erlang/OTP made of them, replayed without it.
//!
//! The file is text: a first line that names the release, then for each scenario a line with its text and a line with
//! OTP's trace. It holds the scenarios themselves, so that a better generator does not make it worthless.

use std::fmt::Write;

use anyhow::Context;

use crate::scenario::Scenario;
use crate::trace::Trace;

/// What was written with `otp-diff --write-golden`.
pub const FILE: &str = include_str!("../golden/traces.txt");

/// Scenarios and OTP's traces.
#[derive(Clone, Debug)]
pub struct Golden {
    /// Which release said so.
    pub release: String,
    /// What it said.
    pub cases: Vec<(Scenario, Trace)>,
}

impl Golden {
    /// Reads a golden file.
    ///
    /// # Errors
    ///
    /// When a line is no scenario or no trace.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let mut lines = text.lines();
        let release = lines.next().context("a release")?.to_owned();
        let mut cases = Vec::new();
        while let (Some(scenario), Some(trace)) = (lines.next(), lines.next()) {
            let scenario: Scenario = scenario.parse().with_context(|| scenario.to_owned())?;
            cases.push((scenario, trace.parse().with_context(|| trace.to_owned())?));
        }
        Ok(Self { release, cases })
    }

    /// The text of a golden file.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = format!("{}\n", self.release);
        for (scenario, trace) in &self.cases {
            writeln!(text, "{scenario}\n{trace}").expect("a String takes any text");
        }
        text
    }
}
