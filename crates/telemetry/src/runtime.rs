//! What is counted about the runtime that an exchange has to itself.

use crate::counter::{Counter, Gauge};

/// One exchange's runtime.
#[derive(Debug, Default)]
pub struct RuntimeMeters {
    /// Runtimes that were left behind, since their threads did not come back.
    pub lost: Counter,
    /// Connections that went on on a fresh one.
    pub connections_moved: Counter,
    /// How late the last beat came, in nanoseconds.
    pub lag_nanos: Gauge,
    /// The share of its requests that it sheds to come down from overload, in thousandths.
    pub pressure_permille: Gauge,
}
