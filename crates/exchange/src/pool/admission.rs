//! What one pool incarnation lets in, as its connections see it.
//!
//! Three questions, in the order of what they cost: is it within the contract, is it shed for want of time, is there a place. The
//! first two are asked when the head has been read; nobody is let in to be thrown out.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::in_flight::{InFlight, Ticket};
use super::overload::{Class, Overload, OverloadArgs};
use super::quota::Quota;
use crate::reason::unserved;

/// What admission is made from.
#[derive(Clone, Debug)]
pub struct AdmissionArgs {
    /// Requests that may be in flight.
    pub in_flight_max: usize,
    /// Contracted queries a second, and how many at once; without it, all that come.
    pub quota: Option<(u32, u32)>,
    /// What is shed when the runtime cannot keep up.
    pub overload: OverloadArgs,
}

/// Admission of one incarnation.
///
/// # On restart
///
/// The next one begins with a full bucket, without pressure, and with nothing learned.
#[derive(Debug)]
pub struct Admission {
    in_flight: Arc<InFlight>,
    quota: Option<Quota>,
    overload: Overload,
}

impl Admission {
    /// Admission that has let nobody in.
    #[must_use]
    pub fn new(args: &AdmissionArgs) -> Self {
        let AdmissionArgs { in_flight_max, quota, overload } = args;
        Self {
            in_flight: Arc::new(InFlight::new(*in_flight_max)),
            quota: quota.map(|(max_qps, burst)| Quota::new(max_qps, burst, Instant::now())),
            overload: Overload::new(overload.clone()),
        }
    }

    /// The requests in flight.
    #[must_use]
    pub fn in_flight(&self) -> &Arc<InFlight> {
        &self.in_flight
    }

    /// Whether a request whose head has been read is to be read on.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn admit(&self, first_byte: Instant) -> Result<(), &'static str> {
        if self.quota.as_ref().is_some_and(|quota| !quota.admits(first_byte)) {
            return Err(unserved::OVER_QUOTA);
        }
        if self.overload.sheds_at_head() {
            return Err(unserved::SHED_PRIORITY);
        }
        Ok(())
    }

    /// Gives a request its place, and its class where that is to be learned about.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn enter(&self, body: &[u8], first_byte: Instant) -> Result<(Ticket, Option<Class>), &'static str> {
        let class = self.overload.look_at(body);
        if class.is_some_and(|class| self.overload.sheds(class)) {
            return Err(unserved::SHED_VALUE);
        }
        let ticket = self.in_flight.enter(first_byte).ok_or(unserved::OVERLOAD)?;
        Ok((ticket, class))
    }

    /// What the engine bid on a request of that class.
    pub fn learn(&self, class: Class, worth: u64) {
        self.overload.learn(class, worth);
    }

    /// The exchange's runtime has beaten, so late. Returns the pressure, in thousandths.
    pub fn beaten(&self, now: Instant, lag: Duration) -> u16 {
        self.overload.beaten(now, lag).0
    }
}
