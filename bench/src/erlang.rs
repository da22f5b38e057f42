//! Erlang/OTP: compiles the modules of `erlang/` and runs them in a machine of their own.
//!
//! The module writes its figures, one JSON object, to standard error; standard output is the null device, where
//! the default logger's reports go.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use crate::cases::{How, Plan, Shape, Work};
use crate::figures::Figures;
use crate::peers::no_part;

/// The release, or why there is none.
pub(crate) fn release() -> anyhow::Result<String> {
    let code =
        "io:format(\"OTP ~s, erts ~s\", [erlang:system_info(otp_release), erlang:system_info(version)]), halt().";
    let output =
        Command::new("erl").args(["-noshell", "-eval", code]).output().context("running erl (Debian: erlang-base)")?;
    ensure!(output.status.success(), "erl said {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Where the compiled modules are, beside this program.
fn compiled() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own.parent().context("this program has a folder")?.join("erlang"))
}

/// Compiles the modules; once, before the rounds.
pub(crate) fn compile() -> anyhow::Result<()> {
    let folder = compiled()?;
    std::fs::create_dir_all(&folder)?;
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("erlang");
    for module in ["restart", "messages"] {
        let source = sources.join(format!("{module}.erl"));
        let done = Command::new("erlc").arg("-o").arg(&folder).arg(source).status().context("running erlc")?;
        ensure!(done.success(), "erlc refused {module}.erl");
    }
    Ok(())
}

/// Runs one sample.
pub(crate) fn sample(work: Work, threads: usize) -> anyhow::Result<Figures> {
    let (module, arguments, logs) = match work {
        Work::Restart(plan) => ("restart", restart(&plan), plan.reports),
        Work::Call { calls } => ("messages", vec!["call".to_owned(), calls.to_string()], false),
        Work::Tell { senders, messages } => {
            ("messages", vec!["tell".to_owned(), senders.to_string(), messages.to_string()], false)
        }
        Work::Spawn { children } => ("messages", vec!["spawn".to_owned(), children.to_string()], false),
        Work::Siblings { .. } | Work::Inline { .. } => return Err(no_part()),
    };
    let mut command = Command::new("erl");
    command.args(["+S", &format!("{threads}:{threads}"), "+P", "2000000", "-noshell", "-noinput", "-pa"]);
    command.arg(compiled()?);
    if !logs {
        command.args(["-kernel", "logger_level", "none"]);
    }
    let output = command
        .args(["-run", module, "main"])
        .args(&arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .context("running erl (Debian: erlang-base)")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let Some(line) = text.lines().find(|line| line.starts_with('{')) else {
        bail!("erl gave no figures for {module} {arguments:?}: {text}");
    };
    Ok(serde_json::from_str(line)?)
}

fn restart(plan: &Plan) -> Vec<String> {
    let (strategy, nested) = match plan.shape {
        Shape::Alone => ("one_for_one", "flat"),
        Shape::RestForOne(_) => ("rest_for_one", "flat"),
        Shape::OneForAll(_) => ("one_for_all", "flat"),
        Shape::Escalation => ("one_for_one", "nested"),
    };
    let how = match plan.how {
        // Both raise: an Erlang process has no cheaper way to crash.
        How::Error | How::Panic => "error",
    };
    let idle_ms = if plan.idle { "1" } else { "0" };
    let one_period = if plan.one_period { "one_period" } else { "fresh" };
    [strategy, nested, &plan.members().to_string(), how, idle_ms, one_period, &plan.crashes.to_string()]
        .map(str::to_owned)
        .to_vec()
}
