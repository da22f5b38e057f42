//! The workspace `bench/`, which knows the peers. It is built only here and when it is checked, never with the rest.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use crate::tidy;

fn cargo(subcommand: &str) -> Command {
    let mut command = crate::cargo::cargo(&[subcommand]);
    command.arg("--manifest-path").arg(tidy::workspace().join("bench/Cargo.toml"));
    if subcommand != "fmt" {
        command.arg("--locked").arg("--target-dir").arg(target());
    }
    command
}

/// A folder of its own: the peers turn on features of shared dependencies.
fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| tidy::workspace().join("target"), PathBuf::from);
    target.join("bench")
}

/// Builds the program and runs one of its commands.
pub(super) fn run(command: &str, options: &[String]) -> anyhow::Result<()> {
    let status = cargo("run")
        .args(["--quiet", "--release", "--", command])
        .args(options)
        .status()
        .context("running the program in bench/")?;
    anyhow::ensure!(status.success(), "the benchmark failed");
    Ok(())
}

/// Checks its formatting and lints.
pub(crate) fn check() -> anyhow::Result<()> {
    let formatted = cargo("fmt").arg("--check").status().context("formatting bench/")?;
    anyhow::ensure!(formatted.success(), "bench/ is not formatted");
    let clean = cargo("clippy").args(["--quiet", "--all-targets", "--", "-D", "warnings"]).status();
    anyhow::ensure!(clean.context("checking bench/")?.success(), "bench/ has lints");
    Ok(())
}
