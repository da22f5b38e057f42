//! `cargo xtask storm`, `explore`, `kill` and `day`: thin callers of proofs that live in the crates themselves.

use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;

use crate::cargo::cargo_in_pieces;

/// How many panics every test run survives.
const PANICS_IN_EVERY_TEST: u64 = 1_000_000;

/// A proof that can be called without options.
type Proof = fn() -> anyhow::Result<()>;

/// What `cargo xtask test` runs of it.
pub(crate) const IN_EVERY_TEST: [(&str, Proof); 2] = [
    ("every interleaving of small trees", || explore(&ExploreOptions { bound: 1, debug: true })),
    ("the storm, in release mode", || storm(&StormOptions { panics: PANICS_IN_EVERY_TEST, seed: None })),
];

#[derive(Debug, Args)]
pub(crate) struct StormOptions {
    /// How many panics; 10^6 take about 12 s on two cores.
    #[arg(long, default_value_t = 100_000_000)]
    panics: u64,
    /// The seed of trees and histories.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct ExploreOptions {
    /// 1: three children and two levels. 2: more requests, more restarts, all restart types.
    #[arg(long, default_value_t = 2)]
    bound: u32,
    /// Use the tests as they are built for debugging.
    #[arg(long)]
    debug: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KillOptions {
    /// How often the server is killed; 100 take some three minutes.
    #[arg(long, default_value_t = 100)]
    rounds: u64,
    /// How many notices a second it takes meanwhile.
    #[arg(long, default_value_t = 2_000)]
    rate: u64,
}

#[derive(Debug, Args)]
pub(crate) struct DayOptions {
    /// Repeats a day.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print the figures of every campaign as JSON.
    #[arg(long)]
    json: bool,
    /// An hour of some campaigns only.
    #[arg(long)]
    short: bool,
}

pub(crate) fn storm(options: &StormOptions) -> anyhow::Result<()> {
    let mut arguments = vec![format!("--panics={}", options.panics)];
    arguments.extend(options.seed.map(|seed| format!("--seed={seed}")));
    let mut storm = cargo_in_pieces(&["run", "--quiet", "--release", "--locked", "--package", "tembusu-storm", "--"]);
    run(storm.args(arguments), "the storm")
}

pub(crate) fn explore(options: &ExploreOptions) -> anyhow::Result<()> {
    let mut explore = cargo_in_pieces(&["test", "--quiet", "--locked", "--package", "tembusu", "--lib"]);
    if !options.debug {
        explore.arg("--release");
    }
    explore.args(["explore", "--", "--nocapture"]).env("TEMBUSU_EXPLORE", options.bound.to_string());
    run(&mut explore, "the exploration")
}

pub(crate) fn kill(options: &KillOptions) -> anyhow::Result<()> {
    let mut kill =
        cargo_in_pieces(&["test", "--quiet", "--release", "--locked", "--package", "adserver", "--test", "process"]);
    kill.args(["killed_under_load", "--", "--nocapture"])
        .env("TEMBUSU_KILL_ROUNDS", options.rounds.to_string())
        .env("TEMBUSU_KILL_RATE", options.rate.to_string());
    run(&mut kill, "killing the server")
}

pub(crate) fn day(options: &DayOptions) -> anyhow::Result<()> {
    let mut day = cargo_in_pieces(&["run", "--quiet", "--release", "--locked", "--package", "rehearsal", "--"]);
    day.arg(format!("--seed={}", options.seed));
    day.args(options.json.then_some("--json"));
    day.args(options.short.then_some("--short"));
    run(&mut day, "the day")
}

fn run(command: &mut Command, what: &str) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("running {what}"))?;
    if !status.success() {
        bail!("{what} found something");
    }
    Ok(())
}
