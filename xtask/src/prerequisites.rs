//! What the checks need beside Rust: a C compiler, for the bundled SQLite, and cargo's formatter and lints. The
//! comparison with Erlang/OTP needs `erl` and `erlc`; nothing else does.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// Installs what is missing where that is allowed, and names it otherwise.
pub(crate) fn ensure(with_lints: bool) -> anyhow::Result<()> {
    for (program, component) in [("cargo-clippy", "clippy"), ("rustfmt", "rustfmt")] {
        if with_lints && !works(program) {
            bail!("{program} is missing: run `rustup component add {component}`");
        }
    }
    c_compiler()
}

fn c_compiler() -> anyhow::Result<()> {
    if works("cc") {
        return Ok(());
    }
    if !works("apt-get") {
        bail!("no C compiler found (`cc`): install one, for example gcc; the ledger's SQLite is built from source");
    }
    eprintln!("installing gcc and libc6-dev: the ledger's SQLite is built from source");
    let _ = Command::new("apt-get").arg("update").status();
    let installed = Command::new("apt-get")
        .args(["install", "-y", "--no-install-recommends", "gcc", "libc6-dev"])
        .status()
        .context("running apt-get")?;
    if !installed.success() || !works("cc") {
        bail!("no C compiler found (`cc`), and it could not be installed: run `apt-get install gcc libc6-dev` as root");
    }
    Ok(())
}

/// Installs Erlang where that is allowed, and names it otherwise.
pub(crate) fn erlang() -> anyhow::Result<()> {
    // `erl --version` would wait for input.
    let is_there = || ["erl", "erlc"].into_iter().all(is_in_path);
    if is_there() {
        return Ok(());
    }
    if works("apt-get") {
        eprintln!("installing erlang-base, to compare with");
        let _ = Command::new("apt-get").arg("update").status();
        let _ = Command::new("apt-get").args(["install", "-y", "--no-install-recommends", "erlang-base"]).status();
    }
    if !is_there() {
        bail!("erl and erlc are missing: install Erlang/OTP, for example `apt-get install erlang-base` as root");
    }
    Ok(())
}

fn is_in_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn works(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
