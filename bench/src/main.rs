//! Measures Tembusu beside its peers, in interleaved rounds; each sample runs in a process of its own.
//!
//! `cargo xtask bench restart` and `cargo xtask bench messages` build and run it. One JSON object a line with
//! `--json`: the machine, then for each case a summary where restarts are measured, a row for each figure, and a verdict for
//! each target.

mod cases;
mod erlang;
mod figures;
mod machine;
mod peers;
mod probe;
mod rounds;
mod summary;
mod table;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Measures Tembusu beside its peers.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
struct Command {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// From a crash to the new incarnation: its `init` done, and its first queued message handled.
    Restart(Options),
    /// Calls, tells, spawns, memory, inline calls.
    Messages(Options),
    /// Makes the Markdown table of the README from what `--json` wrote.
    Table {
        /// Files with the output of `--json`.
        #[arg(required = true)]
        results: Vec<PathBuf>,
    },
    /// One sample; prints its figures.
    #[command(hide = true)]
    Sample {
        peer: cases::Peer,
        case: String,
        threads: usize,
        #[arg(long)]
        quick: bool,
        #[arg(long)]
        crashes: Option<usize>,
    },
}

/// How to measure.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// One JSON object a line, nothing else.
    #[arg(long)]
    pub(crate) json: bool,
    /// A Markdown table at the end.
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
    /// How many interleaved rounds.
    #[arg(long, default_value_t = 9)]
    pub(crate) rounds: usize,
    /// Only these cases.
    #[arg(long, value_name = "CASE")]
    pub(crate) only: Vec<String>,
    /// Only these peers.
    #[arg(long, value_name = "PEER")]
    pub(crate) peer: Vec<cases::Peer>,
    /// Only with this many threads.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// A tenth of the samples.
    #[arg(long)]
    pub(crate) quick: bool,
}

fn main() -> anyhow::Result<()> {
    match Command::parse().task {
        Task::Restart(options) => rounds::run("restart", &options),
        Task::Messages(options) => rounds::run("messages", &options),
        Task::Table { results } => table::print(&results),
        Task::Sample { peer, case, threads, quick, crashes } => {
            let case = cases::find(&case).ok_or_else(|| anyhow::anyhow!("there is no case {case}"))?;
            let work = if quick { case.work.quick() } else { case.work };
            let work = crashes.map_or(work, |crashes| work.with_crashes(crashes));
            let figures = peers::sample(peer, work, threads)?;
            println!("{}", serde_json::to_string(&figures)?);
            Ok(())
        }
    }
}
