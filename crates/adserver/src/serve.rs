//! The production form: serve until told to stop, or until the root is exhausted.
//!
//! SIGTERM and SIGINT drain, which takes a bounded time; SIGHUP reads the campaigns file anew. An exhausted root drains and exits non-zero,
//! so that the service manager starts the process again.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use exchange::chaos::POINTS;
use tembusu::ExitReason;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::AdserverConfig;
use crate::journal::Journal;
use crate::system::System;
use crate::{logging, service};

/// How often the system's upkeep is done where no watchdog asks more often.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// Why serving ended.
#[derive(Debug)]
pub(crate) enum End {
    /// A signal, or the time given was over.
    Asked,
    /// The tree ended by itself.
    Ended(ExitReason),
}

/// Serves with the configuration in `file`.
///
/// # Errors
///
/// The configuration is wrong, or something that it names cannot be opened.
pub fn run(file: &Path) -> anyhow::Result<ExitCode> {
    let config = AdserverConfig::load(file)?;
    let campaigns = config.read_campaigns()?;
    logging::start(&config.telemetry.log)?;
    for warning in config.campaign_warnings() {
        tracing::warn!(file = %config.campaigns.file.display(), "{warning}");
    }
    for point in POINTS.into_iter().filter(|point| point.is_armed()) {
        tracing::warn!(point = point.name(), "a fault is injected, as the command line asks: this is a drill");
    }
    let system = System::start(&config, campaigns)?;
    let mut journal = Journal::of(system.tree());
    // Before anybody is told that we serve: from then on a signal drains.
    let (mut stop, mut hang_up) =
        system.block_on(async { StopSignals::new().and_then(|stop| Ok((stop, signal(SignalKind::hangup())?))) })?;
    tracing::info!(ports = ?system.ports(), "serving");
    service::ready(&format!("serving {} exchanges", config.exchanges.len()));
    let end = system.block_on(watch(&system, &mut journal, &mut stop, &mut hang_up));
    service::stopping();
    let drained = system.drain();
    journal.catch_up();
    tracing::info!(?drained, "stopped");
    match end {
        End::Asked => Ok(ExitCode::SUCCESS),
        End::Ended(reason) => anyhow::bail!("the root ended by itself: {reason}"),
    }
}

/// Waits for a signal or the end of the tree; meanwhile keeps the journal and tells the service manager that we live.
async fn watch(system: &System, journal: &mut Journal, stop: &mut StopSignals, hang_up: &mut Signal) -> End {
    let every = service::watchdog_interval().unwrap_or(WATCH_INTERVAL).min(WATCH_INTERVAL);
    let mut ticks = tokio::time::interval(every);
    loop {
        tokio::select! {
            () = stop.received() => return End::Asked,
            reason = system.ended() => return End::Ended(reason),
            Some(()) = hang_up.recv() => system.reload_campaigns(),
            true = journal.next() => {}
            _ = ticks.tick() => {
                system.upkeep();
                service::alive(&format!("{} alerts", system.board().standing().len()));
            }
        }
    }
}

/// SIGTERM and SIGINT.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Listens from now on.
    pub(crate) fn new() -> std::io::Result<StopSignals> {
        Ok(StopSignals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for either.
    pub(crate) async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
