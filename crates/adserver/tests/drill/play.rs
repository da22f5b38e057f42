//! The simulated exchanges against a server, wherever it runs.

use std::time::Duration;

use adserver::config::AdserverConfig;
use adserver::system::Ports;
use openrtb::price::adx;
use simulator::{Dialect, ExchangePlan, Limit, NoticePolicy, Pace, SimulationPlan};
use tokio::runtime::{Builder, Runtime};

const KEYS: &str = include_str!("../fixtures/adx-price.keys");

/// A plan without end.
pub(crate) fn plan(seed: u64, ports: &Ports, config: &AdserverConfig, requests_per_second: u64) -> SimulationPlan {
    println!("seed {seed}");
    let exchanges = ports.exchanges.iter().map(|port| {
        let path = port.path.parse().expect("a path");
        let mut plan = ExchangePlan::new(&port.name, port.address, path, dialect(&port.name));
        plan.requests_per_second = requests_per_second;
        plan
    });
    SimulationPlan {
        seed,
        rates: config.rates.clone(),
        exchanges: exchanges.collect(),
        notices: NoticePolicy::troublesome(),
        limit: Limit { requests: u64::MAX, duration: Duration::from_secs(600) },
        pace: Pace::Timer,
    }
}

/// How an exchange of the demonstration's configuration speaks.
pub(crate) fn dialect(exchange: &str) -> Dialect {
    match exchange {
        "google_adx" => {
            let (encryption, integrity) = KEYS.trim().split_once('\n').expect("two keys");
            Dialect::google_adx(adx::Keys::from_base64(encryption, integrity).expect("keys"))
        }
        "xandr" => Dialect::xandr(),
        _ => Dialect::index(),
    }
}

/// The exchanges' own thread.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).thread_name("exchanges").enable_all().build().expect("a runtime")
}
