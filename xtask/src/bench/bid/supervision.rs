//! What supervision costs on the bid path: the way through the port, beside the same functions called on their state.
//!
//! How: a process of its own walks each way under callgrind, which counts the instructions of the walked requests alone. Both
//! ways admit, decide, write and commit the same bodies in the same order.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use clap::ValueEnum;
use exchange::ExchangePort;
use exchange::pool::InFlight;
use exchange::sockets::{Answer, Handler};
use serde::Serialize;
use tokio::time::Instant;

use super::in_process::{Bench, Bodies, framed};
use super::tree::IN_FLIGHT_MAX;
use super::{CAMPAIGNS, Options, Verdict, cores};

/// Requests walked under callgrind. Finding the bodies has warmed everything up.
const REQUESTS: usize = 2_000;

/// The share of instructions that supervision may cost, in per cent.
const SHARE_MAX_PERCENT: f64 = 3.0;

/// A function by whose name callgrind is told when to count.
const COUNTED: &str = "*counted_requests*";

/// One way of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// Through the port, by inline calls into actors.
    Supervised,
    /// The same functions on their state.
    Plain,
}

#[derive(Debug, Serialize)]
struct Counted {
    bench: &'static str,
    case: &'static str,
    requests: usize,
    campaigns: u32,
    instructions_supervised: f64,
    instructions_plain: f64,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { instructions_supervised, instructions_plain, campaigns, .. } = self;
        write!(
            f,
            "{:>12} {:<12} {campaigns:>6} campaigns {instructions_supervised:9.0} instructions a request, {instructions_plain:.0} without supervision",
            "tembusu", self.case
        )
    }
}

/// Counts both ways and compares them; nothing, with a word why, where callgrind is missing.
pub(super) fn measure(options: &Options) -> anyhow::Result<Option<Verdict>> {
    let valgrind = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !valgrind.is_ok_and(|status| status.success()) {
        eprintln!("without the case supervision: valgrind is missing; `apt-get install valgrind` as root brings it");
        return Ok(None);
    }
    let supervised = instructions(Way::Supervised, options.seed)?;
    let plain = instructions(Way::Plain, options.seed)?;
    options.print(&Counted {
        bench: "bid",
        case: "supervision",
        requests: REQUESTS,
        campaigns: CAMPAIGNS,
        instructions_supervised: supervised,
        instructions_plain: plain,
    })?;
    let share = (supervised - plain) / plain * 100.0;
    Ok(Some(Verdict::at_most("supervision_percent", share, SHARE_MAX_PERCENT)))
}

/// The instructions of one request on a way.
fn instructions(way: Way, seed: u64) -> anyhow::Result<f64> {
    let way = way.to_possible_value().context("every way has a name")?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(std::env::current_exe()?)
        .args(["bench", "bid-walk", way.get_name(), "--seed", &seed.to_string()])
        .stdout(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "callgrind failed: {said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    let Some((_, collected)) = collected else { bail!("callgrind says no count: {said}") };
    let total: u64 = collected.trim().parse().with_context(|| format!("`{collected}` is no count"))?;
    Ok(total as f64 / REQUESTS as f64)
}

/// Walks one way, for callgrind to count.
pub(in crate::bench) fn walk(way: Way, seed: u64) -> anyhow::Result<()> {
    let bench = Bench::start(cores::pair()?, seed, CAMPAIGNS)?;
    let bodies = bench.bodies();
    let in_flight = Arc::new(InFlight::new(IN_FLIGHT_MAX));
    let bids = match way {
        Way::Supervised => counted_requests(&bodies, |body| supervised(bench.port(), body)),
        Way::Plain => counted_requests(&bodies, |body| admitted(&in_flight, &bench, body)),
    }?;
    ensure!(bids > 0, "nothing was bid on");
    bench.end();
    Ok(())
}

#[inline(never)]
fn counted_requests(bodies: &Bodies, answer: impl Fn(&Bytes) -> anyhow::Result<bool>) -> anyhow::Result<u64> {
    let mut bids = 0;
    for body in bodies.0.iter().cycle().take(REQUESTS) {
        bids += u64::from(answer(body)?);
    }
    Ok(bids)
}

/// Whether there was a bid. The request runs to completion at the first poll.
fn supervised(port: &ExchangePort, body: &Bytes) -> anyhow::Result<bool> {
    match pin!(port.answer(framed(body))).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Answer::Content(_)) => Ok(true),
        Poll::Ready(_) => Ok(false),
        Poll::Pending => bail!("a request waits, although every actor is there"),
    }
}

fn admitted(in_flight: &Arc<InFlight>, plain: &Bench, body: &Bytes) -> anyhow::Result<bool> {
    let ticket = in_flight.enter(Instant::now()).context("there is room")?;
    let bid = plain.answer(body)?.is_some();
    drop(ticket);
    Ok(bid)
}
