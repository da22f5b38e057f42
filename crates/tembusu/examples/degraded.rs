//! When an engine has used up its restarts, a stand-in answers at its address until an operator restores it.
//!
//! `cargo run -p tembusu --example degraded`

use std::convert::Infallible;
use std::time::Duration;

use tembusu::{Actor, Address, Context, EventKind, Flow, Init, Reply, Supervisor, child, stand_in};

const PATIENCE: Duration = Duration::from_millis(50);

enum Ask {
    /// What to bid at least at this floor; `None` is a proper no-bid.
    Price(i64, Reply<Option<i64>>),
}

/// Bids a cent over the floor, and has a bug.
struct Engine;

impl Actor for Engine {
    type Message = Ask;
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, Ask::Price(floor, reply): Ask, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        assert!(floor >= 0, "nobody has thought of a negative floor");
        let _ = reply.send(Some(floor + 1));
        Ok(Flow::Continue)
    }
}

/// Never bids, and cannot fail.
struct NoBid;

impl Actor for NoBid {
    type Message = Ask;
    type Args = ();
    type Crash = Infallible;

    async fn init((): &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, Ask::Price(_, reply): Ask, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        let _ = reply.send(None);
        Ok(Flow::Continue)
    }
}

async fn ask(engine: &Address<Ask>, floor: i64) -> String {
    match engine.call(|reply| Ask::Price(floor, reply), PATIENCE).await {
        Ok(Some(price)) => format!("bids {price}"),
        Ok(None) => "no bid".to_owned(),
        Err(why) => why.to_string(),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // What the panic hook would print is in the events.
    std::panic::set_hook(Box::new(|_| {}));
    let mut adx = Supervisor::rest_for_one("google_adx").intensity(5, Duration::from_secs(10));
    let engine = adx.add(child::<Engine>("bid_engine", ()));
    let mut no_bid = Supervisor::one_for_one("no_bid");
    no_bid.add(stand_in::<NoBid>(&engine, ()));
    let mut exchanges = Supervisor::one_for_one("exchanges");
    let adx = exchanges.supervisor(adx.degrade_to(no_bid));
    let mut events = exchanges.handle().events();
    let tree = exchanges.start().await?;

    assert_eq!(ask(&engine, 100).await, "bids 101");
    for crash in 1..=6 {
        println!("crash {crash}: {}", ask(&engine, -1).await);
    }
    assert_eq!(ask(&engine, 100).await, "no bid");
    let report = loop {
        if let EventKind::Degraded { report } = events.recv().await?.kind {
            break report;
        }
    };
    println!("degraded: {report}");

    // After the fix.
    adx.restore().await?;
    assert_eq!(ask(&engine, 100).await, "bids 101");
    tree.shutdown().await;
    Ok(())
}
