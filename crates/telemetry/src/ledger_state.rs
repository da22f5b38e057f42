//! The ledger among the series: how large it is, and when old events were last folded.
//!
//! Promises figures as somebody tells them at the time of a scrape. Never asks the ledger, which may be down.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::collect::gauges;

/// The ledger at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerState {
    /// The database, in bytes.
    pub bytes: u64,
    /// The part of it that is free.
    pub free_bytes: u64,
    /// The write-ahead log, in bytes.
    pub log_bytes: u64,
    /// Events since the last that was folded.
    pub events: u64,
    /// How many of them there should be at most.
    pub events_max: u64,
    /// Events that were folded since the process started.
    pub folded: u64,
    /// When that was done last, in unix milliseconds; 0 before the first time.
    pub folded_ms: i64,
    /// How long the longest step of it took, in microseconds.
    pub fold_step_micros_max: u64,
}

pub(crate) struct LedgerStates(pub(crate) Box<dyn Fn() -> LedgerState + Send + Sync>);

impl fmt::Debug for LedgerStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LedgerStates")
    }
}

/// Writes the series of a ledger.
pub(crate) fn encode(state: &LedgerState, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let level = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let bytes =
        [("used", state.bytes.saturating_sub(state.free_bytes)), ("free", state.free_bytes), ("log", state.log_bytes)];
    let bytes = bytes.into_iter().map(|(part, bytes)| ([("part", part)], level(bytes)));
    gauges(
        to,
        "adserver_ledger_bytes",
        "Size of the ledger: what is used and free of its database, and its log",
        bytes,
    )?;
    let help = "Events of the ledger that are not folded: what the next start replays";
    single(to, "adserver_ledger_events", help, level(state.events))?;
    let help = "How many events should be left when folding is not behind";
    single(to, "adserver_ledger_events_limit", help, level(state.events_max))?;
    let help = "Events that were folded into balances";
    to.encode_descriptor("adserver_ledger_events_folded", help, None, MetricType::Counter)?
        .encode_counter::<NoLabelSet, u64, u64>(&state.folded, None)?;
    let help = "When events were last folded, as unix time; 0 before the first time";
    let folded_s = state.folded_ms as f64 / 1e3;
    single(to, "adserver_ledger_folded_timestamp_seconds", help, folded_s)?;
    let help = "How long the longest step of folding took";
    let step_s = state.fold_step_micros_max as f64 / 1e6;
    single(to, "adserver_ledger_fold_step_max_seconds", help, step_s)
}

/// A series without labels.
fn single(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: impl EncodeGaugeValue) -> fmt::Result {
    to.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
}
