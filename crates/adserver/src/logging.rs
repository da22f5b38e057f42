//! Logs: lines on standard error, filtered by the configuration.
//!
//! A request is never logged; what happens to the tree is. A line that cannot be written is lost, and nothing else: the
//! log may be on the disk that is full.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

/// Says what is wrong with a filter.
pub(crate) fn check(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(drop).map_err(|error| format!("`{filter}` is no filter: {error}"))
}

/// Starts logging with `filter`; the variable `RUST_LOG` takes precedence.
///
/// # Errors
///
/// The filter is not one. A second start in one process changes nothing.
pub fn start(filter: &str) -> anyhow::Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(from_environment) => EnvFilter::try_new(&from_environment).with_context(|| {
            format!("RUST_LOG is `{from_environment}`, which is no filter: write info, or unset it")
        })?,
        Err(_) => EnvFilter::try_new(filter)?,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // It would tell of a line that it could not write by `eprintln`, which then panics in whoever logged.
        .log_internal_errors(false)
        .finish();
    // Tests start several systems in one process: the first subscriber stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}
