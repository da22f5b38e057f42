//! The aggregator follows a running tree and renders it.

use std::fmt;
use std::time::Duration;

use telemetry::{AggregatorMessage, AlertBoard, Cause, Meters, telemetry_supervisor};
use tembusu::{Actor, Address, Context, Flow, Init, Supervisor, Tree, child};

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

/// A tree with telemetry and one exchange that is granted two restarts.
async fn start(
    meters: &std::sync::Arc<Meters>,
) -> (Tree, Address<AggregatorMessage>, Address<()>, std::sync::Arc<AlertBoard>) {
    let board = AlertBoard::new();
    let mut root = Supervisor::one_for_one("root");
    let (telemetry, aggregator) = telemetry_supervisor(meters.clone(), board.clone(), root.handle());
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
    let page = page_with(&aggregator, "adserver_alerts{severity=\"critical\",cause=\"exchange_degraded\"} 1").await;
    assert!(page.contains("tembusu_escalations_total{path=\"root/exchanges/xandr\"} 1"), "{page}");
    assert!(page.contains("tembusu_running{path=\"root/exchanges/xandr\"} 0"), "{page}");
    let standing = board.standing();
    assert_eq!((standing.len(), standing[0].cause), (1, Cause::ExchangeDegraded));

    tree.handle().find("root/exchanges/xandr").expect("it is there").restore().await.expect("restored");
    page_with(&aggregator, "adserver_alerts{severity=\"critical\",cause=\"exchange_degraded\"} 0").await;
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
