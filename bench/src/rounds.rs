//! The rounds: in each, every case is run once by every peer, one after the other, at one and at two threads.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::cases::{CASES, Case, Peer};
use crate::figures::Figures;
use crate::machine::{Load, Machine};
use crate::summary::{self, Line};
use crate::{Options, erlang, table};

/// How long one sample may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// How often to look whether it is there: seldom enough not to disturb it.
const POLL: Duration = Duration::from_millis(20);

/// What one peer did in one round.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) figures: Figures,
    /// How many cores others used meanwhile.
    pub(crate) foreign: f64,
}

/// The rounds of one peer in one case; `None` where it failed.
pub(crate) type Series = BTreeMap<&'static str, Vec<Option<Sample>>>;

pub(crate) fn run(bench: &str, options: &Options) -> anyhow::Result<()> {
    let cases: Vec<&Case> = CASES.iter().filter(|case| case.bench == bench && wanted(case, options)).collect();
    for name in &options.only {
        ensure!(cases.iter().any(|case| case.name == name), "`bench {bench}` has no case {name}: {}", names(bench));
    }
    let machine = Machine::look();
    if machine.has_otp() {
        erlang::compile()?;
    } else {
        eprintln!("without Erlang/OTP (Debian: apt-get install erlang-base)");
    }
    let mut lines = vec![Line::Machine(machine.clone())];
    say(options, &lines[0])?;
    let threads: Vec<usize> = options.threads.map_or_else(|| vec![1, 2], |threads| vec![threads]);
    let mut all: BTreeMap<(usize, usize), Series> = BTreeMap::new();
    for round in 0..options.rounds {
        for (index, case) in cases.iter().enumerate() {
            for &threads in &threads {
                for &peer in case.peers.iter().filter(|peer| takes_part(**peer, &machine, options)) {
                    eprint!(
                        "\rround {}/{}: {} {} {threads}        ",
                        round + 1,
                        options.rounds,
                        case.name,
                        peer.name()
                    );
                    let sample = sample(case, peer, threads, options.quick)
                        .inspect_err(|error| eprintln!("\n{} {}: {error:#}", case.name, peer.name()))
                        .ok();
                    all.entry((index, threads)).or_default().entry(peer.name()).or_default().push(sample);
                }
            }
        }
    }
    eprintln!();
    for ((index, threads), series) in &all {
        for line in summary::lines(cases[*index], *threads, series) {
            say(options, &line)?;
            lines.push(line);
        }
    }
    if options.markdown {
        println!("{}", table::markdown(&lines));
    }
    Ok(())
}

fn wanted(case: &Case, options: &Options) -> bool {
    options.only.is_empty() || options.only.iter().any(|name| name == case.name)
}

fn takes_part(peer: Peer, machine: &Machine, options: &Options) -> bool {
    (peer != Peer::Otp || machine.has_otp()) && (options.peer.is_empty() || options.peer.contains(&peer))
}

fn names(bench: &str) -> String {
    let names: Vec<&str> = CASES.iter().filter(|case| case.bench == bench).map(|case| case.name).collect();
    names.join(", ")
}

fn say(options: &Options, line: &Line) -> anyhow::Result<()> {
    if options.json {
        println!("{}", serde_json::to_string(line)?);
    } else {
        println!("{line}");
    }
    Ok(())
}

/// Runs one sample in a process of its own.
fn sample(case: &Case, peer: Peer, threads: usize, quick: bool) -> anyhow::Result<Sample> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["sample", peer.name(), case.name, &threads.to_string()]);
    if quick {
        command.arg("--quick");
    }
    let before = Load::now();
    // The allocator's and the panics' costs must not depend on the caller's environment.
    command.env("RUST_BACKTRACE", "0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("running a sample")?;
    let begun = Instant::now();
    // What a sample prints fits into a pipe.
    while child.try_wait()?.is_none() {
        if begun.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            bail!("gave no figures within {PATIENCE:?}");
        }
        std::thread::sleep(POLL);
    }
    let output = child.wait_with_output()?;
    let foreign = Load::now().foreign_since(before);
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("{}", text.lines().find(|line| line.contains("Error")).unwrap_or(&text).trim());
    }
    let figures = serde_json::from_slice(&output.stdout).context("reading a sample's figures")?;
    Ok(Sample { figures, foreign })
}
