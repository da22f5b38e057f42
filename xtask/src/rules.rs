//! `cargo xtask rules`: the rules for Prometheus that are shipped, checked by Prometheus's own tool.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};

use crate::{prerequisites, tidy};

const FOLDER: &str = "packaging/prometheus";
const RULES: &str = "adserver.rules.yml";
const TESTS: &str = "adserver.rules.test.yml";

/// Checks the rules' syntax and that each alert fires, and is silent, when it should. `false` if there is no `promtool` and
/// none could be had: then its name and where to get it have been printed.
pub(crate) fn check() -> anyhow::Result<bool> {
    let Some(promtool) = prerequisites::promtool() else { return Ok(false) };
    run(&promtool, &["check", "rules", RULES])?;
    run(&promtool, &["test", "rules", TESTS])?;
    Ok(true)
}

fn run(promtool: &PathBuf, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new(promtool);
    command.args(arguments).current_dir(tidy::workspace().join(FOLDER));
    if !command.status().with_context(|| format!("running {}", promtool.display()))?.success() {
        bail!("promtool {} has found something in {FOLDER}", arguments.join(" "));
    }
    Ok(())
}
