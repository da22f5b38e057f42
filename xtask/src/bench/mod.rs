//! Benchmarks: each in rounds, peers interleaved with us in the same run, one JSON object a line.

mod bid;
mod floor;
mod restart;
mod sample;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// From a crash to the new incarnation: its `init` done, and its first queued message handled.
    Restart(Options),
    /// What a bid costs: in the engine alone, and over HTTP beside a server that does nothing.
    Bid(bid::Options),
    /// The yardstick of `bid`: serves a fixed reply until it is ended.
    #[command(hide = true)]
    HyperFixed,
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One JSON object a line, nothing else.
    #[arg(long)]
    json: bool,
    /// How many interleaved rounds.
    #[arg(long, default_value_t = 9)]
    rounds: u32,
    /// How many crashes a round and case.
    #[arg(long, default_value_t = 2_000)]
    crashes: u32,
}

pub(crate) fn run(bench: &Bench) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        return again_in_release();
    }
    match bench {
        Bench::Restart(options) => restart::run(options),
        Bench::Bid(options) => bid::run(options),
        Bench::HyperFixed => bid::serve_fixed(),
    }
}

/// Measuring a debug build says nothing: runs the same command optimised.
fn again_in_release() -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = std::process::Command::new(cargo)
        .args(["run", "--quiet", "--release", "--package", "xtask", "--"])
        .args(std::env::args_os().skip(1))
        .status()?;
    anyhow::ensure!(status.success(), "the benchmark failed");
    Ok(())
}
