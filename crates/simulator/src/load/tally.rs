//! How the requests of one exchange ended.
//!
//! Promises: every scheduled request is counted once under what became of it; a connection closed by the server and a
//! connection that we gave up are told apart. Never rounds a lost request into a late one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

use crate::client::{Answer, ConnectError, SendError};

/// Most reasons that are counted by name; a server that invents more has them counted under `other`.
const REASONS_MAX: usize = 64;

/// Highest latency told apart, in microseconds; longer ones count as this.
const LATENCY_MICROS_MAX: u64 = 60_000_000;

/// Counters of one exchange. Plain numbers: take a copy and compare.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Requests whose instant came while the run lasted, sent or not.
    pub scheduled: u64,
    /// Requests of which at least the first byte was handed to a connection.
    pub sent: u64,
    /// Requests whose instant came and for which no connection was free in time: not until the run ended, or as long as was said.
    pub unsent: u64,
    /// Answers 200.
    pub ok: u64,
    /// Answers 200 not later than `tmax` after the instant at which the request was due.
    pub ok_in_time: u64,
    /// Answers 204.
    pub no_content: u64,
    /// Answers 204 and 200 without a bid, by the server's reason.
    pub no_bid_reasons: BTreeMap<String, u64>,
    /// Answers 400.
    pub bad_request: u64,
    /// Answers with any other status: no valid answer.
    pub other_status: u64,
    /// Answers 200 that are no bid response: no valid answer.
    pub unreadable: u64,
    /// Valid answers later than `tmax` after the instant at which the request was due.
    pub late: u64,
    /// Valid answers later than `tmax` after the request was handed to its connection.
    pub late_on_wire: u64,
    /// Requests given up without a complete answer.
    pub timed_out: u64,
    /// Requests whose connection the server closed while they were in flight.
    pub closed_in_flight: u64,
    /// Idle connections closed by the server.
    pub closed_idle: u64,
    /// Connects that were refused.
    pub refused: u64,
    /// Connects that failed in any other way.
    pub connect_failed: u64,
    /// Requests that found no connection, because a connect was refused or failed.
    pub unconnected: u64,
    /// Connections opened.
    pub connects: u64,
    /// Bids that passed the validator.
    pub bids: u64,
    /// Bids that did not, by what they violate.
    pub violations: BTreeMap<String, u64>,
    /// Auctions won.
    pub wins: u64,
    /// Auctions lost with a valid bid.
    pub losses: u64,
    /// From the instant at which a request was due to its complete answer, in microseconds.
    pub latency_micros: Histogram<u64>,
    /// From the hand-over to the connection to the complete answer, in microseconds.
    pub service_micros: Histogram<u64>,
    /// Latest hand-over of a request after its instant.
    pub send_lag_max: Duration,
}

/// How a request ended, for a caller that wants to know of each.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// A complete HTTP answer.
    Answered(Answer),
    /// No connection.
    Unconnected(ConnectError),
    /// No answer.
    Failed(SendError),
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

