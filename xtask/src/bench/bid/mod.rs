//! What a bid costs: the engine alone, and the whole server over HTTP, beside a server that does nothing.
//!
//! | case | what | clock |
//! |---|---|---|
//! | `in_process` | engine, serializer and commit as plain calls on one pinned thread; ledger and regions run beside it | that thread's |
//! | `http_pinned` | the ad server as a process on one core, load on another, closed loop over keep-alive connections | the whole process's |
//!
//! `hyper_fixed` is the yardstick of `http_pinned`: a reply of fixed bytes, in the same rounds. One request of five is bid on.
//! Each round has a server of its own, so that none inherits another's open bids. Bounded in count and time.

mod adserver;
mod campaigns;
mod cores;
mod figures;
mod http;
mod hyper_fixed;
mod in_process;
mod tree;

pub(super) use hyper_fixed::serve as serve_fixed;

use clap::Args;

use figures::{Rounds, Shape};
use in_process::Bench;

/// Options of the benchmark.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One JSON object a line, nothing else.
    #[arg(long)]
    json: bool,
    /// How many interleaved rounds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Seconds measured in each round of `http_pinned`.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Keep-alive connections of `http_pinned`.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// Requests measured in each round of `in_process`.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    requests: u32,
    /// Seed of the requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Which server a round of `http_pinned` measures.
#[derive(Clone, Copy, Debug)]
pub(super) enum Server {
    Tembusu,
    HyperFixed,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let cores = cores::pair()?;
    let adserver = adserver::build()?;
    let mut bench = Bench::start(cores, options.seed)?;
    let bodies = bench.bodies();
    let shape = Shape { connections: options.connections.into(), request_bytes: bodies.mean_bytes() };

    let mut in_process = Rounds::default();
    let (mut tembusu, mut fixed) = (Rounds::default(), Rounds::default());
    for round in 0..options.rounds {
        in_process.add(bench.round(&bodies, options.requests)?);
        let mut servers = [(Server::Tembusu, &mut tembusu), (Server::HyperFixed, &mut fixed)];
        // Who goes first changes, so that neither has always the warmer machine.
        if round % 2 == 1 {
            servers.reverse();
        }
        for (server, rounds) in servers {
            rounds.add(http::round(server, cores, &adserver, &bodies, options)?);
        }
    }
    bench.end();
    print(options, &in_process.line("tembusu", "in_process", Shape { connections: 0, ..shape }))?;
    print(options, &tembusu.line("tembusu", "http_pinned", shape))?;
    print(options, &fixed.line("hyper_fixed", "http_pinned", shape))
}

fn print(options: &Options, line: &figures::Line) -> anyhow::Result<()> {
    if options.json {
        println!("{}", serde_json::to_string(line)?);
    } else {
        println!("{line}");
    }
    Ok(())
}
