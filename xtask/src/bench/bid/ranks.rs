//! Load for two exchanges of different priority at once, with a share of guaranteed deals, and what their server says meanwhile.
//!
//! Open loop: what is due is due, whatever the server does. It comes in bursts of a timer's millisecond, so that the load has its core
//! for sending. The guaranteed requests have connections of their own, so that
//! they are counted apart; all of them can be bid on.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::PathAndQuery;
use simulator::{Dialect, Limit, LoadMode, LoadPlan, Pace, Tally, drive};

use super::adserver::{self, Ranked};
use super::cores;
use super::in_process::Bodies;

/// Keep-alive connections of one exchange: as many requests can wait at once, and no more come in while all are taken.
const CONNECTIONS: usize = 1_000;

/// So long an exchange looks for a free one, and then asks somebody else.
const PATIENCE: Duration = Duration::from_millis(10);

/// One request of so many has a guaranteed deal.
const GUARANTEED_EVERY: u64 = 20;

/// What an exchange waits for an answer, as the configuration of the ad server says.
const TMAX: Duration = Duration::from_millis(150);

/// More than are sent at any level.
const REQUESTS_MAX: u64 = 10_000_000;
const NOTHING: Limit = Limit { requests: 0, duration: Duration::ZERO };

/// How often the server is asked for its pressure.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// What to send to one exchange.
pub(super) struct Mix {
    pub(super) usual: Vec<Bytes>,
    pub(super) guaranteed: Vec<Bytes>,
}

impl Mix {
    pub(super) fn of(bodies: &Bodies) -> anyhow::Result<Self> {
        // One of five is bid on, the first of each five.
        let bid_on = bodies.0.iter().step_by(5);
        let guaranteed = bid_on.map(with_deal).collect::<anyhow::Result<_>>()?;
        Ok(Self { usual: bodies.0.clone(), guaranteed })
    }

    /// Both, as they come in an open loop.
    fn all(&self) -> Vec<Bytes> {
        let every = GUARANTEED_EVERY as usize;
        let mut guaranteed = self.guaranteed.iter().cycle();
        let body = |(place, usual): (usize, &Bytes)| match place % every {
            0 => guaranteed.next().unwrap_or(usual).clone(),
            _ => usual.clone(),
        };
        self.usual.iter().enumerate().map(body).collect()
    }
}

/// The same request with a guaranteed deal beside the open auction.
fn with_deal(body: &Bytes) -> anyhow::Result<Bytes> {
    let mut request: serde_json::Value = serde_json::from_slice(body)?;
    if let Some(imp) = request.pointer_mut("/imp/0").and_then(serde_json::Value::as_object_mut) {
        let deals = serde_json::json!({"private_auction": 0, "deals": [{"id": "guaranteed-1", "guar": 1}]});
        imp.insert("pmp".to_owned(), deals);
    }
    Ok(serde_json::to_vec(&request)?.into())
}

/// What the load had of its core while it sent, in per cent of the time: used, and waited for while others had it.
#[derive(Clone, Copy, Debug)]
pub(super) struct LoadCore {
    pub(super) used: f64,
    pub(super) waited: f64,
}

/// How the requests of one exchange ended.
pub(super) struct Ended {
    pub(super) usual: Tally,
    pub(super) guaranteed: Tally,
}

