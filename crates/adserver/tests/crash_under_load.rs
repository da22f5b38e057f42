//! The bid engine of one exchange crashes while the simulator plays all three: nobody else notices, and nobody at all
//! loses a request or a connection.

mod drill;
mod support;

use drill::play::{dialect, plan, runtime};
use drill::{PATIENCE, Turn, until};
use exchange::unserved::ENGINE_CRASHED;
use simulator::{Generator, HostileKind, Outcome, Probe, Simulator, TrafficMix};
use support::{World, start};
use tembusu::{EventKind, NodeSnapshot};
use tokio::task::JoinSet;

const SEED: u64 = 20_261_124;
const FAILING: &str = "google_adx";
/// As many as the exchange is granted restarts.
const CRASHES: u64 = 5;
/// Requests that are sent together with each bad payload, each on a connection of its own.
const BESIDE: u64 = 32;
/// Requests of each exchange that must have been answered before the first crash, between two, and after the last.
const BETWEEN: u64 = 40;

/// Every node with its incarnation, without the actors that may restart.
fn incarnations(world: &World) -> Vec<(String, u64)> {
    let failing = format!("root/exchanges/{FAILING}/");
    let root = world.system.tree().snapshot();
    let kept = |node: &&NodeSnapshot| !node.path.starts_with(&failing) || &*node.name == "connection_pool";
    root.walk().filter(kept).map(|node| (node.path.to_string(), node.incarnation)).collect()
}

/// Waits until every exchange has been served that much more.
fn served(simulator: &Simulator) {
    let answered = || simulator.live().iter().map(|(_, tally)| tally.answered()).collect::<Vec<_>>();
    let before = answered();
    until("every exchange is served", || {
        answered().iter().zip(&before).all(|(now, before)| before + BETWEEN <= *now).then_some(())
    });
}

#[test]
fn a_crash_of_one_exchanges_engine_under_load_loses_no_request_and_no_connection_anywhere() {
    let _turn = Turn::take();
    let world = start();
    let outside = runtime();
    let plan = plan(SEED, world.system.ports(), &world.config, 100);
    let port = world.system.ports().exchange(FAILING).expect("configured").clone();
    let endpoint = dialect(FAILING).endpoint(port.address, port.path.parse().expect("a path"));
    let generator = Generator::new(dialect(FAILING), TrafficMix::usual(), SEED);
    let (mut simulator, mut bad, mut probes) = outside.block_on(async {
        let mut probes: Vec<Probe> = (0..=BESIDE).map(|_| Probe::new(endpoint.clone(), PATIENCE)).collect();
        for probe in &mut probes {
            probe.open().await.expect("a connection");
        }
        (Simulator::start(plan), probes.remove(0), probes)
    });
    served(&simulator);
    let before = incarnations(&world);
    let mut events = world.system.tree().events();

    let (mut went_on, mut in_hand) = (0, 0);
    for crash in 0..CRASHES {
        exchange::chaos::NEGATIVE_FLOOR.arm();
        let outcomes = outside.block_on(async {
            let mut asked = JoinSet::new();
            for (mut probe, number) in probes.drain(..).zip(crash * BESIDE..) {
                let body = generator.dialect().encode(generator.request(100_000 + number).json).into();
                asked.spawn(async move {
                    let outcome = probe.post(body).await;
                    (probe, outcome)
                });
            }
            let payload = HostileKind::NegativeFloor.payload(SEED + crash);
            let bad = bad.hostile(&payload).await;
            let (used, mut outcomes): (Vec<_>, Vec<_>) = asked.join_all().await.into_iter().unzip();
            probes.extend(used);
            outcomes.push(bad);
            outcomes
        });
        exchange::chaos::NEGATIVE_FLOOR.disarm();
        for outcome in outcomes {
            let Outcome::Answered(answer) = outcome else { panic!("a request has no answer: {outcome:?}") };
            assert!(matches!(answer.status.as_u16(), 200 | 204), "{answer:?}");
            match answer.no_bid_reason() {
                Some(ENGINE_CRASHED) => in_hand += 1,
                _ => went_on += 1,
            }
        }
        served(&simulator);
    }
    println!("{CRASHES} crashes: {in_hand} requests in hand got 204, {went_on} beside them went on");
    assert!(CRASHES <= in_hand && 0 < went_on);

    simulator.stop();
    let report = outside.block_on(async {
        for probe in probes.iter_mut().chain([&mut bad]) {
            assert!(!probe.check().await, "a connection was closed");
            let tally = probe.tally();
            assert_eq!((tally.connects, tally.lost(), tally.closed_by_server()), (1, 0, 0));
        }
        simulator.finish(PATIENCE).await
    });
    for (name, tally) in &report.exchanges {
        let refused = tally.refused + tally.connect_failed;
        assert_eq!((tally.lost(), tally.closed_by_server(), refused), (0, 0, 0), "{name}: {tally:?}");
        assert_eq!(tally.answered(), tally.sent, "{name}");
        assert_eq!((tally.bad_request, tally.violations_total()), (0, 0), "{name}: {:?}", report.complaints);
        assert!(0 < tally.bids, "{name} got bids");
    }
    assert!(report.settled, "{:?}", report.record);

    let mut crashes = 0;
    while let Some(event) = events.try_recv() {
        let event = event.expect("no event is lost");
        assert!(event.path.starts_with("root/exchanges/google_adx/"), "somebody else was concerned: {event:?}");
        match event.kind {
            EventKind::Crashed { charge: Some(charge), .. } => {
                crashes += 1;
                assert_eq!(u64::from(charge.k), crashes);
            }
            EventKind::Restarted { .. } | EventKind::Started | EventKind::Stopped { .. } => {}
            other => panic!("not expected: {other:?}"),
        }
    }
    assert_eq!(crashes, CRASHES);
    assert_eq!(incarnations(&world), before);
    let spent = world.system.block_on(world.system.totals()).expect("the ledger answers").spent;
    assert_eq!(spent, report.record.acknowledged);
}
