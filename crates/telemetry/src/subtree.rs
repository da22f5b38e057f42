//! The supervisor of telemetry: when its intensity is used up it is off, and retried.
//!
//! Its failures never climb further: no promise to an exchange depends on metrics.

use std::sync::Arc;
use std::time::Duration;

use tembusu::{Address, Supervisor, SupervisorRef, child};

use crate::aggregator::{AggregatorArgs, AggregatorMessage, MetricsAggregator};
use crate::board::AlertBoard;
use crate::levels::ServiceLevels;
use crate::meters::Meters;

/// Restarts granted within [`TELEMETRY_PERIOD`].
pub const TELEMETRY_RESTARTS_MAX: u32 = 5;
/// The period of [`TELEMETRY_RESTARTS_MAX`].
pub const TELEMETRY_PERIOD: Duration = Duration::from_secs(60);
/// The first wait before telemetry is tried again; each failure doubles it.
pub const TELEMETRY_BACKOFF_MIN: Duration = Duration::from_secs(1);
/// The longest wait before telemetry is tried again.
pub const TELEMETRY_BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How long a scrape waits for its page.
pub const RENDER_TIMEOUT: Duration = Duration::from_secs(2);

/// Makes the telemetry subtree and the address that renders the page.
///
/// `tree` is the handle of the whole tree, taken before it starts.
pub fn telemetry_supervisor(
    meters: Arc<Meters>,
    board: Arc<AlertBoard>,
    levels: Arc<ServiceLevels>,
    tree: SupervisorRef,
) -> (Supervisor, Address<AggregatorMessage>) {
    let mut telemetry = Supervisor::one_for_one("telemetry")
        .intensity(TELEMETRY_RESTARTS_MAX, TELEMETRY_PERIOD)
        .quarantine()
        .restore_after(TELEMETRY_BACKOFF_MIN, TELEMETRY_BACKOFF_MAX);
    let aggregator =
        telemetry.add(child::<MetricsAggregator>("metrics_aggregator", AggregatorArgs { meters, board, levels, tree }));
    (telemetry, aggregator)
}
