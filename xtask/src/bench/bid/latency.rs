//! Latency in an open loop, at 40 % of the rate that nginx reaches in this very run; nginx under the same load, in turn.
//!
//! It counts from the instant at which a request was due, so that a server that stands still is not spared the requests that it
//! kept from being sent.
//!
//! The load never sleeps, with or without `--awake`. It spins to meet its schedule; only when every connection waits for an answer,
//! that is when a server is behind, it would sleep, and each answer would have to wake it. On loopback in a virtual machine that took a
//! quarter of what our server can answer (closed loop: 47,800 requests a second instead of 66,800), which no network does: a
//! server that was behind for a few milliseconds, for whatever reason, stayed behind for ten times as long, its core full and that of
//! the load idle for two thirds. nginx has the same load.
//!
//! What the load itself waited for its core while others had it, which is no server's fault, is shown beside
//! it: a stretch of so many milliseconds is in the latencies of both servers, and a server that is closer to its limit takes longer to be
//! rid of what was not sent meanwhile.

use std::fmt;
use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;
use simulator::{Dialect, LoadMode, Pace};

use super::figures::Spread;
use super::http::{self, Load, Round};
use super::verdict::Verdict;
use super::{Server, Stage, nginx};

/// Rounds of each server, at the least: a tail needs more of them than a mean.
const ROUNDS_MIN: u32 = 5;

/// Of nginx's rate, in per cent.
const RATE_PERCENT: u64 = 40;

/// What the exchange waits for an answer, as the configuration of the ad server says.
const TMAX: Duration = Duration::from_millis(150);

const P99_OF_NGINX_MAX: f64 = 1.5;
const P999_OF_NGINX_MAX: f64 = 2.0;

/// Late answers of a million beyond those of nginx.
const LATE_PPM_MAX: f64 = 100.0;

/// What the rounds of one server found.
#[derive(Default)]
struct Rounds {
    p50: Vec<f64>,
    p99: Vec<f64>,
    p999: Vec<f64>,
    late_ppm: Vec<f64>,
    held_up_ms: Vec<f64>,
    requests: u64,
    lost: u64,
}

impl Rounds {
    fn add(&mut self, Round { report, held_up, .. }: &Round) -> anyhow::Result<()> {
        let tally = &report.tally;
        let answered = tally.answered();
        ensure!(answered > 0, "nothing was answered: {tally:?}");
        let micros = |quantile| tally.latency(quantile).as_nanos() as f64 / 1_000.0;
        self.p50.push(micros(0.5));
        self.p99.push(micros(0.99));
        self.p999.push(micros(0.999));
        // What could not even be sent in time is late as well.
        self.late_ppm.push((tally.late + tally.unsent) as f64 * 1e6 / (answered + tally.unsent) as f64);
        self.held_up_ms.push(held_up.as_secs_f64() * 1e3);
        self.requests += answered;
        self.lost += tally.lost() + tally.bad_request;
        Ok(())
    }
}

/// One server's line.
#[derive(Debug, Serialize)]
struct Line {
    bench: &'static str,
    system: &'static str,
    case: &'static str,
    per_second: u64,
    p50_us: Spread,
    p99_us: Spread,
    p999_us: Spread,
    late_ppm: Spread,
    held_up_ms: Spread,
    rounds: usize,
    requests: u64,
    lost: u64,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { system, case, per_second, p50_us, p99_us, p999_us, late_ppm, held_up_ms, lost, .. } = self;
        write!(
            f,
            "{system:>12} {case:<12} {per_second:>6} req/s offered, p50 {p50_us} us, p99 {p99_us} us, p99.9 {p999_us} us, {late_ppm} of a million late, {lost} lost; the load held up for {held_up_ms} ms"
        )
    }
}

pub(super) fn measure(stage: &Stage<'_>, verdicts: &mut Vec<Verdict>) -> anyhow::Result<()> {
    if !nginx::is_there() {
        return Ok(());
    }
    let closed = Load::closed(&stage.bodies);
    let round = |server, load: &Load<'_>| http::round(server, stage.cores, &stage.adserver, load, stage.options);
    let most = http::figures(&round(Server::Nginx, &closed)?)?.requests_per_second;
    let per_second = most as u64 * RATE_PERCENT / 100;
    let open = Load {
        dialect: Dialect::xandr(),
        mode: LoadMode::Open { per_second, pace: Pace::Spin },
        tmax: Some(TMAX),
        ..closed
    };
    let mut servers = [(Server::Tembusu, Rounds::default()), (Server::Nginx, Rounds::default())];
    for _ in 0..stage.options.rounds.max(ROUNDS_MIN) {
        for (server, rounds) in &mut servers {
            rounds.add(&round(*server, &open)?)?;
        }
        servers.rotate_left(1);
    }
    servers.sort_by_key(|(server, _)| server.name() != Server::Tembusu.name());
    let [ours, theirs] = servers.map(|(server, rounds)| Line {
        bench: "bid",
        system: server.name(),
        case: "latency",
        per_second,
        rounds: rounds.p99.len(),
        p50_us: Spread::of(rounds.p50),
        p99_us: Spread::of(rounds.p99),
        p999_us: Spread::of(rounds.p999),
        late_ppm: Spread::of(rounds.late_ppm),
        held_up_ms: Spread::of(rounds.held_up_ms),
        requests: rounds.requests,
        lost: rounds.lost,
    });
    stage.options.print(&ours)?;
    stage.options.print(&theirs)?;
    let ratio = |ours: Spread, theirs: Spread| ours.median / theirs.median;
    verdicts.push(Verdict::at_most("latency_p99_of_nginx", ratio(ours.p99_us, theirs.p99_us), P99_OF_NGINX_MAX));
    verdicts.push(Verdict::at_most("latency_p999_of_nginx", ratio(ours.p999_us, theirs.p999_us), P999_OF_NGINX_MAX));
    let late = ours.late_ppm.median - theirs.late_ppm.median;
    verdicts.push(Verdict::at_most("latency_late_ppm_above_nginx", late, LATE_PPM_MAX));
    Ok(())
}
