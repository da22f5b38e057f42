//! Telemetry: meters that a hot path can afford, alerts derived from the tree's events, and the
//! supervised aggregator that turns both into a page for Prometheus.
//!
//! - [`Meters`] are made at wiring and shared by `Arc`; counting is one relaxed atomic operation.
//! - [`Alert`]s say that a promise of the tree is being used up: an exchange degraded, a region
//!   down, a campaign quarantined, the ledger down, telemetry off, the root exhausted. They stand
//!   on the [`AlertBoard`], which outlives the aggregator.
//! - [`ServiceLevels`] say what the exchanges are promised, and raise an alert when failures come faster than the error
//!   budget allows.
//! - [`MetricsAggregator`] owns the registry and follows the tree's events. It is never in the way
//!   of a request or of a restart: who counts does not know of it.

#![warn(clippy::disallowed_methods)]

mod aggregator;
mod alert;
mod board;
mod burn;
pub mod chaos;
mod collect;
mod counter;
mod histogram;
mod ledger_state;
mod levels;
mod meters;
mod runtime;
mod subtree;

pub use aggregator::{
    AggregatorArgs, AggregatorCrash, AggregatorMessage, FOLLOW_INTERVAL, MetricsAggregator, render_alerts,
};
pub use alert::{Alert, Cause, Severity};
pub use board::{ALERT_EVENTS_KEPT, ALERTS_ENDED_MAX, AlertBoard, AlertEvent};
pub use burn::{BURN_RULES, BURN_STEP, BurnHistory, BurnRule, Counts, FAILURES_MIN, Objective, Window};
pub use collect::ALERT_SERIES_MAX;
pub use counter::{Counter, Gauge, LABELS_MAX, Labelled};
pub use histogram::{BUCKETS_US, Histogram, HistogramSnapshot};
pub use ledger_state::LedgerState;
pub use levels::{LevelReport, Objectives, ServiceLevel, ServiceLevels};
pub use meters::{ConnectionMeters, ExchangeMeters, Meters, NoticeMeters, RegionMeters, RegionState, Statuses};
pub use runtime::RuntimeMeters;
pub use subtree::{
    RENDER_TIMEOUT, TELEMETRY_BACKOFF_MAX, TELEMETRY_BACKOFF_MIN, TELEMETRY_PERIOD, TELEMETRY_RESTARTS_MAX,
    telemetry_supervisor,
};