/// Open loop to both exchanges, `per_second` to each; the calling thread is the load's.
pub(super) fn both(
    server: &Ranked,
    mix: &Mix,
    per_second: u64,
    duration: Duration,
) -> anyhow::Result<([Ended; 2], LoadCore)> {
    let guaranteed = (per_second / GUARANTEED_EVERY).max(1);
    let plan = |address: SocketAddr, bodies: &[Bytes], per_second: u64| LoadPlan {
        endpoint: Dialect::xandr().endpoint(address, PathAndQuery::from_static(adserver::PATH)),
        bodies: bodies.to_vec(),
        connections: (CONNECTIONS as u64 * per_second / (per_second + guaranteed)).max(CONNECTIONS as u64 / 10)
            as usize,
        mode: LoadMode::Open { per_second, pace: Pace::Timer },
        warm_up: NOTHING,
        measured: Limit { requests: REQUESTS_MAX, duration },
        tmax: Some(TMAX),
        patience: Some(PATIENCE),
    };
    let plans = [server.high, server.low].map(|address| {
        (plan(address, &mix.usual, per_second.saturating_sub(guaranteed)), plan(address, &mix.guaranteed, guaranteed))
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let [(a, b), (c, d)] = &plans;
    let had = || anyhow::Ok((cores::thread_time()?, cores::thread_held_up()?));
    let (began, before) = (Instant::now(), had()?);
    let (a, b, c, d) = runtime.block_on(async { tokio::join!(drive(a), drive(b), drive(c), drive(d)) });
    let (lasted, now) = (began.elapsed().as_secs_f64(), had()?);
    let percent = |before: Duration, now: Duration| (now - before).as_secs_f64() * 100.0 / lasted;
    let core = LoadCore { used: percent(before.0, now.0), waited: percent(before.1, now.1) };
    Ok(([Ended { usual: a?.tally, guaranteed: b?.tally }, Ended { usual: c?.tally, guaranteed: d?.tally }], core))
}

/// Closed loop to both: what they answer together in a second.
pub(super) fn capacity(server: &Ranked, mix: &Mix, duration: Duration) -> anyhow::Result<u64> {
    let plan = |address: SocketAddr| LoadPlan {
        endpoint: Dialect::xandr().endpoint(address, PathAndQuery::from_static(adserver::PATH)),
        bodies: mix.all(),
        // So few that nobody waits long, and nothing is shed.
        connections: 32,
        mode: LoadMode::Closed,
        warm_up: Limit { requests: REQUESTS_MAX, duration: Duration::from_secs(1) },
        measured: Limit { requests: REQUESTS_MAX, duration },
        tmax: None,
        patience: None,
    };
    let (high, low) = (plan(server.high), plan(server.low));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (high, low) = runtime.block_on(async { tokio::join!(drive(&high), drive(&low)) });
    Ok(high?.requests_per_second() + low?.requests_per_second())
}

/// The server's series, by their names with labels.
#[derive(Clone, Debug, Default)]
pub(super) struct Series(BTreeMap<String, f64>);

impl Series {
    pub(super) fn read(admin: SocketAddr) -> std::io::Result<Self> {
        let page = adserver::get(admin, "/metrics")?;
        let series = page.lines().filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Ok(Self(series.collect()))
    }

    /// One series' value; zero for one that is not there yet.
    pub(super) fn of(&self, name: &str, exchange: &str) -> f64 {
        self.0.get(&format!("{name}{{exchange=\"{exchange}\"}}")).copied().unwrap_or(0.0)
    }

    /// How often each reason was given since `before`.
    pub(super) fn reasons(&self, before: &Self, exchange: &str) -> BTreeMap<String, u64> {
        let prefix = format!("adserver_no_bids_total{{exchange=\"{exchange}\",reason=\"");
        let given = self.0.iter().filter_map(|(name, value)| {
            let reason = name.strip_prefix(&prefix)?.strip_suffix("\"}")?;
            let since = value - before.0.get(name).copied().unwrap_or(0.0);
            (since > 0.0).then(|| (reason.to_owned(), since as u64))
        });
        given.collect()
    }
}

/// The pressure of an exchange, in thousandths, as it was seen again and again.
#[derive(Clone, Debug, Default)]
pub(super) struct Watched(pub(super) Vec<(Instant, [f64; 2])>);

impl Watched {
    /// Looks until `over` is set. Answers of the server may come late: they are of then.
    pub(super) fn until(admin: SocketAddr, over: &AtomicBool) -> Self {
        let mut watched = Self::default();
        while !over.load(Relaxed) {
            if let Ok(series) = Series::read(admin) {
                let pressure = |exchange| series.of("adserver_shed_permille", exchange);
                watched.0.push((Instant::now(), [pressure(adserver::HIGH), pressure(adserver::LOW)]));
            }
            std::thread::sleep(ASK_EVERY);
        }
        watched
    }

    /// Least, mean and greatest of one exchange between two instants.
    pub(super) fn between(&self, exchange: usize, from: Instant, to: Instant) -> [f64; 3] {
        let seen: Vec<f64> =
            self.0.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, pressure)| pressure[exchange]).collect();
        let mean = seen.iter().sum::<f64>() / seen.len().max(1) as f64;
        let least = seen.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = seen.iter().copied().fold(0.0, f64::max);
        [least.min(greatest), mean, greatest]
    }

    /// How long after `from` it took until nobody was under pressure, for good.
    pub(super) fn calm_after(&self, from: Instant) -> Option<Duration> {
        let after: Vec<_> = self.0.iter().filter(|(at, _)| from <= *at).collect();
        let calm = after.iter().rposition(|(_, pressure)| *pressure != [0.0; 2]).map_or(0, |last| last + 1);
        after.get(calm).map(|(at, _)| at.saturating_duration_since(from))
    }
}
