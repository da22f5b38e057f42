//! Benchmarks: each in rounds, peers interleaved with us in the same run, one JSON object a line.

mod bid;
pub(crate) mod peers;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// From a crash to the new incarnation, beside Erlang/OTP, ractor, kameo and bare Tokio.
    Restart(Passed),
    /// Calls, tells, spawns, memory and inline calls, beside the same.
    Messages(Passed),
    /// The README's table, from what `restart --json` and `messages --json` wrote.
    Table(Passed),
    /// What a bid costs: in the engine alone, and over HTTP beside a server that does nothing.
    Bid(bid::Options),
    /// The yardstick of `bid`: serves a fixed reply until it is ended.
    #[command(hide = true)]
    HyperFixed,
    /// What callgrind counts for `bid`: requests, one after the other, on one of two ways.
    #[command(hide = true)]
    BidWalk {
        way: bid::Way,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

/// What the program in `bench/` is given; `--help` says what it takes.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Passed {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTION")]
    rest: Vec<String>,
}

pub(crate) fn run(bench: &Bench) -> anyhow::Result<()> {
    match bench {
        Bench::Restart(passed) => peers::run("restart", &passed.rest),
        Bench::Messages(passed) => peers::run("messages", &passed.rest),
        Bench::Table(passed) => peers::run("table", &passed.rest),
        Bench::Bid(_) | Bench::HyperFixed | Bench::BidWalk { .. } if cfg!(debug_assertions) => again_in_release(),
        Bench::Bid(options) => bid::run(options),
        Bench::HyperFixed => bid::serve_fixed(),
        Bench::BidWalk { way, seed } => bid::walk(*way, *seed),
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
