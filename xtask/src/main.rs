//! The project's own commands: `cargo xtask test` runs every check, `cargo xtask bench` measures.

mod bench;
mod cargo;
mod otp_diff;
mod prerequisites;
mod proofs;
mod rules;
mod scale;
mod test;
mod tidy;

use clap::{Parser, Subcommand};

/// That of the ad server, so that what is measured in process is measured as it runs there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Command {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Installs or names what is missing, then runs every check; the last line is the sum of all tests.
    Test(test::Options),
    /// Checks the house rules that no compiler knows.
    Tidy,
    /// Compares tembusu with Erlang/OTP on random trees; needs `erl` (Debian: erlang-base).
    OtpDiff(otp_diff::Options),
    /// Panics at random positions of random trees, by the million, in release mode.
    Storm(proofs::StormOptions),
    /// Explores every interleaving of small trees, further than the tests do.
    Explore(proofs::ExploreOptions),
    /// Kills the ad server under load, again and again, and compares its ledger with what was acknowledged and sent.
    Kill(proofs::KillOptions),
    /// Writes docs/scale.md anew from the table of inputs at its head.
    Scale,
    /// Checks the rules for Prometheus that are shipped; needs `promtool` (Debian: prometheus).
    Rules,
    /// Rehearses 24 hours of the whole bidder on a virtual clock, and judges money, delivery, pacing and caps.
    Day(proofs::DayOptions),
    /// Measures, in release mode.
    #[command(subcommand)]
    Bench(bench::Bench),
}

fn main() -> anyhow::Result<()> {
    match Command::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Tidy => tidy::run(),
        Task::OtpDiff(options) => otp_diff::run(&options),
        Task::Storm(options) => proofs::storm(&options),
        Task::Explore(options) => proofs::explore(&options),
        Task::Kill(options) => proofs::kill(&options),
        Task::Scale => scale::write(),
        Task::Rules => rules::check().map(drop),
        Task::Day(options) => proofs::day(&options),
        Task::Bench(bench) => bench::run(&bench),
    }
}
