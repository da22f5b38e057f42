//! `day`: rehearses a day, prints what came of it, and says by its exit code whether all was as promised.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use rehearsal::fault::Fault;
use rehearsal::judge::{Limits, judge};
use rehearsal::world::Scenario;
use rehearsal::{Played, Report, Watch, play};

/// Rehearses 24 hours of the whole bidder on a virtual clock.
#[derive(Debug, Parser)]
struct Options {
    /// Repeats a rehearsal.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print the figures of every campaign as JSON.
    #[arg(long)]
    json: bool,
    /// An hour of some campaigns only, as every test run plays it.
    #[arg(long)]
    short: bool,
    /// Requests a second, on the average of the day.
    #[arg(long)]
    rate: Option<f64>,
    /// How many campaigns.
    #[arg(long)]
    campaigns: Option<usize>,
    /// Breaks the bidder on purpose.
    #[arg(long)]
    fault: Option<Fault>,
    /// Leave out what goes wrong.
    #[arg(long)]
    calm: bool,
    /// Tell each hour on standard error.
    #[arg(long)]
    progress: bool,
    /// Print the time line of these campaigns on standard error.
    #[arg(long, value_delimiter = ',')]
    watch: Vec<u32>,
    /// Minutes between two lines of it.
    #[arg(long, default_value_t = 10)]
    every: i64,
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let mut scenario = if options.short { Scenario::short(options.seed) } else { Scenario::standard(options.seed) };
    scenario.requests_per_second = options.rate.unwrap_or(scenario.requests_per_second);
    scenario.campaigns = options.campaigns.unwrap_or(scenario.campaigns);
    if options.calm {
        scenario.troubles.clear();
    }
    let started = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let hour = |hour| {
        if options.progress {
            eprintln!("hour {hour} after {:.1?}", started.elapsed());
        }
    };
    let played = runtime.block_on(play(&scenario, options.fault, Watch::new(options.watch, options.every), hour))?;
    let Played { cast, record, supply } = &played;
    let verdict = judge(&scenario, cast, record, supply, Limits::PROMISED);
    let report = Report { scenario: &scenario, record, verdict: &verdict, took: started.elapsed() };
    if options.json {
        println!("{}", report.json()?);
    } else {
        print!("{report}");
    }
    Ok(if verdict.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
