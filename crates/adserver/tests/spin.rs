//! An endless loop inside of one exchange's engine: that exchange goes on on a fresh runtime, and no other notices.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use exchange::chaos::{SPIN, SPIN_ID};
use support::{WITHIN, bid, bid_request, connect, get, post, start_with, wait_until};
use telemetry::Cause;
use tembusu::ExitReason;

/// No machine, however loaded, keeps one thread waiting for so long while the others run.
const LOST_AFTER: Duration = Duration::from_secs(2);

/// Sends a request on a connection that stays open.
fn send(stream: &mut TcpStream, path: &str, body: &str) {
    let head = format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).expect("sent");
}

/// The status of the next answer; `None` if the connection was closed instead.
fn status(stream: &mut TcpStream) -> Option<u16> {
    let mut answer = Vec::new();
    let mut part = [0; 16 * 1024];
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return None,
            Ok(read) => answer.extend_from_slice(&part[..read]),
        }
    }
    std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
}

#[test]
fn an_endless_loop_in_one_engine_costs_the_request_in_hand_and_nothing_else() {
    let world = start_with(|config| {
        config.exchanges.iter_mut().for_each(|exchange| exchange.load.lost_after = LOST_AFTER);
    });
    let system = &world.system;
    let xandr = system.ports().exchange("xandr").expect("configured").clone();
    bid(&world, "xandr");
    bid(&world, "index");
    let open = || system.meters().exchange("xandr").expect("metered").connections.open.get();
    let incarnations = |path: &str| {
        let snapshot = system.tree().snapshot();
        ["connection_pool", "bid_engine", "response_serializer"]
            .map(|name| snapshot.find(&format!("root/exchanges/{path}/{name}")).expect("it is there").incarnation)
    };
    let others: Vec<_> = ["index", "google_adx"].map(incarnations).into();

    // One that has had an answer, one that has sent half a request, and one that meets the loop.
    let (mut idle, mut halfway, mut spinning) =
        (connect(xandr.address), connect(xandr.address), connect(xandr.address));
    send(&mut idle, &xandr.path, &bid_request("before", "0.1"));
    assert!(status(&mut idle).is_some());
    halfway.write_all(b"POST /openrtb2/bid HTTP/1.1\r\nhost:").expect("sent");
    wait_until("three are open", || open() >= 3);
    // Also read: connections of one thread are polled in turn.
    send(&mut idle, &xandr.path, &bid_request("and again", "0.1"));
    assert!(status(&mut idle).is_some());
    SPIN.arm();
    send(&mut spinning, &xandr.path, &bid_request(SPIN_ID, "0.1"));

    let lost = || system.meters().exchange("xandr").expect("metered").runtime.lost.get();
    wait_until("the runtime is given up", || {
        // Nobody is refused meanwhile, and no other exchange waits.
        drop(connect(xandr.address));
        let index = system.ports().exchange("index").expect("configured");
        let reply = post(index.address, &index.path, &bid_request("other", "0.1"));
        assert!(matches!(reply.status, 200 | 204), "{reply:?}");
        lost() == 1
    });
    send(&mut idle, &xandr.path, &bid_request("after", "0.1"));
    assert!(matches!(status(&mut idle), Some(200 | 204)), "a connection with nothing in hand goes on");
    assert_eq!((status(&mut halfway), status(&mut spinning)), (None, None), "what was in hand is lost, and said");
    bid(&world, "xandr");

    assert_eq!(incarnations("xandr"), [1, 2, 2], "the engine was replaced, and what hangs on it");
    let engine = system.exchange_tree("xandr").expect("it is there").snapshot();
    let engine = engine.find("root/exchanges/xandr/bid_engine").expect("it is there");
    assert!(matches!(engine.last_exit, Some(ExitReason::Unresponsive)), "{engine:?}");
    assert_eq!(engine.restarts, 1, "charged once");
    assert_eq!(["index", "google_adx"].map(incarnations).to_vec(), others);
    let standing = system.board().standing();
    let alert = standing.iter().find(|alert| alert.cause == Cause::RuntimeLost).expect("an alert");
    assert_eq!(alert.subtree, "root/sockets/xandr");
    system.upkeep();
    assert!(system.board().standing().iter().any(|alert| alert.cause == Cause::RuntimeLost), "it stands");
    let metrics = get(system.ports().admin, "/metrics").body;
    assert!(metrics.contains("adserver_runtimes_lost_total{exchange=\"xandr\"} 1"), "{metrics}");
    assert!(metrics.contains("adserver_runtimes_lost_total{exchange=\"index\"} 0"), "{metrics}");

    // What comes back ends: nothing of it is counted twice.
    SPIN.disarm();
    wait_until("nothing is left of it", || system.tree().leaked() == 0);
    drop((idle, halfway, spinning));
    wait_until("all are closed", || open() == 0);
    assert_eq!(lost(), 1);
    assert!(WITHIN > LOST_AFTER);
    world.system.drain();
}
