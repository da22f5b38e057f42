//! What an endless loop in one exchange's engine costs the others: latency in an open loop before it and with it.
//!
//! The server may run where the kernel likes, the load stays on one core. The looping thread is first one of many, until its runtime
//! is found lost, and then has the lowest priority: both are in what is measured, and each is shown by itself.

use std::fmt;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context;
use http::uri::PathAndQuery;
use serde::Serialize;
use simulator::{Dialect, DriveReport, Limit, LoadMode, LoadPlan, Pace, Tally, drive};

use super::figures::Spread;
use super::in_process::{Bench, Bodies};
use super::verdict::Verdict;
use super::{CAMPAIGNS, Options, adserver, cores};

/// Requests a second: what leaves both cores room, so that it is the loop that is measured and not a lack of cores.
const PER_SECOND: u64 = 2_000;

/// More than are sent in the longest round.
const REQUESTS_MAX: u64 = 1_000_000;

/// By then a loop is found: a tenth of a second on a processor, and a look.
const FOUND_WITHIN: Duration = Duration::from_millis(250);

/// Rounds, at the least: a tail needs more of them than a mean.
const ROUNDS_MIN: u32 = 5;

/// What the p99 of the others may become.
const P99_MAX: f64 = 1.2;

/// The chaos point, and the request that it is for.
const POINT: &str = "engine.spin";
const SPINS: &str = r#"{"id":"spin","imp":[{"id":"1","banner":{"w":300,"h":250}}]}"#;

#[derive(Debug, Serialize)]
struct Line {
    bench: &'static str,
    system: &'static str,
    case: &'static str,
    per_second: u64,
    before_p99_us: Spread,
    with_loop_p99_us: Spread,
    until_found_p99_us: Spread,
    when_found_p99_us: Spread,
    rounds: usize,
    lost: u64,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { system, case, per_second, before_p99_us, with_loop_p99_us, lost, .. } = self;
        let Self { until_found_p99_us, when_found_p99_us, .. } = self;
        write!(
            f,
            "{system:>12} {case:<12} {per_second:>6} req/s to another exchange, p99 {before_p99_us} us before, {with_loop_p99_us} us with a loop beside it ({until_found_p99_us} until it is found, {when_found_p99_us} then), {lost} lost"
        )
    }
}

pub(super) fn measure(options: &Options, verdicts: &mut Vec<Verdict>) -> anyhow::Result<()> {
    let binary = adserver::build()?;
    let bench = Bench::start(cores::pair()?, options.seed, CAMPAIGNS)?;
    let bodies = bench.bodies();
    bench.end();
    let p99 = |tally: &Tally| tally.latency(0.99).as_nanos() as f64 / 1_000.0;
    let [mut before, mut with_loop, mut until_found, mut when_found] = [const { Vec::new() }; 4];
    let mut lost = 0;
    for _ in 0..options.rounds.max(ROUNDS_MIN) {
        let (_server, [other, looping], _folder) = adserver::start_two(&binary, CAMPAIGNS, POINT)?;
        load(other, &bodies, Duration::from_secs(1))?;
        let measured = Duration::from_secs(options.seconds);
        let calm = load(other, &bodies, measured)?.tally;
        before.push(p99(&calm));
        let _in_hand = spin(looping)?;
        let first = load(other, &bodies, FOUND_WITHIN)?.tally;
        let rest = load(other, &bodies, measured - FOUND_WITHIN)?.tally;
        until_found.push(p99(&first));
        when_found.push(p99(&rest));
        let mut all = first;
        all.add(&rest);
        with_loop.push(p99(&all));
        lost += [&calm, &all].map(|tally| tally.lost() + tally.bad_request).iter().sum::<u64>();
    }
    let rounds = before.len();
    let line = Line {
        bench: "bid",
        system: "tembusu",
        case: "isolation",
        per_second: PER_SECOND,
        before_p99_us: Spread::of(before),
        with_loop_p99_us: Spread::of(with_loop),
        until_found_p99_us: Spread::of(until_found),
        when_found_p99_us: Spread::of(when_found),
        rounds,
        lost,
    };
    options.print(&line)?;
    let rise = line.with_loop_p99_us.median / line.before_p99_us.median;
    verdicts.push(Verdict::at_most("isolation_p99_of_before", rise, P99_MAX));
    verdicts.push(Verdict::at_most("isolation_lost", lost as f64, 0.0));
    Ok(())
}

/// An open loop of load.
fn load(address: SocketAddr, bodies: &Bodies, duration: Duration) -> anyhow::Result<DriveReport> {
    let plan = LoadPlan {
        endpoint: Dialect::xandr().endpoint(address, PathAndQuery::from_static(adserver::PATH)),
        bodies: bodies.0.clone(),
        connections: 64,
        mode: LoadMode::Open { per_second: PER_SECOND, pace: Pace::Timer },
        warm_up: Limit { requests: 0, duration: Duration::ZERO },
        measured: Limit { requests: REQUESTS_MAX, duration },
        tmax: None,
        patience: None,
    };
    cores::on(cores::pair()?.load, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(drive(&plan))?)
    })
}

/// Sends the request that never comes back.
fn spin(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).context("the exchange takes no connection")?;
    let head = format!("POST {} HTTP/1.1\r\nhost: bench\r\ncontent-length: {}\r\n\r\n", adserver::PATH, SPINS.len());
    stream.write_all(format!("{head}{SPINS}").as_bytes())?;
    Ok(stream)
}
