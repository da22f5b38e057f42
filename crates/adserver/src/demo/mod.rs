//! The demonstration: the ad server with a simulator that plays three exchanges over real HTTP.
//!
//! It shows the tree while it works, and at its end compares two records that know nothing of each
//! other: what the ledger has on disk, and what the simulated exchanges billed. It ends with success
//! only if they agree to the nano-dollar.

pub(crate) mod scene;
mod show;
mod summary;
pub(crate) mod traffic;
mod view;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::logging;
use crate::system::System;
use scene::Scene;
use show::Show;
use summary::Summary;

/// What the demonstration is asked for.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Ends by itself after this long.
    pub run_for: Option<Duration>,
    /// Where the ledger is kept; a temporary folder otherwise.
    pub folder: Option<PathBuf>,
    /// The first of five ports; free ones otherwise.
    pub port: Option<u16>,
    /// Bid requests a second, all exchanges together.
    pub requests_per_second: u32,
    /// Seed of the traffic.
    pub seed: u64,
}

/// Runs the demonstration to its end.
///
/// # Errors
///
/// It could not be started. Records that do not agree are a failing exit code.
pub fn run(options: DemoOptions) -> anyhow::Result<ExitCode> {
    let scene = Scene::set(options.folder.as_deref(), options.port)?;
    logging::start(&scene.config.telemetry.log)?;
    let system = System::start(&scene.config, scene.campaigns.clone())?;
    let spent_before = system.block_on(system.totals())?.spent;
    let traffic = traffic::start(&system, &scene, &options)?;

    let mut show = Show::new(&system, &traffic);
    show.opening(&scene, options.seed);
    let ending = system.block_on(show.run(options.run_for))?;
    drop(show);

    let report = traffic.finish();
    let drained = system.drain();
    let summary = Summary::new(&scene, spent_before, &report, &drained, &ending)?;
    print!("{summary}");
    Ok(if summary.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
