//! What becomes of requests when more come than can be served: two exchanges of different priority on one core, a share of
//! guaranteed deals, open loop at several multiples of what both can serve together.
//!
//! *Decided in time* is what the engine was asked and answered before the exchange stopped waiting, with a bid or without. Shed
//! requests are answered, and mostly in time, but decide nothing. After each level the load falls to a third, and it is seen
//! how long the server goes on shedding.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::Serialize;

use super::ranks::{Ended, LoadCore, Mix, Series, Watched, both, capacity};
use super::verdict::Verdict;
use super::{CAMPAIGNS, Stage, adserver, cores};

/// In per cent of what can be served.
const LEVELS: [u64; 5] = [80, 120, 150, 200, 400];
/// To which the load falls after each.
const AFTERWARDS: u64 = 33;

/// How long each lasts, at the least: shedding must have settled.
const LASTS_MIN: Duration = Duration::from_secs(5);
const AFTERWARDS_LASTS: Duration = Duration::from_secs(4);

/// So much of its core the load may have used, or waited for while others had it, in per cent: with more, it is the load that
/// cannot keep up, and nothing is said of the server.
const LOAD_USED_MAX: f64 = 95.0;
const LOAD_WAITED_MAX: f64 = 15.0;

/// Reasons that mean that the engine was not asked, or too late.
const UNDECIDED: [&str; 5] = ["overload", "insufficient_time", "shed_priority", "shed_value", "deadline"];

/// At twice the capacity it is judged.
const JUDGED: u64 = 200;

/// What is wanted there: decisions, of what can be decided; guaranteed deals that get their bid at the exchange of
/// higher priority; answers that come too late, of a million.
const DECIDED_MIN: f64 = 0.7;
const GUARANTEED_MIN: f64 = 0.9;
const LATE_PPM_MAX: f64 = 1_000.0;

/// All requests that an exchange has answered.
const COUNTED: &str = "adserver_requests_total";

/// One exchange at one level.
#[derive(Debug, Serialize)]
struct Line {
    bench: &'static str,
    system: &'static str,
    case: &'static str,
    exchange: &'static str,
    percent_of_capacity: u64,
    offered_per_second: u64,
    decided_per_second: u64,
    bids_in_time_per_second: u64,
    late_ppm: f64,
    p50_us: u64,
    p99_us: u64,
    guaranteed_bid_on_percent: f64,
    usual_bid_on_percent: f64,
    undecided: BTreeMap<String, u64>,
    pressure_min_mean_max: [f64; 3],
    closed: u64,
    /// In a second, found no free connection.
    unsent_per_second: u64,
    /// Answered, and not counted by the server.
    uncounted: i64,
    load_core_used_waited_percent: [u64; 2],
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { exchange, percent_of_capacity, offered_per_second, decided_per_second, .. } = self;
        let Self { bids_in_time_per_second, late_ppm, p50_us, p99_us, closed, unsent_per_second, .. } = self;
        let Self { guaranteed_bid_on_percent, usual_bid_on_percent, undecided, pressure_min_mean_max, .. } = self;
        let Self { uncounted, load_core_used_waited_percent: [used, waited], .. } = self;
        let [least, mean, most] = pressure_min_mean_max;
        write!(
            f,
            "overload {exchange:>5} {percent_of_capacity:>4} % {offered_per_second:>6} req/s offered, {decided_per_second:>6} decided, {bids_in_time_per_second:>6} bids in time, {late_ppm:.0} of a million late, p50 {p50_us} us, p99 {p99_us} us, bid on {guaranteed_bid_on_percent:.1} % of the guaranteed and {usual_bid_on_percent:.1} % of the others, pressure {mean:.0} [{least:.0}..{most:.0}], {unsent_per_second} req/s found no connection, {closed} closed, {uncounted} uncounted, {undecided:?}, the load used {used} % of its core and waited {waited} % for it"
        )
    }
}

/// What both exchanges answer together in a closed loop.
#[derive(Debug, Serialize)]
struct Served {
    bench: &'static str,
    case: &'static str,
    served_per_second: u64,
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "overload {} req/s are answered in a closed loop: this is 100 %", self.served_per_second)
    }
}

/// One level, when it was over.
#[derive(Debug, Serialize)]
struct Recovery {
    bench: &'static str,
    case: &'static str,
    percent_of_capacity: u64,
    /// None if it was still shedding when the look ended.
    calm_after_ms: Option<u64>,
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { percent_of_capacity, calm_after_ms, .. } = self;
        match calm_after_ms {
            Some(ms) => write!(f, "overload {percent_of_capacity:>10} % nothing is shed any more {ms} ms after it"),
            None => write!(f, "overload {percent_of_capacity:>10} % still shedding {AFTERWARDS_LASTS:?} after it"),
        }
    }
}

