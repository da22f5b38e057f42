//! How much an exchange may ask of this process: what was agreed with it, what is kept under overload, and when its runtime is
//! lost.

use std::time::Duration;

use serde::Deserialize;

use super::duration::{self, show};
use super::error::Fault;
use super::place::Step::{self, Index, Key};

/// Most queries a second that can be agreed: more than one listener ever answers.
const QPS_MAX: u32 = 10_000_000;
/// Shortest and longest delay that is kept: below, the timer says nothing; above, no exchange waits.
const DELAY: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(1));
/// Shortest and longest time without a beat: below, an ordinary pause of the machine would do.
const LOST_AFTER: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3_600));
/// The burst that is granted unless it is said: so much of a second's queries.
const BURST_OF_SECOND: u32 = 10;

/// One exchange's load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoadConfig {
    /// Queries a second that were agreed; what comes beyond gets 204 before it is read. Without one, all that come.
    pub max_qps: Option<u32>,
    /// How many may come at once; a tenth of a second's unless it is said.
    pub burst: Option<u32>,
    /// Under overload exchanges of lower priority shed first, for the sake of those above them. Equal ones shed each for itself.
    pub priority: u8,
    /// How long a request may wait for the exchange's thread; when all wait longer for a while, some are shed. The more are shed,
    /// the longer the others may wait, up to sixteen times that.
    #[serde(deserialize_with = "duration::deserialize")]
    pub delay: Duration,
    /// After so long without a sign of life the exchange's runtime is given up: an endless loop holds it. After a tenth of it, if it
    /// burnt a processor all that time.
    #[serde(deserialize_with = "duration::deserialize")]
    pub lost_after: Duration,
}

impl Default for LoadConfig {
    fn default() -> LoadConfig {
        LoadConfig {
            max_qps: None,
            burst: None,
            priority: 100,
            delay: Duration::from_millis(5),
            lost_after: Duration::from_secs(1),
        }
    }
}

impl LoadConfig {
    /// Returns queries a second and burst, if they are limited.
    pub fn quota(&self) -> Option<(u32, u32)> {
        let max_qps = self.max_qps?;
        Some((max_qps, self.burst.unwrap_or(max_qps / BURST_OF_SECOND).max(1)))
    }

    pub(super) fn verify(&self, exchange: usize) -> Result<(), Fault> {
        let at = |key| [Key("exchange"), Index(exchange), Key("load"), Key(key)];
        if let Some(max_qps) = self.max_qps
            && !(1..=QPS_MAX).contains(&max_qps)
        {
            return Err(Fault::new(at("max_qps"), format!("it is {max_qps}; write 1 to {QPS_MAX}, or leave it out")));
        }
        if let Some(burst) = self.burst {
            if self.max_qps.is_none() {
                return Err(Fault::new(at("burst"), "nothing bursts without a limit; write `max_qps` or leave it out"));
            }
            if !(1..=QPS_MAX).contains(&burst) {
                return Err(Fault::new(at("burst"), format!("it is {burst}; write 1 to {QPS_MAX}")));
            }
        }
        within(self.delay, DELAY, &at("delay"))?;
        within(self.lost_after, LOST_AFTER, &at("lost_after"))
    }

    pub(super) fn explain(&self) -> Vec<String> {
        let quota = match self.quota() {
            None => "  it may send as many requests as come".to_owned(),
            Some((max_qps, burst)) => {
                format!("  it may send {max_qps} requests a second, {burst} at once; others get 204 over_quota")
            }
        };
        let overload = format!(
            "  when requests wait longer than {} for its thread, exchanges below priority {} shed first, then the requests that are worth least",
            show(self.delay),
            self.priority
        );
        let lost = format!(
            "  after {} without a sign of life its runtime is given up for a fresh one, sooner if it burns a processor",
            show(self.lost_after)
        );
        vec![quota, overload, lost]
    }
}

fn within(value: Duration, (min, max): (Duration, Duration), at: &[Step]) -> Result<(), Fault> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let problem = format!("it is {}; write {} to {}", show(value), show(min), show(max));
    Err(Fault::new(at.to_vec(), problem))
}
