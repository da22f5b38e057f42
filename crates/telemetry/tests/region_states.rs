//! The state of the regions among the series.

use std::time::Duration;

use telemetry::{
    AggregatorMessage, AlertBoard, LedgerState, Meters, Objective, Objectives, RegionState, ServiceLevels,
    telemetry_supervisor,
};
use tembusu::Supervisor;

#[test]
fn whoever_is_asked_first_tells_the_state_of_the_regions() {
    let meters = Meters::new(&["xandr"], &["sg"]);
    assert!(meters.region_states().is_empty());
    let state = |cap_keys| RegionState {
        name: "sg".into(),
        open: true,
        cap_keys,
        cap_provisional: 2,
        cap_keys_max: 10,
        cap_refused: 3,
        recoveries: 1,
        recovery_micros: 900,
    };
    meters.set_region_states(move || vec![state(7)]);
    meters.set_region_states(move || vec![state(8)]);
    assert_eq!(meters.region_states(), [state(7)]);
}

#[tokio::test]
async fn what_is_a_time_is_shown_in_seconds() {
    let meters = Meters::new(&["xandr"], &["sg"]);
    meters.exchange("xandr").expect("it has meters").runtime.lag_nanos.set(2_500_000);
    meters.set_region_states(|| {
        let name = "sg".into();
        let (recoveries, recovery_micros) = (1, 900);
        let (cap_keys, cap_provisional, cap_keys_max, cap_refused) = (0, 0, 10, 3);
        let open = true;
        vec![RegionState {
            name,
            open,
            cap_keys,
            cap_provisional,
            cap_keys_max,
            cap_refused,
            recoveries,
            recovery_micros,
        }]
    });
    meters.set_ledger_state(|| LedgerState {
        bytes: 5_000,
        free_bytes: 2_000,
        folded: 9,
        folded_ms: 1_500,
        fold_step_micros_max: 2_500,
        ..LedgerState::default()
    });
    let objective = Objective::parse("99.95%").expect("an objective");
    let objectives = Objectives { answered_in_time: objective, able_to_bid: objective };
    let levels = ServiceLevels::new(&meters, &[objectives], |_| false);
    let mut root = Supervisor::one_for_one("root");
    let (telemetry, aggregator) = telemetry_supervisor(meters, AlertBoard::new(), levels, root.handle());
    root.supervisor(telemetry);
    let tree = root.start().await.expect("it starts");
    let page = aggregator.call(AggregatorMessage::Render, Duration::from_secs(5)).await.expect("a page");
    for series in [
        r#"adserver_runtime_lag_seconds{exchange="xandr"} 0.0025"#,
        r#"adserver_region_recovery_seconds{region="sg"} 0.0009"#,
        r#"adserver_cap_refusals_total{region="sg"} 3"#,
        r#"adserver_cap_keys_limit{region="sg"} 10"#,
        r#"adserver_ledger_bytes{part="used"} 3000"#,
        "adserver_ledger_events_folded_total 9",
        "adserver_ledger_folded_timestamp_seconds 1.5",
        "adserver_ledger_fold_step_max_seconds 0.0025",
    ] {
        assert!(page.lines().any(|line| line == series), "{series} is not in\n{page}");
    }
    tree.shutdown().await;
}
