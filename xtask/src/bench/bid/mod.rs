//! What a bid costs: the engine alone, and the whole server over HTTP, beside servers that do nothing.
//!
//! | case | what | figure |
//! |---|---|---|
//! | `in_process` | engine, serializer and commit as plain calls on one pinned thread; ledger, campaigns and regions run beside it | CPU time of that thread, least of the rounds |
//! | `http_pinned` | the ad server as a process on one core, load on another, closed loop over keep-alive connections | CPU time of the whole process, median of the rounds |
//! | `http_gzip` | the same with requests in gzip, beside nginx, and inflating them alone | the same |
//! | `latency` | open loop at 40 % of what nginx answers at most, nginx under the same load | p99, p99.9, late answers; medians of the rounds |
//! | `memory` | idle connections, and campaigns | bytes each, of the process's own pages |
//! | `isolation` | two exchanges; one engine falls into an endless loop while the other has an open loop of load | p99 of the other before and after, lost requests |
//! | `overload` | two exchanges of different priority on one core, open loop at 0.8 to 2 times what they can serve together | per level: decisions in time, what was shed of whom, late answers, recovery |
//! | `supervision` | the way through the port (inline calls into actors) beside the same plain calls | instructions, by callgrind |
//!
//! `nginx` and `hyper_fixed` are the yardsticks: a reply of fixed bytes, in the same rounds. One request of
//! five is bid on. Each round has a server of its own, so that none inherits another's open bids. Bounded in count and time.

mod adserver;
mod campaigns;
mod cores;
mod figures;
mod gzip;
mod http;
mod hyper_fixed;
mod in_process;
mod isolation;
mod latency;
mod memory;
mod nginx;
mod overload;
mod ranks;
mod supervision;
mod tree;
mod verdict;

pub(super) use hyper_fixed::serve as serve_fixed;
pub(crate) use supervision::Way;
pub(super) use supervision::walk;

use std::path::PathBuf;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use serde::Serialize;

use cores::Cores;
use figures::{Line, Rounds, Shape};
use http::Load;
use in_process::{Bench, Bodies};
use verdict::Verdict;

/// Campaigns of `http_pinned` and `supervision`.
const CAMPAIGNS: u32 = 10_000;

/// Campaigns of `in_process`, with the aim in microseconds.
const IN_PROCESS: [(u32, &str, f64); 3] = [
    (1_000, "in_process_1000_us", 5.0),
    (CAMPAIGNS, "in_process_10000_us", 7.5),
    (100_000, "in_process_100000_us", 70.0),
];

/// A minimum over fewer rounds may miss this machine's fast moments.
const IN_PROCESS_ROUNDS_MIN: u32 = 12;

/// Options of the benchmark.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One JSON object a line, nothing else.
    #[arg(long)]
    json: bool,
    /// Cases to run; all without it.
    #[arg(long = "case", value_name = "CASE")]
    cases: Vec<Case>,
    /// How many interleaved rounds; `in_process` has 12 at least.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Seconds measured in each round over HTTP.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Keep-alive connections over HTTP.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// The load of the closed loops never sleeps: then no server pays for waking it, as none does over a network. On loopback the
    /// one that answers slower than the load asks wakes it for every answer.
    #[arg(long)]
    awake: bool,
    /// Requests measured in each round of `in_process`.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    requests: u32,
    /// Seed of the requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Case {
    InProcess,
    HttpPinned,
    HttpGzip,
    Latency,
    Memory,
    Isolation,
    Overload,
    Supervision,
}

/// Which server a round over HTTP measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    Tembusu,
    Nginx,
    HyperFixed,
}

impl Server {
    fn name(self) -> &'static str {
        match self {
            Self::Tembusu => "tembusu",
            Self::Nginx => "nginx",
            Self::HyperFixed => "hyper_fixed",
        }
    }
}

impl Options {
    fn runs(&self, case: Case) -> bool {
        self.cases.is_empty() || self.cases.contains(&case)
    }

    fn print<L: Serialize + std::fmt::Display>(&self, line: &L) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(line)?);
        } else {
            println!("{line}");
        }
        Ok(())
    }
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let mut verdicts = Vec::new();
    let mut in_process_us = None;
    if options.runs(Case::InProcess) {
        for (campaigns, name, aim_us) in IN_PROCESS {
            let line = in_process(options, campaigns)?;
            options.print(&line)?;
            verdicts.push(Verdict::at_most(name, line.cpu_us_min(), aim_us));
            if campaigns == CAMPAIGNS {
                in_process_us = Some(line.cpu_us());
            }
        }
    }
    if [Case::HttpPinned, Case::HttpGzip, Case::Latency, Case::Memory, Case::Overload]
        .iter()
        .any(|case| options.runs(*case))
    {
        over_http(options, in_process_us, &mut verdicts)?;
    }
    if options.runs(Case::Isolation) {
        isolation::measure(options, &mut verdicts)?;
    }
    if options.runs(Case::Supervision) {
        verdicts.extend(supervision::measure(options)?);
    }
    verdicts.iter().try_for_each(|verdict| options.print(verdict))
}

