//! The simulated exchanges, on a runtime of their own: the ad server shares no thread with them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use simulator::{
    Dialect, ExchangePlan, Limit, NoticePolicy, Pace, Record, SimulationPlan, SimulationReport, Simulator, StopHandle,
};
use tokio::runtime::{Builder, Runtime};

use super::DemoOptions;
use super::scene::Scene;
use crate::config;
use crate::system::System;

/// Longest run without `--for`.
const ENDLESS: Limit = Limit { requests: u64::MAX, duration: Duration::from_secs(10 * 365 * 24 * 3_600) };
/// How long the notices of the last auctions are waited for, each time.
const SETTLE_WITHIN: Duration = Duration::from_secs(10);
/// How often what was not acknowledged is repeated at the end.
const REPEATS_MAX: usize = 5;

/// The running simulator.
pub(crate) struct Traffic {
    runtime: Runtime,
    simulator: Mutex<Simulator>,
    stop: StopHandle,
    record: Record,
}

/// Starts the simulated exchanges against a running system.
pub(crate) fn start(system: &System, scene: &Scene, options: &DemoOptions) -> anyhow::Result<Traffic> {
    let plan = plan(system, scene, options)?;
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("simulator").enable_all().build()?;
    let simulator = {
        let _inside = runtime.enter();
        Simulator::start(plan)
    };
    let (stop, record) = (simulator.stop_handle(), simulator.record());
    Ok(Traffic { runtime, simulator: Mutex::new(simulator), stop, record })
}

/// The three exchanges, as the demonstration plays them.
pub(crate) fn plan(system: &System, scene: &Scene, options: &DemoOptions) -> anyhow::Result<SimulationPlan> {
    let exchanges = &scene.config.exchanges;
    let each = u64::from(options.requests_per_second).div_ceil(exchanges.len() as u64).max(1);
    let exchanges = exchanges
        .iter()
        .map(|exchange| {
            let port = system.ports().exchange(&exchange.name).context("every configured exchange has a port")?;
            let mut plan = ExchangePlan::new(&exchange.name, port.address, port.path.parse()?, dialect(exchange)?);
            plan.requests_per_second = each;
            Ok(plan)
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(SimulationPlan {
        seed: options.seed,
        rates: scene.config.rates.clone(),
        exchanges,
        notices: NoticePolicy::troublesome(),
        limit: Limit { duration: options.run_for.unwrap_or(ENDLESS.duration), ..ENDLESS },
        pace: Pace::Timer,
    })
}

fn dialect(exchange: &config::ExchangeConfig) -> anyhow::Result<Dialect> {
    Ok(match exchange.dialect {
        config::Dialect::GoogleAdx => Dialect::google_adx(Scene::price_keys()?),
        config::Dialect::Xandr => Dialect::xandr(),
        config::Dialect::Index | config::Dialect::Openrtb => Dialect::index(),
    })
}

impl Traffic {
    /// The exchanges' own record of wins and billings.
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// Lets no further request be sent.
    pub(crate) fn stop(&self) {
        self.stop.stop();
    }

    /// Waits for the last answers and notices; repeats what was not acknowledged, as an exchange does.
    pub(crate) fn finish(self) -> SimulationReport {
        self.stop();
        let mut simulator = self.simulator.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.runtime.block_on(async {
            let mut report = simulator.finish(SETTLE_WITHIN).await;
            for _ in 0..REPEATS_MAX {
                if report.settled {
                    break;
                }
                simulator.desk().repeat_unacknowledged(None);
                report = simulator.finish(SETTLE_WITHIN).await;
            }
            report
        })
    }
}
