//! Bare load for benches: prepared bodies over N keep-alive connections, closed or open loop.
//!
//! Promises: bodies are turned into wire bytes before the clock starts; the loop allocates nothing per request. Runs on
//! the caller's runtime, so that the caller decides on which core the client lives.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::{Limit, Pace, Schedule, StopHandle, Tally, TallySheet};
use crate::client::{ConnectError, Endpoint, SendError, Wire};

/// How the next request is decided upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadMode {
    /// Each connection sends its next request when it has the answer to the last: finds the server's limit.
    Closed,
    /// A fixed schedule: finds the latency at a rate.
    Open {
        /// Requests per second over all connections.
        per_second: u64,
        /// How exactly the schedule is met.
        pace: Pace,
    },
}

/// A run of [`drive`].
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// Where to, with which headers.
    pub endpoint: Endpoint,
    /// The bodies, sent in turn; each connection starts at another.
    pub bodies: Vec<Bytes>,
    /// Keep-alive connections, all opened before the clock starts.
    pub connections: usize,
    /// Closed or open loop.
    pub mode: LoadMode,
    /// Not counted, before the measured part.
    pub warm_up: Limit,
    /// The measured part.
    pub measured: Limit,
    /// Answers later than this are counted late.
    pub tmax: Option<Duration>,
    /// In an open loop, how long a request waits for a connection that is free. Who finds none by then is never sent and counted
    /// as unsent, as an exchange does it: it has others to ask. Without one, a server that falls behind is sent older and older
    /// requests, and answers none in time any more.
    pub patience: Option<Duration>,
}

/// What a run of [`drive`] found.
#[derive(Clone, Debug)]
pub struct DriveReport {
    /// Counts and latencies of the measured part; in a closed loop latency counts from the sending.
    pub tally: Tally,
    /// Wall time of the measured part.
    pub elapsed: Duration,
}

impl DriveReport {
    /// Valid answers per second of the measured part, rounded down.
    pub fn requests_per_second(&self) -> u64 {
        let per_second = u128::from(self.tally.answered()) * 1_000_000_000 / self.elapsed.as_nanos().max(1);
        u64::try_from(per_second).unwrap_or(u64::MAX)
    }
}

/// A run that could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveError {
    /// There is nothing to send, or nothing to send it on.
    #[error("a load plan needs at least one body and one connection")]
    Empty,
    /// A connection could not be opened.
    #[error("connection {number} of {total} could not be opened")]
    Connect {
        /// Which one, from 1.
        number: usize,
        /// Of how many.
        total: usize,
        /// Why.
        source: ConnectError,
    },
    /// The measured part would have been of fewer connections than were asked for.
    #[error(
        "{lost} of {total} connections were lost in the warm-up: look why the server closed them or did not answer, and run it again"
    )]
    LostWarmingUp {
        /// How many.
        lost: usize,
        /// Of how many.
        total: usize,
    },
}

/// Longest wait for a connect.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// A connection whose request gets no answer for this long past the end of the run is given up.
const DRAIN_WITHIN: Duration = Duration::from_secs(2);

/// Runs a load plan: warm-up, then the measured part.
///
/// A connection that the server closes is counted and not opened again: a bench that loses connections is void. One that loses
/// some before it measures does not begin.
///
/// # Errors
///
/// [`DriveError`] if the run could not begin.
pub async fn drive(plan: &LoadPlan) -> Result<DriveReport, DriveError> {
    if plan.bodies.is_empty() || plan.connections == 0 {
        return Err(DriveError::Empty);
    }
    let requests: Arc<[Bytes]> = plan.bodies.iter().map(|body| plan.endpoint.post_bytes(body)).collect();
    let mut wires = Vec::with_capacity(plan.connections);
    for number in 1..=plan.connections {
        let wire = Wire::connect(plan.endpoint.address, CONNECT_WITHIN)
            .await
            .map_err(|source| DriveError::Connect { number, total: plan.connections, source })?;
        wires.push(wire);
    }
    let (_, wires) = phase(plan, plan.warm_up, &requests, wires).await;
    if wires.len() < plan.connections {
        return Err(DriveError::LostWarmingUp { lost: plan.connections - wires.len(), total: plan.connections });
    }
    let (report, _) = phase(plan, plan.measured, &requests, wires).await;
    Ok(report)
}

async fn phase(plan: &LoadPlan, limit: Limit, requests: &Arc<[Bytes]>, wires: Vec<Wire>) -> (DriveReport, Vec<Wire>) {
    let sheet = TallySheet::new();
    sheet.update(|tally| tally.connects = wires.len() as u64);
    let stop = StopHandle::new();
    let start = Instant::now();
    let (per_second, pace) = match plan.mode {
        // In a closed loop the schedule only counts and ends: every slot is due at once.
        LoadMode::Closed => (u64::MAX, Pace::Timer),
        LoadMode::Open { per_second, pace } => (per_second, pace),
    };
    let patience = plan.patience.filter(|_| plan.mode != LoadMode::Closed);
    let schedule = Arc::new(Schedule::new(start, per_second, limit, pace, &stop).patience(patience));
    let mut runners = JoinSet::new();
    for (position, wire) in wires.into_iter().enumerate() {
        let (schedule, sheet, requests) = (schedule.clone(), sheet.clone(), requests.clone());
        let (open_loop, tmax) = (plan.mode != LoadMode::Closed, plan.tmax);
        runners.spawn(async move { run_wire(wire, &schedule, &sheet, &requests, position, open_loop, tmax).await });
    }
    let mut wires = Vec::with_capacity(plan.connections);
    let mut drain = async || {
        while let Some(ended) = runners.join_next().await {
            if let Ok(Some(wire)) = ended {
                wires.push(wire);
            }
        }
    };
    let stuck = timeout(limit.duration.saturating_add(DRAIN_WITHIN), drain()).await.is_err();
    let elapsed = start.elapsed();
    if stuck {
        runners.abort_all();
    }
    // Each of them has a request without an answer, unless it came in at the last moment: then it has counted it.
    let mut given_up = 0;
    while let Some(ended) = runners.join_next().await {
        match ended {
            Ok(wire) => wires.extend(wire),
            Err(error) => given_up += u64::from(error.is_cancelled()),
        }
    }
    let mut tally = sheet.snapshot();
    tally.scheduled += given_up;
    tally.sent += given_up;
    tally.timed_out += given_up;
    if plan.mode != LoadMode::Closed {
        tally.unsent = schedule.unsent(start + elapsed);
        tally.scheduled += tally.unsent;
    }
    (DriveReport { tally, elapsed }, wires)
}

async fn run_wire(
    mut wire: Wire,
    schedule: &Schedule,
    sheet: &TallySheet,
    requests: &[Bytes],
    position: usize,
    open_loop: bool,
    tmax: Option<Duration>,
) -> Option<Wire> {
    let mut turn = position;
    while let Some(slot) = schedule.next().await {
        let request = &requests[turn % requests.len()];
        turn += 1;
        let sent_at = Instant::now();
        let due = if open_loop { slot.due } else { sent_at };
        let answer = wire.send(request).await;
        let now = Instant::now();
        sheet.update(|tally| {
            tally.scheduled += 1;
            tally.sent += 1;
            match &answer {
                Ok(answer) => {
                    tally.send_lag_max = tally.send_lag_max.max(sent_at.saturating_duration_since(due));
                    tally.count_status(answer.status, now - due, now - sent_at, tmax);
                }
                Err(SendError::Unusable(_)) => tally.other_status += 1,
                Err(_) => tally.closed_in_flight += 1,
            }
        });
        answer.ok()?;
    }
    Some(wire)
}