pub(super) fn measure(stage: &Stage<'_>, verdicts: &mut Vec<Verdict>) -> anyhow::Result<()> {
    let mix = Mix::of(&stage.bodies)?;
    let server = adserver::start_ranked(&stage.adserver, stage.cores, CAMPAIGNS)?;
    let lasts = Duration::from_secs(stage.options.seconds).max(LASTS_MIN);
    let served = cores::on(stage.cores.load, || capacity(&server, &mix, Duration::from_secs(2)))?;
    ensure!(served > 0, "nothing was answered");
    stage.options.print(&Served { bench: "bid", case: "overload", served_per_second: served })?;
    for percent in LEVELS {
        let before = Series::read(server.admin).context("the server shows no metrics")?;
        let over = AtomicBool::new(false);
        let (admin, started) = (server.admin, Instant::now());
        let (ended, after, watched, fell) = std::thread::scope(|scope| -> anyhow::Result<_> {
            let watching = scope.spawn(|| Watched::until(admin, &over));
            let loaded = cores::on(stage.cores.load, || {
                let (ended, core) = both(&server, &mix, served * percent / 200, lasts)?;
                let (after, fell) = (Series::read(admin)?, Instant::now());
                both(&server, &mix, served * AFTERWARDS / 200, AFTERWARDS_LASTS)?;
                Ok(((ended, core), after, fell))
            });
            over.store(true, Relaxed);
            let watched = watching.join().unwrap_or_default();
            loaded.map(|(ended, after, fell)| (ended, after, watched, fell))
        })?;
        let settled = started + lasts / 2;
        let ([high, low], core) = &ended;
        let mut lines = Vec::new();
        for (place, (exchange, ended)) in [(adserver::HIGH, high), (adserver::LOW, low)].into_iter().enumerate() {
            let pressure = watched.between(place, settled, started + lasts);
            let seen = Seen {
                reasons: after.reasons(&before, exchange),
                counted: (after.of(COUNTED, exchange) - before.of(COUNTED, exchange)) as i64,
                pressure,
            };
            let line = line(exchange, percent, ended, seen, lasts, *core);
            stage.options.print(&line)?;
            lines.push(line);
        }
        ensure!(
            core.used <= LOAD_USED_MAX && core.waited <= LOAD_WAITED_MAX,
            "at {percent} % the load used {:.0} % of its core and waited {:.0} % of the time while others had it: it could not send as it should, and what it found says nothing of the server; run it on a machine that has nothing else to do",
            core.used,
            core.waited
        );
        let calm = watched.calm_after(fell).map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        stage.options.print(&Recovery {
            bench: "bid",
            case: "overload",
            percent_of_capacity: percent,
            calm_after_ms: calm,
        })?;
        if let ([high, low], true) = (&lines[..], percent == JUDGED) {
            let decided = (high.decided_per_second + low.decided_per_second) as f64;
            verdicts.push(Verdict::at_least("overload_decided_of_capacity", decided / served as f64, DECIDED_MIN));
            let guaranteed = high.guaranteed_bid_on_percent / 100.0;
            verdicts.push(Verdict::at_least("overload_guaranteed_bid_on", guaranteed, GUARANTEED_MIN));
            verdicts.push(Verdict::at_most("overload_late_ppm", high.late_ppm.max(low.late_ppm), LATE_PPM_MAX));
        }
    }
    drop(server.server);
    Ok(())
}

/// What the server says of one exchange at one level.
struct Seen {
    reasons: BTreeMap<String, u64>,
    counted: i64,
    /// Least, mean and greatest.
    pressure: [f64; 3],
}

fn line(
    exchange: &'static str,
    percent_of_capacity: u64,
    ended: &Ended,
    seen: Seen,
    lasts: Duration,
    core: LoadCore,
) -> Line {
    let mut all = ended.usual.clone();
    all.add(&ended.guaranteed);
    let per_second = |count: u64| (count as f64 / lasts.as_secs_f64()) as u64;
    let percent = |part: u64, of: u64| (part as f64 * 1e3 / of.max(1) as f64).round() / 10.0;
    let mut undecided = seen.reasons;
    undecided.retain(|reason, _| UNDECIDED.contains(&&**reason));
    let decided = all.answered().saturating_sub(undecided.values().sum());
    let in_time = 1.0 - all.late as f64 / all.answered().max(1) as f64;
    Line {
        bench: "bid",
        system: "tembusu",
        case: "overload",
        exchange,
        percent_of_capacity,
        offered_per_second: per_second(all.scheduled),
        decided_per_second: per_second((decided as f64 * in_time) as u64),
        bids_in_time_per_second: per_second(all.ok_in_time),
        late_ppm: (all.late as f64 * 1e6 / all.answered().max(1) as f64).round(),
        p50_us: u64::try_from(all.latency(0.5).as_micros()).unwrap_or(u64::MAX),
        p99_us: u64::try_from(all.latency(0.99).as_micros()).unwrap_or(u64::MAX),
        guaranteed_bid_on_percent: percent(ended.guaranteed.ok_in_time, ended.guaranteed.scheduled),
        usual_bid_on_percent: percent(ended.usual.ok_in_time, ended.usual.scheduled),
        undecided,
        pressure_min_mean_max: seen.pressure,
        closed: all.closed_by_server(),
        unsent_per_second: per_second(all.unsent),
        uncounted: i64::try_from(all.answered()).unwrap_or(i64::MAX) - seen.counted,
        load_core_used_waited_percent: [core.used.round() as u64, core.waited.round() as u64],
    }
}
