//! The aggregator follows a running tree and renders it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use telemetry::{
    ALERT_SERIES_MAX, AggregatorMessage, AlertBoard, Cause, Counts, Meters, Objective, Objectives, ServiceLevels,
    render_alerts, telemetry_supervisor,
};
use tembusu::{Actor, Address, Context, Flow, Init, Supervisor, Tree, child};

/// The alert of the one exchange.
const STANDING: &str =
    "adserver_alerts{severity=\"critical\",cause=\"exchange_degraded\",subtree=\"root/exchanges/xandr\"} 1";
const WITHIN: Duration = Duration::from_secs(5);

/// Crashes at every message.
struct Fragile;

#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

impl Actor for Fragile {
    type Message = ();
    type Args = ();
    type Crash = Broken;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Broken> {
        Ok(Init::Ready(Fragile))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, Broken> {
        Err(Broken)
    }
}

/// 99.95 % of both levels; only a degraded exchange is unable to bid.
fn levels(meters: &Meters) -> Arc<ServiceLevels> {
    let objective = Objective::parse("99.95%").expect("an objective");
    let objectives = Objectives { answered_in_time: objective, able_to_bid: objective };
    ServiceLevels::new(meters, &[objectives], |reason| reason == "degraded")
}

/// A tree with telemetry and one exchange that is granted two restarts.
async fn start(
    meters: &std::sync::Arc<Meters>,
) -> (Tree, Address<AggregatorMessage>, Address<()>, std::sync::Arc<AlertBoard>) {
    let board = AlertBoard::new();
    let mut root = Supervisor::one_for_one("root");
    let (telemetry, aggregator) = telemetry_supervisor(meters.clone(), board.clone(), levels(meters), root.handle());
    root.supervisor(telemetry);
    let mut exchanges = Supervisor::one_for_one("exchanges");
    let mut exchange = Supervisor::one_for_one("xandr").intensity(2, Duration::from_secs(60));
    let engine = exchange.add(child::<Fragile>("bid_engine", ()));
    exchanges.supervisor(exchange.quarantine());
    root.supervisor(exchanges);
    let tree = root.start().await.expect("the tree starts");
    (tree, aggregator, engine, board)
}

async fn page(aggregator: &Address<AggregatorMessage>) -> String {
    aggregator.call(AggregatorMessage::Render, WITHIN).await.expect("a page")
}

/// Waits until the page says so; crashes are taken up in their own time.
async fn page_with(aggregator: &Address<AggregatorMessage>, wanted: &str) -> String {
    let found = async {
        loop {
            let page = page(aggregator).await;
            if page.contains(wanted) {
                return page;
            }
            tokio::task::yield_now().await;
        }
    };
    match tokio::time::timeout(WITHIN, found).await {
        Ok(page) => page,
        Err(_) => panic!("`{wanted}` is missing in\n{}", page(aggregator).await),
    }
}

#[tokio::test]
async fn restarts_crashes_and_alerts_stand_on_the_page() {
    let meters = Meters::new(&["xandr"], &["sg"]);
    let (tree, aggregator, engine, board) = start(&meters).await;
    let engine_path = "root/exchanges/xandr/bid_engine";
    engine.tell(()).expect("told");
    page_with(&aggregator, &format!("tembusu_crashes_total{{path=\"{engine_path}\"}} 1")).await;
    page_with(&aggregator, &format!("tembusu_restarts_total{{path=\"{engine_path}\"}} 1")).await;
    assert!(board.standing().is_empty());

    engine.tell(()).expect("told");
    engine.tell(()).expect("told");
    let page = page_with(&aggregator, STANDING).await;
    assert!(page.contains("tembusu_escalations_total{path=\"root/exchanges/xandr\"} 1"), "{page}");
    assert!(page.contains("tembusu_running{path=\"root/exchanges/xandr\"} 0"), "{page}");
    let standing = board.standing();
    assert_eq!((standing.len(), standing[0].cause), (1, Cause::ExchangeDegraded));

    tree.handle().find("root/exchanges/xandr").expect("it is there").restore().await.expect("restored");
    let none = "adserver_alerts{severity=\"critical\",cause=\"exchange_degraded\",subtree=\"\"} 0";
    assert!(!page_with(&aggregator, none).await.contains(STANDING));
    assert!(board.standing().is_empty());
    tree.shutdown().await;
}

#[tokio::test]
async fn meters_outlive_the_aggregator() {
    let meters = Meters::new(&["xandr"], &["sg"]);
    let (tree, aggregator, _, _) = start(&meters).await;
    meters.exchange("xandr").expect("configured").no_bids.inc("below_floor");
    let telemetry = tree.handle().find("root/telemetry").expect("telemetry");
    telemetry.terminate_child("metrics_aggregator").await.expect("terminated");
    meters.exchange("xandr").expect("configured").no_bids.inc("below_floor");
    telemetry.restart_child("metrics_aggregator").await.expect("restarted");
    let page = page(&aggregator).await;
    assert!(page.contains("adserver_no_bids_total{exchange=\"xandr\",reason=\"below_floor\"} 2"), "{page}");
    tree.shutdown().await;
}

/// On a virtual clock the aggregator does not get its turn until the crashes are over.
#[tokio::test(start_paused = true)]
async fn events_that_came_too_fast_are_counted_as_lost() {
    let mut root = Supervisor::one_for_one("root").intensity(u32::MAX, WITHIN);
    let meters = Meters::new(&["xandr"], &["sg"]);
    let (telemetry, aggregator) =
        telemetry_supervisor(meters.clone(), AlertBoard::new(), levels(&meters), root.handle());
    root.supervisor(telemetry);
    let engine = root.add(child::<Fragile>("engine", ()));
    let tree = root.start().await.expect("the tree starts");
    let mut events = tree.handle().events();
    let mut crashes = 0;
    // Each is at least two events, and at most 4096 are kept.
    while crashes < 4_096 {
        engine.send(()).await.expect("told");
        if let Ok(event) = events.recv().await
            && matches!(event.kind, tembusu::EventKind::Crashed { .. })
        {
            crashes += 1;
        }
    }
    let page = page(&aggregator).await;
    let count = |name: &str| -> u64 {
        let row = page.lines().find(|row| row.starts_with(name)).unwrap_or_else(|| panic!("{name} in\n{page}"));
        row.rsplit_once(' ').and_then(|(_, count)| count.parse().ok()).expect("a count")
    };
    assert!(0 < count("tembusu_events_lost_total "), "{page}");
    assert!(count("tembusu_crashes_total") < crashes, "{page}");
    tree.shutdown().await;
}

/// On a virtual clock: forty seconds of degraded answers are an alert, and five minutes without any its end.
#[tokio::test(start_paused = true)]
async fn a_service_level_whose_budget_burns_is_an_alert_until_it_does_not() {
    let meters = Meters::new(&["xandr"], &["sg"]);
    let (tree, aggregator, _, board) = start(&meters).await;
    let xandr = meters.exchange("xandr").expect("configured");
    let serve = async |reason, seconds| {
        for _ in 0..seconds {
            tokio::time::sleep(Duration::from_secs(1)).await;
            xandr.requests.add(1_000);
            xandr.no_bids.add(reason, 1_000);
        }
    };
    let standing = || -> Vec<_> { board.standing().into_iter().map(|alert| (alert.cause, alert.subtree)).collect() };
    serve("paced", 60).await;
    assert_eq!(standing(), []);
    // 2,000 times what is allowed: 14.4 over the hour are reached after 26 s.
    serve("degraded", 40).await;
    page(&aggregator).await;
    assert_eq!(standing(), [(Cause::UnableToBid, "service_levels/xandr/able_to_bid".to_owned())]);
    // What the tree says ends no alert of a service level.
    board.reconcile(&tree.handle().snapshot());
    assert_eq!(standing().len(), 1);
    let page_then = page(&aggregator).await;
    for series in [
        "adserver_service_requests_total{exchange=\"xandr\",service_level=\"able_to_bid\"} 100000",
        "adserver_service_failures_total{exchange=\"xandr\",service_level=\"able_to_bid\"} 40000",
        "adserver_service_failures_total{exchange=\"xandr\",service_level=\"answered_in_time\"} 0",
        "adserver_service_objective{exchange=\"xandr\",service_level=\"able_to_bid\"} 0.9995",
        "adserver_alerts{severity=\"critical\",cause=\"unable_to_bid\",subtree=\"service_levels/xandr/able_to_bid\"} 1",
    ] {
        assert!(page_then.contains(series), "`{series}` is missing in\n{page_then}");
    }
    serve("paced", 320).await;
    page(&aggregator).await;
    assert_eq!(standing(), []);
    tree.shutdown().await;
}

#[test]
fn what_was_answered_late_or_not_at_all_fails_its_level() {
    let meters = Meters::new(&["xandr"], &["sg"]);
    let xandr = meters.exchange("xandr").expect("configured");
    xandr.requests.add(90);
    xandr.late.add(2);
    xandr.unanswered.add(10);
    xandr.no_bids.add("paced", 30);
    xandr.no_bids.add("degraded", 7);
    (0..50).for_each(|_| xandr.statuses.inc(200));
    (0..3).for_each(|_| xandr.statuses.inc(400));
    let reports = levels(&meters).report(&AlertBoard::new());
    let seen: Vec<_> = reports.iter().map(|report| (report.level.label(), report.counts)).collect();
    let counts = |requests, failures| Counts { requests, failures };
    assert_eq!(seen, [("answered_in_time", counts(100, 12)), ("able_to_bid", counts(87, 7))]);
}

#[test]
fn alerts_are_rendered_without_the_aggregator() {
    let board = AlertBoard::new();
    board.raise(Cause::TelemetryOff, "root/telemetry", String::new(), std::time::SystemTime::now());
    let page = render_alerts(&board).expect("a page");
    let standing = "adserver_alerts{severity=\"warning\",cause=\"telemetry_off\",subtree=\"root/telemetry\"} 1";
    assert!(page.contains(standing) && page.ends_with("# EOF\n"), "{page}");
}

#[test]
fn series_of_alerts_are_bounded_and_the_rest_is_summed() {
    let board = AlertBoard::new();
    for n in 0..ALERT_SERIES_MAX + 3 {
        let subtree = format!("root/campaigns/each/campaign_{n:04}");
        board.raise(Cause::CampaignQuarantined, &subtree, String::new(), std::time::SystemTime::now());
    }
    let page = render_alerts(&board).expect("a page");
    let series = page.lines().filter(|row| row.starts_with("adserver_alerts{") && row.ends_with(" 1")).count();
    assert_eq!(series, ALERT_SERIES_MAX);
    assert!(page.contains("cause=\"campaign_quarantined\",subtree=\"\"} 3"), "{page}");
}
