//! What a bid costs: the engine alone, and the whole server over HTTP, beside servers that do nothing.
//!
//! | case | what | figure |
//! |---|---|---|
//! | `in_process` | engine, serializer and commit as plain calls on one pinned thread; ledger, campaigns and regions run beside it | CPU time of that thread, least of the rounds |
//! | `http_pinned` | the ad server as a process on one core, load on another, closed loop over keep-alive connections | CPU time of the whole process, median of the rounds |
//! | `supervision` | the way through the port (inline calls into actors) beside the same plain calls | instructions, by callgrind |
//!
//! `nginx` and `hyper_fixed` are the yardsticks of `http_pinned`: a reply of fixed bytes, in the same rounds. One request of
//! five is bid on. Each round has a server of its own, so that none inherits another's open bids. Bounded in count and time.

mod adserver;
mod campaigns;
mod cores;
mod figures;
mod http;
mod hyper_fixed;
mod in_process;
mod nginx;
mod supervision;
mod tree;
mod verdict;

pub(super) use hyper_fixed::serve as serve_fixed;
pub(crate) use supervision::Way;
pub(super) use supervision::walk;

use clap::{Args, ValueEnum};
use serde::Serialize;

use figures::{Line, Rounds, Shape};
use in_process::Bench;
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
    /// Seconds measured in each round of `http_pinned`.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Keep-alive connections of `http_pinned`.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
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
    Supervision,
}

/// Which server a round of `http_pinned` measures.
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
    if options.runs(Case::HttpPinned) {
        http_pinned(options, in_process_us, &mut verdicts)?;
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

fn http_pinned(options: &Options, in_process_us: Option<f64>, verdicts: &mut Vec<Verdict>) -> anyhow::Result<()> {
    let cores = cores::pair()?;
    let adserver = adserver::build()?;
    // The tree that finds the bodies is gone before the servers are measured.
    let bench = Bench::start(cores, options.seed, CAMPAIGNS)?;
    let bodies = bench.bodies();
    bench.end();
    let request_bytes = bodies.mean_bytes();
    let mut servers: Vec<(Server, Rounds)> = [Server::Tembusu, Server::Nginx, Server::HyperFixed]
        .into_iter()
        .filter(|server| *server != Server::Nginx || nginx::is_there())
        .map(|server| (server, Rounds::default()))
        .collect();
    for _ in 0..options.rounds {
        for (server, rounds) in &mut servers {
            rounds.add(http::round(*server, cores, &adserver, &bodies, options)?);
        }
        // Who goes first changes, so that none has always the warmer machine.
        servers.rotate_left(1);
    }
    servers.sort_by_key(|(server, _)| server.name() != Server::Tembusu.name());
    let mut lines = Vec::new();
    for (server, rounds) in &servers {
        let campaigns = if *server == Server::Tembusu { CAMPAIGNS } else { 0 };
        let shape = Shape { connections: options.connections.into(), request_bytes, campaigns };
        let line = rounds.line(server.name(), "http_pinned", shape);
        options.print(&line)?;
        lines.push((*server, line));
    }
    let of = |wanted| lines.iter().find(|(server, _)| *server == wanted).map(|(_, line)| line);
    let (Some(ours), fixed) = (of(Server::Tembusu), of(Server::HyperFixed)) else { return Ok(()) };
    if let Some(nginx) = of(Server::Nginx) {
        verdicts.push(Verdict::at_most("http_cpu_of_nginx", ours.cpu_us() / nginx.cpu_us(), 1.5));
        verdicts.push(Verdict::at_least("http_rate_of_nginx", ours.rate() / nginx.rate(), 0.65));
    }
    if let (Some(fixed), Some(in_process_us)) = (fixed, in_process_us) {
        verdicts.push(Verdict::at_most("http_own_share_us", ours.cpu_us(), fixed.cpu_us() + in_process_us + 1.0));
    }
    Ok(())
}