impl Tally {
    /// Makes an empty tally.
    ///
    /// # Panics
    ///
    /// Never: the bounds of the histogram are constants.
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LATENCY_MICROS_MAX, 3).expect("constant bounds are valid");
        Self {
            scheduled: 0,
            sent: 0,
            unsent: 0,
            ok: 0,
            ok_in_time: 0,
            no_content: 0,
            no_bid_reasons: BTreeMap::new(),
            bad_request: 0,
            other_status: 0,
            unreadable: 0,
            late: 0,
            late_on_wire: 0,
            timed_out: 0,
            closed_in_flight: 0,
            closed_idle: 0,
            refused: 0,
            connect_failed: 0,
            unconnected: 0,
            connects: 0,
            bids: 0,
            violations: BTreeMap::new(),
            wins: 0,
            losses: 0,
            latency_micros: histogram.clone(),
            service_micros: histogram,
            send_lag_max: Duration::ZERO,
        }
    }

    /// Counts the requests that got no valid answer: nothing, half of one, an unexpected status, or no bid response.
    pub fn lost(&self) -> u64 {
        self.unconnected + self.closed_in_flight + self.timed_out + self.other_status + self.unreadable
    }

    /// Counts the valid answers: 200 with a bid response, 204 and 400.
    pub fn answered(&self) -> u64 {
        self.ok - self.unreadable + self.no_content + self.bad_request
    }

    /// Counts the connections that the server closed, idle or not.
    pub fn closed_by_server(&self) -> u64 {
        self.closed_idle + self.closed_in_flight
    }

    /// Counts bids and answers that the validator rejected.
    pub fn violations_total(&self) -> u64 {
        self.violations.values().sum()
    }

    /// Returns a quantile of the latency from schedule, for example 0.99.
    pub fn latency(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.latency_micros.value_at_quantile(quantile))
    }

    /// Returns a quantile of the time from hand-over to answer.
    pub fn service(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.service_micros.value_at_quantile(quantile))
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.scheduled, other.scheduled),
            (&mut self.sent, other.sent),
            (&mut self.unsent, other.unsent),
            (&mut self.ok, other.ok),
            (&mut self.ok_in_time, other.ok_in_time),
            (&mut self.no_content, other.no_content),
            (&mut self.bad_request, other.bad_request),
            (&mut self.other_status, other.other_status),
            (&mut self.unreadable, other.unreadable),
            (&mut self.late, other.late),
            (&mut self.late_on_wire, other.late_on_wire),
            (&mut self.timed_out, other.timed_out),
            (&mut self.closed_in_flight, other.closed_in_flight),
            (&mut self.closed_idle, other.closed_idle),
            (&mut self.refused, other.refused),
            (&mut self.connect_failed, other.connect_failed),
            (&mut self.unconnected, other.unconnected),
            (&mut self.connects, other.connects),
            (&mut self.bids, other.bids),
            (&mut self.wins, other.wins),
            (&mut self.losses, other.losses),
        ] {
            *mine += theirs;
        }
        for (reason, count) in &other.no_bid_reasons {
            count_reason(&mut self.no_bid_reasons, reason, *count);
        }
        for (violation, count) in &other.violations {
            count_reason(&mut self.violations, violation, *count);
        }
        // Equal bounds: an addition cannot fail.
        let _ = self.latency_micros.add(&other.latency_micros);
        let _ = self.service_micros.add(&other.service_micros);
        self.send_lag_max = self.send_lag_max.max(other.send_lag_max);
    }

    pub(crate) fn count_violation(&mut self, label: &str) {
        count_reason(&mut self.violations, label, 1);
    }

    pub(crate) fn count_answer(&mut self, answer: &Answer, due: Instant, tmax: Option<Duration>) {
        let service = answer.answered_at.saturating_duration_since(answer.sent_at);
        self.send_lag_max = self.send_lag_max.max(answer.sent_at.saturating_duration_since(due));
        self.count_status(answer.status.as_u16(), answer.answered_at.saturating_duration_since(due), service, tmax);
        if matches!(answer.status.as_u16(), 200 | 204)
            && let Some(reason) = answer.no_bid_reason()
        {
            count_reason(&mut self.no_bid_reasons, reason, 1);
        }
    }

    pub(crate) fn count_status(&mut self, status: u16, latency: Duration, service: Duration, tmax: Option<Duration>) {
        match status {
            200 => self.ok += 1,
            204 => self.no_content += 1,
            400 => self.bad_request += 1,
            _ => {
                self.other_status += 1;
                return;
            }
        }
        self.ok_in_time += u64::from(status == 200 && tmax.is_none_or(|tmax| latency <= tmax));
        self.latency_micros.saturating_record(micros(latency));
        self.service_micros.saturating_record(micros(service));
        if let Some(tmax) = tmax {
            self.late += u64::from(tmax < latency);
            self.late_on_wire += u64::from(tmax < service);
        }
    }
}

fn count_reason(reasons: &mut BTreeMap<String, u64>, reason: &str, count: u64) {
    if let Some(known) = reasons.get_mut(reason) {
        *known += count;
    } else if reasons.len() < REASONS_MAX {
        reasons.insert(reason.to_owned(), count);
    } else {
        *reasons.entry("other".to_owned()).or_default() += count;
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1)
}

/// A tally shared by the connections of one exchange and whoever watches.
#[derive(Clone, Debug, Default)]
pub struct TallySheet(Arc<Mutex<Tally>>);

impl TallySheet {
    /// Makes an empty sheet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a copy of the counts so far.
    pub fn snapshot(&self) -> Tally {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the counts under the lock; do not wait inside.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Tally) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
