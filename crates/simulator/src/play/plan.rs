//! What a simulation is made of.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use money::Rates;

use crate::auction::Competition;
use crate::dialect::Dialect;
use crate::load::{Limit, Pace};
use crate::notice::NoticePolicy;
use crate::traffic::TrafficMix;

/// Which notice moves money on an exchange; must be what the ad server is configured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BillingEvent {
    /// The billing notice.
    Burl,
    /// The win notice.
    Nurl,
}

/// One exchange to play.
#[derive(Clone, Debug)]
pub struct ExchangePlan {
    /// Its name, as the ad server knows it.
    pub name: Arc<str>,
    /// The address of the ad server's listener for it.
    pub address: SocketAddr,
    /// The path of bid requests.
    pub path: PathAndQuery,
    /// How it speaks.
    pub dialect: Dialect,
    /// What it sends.
    pub mix: TrafficMix,
    /// Who bids beside us.
    pub competition: Competition,
    /// Keep-alive connections; each carries one request at a time.
    pub connections: usize,
    /// Requests per second over all connections, on schedule.
    pub requests_per_second: u64,
    /// How long an answer is awaited before its connection is given up. Longer than any `tmax`: a late answer is late, not lost.
    pub give_up: Duration,
    /// Which notice moves money.
    pub billing_event: BillingEvent,
}

impl ExchangePlan {
    /// Makes a plan with the usual mix and competition, 8 connections and 100 requests a second.
    pub fn new(name: &str, address: SocketAddr, path: PathAndQuery, dialect: Dialect) -> Self {
        Self {
            name: name.into(),
            address,
            path,
            dialect,
            mix: TrafficMix::usual(),
            competition: Competition::usual(),
            connections: 8,
            requests_per_second: 100,
            give_up: Duration::from_secs(2),
            billing_event: BillingEvent::Burl,
        }
    }
}

/// A whole simulation.
#[derive(Clone, Debug)]
pub struct SimulationPlan {
    /// Everything drawn follows from it: print it.
    pub seed: u64,
    /// The exchange rates, the same as the ad server's: what a notice bills in USD is computed with them.
    pub rates: Rates,
    /// The exchanges.
    pub exchanges: Vec<ExchangePlan>,
    /// How notices are sent.
    pub notices: NoticePolicy,
    /// The end, for each exchange.
    pub limit: Limit,
    /// How exactly the schedule is met.
    pub pace: Pace,
}
