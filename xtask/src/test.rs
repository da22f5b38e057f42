//! `cargo xtask test`: every check, step by step, and the sum of all tests at the end.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Args;

use crate::cargo::{cargo, cargo_in_pieces};
use crate::{bench, prerequisites, proofs, rules, tidy};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Leave out formatting and lints.
    #[arg(long)]
    skip_lints: bool,
    /// How often the incident is replayed.
    #[arg(long, default_value_t = 20)]
    incidents: u32,
}

#[derive(Debug, Default)]
struct Totals {
    passed: u64,
    failed: u64,
    ignored: u64,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let started = Instant::now();
    prerequisites::ensure(!options.skip_lints)?;
    let mut broken = Vec::new();
    if !options.skip_lints {
        step("tidy");
        if let Err(error) = tidy::run() {
            broken.push(format!("tidy: {error}"));
        }
        for (name, arguments) in [
            ("format", &["fmt", "--all", "--check"][..]),
            ("clippy", &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"][..]),
        ] {
            step(name);
            if !cargo(arguments).status().with_context(|| format!("running {name}"))?.success() {
                broken.push(name.to_owned());
            }
        }
        step("the workspace of the benchmarks");
        if let Err(error) = bench::peers::check() {
            broken.push(format!("benchmarks: {error:#}"));
        }
    }
    step("tests");
    let mut totals = Totals::default();
    let mut succeeded = tests(&["--workspace", "--no-fail-fast"], &mut totals)?;
    step("seeded faults of the supervisor's core");
    let faults = ["--package", "tembusu-conformance", "--features", "mutations", "--test", "mutations"];
    succeeded &= tests(&faults, &mut totals)?;
    for (name, proof) in proofs::IN_EVERY_TEST {
        step(name);
        match proof() {
            Ok(()) => totals.passed += 1,
            Err(error) => broken.push(format!("{name}: {error:#}")),
        }
    }
    step("the rules for Prometheus");
    match rules::check() {
        Ok(true) => totals.passed += 1,
        Ok(false) => totals.ignored += 1,
        Err(error) => broken.push(format!("rules for Prometheus: {error:#}")),
    }
    step("the incident, in release mode");
    let runs = options.incidents.to_string();
    let incident = ["run", "--release", "--locked", "--package", "adserver", "--", "incident", "--runs", &runs];
    let replayed = cargo_in_pieces(&incident).status().context("replaying the incident")?;
    if replayed.success() {
        totals.passed += 1;
    } else {
        totals.failed += 1;
    }
    println!("\nall steps took {:.0?}", started.elapsed());
    for name in &broken {
        println!("failed: {name}");
    }
    totals.failed += broken.len() as u64;
    println!("{} passed, {} failed, {} skipped", totals.passed, totals.failed, totals.ignored);
    if !succeeded || totals.failed > 0 {
        bail!("not everything passed");
    }
    Ok(())
}

fn step(name: &str) {
    println!("\n=== {name}");
}

/// Runs tests, passing their output on, and adds up what the runners report.
fn tests(which: &[&str], totals: &mut Totals) -> anyhow::Result<bool> {
    let mut child =
        cargo(&["test", "--locked"]).args(which).stdout(Stdio::piped()).spawn().context("running the tests")?;
    let output = child.stdout.take().context("the tests' output")?;
    let failed_before = totals.failed;
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        totals.add(&line);
    }
    let succeeded = child.wait()?.success();
    if totals.end(failed_before, succeeded) {
        println!("failed: {}: a test binary did not compile, or ended without a result: see above", which.join(" "));
    }
    Ok(succeeded)
}

impl Totals {
    /// Adds what a runner reports, if the line is its report.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        self.passed += count(result, " passed");
        self.failed += count(result, " failed");
        self.ignored += count(result, " ignored");
    }

    /// Counts a run that failed and reported no failure, so that the sum never says that all is well. Says whether it did.
    fn end(&mut self, failed_before: u64, succeeded: bool) -> bool {
        let is_silent = !succeeded && self.failed == failed_before;
        self.failed += u64::from(is_silent);
        is_silent
    }
}

fn count(result: &str, what: &str) -> u64 {
    let end = result.find(what).unwrap_or(0);
    let digits = result[..end].rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_failed_without_a_word_is_counted_as_a_failure() {
        let mut totals = Totals::default();
        totals.add("running 3 tests");
        totals.add("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        assert!(!totals.end(0, true));
        assert_eq!((totals.passed, totals.failed, totals.ignored), (12, 0, 1));
        assert!(totals.end(0, false), "it did not compile, or was killed");
        assert_eq!(totals.failed, 1);
        totals.add("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        assert!(!totals.end(1, false), "it has said so itself");
        assert_eq!((totals.passed, totals.failed), (13, 3));
    }
}
