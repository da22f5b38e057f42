//! The command line: what can be asked, and which exit code says what.
//!
//! 0: as asked; 1: something is wrong and said on standard error; 2: the command line itself is.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use exchange::chaos::POINTS;
use tembusu::chaos::Point;

use crate::config::{AdserverConfig, duration, explain};
use crate::{demo, incident, serve};

/// A demand-side ad server that keeps its failures where they happen.
#[derive(Debug, Parser)]
#[command(name = "adserver", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the ad server with a built-in simulator that plays three exchanges.
    Demo(DemoArgs),
    /// Runs the ad server.
    Serve {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// For drills, never in production: a fault to inject from the start, such as engine.spin. May be given more than once.
        #[arg(long, value_name = "POINT", value_parser = chaos_point)]
        arm: Vec<&'static Point>,
    },
    /// Replays the reference incident and checks every promise of the tree.
    Incident(IncidentArgs),
    /// Checks a configuration file and says what it means.
    CheckConfig {
        /// The configuration file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Options of the demonstration.
#[derive(Debug, Args)]
struct DemoArgs {
    /// Ends by itself after this long, such as 30s, and prints a summary.
    #[arg(long = "for", value_name = "DURATION", value_parser = read_duration)]
    run_for: Option<Duration>,
    /// Where the ledger is kept; default: a folder that is removed at the end.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Listens on this port and the ones after it (google_adx, xandr, index, notices, admin);
    /// default: ports that are free.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Bid requests a second, all exchanges together.
    #[arg(long, value_name = "N", default_value_t = 300)]
    rate: u32,
    /// Seed of the simulated traffic.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Options of the incident.
#[derive(Debug, Args)]
struct IncidentArgs {
    /// Fails also when the medians are above the targets, on an idle machine with many runs.
    #[arg(long)]
    hold_to_targets: bool,
    /// How often it is replayed, each time with a server of its own.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Seed of the traffic around it.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

fn read_duration(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "write a whole number and its unit, such as 30s or 5m".to_owned())
}

/// A point of an exchange's subtree, by its name. Those of campaigns, regions and the ledger name a victim, and are the tests'.
fn chaos_point(name: &str) -> Result<&'static Point, String> {
    let names = || POINTS.map(Point::name).join(", ");
    POINTS.into_iter().find(|point| point.name() == name).ok_or_else(|| format!("there is none; there are {}", names()))
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(args) => demo::run(demo::DemoOptions {
            run_for: args.run_for,
            folder: args.folder,
            port: args.port,
            requests_per_second: args.rate,
            seed: args.seed,
        }),
        Command::Incident(args) => incident::run(incident::IncidentOptions {
            runs: args.runs,
            seed: args.seed,
            hold_to_targets: args.hold_to_targets,
        }),
        Command::Serve { config, arm } => {
            arm.iter().for_each(|point| point.arm());
            serve::run(&config)
        }
        Command::CheckConfig { file } => check_config(&file),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("adserver: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn check_config(file: &std::path::Path) -> anyhow::Result<ExitCode> {
    let config = AdserverConfig::load(file)?;
    let campaigns = config.read_campaigns()?;
    config.exchanges.iter().try_for_each(|exchange| exchange.read_price_codec().map(drop))?;
    print!("{}", explain(&config));
    println!("{} campaigns in {}", campaigns.len(), config.campaigns.file.display());
    if campaigns.is_empty() {
        println!("warning: {}: no campaign: nothing is bid on", config.campaigns.file.display());
    }
    if let Some(folder) =
        config.ledger.path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
    {
        println!(
            "warning: {}: no such folder here, and `ledger.path` is in it: make it before the start",
            folder.display()
        );
    }
    for warning in config.campaign_warnings() {
        println!("warning: {}: {warning}", config.campaigns.file.display());
    }
    println!("{}: ok", file.display());
    Ok(ExitCode::SUCCESS)
}