fn in_process(options: &Options, campaigns: u32) -> anyhow::Result<Line> {
    let bench = Bench::start(cores::pair()?, options.seed, campaigns)?;
    let bodies = bench.bodies();
    let mut rounds = Rounds::default();
    for _ in 0..options.rounds.max(IN_PROCESS_ROUNDS_MIN) {
        rounds.add(bench.round(&bodies, options.requests)?);
    }
    bench.end();
    let shape = Shape { connections: 0, request_bytes: bodies.mean_bytes(), campaigns };
    Ok(rounds.line("tembusu", "in_process", shape))
}

/// What the cases over HTTP have in common.
struct Stage<'a> {
    options: &'a Options,
    cores: Cores,
    adserver: PathBuf,
    bodies: Bodies,
}

fn over_http(options: &Options, in_process_us: Option<f64>, verdicts: &mut Vec<Verdict>) -> anyhow::Result<()> {
    let cores = cores::pair()?;
    let adserver = adserver::build()?;
    // The tree that finds the bodies is gone before the servers are measured.
    let bench = Bench::start(cores, options.seed, CAMPAIGNS)?;
    let bodies = bench.bodies();
    bench.end();
    let stage = Stage { options, cores, adserver, bodies };
    if options.runs(Case::HttpPinned) {
        http_pinned(&stage, in_process_us, verdicts)?;
    }
    if options.runs(Case::HttpGzip) {
        gzip::measure(&stage, verdicts)?;
    }
    if options.runs(Case::Latency) {
        latency::measure(&stage, verdicts)?;
    }
    if options.runs(Case::Memory) {
        memory::measure(&stage, verdicts)?;
    }
    if options.runs(Case::Overload) {
        overload::measure(&stage, verdicts)?;
    }
    Ok(())
}

impl Stage<'_> {
    /// The closed loop, each round on each server; the lines are printed and handed back.
    fn closed_loop(&self, case: &'static str, servers: &[Server], load: &Load<'_>) -> anyhow::Result<Lines> {
        let mut servers: Vec<(Server, Rounds)> = servers
            .iter()
            .filter(|server| **server != Server::Nginx || nginx::is_there())
            .map(|server| (*server, Rounds::default()))
            .collect();
        for _ in 0..self.options.rounds {
            for (server, rounds) in &mut servers {
                let round = http::round(*server, self.cores, &self.adserver, load, self.options)?;
                rounds.add(http::figures(&round)?);
            }
            // Who goes first changes, so that none has always the warmer machine.
            servers.rotate_left(1);
        }
        servers.sort_by_key(|(server, _)| server.name() != Server::Tembusu.name());
        let request_bytes = load.bodies.iter().map(Bytes::len).sum::<usize>() / load.bodies.len().max(1);
        let mut lines = Vec::new();
        for (server, rounds) in &servers {
            let campaigns = if *server == Server::Tembusu { CAMPAIGNS } else { 0 };
            let shape = Shape { connections: self.options.connections.into(), request_bytes, campaigns };
            let line = rounds.line(server.name(), case, shape);
            self.options.print(&line)?;
            lines.push((*server, line));
        }
        Ok(Lines(lines))
    }
}

/// What a case has found of each server.
struct Lines(Vec<(Server, Line)>);

impl Lines {
    fn of(&self, wanted: Server) -> Option<&Line> {
        self.0.iter().find(|(server, _)| *server == wanted).map(|(_, line)| line)
    }
}

fn http_pinned(stage: &Stage<'_>, in_process_us: Option<f64>, verdicts: &mut Vec<Verdict>) -> anyhow::Result<()> {
    let servers = [Server::Tembusu, Server::Nginx, Server::HyperFixed];
    let lines = stage.closed_loop("http_pinned", &servers, &Load::closed(&stage.bodies))?;
    let Some(ours) = lines.of(Server::Tembusu) else { return Ok(()) };
    if let Some(nginx) = lines.of(Server::Nginx) {
        verdicts.push(Verdict::at_most("http_cpu_of_nginx", ours.cpu_us() / nginx.cpu_us(), 1.5));
        verdicts.push(Verdict::at_least("http_rate_of_nginx", ours.rate() / nginx.rate(), 0.65));
    }
    if let (Some(fixed), Some(in_process_us)) = (lines.of(Server::HyperFixed), in_process_us) {
        verdicts.push(Verdict::at_most("http_own_share_us", ours.cpu_us(), fixed.cpu_us() + in_process_us + 1.0));
    }
    Ok(())
}
