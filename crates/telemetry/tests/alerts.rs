//! Alerts follow from what the tree says about itself.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use telemetry::{ALERT_EVENTS_KEPT, ALERTS_ENDED_MAX, AlertBoard, AlertEvent, Cause, Severity};
use tembusu::{ExitReason, Kind, NodeSnapshot, Report, State};

fn supervisor(path: &str, state: State, children: Vec<NodeSnapshot>) -> NodeSnapshot {
    let name = path.rsplit('/').next().expect("a path has a last part");
    NodeSnapshot {
        path: path.into(),
        name: name.into(),
        kind: Kind::Supervisor,
        state,
        incarnation: 1,
        restarts: 0,
        time_left: None,
        mailbox_len: 0,
        dead_letters: 0,
        shed: 0,
        uncollected: 0,
        expired: 0,
        leaked: 0,
        last_exit: None,
        children,
    }
}

fn exhausted(mut node: NodeSnapshot) -> NodeSnapshot {
    let report = Report {
        supervisor: node.path.clone(),
        child: format!("{}/bid_engine", node.path).into(),
        incarnation: 6,
        reason: ExitReason::Killed,
        limit: 5,
        period: Duration::from_secs(10),
        failures: Vec::new(),
        omitted: 0,
    };
    node.last_exit = Some(ExitReason::Exhausted(Arc::new(report)));
    node
}

/// A tree with one node in the given place and state.
fn tree(path: &str, state: State) -> NodeSnapshot {
    let node = exhausted(supervisor(path, state, Vec::new()));
    let mut tree = node;
    while let Some((parent, _)) = tree.path.clone().rsplit_once('/') {
        tree = supervisor(parent, State::Running, vec![tree]);
    }
    tree
}

#[track_caller]
fn assert_raises(path: &str, state: State, cause: Cause, severity: Severity) {
    let board = AlertBoard::new();
    board.reconcile(&tree(path, state));
    let standing = board.standing();
    assert_eq!(standing.len(), 1, "{standing:?}");
    assert_eq!((standing[0].cause, standing[0].severity), (cause, severity));
    assert_eq!(standing[0].subtree, path);
    assert!(standing[0].detail.contains("more than 5 failures"), "{}", standing[0].detail);
}

#[test]
fn each_row_of_the_table_raises_its_alert() {
    assert_raises("root/exchanges/xandr", State::Degraded, Cause::ExchangeDegraded, Severity::Critical);
    assert_raises("root/exchanges/xandr", State::Stopped, Cause::ExchangeSilent, Severity::Critical);
    assert_raises("root/regions/sg", State::Degraded, Cause::RegionDown, Severity::Critical);
    assert_raises("root/campaigns/each/campaign_101", State::Degraded, Cause::CampaignQuarantined, Severity::Warning);
    assert_raises("root/telemetry", State::BackingOff, Cause::TelemetryOff, Severity::Warning);
    assert_raises("root/ledger", State::BackingOff, Cause::LedgerDown, Severity::Critical);
}

#[test]
fn an_alert_stands_until_a_trial_is_over() {
    let board = AlertBoard::new();
    let path = "root/exchanges/xandr";
    // Degraded, a trial that fails, and one that does not.
    let states = [State::Degraded, State::Starting, State::Probing, State::Stopping, State::Degraded, State::Probing];
    for state in states {
        board.reconcile(&tree(path, state));
        let standing: Vec<_> = board.standing().iter().map(|alert| alert.cause).collect();
        assert_eq!(standing, [Cause::ExchangeDegraded], "{state:?}");
    }
    board.reconcile(&tree(path, State::Running));
    assert!(board.standing().is_empty());
    assert_eq!((board.ended().len(), board.raised()), (1, vec![(Cause::ExchangeDegraded, 1)]), "one alert all along");
}

#[test]
fn what_runs_raises_nothing() {
    let board = AlertBoard::new();
    board.reconcile(&tree("root/exchanges/xandr", State::Running));
    assert!(board.standing().is_empty());
}

