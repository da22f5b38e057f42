//! `cargo xtask otp-diff`: a thin caller of the comparison with Erlang/OTP, which is a crate of its own so that
//! nothing of the ad server is built for it.

use anyhow::{Context, bail};
use clap::Args;

use crate::cargo::cargo_in_pieces;
use crate::prerequisites;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Passed on: `--scenarios N --seed S --json`, `--only SEED`, `--text SCENARIO`, `--write-golden FILE`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    prerequisites::erlang()?;
    let program = ["run", "--quiet", "--release", "--locked", "--package", "tembusu-conformance", "--bin", "otp-diff"];
    let status = cargo_in_pieces(&program).arg("--").args(&options.arguments).status().context("running otp-diff")?;
    if !status.success() {
        bail!("otp-diff found a difference that nothing explains, or could not run");
    }
    Ok(())
}
