//! The three exchanges as senders of given requests.

use std::time::Duration;

use adserver::config::ExchangeConfig;
use adserver::system::{ExchangeAddress, System};
use bytes::Bytes;
use openrtb::price::adx;
use simulator::{Dialect, Endpoint, ReplayPlan, Replayed, Tally, replay};
use tokio::runtime::{Builder, Runtime};

use super::World;
use crate::support::WITHIN;

const KEYS: &str = include_str!("../fixtures/adx-price.keys");

/// Connections of one exchange: enough to overlap, few enough that nobody waits for a place on the processor.
const CONNECTIONS: usize = 2;

/// One exchange that sends.
pub(crate) struct Exchange {
    pub(crate) name: String,
    /// The time of a request that gives none.
    pub(crate) tmax: Duration,
    /// How much of it is the network's.
    pub(crate) margin: Duration,
    pub(crate) endpoint: Endpoint,
    dialect: Dialect,
    runtime: Runtime,
}

/// The configured exchanges.
pub(crate) fn exchanges(world: &World) -> Vec<Exchange> {
    world.config.exchanges.iter().map(|exchange| Exchange::new(&world.system, exchange)).collect()
}

impl Exchange {
    fn new(system: &System, config: &ExchangeConfig) -> Exchange {
        let dialect = match config.name.as_str() {
            "google_adx" => {
                let (encryption, integrity) = KEYS.trim().split_once('\n').expect("two keys");
                Dialect::google_adx(adx::Keys::from_base64(encryption, integrity).expect("keys"))
            }
            "xandr" => Dialect::xandr(),
            _ => Dialect::index(),
        };
        let ExchangeAddress { address, path, .. } = system.ports().exchange(&config.name).expect("a port").clone();
        Exchange {
            name: config.name.clone(),
            tmax: config.tmax,
            margin: config.margin,
            endpoint: dialect.endpoint(address, path.parse().expect("a path")),
            dialect,
            runtime: Builder::new_current_thread().enable_all().build().expect("a runtime"),
        }
    }

    /// Sends each request once, over a few keep-alive connections.
    pub(crate) fn send(&self, requests: &[&[u8]]) -> (Vec<Replayed>, Tally) {
        self.send_over(CONNECTIONS, requests)
    }

    /// Sends one request while nothing else is going on.
    pub(crate) fn send_alone(&self, request: &[u8]) -> Replayed {
        self.send_over(1, &[request]).0.remove(0)
    }

    /// Waits on this exchange's own runtime.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn send_over(&self, connections: usize, requests: &[&[u8]]) -> (Vec<Replayed>, Tally) {
        let bodies = requests.iter().map(|request| Bytes::from(self.dialect.encode(request.to_vec()))).collect();
        self.block_on(replay(ReplayPlan { endpoint: self.endpoint.clone(), bodies, connections, give_up: WITHIN }))
    }
}