#[test]
fn an_alert_that_stands_is_not_raised_again() {
    let board = AlertBoard::new();
    let degraded = tree("root/exchanges/xandr", State::Degraded);
    board.reconcile(&degraded);
    let first = board.standing()[0].at;
    board.reconcile(&degraded);
    assert_eq!(board.standing()[0].at, first);
    assert_eq!(board.raised(), [(Cause::ExchangeDegraded, 1)]);
}

#[test]
fn an_alert_ends_when_its_subtree_runs_again() {
    let board = AlertBoard::new();
    board.reconcile(&tree("root/exchanges/xandr", State::Degraded));
    board.reconcile(&tree("root/exchanges/xandr", State::Running));
    assert!(board.standing().is_empty());
    let ended = board.ended();
    assert_eq!(ended.len(), 1);
    assert!(ended[0].cleared_at.is_some());
}

#[test]
fn a_worse_alert_for_the_same_subtree_takes_the_place_of_the_first() {
    let board = AlertBoard::new();
    board.reconcile(&tree("root/exchanges/xandr", State::Degraded));
    board.reconcile(&tree("root/exchanges/xandr", State::Stopped));
    let causes: Vec<_> = board.standing().iter().map(|alert| alert.cause).collect();
    assert_eq!(causes, [Cause::ExchangeSilent]);
    assert_eq!(board.ended().len(), 1);
}

#[test]
fn an_exhausted_root_stays_on_the_board() {
    let board = AlertBoard::new();
    board.raise(Cause::RootExhausted, "root", "more than 5 failures".to_owned(), SystemTime::now());
    board.reconcile(&supervisor("root", State::Stopped, Vec::new()));
    assert!(board.standing().iter().any(|alert| alert.cause == Cause::RootExhausted));
}

#[test]
fn ended_alerts_are_bounded_and_the_latest_come_first() {
    let board = AlertBoard::new();
    for round in 0..=ALERTS_ENDED_MAX {
        board.raise(Cause::RegionDown, "root/regions/sg", round.to_string(), SystemTime::now());
        board.clear("root/regions/sg", SystemTime::now());
    }
    let ended = board.ended();
    assert_eq!(ended.len(), ALERTS_ENDED_MAX);
    assert_eq!(ended[0].detail, ALERTS_ENDED_MAX.to_string());
}

#[test]
fn a_subscriber_is_told_of_each_alert_once_and_of_its_end() {
    let board = AlertBoard::new();
    let mut events = board.subscribe();
    let degraded = tree("root/exchanges/xandr", State::Degraded);
    board.reconcile(&degraded);
    board.reconcile(&degraded);
    board.reconcile(&tree("root/exchanges/xandr", State::Running));
    let Ok(AlertEvent::Raised(raised)) = events.try_recv() else { panic!("an alert is raised") };
    assert_eq!((raised.cause, &*raised.subtree), (Cause::ExchangeDegraded, "root/exchanges/xandr"));
    let Ok(AlertEvent::Ended(ended)) = events.try_recv() else { panic!("it has ended") };
    assert_eq!((ended.at, ended.cleared_at.is_some()), (raised.at, true));
    assert!(events.try_recv().is_err());
}

#[test]
fn a_subscriber_that_lags_holds_nothing_up_and_is_told_how_much_it_missed() {
    let board = AlertBoard::new();
    let mut events = board.subscribe();
    for _ in 0..=ALERT_EVENTS_KEPT / 2 {
        board.raise(Cause::RegionDown, "root/regions/sg", String::new(), SystemTime::now());
        board.clear("root/regions/sg", SystemTime::now());
    }
    assert!(matches!(events.try_recv(), Err(tokio::sync::broadcast::error::TryRecvError::Lagged(2))));
}

#[test]
fn a_campaign_that_never_started_keeps_its_alert_though_the_tree_does_not_know_it() {
    let board = AlertBoard::new();
    let path = "root/campaigns/each/campaign_7";
    board.raise(Cause::CampaignNotStarted, path, "its definition panicked".to_owned(), SystemTime::now());
    board.reconcile(&supervisor("root", State::Running, Vec::new()));
    assert_eq!(board.standing().len(), 1, "whoever raised it ends it");
    board.clear(path, SystemTime::now());
    assert!(board.standing().is_empty());
}
