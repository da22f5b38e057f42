//! How often a region's actors act, and how long a won bid waits.

use std::time::Duration;

use crate::limits::{CONTROL_PERIOD, RENEWAL_PERIOD, WON_TTL};

/// The periods of a region that a configuration may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// How often leases are topped up, closed and returned. Longer: larger gaps when an account runs dry.
    pub renewal: Duration,
    /// How often the pass probabilities are set. Shorter follows traffic closer and is noisier.
    pub control: Duration,
    /// For how long a bid that was won stays reserved without being billed, [`WON_TTL`] at most. Shorter frees the money of
    /// wins that are never rendered earlier; a billing after it overdraws the lease if that has bid the money again.
    pub won_ttl: Duration,
}

impl Timings {
    /// Ten looks at the leases a second, one at the pacing, half an hour for a win.
    pub const STANDARD: Self = Self { renewal: RENEWAL_PERIOD, control: CONTROL_PERIOD, won_ttl: WON_TTL };
}
