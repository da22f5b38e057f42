//! What the checks need beside Rust: a C compiler, for the bundled SQLite, and cargo's formatter and lints. The
//! comparison with Erlang/OTP needs `erl` and `erlc`; nothing else does. The rules for Prometheus are checked by `promtool`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::tidy;

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

/// Finds `promtool`, or unpacks Debian's package below `target/`: installing it would set up a server that nobody asked for.
/// Names what is missing where neither is possible.
pub(crate) fn promtool() -> Option<PathBuf> {
    if is_in_path("promtool") {
        return Some("promtool".into());
    }
    let folder = tidy::workspace().join("target/promtool");
    let unpacked = folder.join("usr/bin/promtool");
    if !unpacked.is_file() && works("apt-get") {
        eprintln!("fetching Debian's package prometheus for its promtool, into {}", folder.display());
        // Without the rights for it the lists are used as they are.
        let _ = Command::new("apt-get").arg("update").status();
        let fetch = "mkdir -p \"$1\" && cd \"$1\" && apt-get download prometheus \
             && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool; rm -f prometheus_*.deb";
        let _ = Command::new("sh").args(["-c", fetch, "sh"]).arg(&folder).status();
    }
    if !unpacked.is_file() {
        eprintln!("promtool is missing: install Prometheus, for example `apt-get install prometheus` as root");
        return None;
    }
    Some(unpacked)
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
