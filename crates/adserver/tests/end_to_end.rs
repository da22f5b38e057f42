//! A whole system under simulated traffic: what the exchanges billed is what the ledger has.

mod support;

use std::time::{Duration, Instant};

use adserver::config::AdserverConfig;
use adserver::system::System;
use ledger::{Audit, Totals};
use openrtb::price::adx;
use simulator::{Dialect, ExchangePlan, Limit, NoticePolicy, Pace, SimulationPlan, Simulator};
use support::{WITHIN, campaigns, start};
use tokio::runtime::{Builder, Runtime};

const SEED: u64 = 20_261_122;
const KEYS: &str = include_str!("fixtures/adx-price.keys");

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

fn plan(system: &System, config: &AdserverConfig, requests: u64) -> SimulationPlan {
    println!("seed {SEED}");
    let exchanges = system.ports().exchanges.iter().map(|port| {
        let dialect = match port.name.as_str() {
            "google_adx" => {
                let (encryption, integrity) = KEYS.trim().split_once('\n').expect("two keys");
                Dialect::google_adx(adx::Keys::from_base64(encryption, integrity).expect("keys"))
            }
            "xandr" => Dialect::xandr(),
            _ => Dialect::index(),
        };
        let path = port.path.parse().expect("a path");
        ExchangePlan::new(&port.name, port.address, path, dialect)
    });
    SimulationPlan {
        seed: SEED,
        rates: config.rates.clone(),
        exchanges: exchanges.collect(),
        notices: NoticePolicy::troublesome(),
        limit: Limit { requests, duration: Duration::from_secs(60) },
        pace: Pace::Timer,
    }
}

fn on_disk(config: &AdserverConfig) -> Totals {
    Audit::open(&config.ledger.path).expect("the ledger opens").verify().expect("the ledger balances")
}

#[test]
fn traffic_gets_bids_and_the_ledger_equals_the_exchanges_record() {
    let world = start();
    let outside = runtime();
    let report = outside.block_on(async {
        let mut simulator = Simulator::start(plan(&world.system, &world.config, 150));
        simulator.finish(WITHIN).await
    });
    assert!(report.settled, "{:?}", report.record);
    let restarts: u64 = world.system.tree().snapshot().walk().map(|node| node.restarts).sum();
    let drained = world.system.drain();
    assert!(drained.reason.is_some(), "{drained:?}");

    let total = report.total();
    assert_eq!(total.sent, 450);
    assert_eq!(
        (total.lost(), total.closed_by_server(), total.violations_total()),
        (0, 0, 0),
        "{:?}",
        report.complaints
    );
    assert!(0 < report.record.wins.recorded, "{:?}", report.record);
    assert_eq!(on_disk(&world.config).spent, report.record.acknowledged);
    assert_eq!(restarts, 0);
}

/// The system is drained in the midst of auctions and notices, and started again on the same ports and
/// the same ledger; then the exchanges repeat what was not acknowledged.
#[test]
fn a_drain_under_load_loses_nothing() {
    let support::World { system, mut config, folder: _folder } = start();
    let outside = runtime();
    let mut simulator = {
        let _inside = outside.enter();
        Simulator::start(plan(&system, &config, 100_000))
    };
    let started = Instant::now();
    while simulator.record().totals().billings.acknowledged < 20 {
        assert!(started.elapsed() < WITHIN, "no billing is acknowledged: {:?}", simulator.record().totals());
        std::thread::sleep(Duration::from_millis(1));
    }
    let ports = system.ports().clone();
    let drained = system.drain();
    assert!(drained.reason.is_some(), "{drained:?}");
    simulator.stop();
    let report = outside.block_on(simulator.finish(WITHIN));
    let spent = on_disk(&config).spent;
    let record = &report.record;
    assert!(record.acknowledged <= spent && spent <= record.sent, "{spent} is not within {record:?}");
    let total = report.total();
    assert_eq!(
        (total.unreadable, total.timed_out, total.other_status),
        (0, 0, 0),
        "an answer is whole or its connection closed"
    );

    config.notices.listen = ports.notices;
    let system = System::start(&config, campaigns()).expect("it starts again");
    let report = outside.block_on(async {
        simulator.desk().repeat_unacknowledged(None);
        simulator.finish(WITHIN).await
    });
    assert!(report.settled, "{:?}", report.record);
    system.drain();
    assert_eq!(on_disk(&config).spent, report.record.acknowledged);
    assert_eq!(report.record.acknowledged, report.record.sent);
}
