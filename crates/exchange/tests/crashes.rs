//! The exchange's subtree under crashes, seen from its connections.
//!
//! How: a whole exchange over loopback, with chaos points. To have many requests waiting at the moment of a crash,
//! the exchange's only thread is held while they are sent. Points are the process's, so these tests take turns.

mod common;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use common::tree::{EXCHANGE, Running, bad, good};
use common::{Client, PATIENCE, post};
use exchange::chaos::{NEGATIVE_FLOOR, NO_BID, POOL, SERIALIZER};
use exchange::pool::PoolMessage;
use exchange::sockets::Handler;
use exchange::{Sockets, SocketsMessage};
use tembusu::{CallError, EventKind, State, Supervisor, child};

static TURN: Mutex<()> = Mutex::new(());

/// A test's turn; at its end every point is off.
struct Turn(#[allow(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Turn {
    fn take() -> Self {
        Self(TURN.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        for point in [&NEGATIVE_FLOOR, &NO_BID, &POOL, &SERIALIZER] {
            point.disarm();
        }
    }
}

/// Requests that wait at the moment of the crash.
const WAITING: usize = 64;

fn run(test: impl Future<Output = ()>) {
    let turn = Turn::take();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(test);
    runtime.shutdown_background();
    drop(turn);
}

#[test]
fn a_negative_floor_is_a_no_bid_in_normal_service() {
    run(async {
        let running = Running::start().await;
        let mut client = running.warm_client().await;
        let reply = client.ask(post(bad())).await;
        assert_eq!((reply.status, reply.header("x-no-bid")), (204, "negative_floor"));
        assert_eq!(running.incarnations(), [1, 1, 1]);
        running.tree.shutdown().await;
    });
}

#[test]
fn waiting_requests_go_on_after_a_crash_and_the_one_in_hand_gets_a_no_bid() {
    run(async {
        let running = Running::start().await;
        let mut bad_client = running.warm_client().await;
        let mut clients: Vec<Client> = Vec::new();
        for _ in 0..WAITING {
            clients.push(running.warm_client().await);
        }
        let mut events = running.tree.handle().events();
        NEGATIVE_FLOOR.arm();
        let release = running.hold_thread();
        bad_client.send(post(bad())).await;
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(post(good(number))).await;
        }
        drop(release);
        let reply = bad_client.reply().await;
        assert_eq!((reply.status, reply.header("x-no-bid")), (204, "engine_crashed"));
        for client in &mut clients {
            let reply = client.reply().await;
            assert_eq!(reply.status, 200, "{}", reply.header("x-no-bid"));
        }
        assert_eq!(running.incarnations(), [1, 2, 2], "the pool stands first and is spared");
        for client in clients.iter_mut().chain([&mut bad_client]) {
            assert_eq!(client.ask(post(good(0))).await.status, 200, "on the connection that it had");
        }
        assert_eq!(running.tracker.open(), WAITING + 1);
        assert_eq!(running.meters.connections.closed_by_us.total(), 0);
        let latency = loop {
            let event = events.recv().await.expect("an event");
            if let EventKind::Restarted { latency } = event.kind {
                break latency;
            }
        };
        println!("restart: {latency:?}");

        let payloads = running.port.payloads().payloads();
        assert_eq!(payloads.len(), 1);
        assert_eq!((&*payloads[0].path, payloads[0].incarnation), ("root/xandr/bid_engine", 1));
        assert!(payloads[0].text.contains("\"bidfloor\":-1.5") && !payloads[0].text.contains("good"));
        running.tree.shutdown().await;
    });
}

#[test]
fn the_sixth_crash_degrades_and_a_restore_brings_bids_back_on_the_same_connections() {
    run(async {
        let running = Running::start().await;
        let mut bad_client = running.warm_client().await;
        let mut client = running.warm_client().await;
        NEGATIVE_FLOOR.arm();
        for crash in 1..=6 {
            let reply = bad_client.ask(post(bad())).await;
            assert_eq!((reply.status, reply.header("x-no-bid")), (204, "engine_crashed"), "crash {crash}");
            if crash < 6 {
                assert_eq!(client.ask(post(good(crash))).await.status, 200, "restart {crash} of 5 is granted");
            }
        }
        for client in [&mut client, &mut bad_client] {
            let reply = client.ask(post(good(7))).await;
            assert_eq!((reply.status, reply.header("x-no-bid")), (204, "degraded"));
        }
        let reply = bad_client.ask(post(bad())).await;
        assert_eq!(reply.header("x-no-bid"), "degraded", "what crashed the engine cannot crash its stand-in");
        assert_eq!(Client::connect(running.address).await.ask(post(good(8))).await.status, 204, "connects are taken");
        assert_eq!(running.node(EXCHANGE).state, State::Degraded);
        let payloads = running.port.payloads().payloads();
        let of: Vec<_> = payloads.iter().map(|payload| (&*payload.path, payload.incarnation)).collect();
        let each: Vec<_> = (1..=6).map(|incarnation| ("root/xandr/bid_engine", incarnation)).collect();
        assert_eq!(of, each, "the last payload is kept as well, under the engine that died of it");

        NEGATIVE_FLOOR.disarm();
        let exchange = running.tree.handle().find(EXCHANGE).expect("the exchange");
        exchange.restore().await.expect("restored");
        assert_eq!(client.ask(post(good(9))).await.status, 200);
        let reply = bad_client.ask(post(bad())).await;
        assert_eq!(reply.header("x-no-bid"), "negative_floor");
        assert_eq!(running.node(EXCHANGE).state, State::Running);
        assert_eq!(running.meters.connections.closed_by_us.total(), 0);
        assert_eq!(running.node("root/xandr_sockets/sockets").incarnation, 1);
        running.tree.shutdown().await;
    });
}

#[test]
fn a_stop_drains_connections_before_the_exchange_goes() {
    run(async {
        let running = Running::start().await;
        let mut idle = running.warm_client().await;
        let mut busy = running.warm_client().await;
        let release = running.hold_thread();
        busy.send(post(good(1))).await;
        let tree = running.tree.handle();
        let stopping = running.tree.shutdown();
        let answers = async {
            drop(release);
            let reply = busy.reply().await;
            assert!(matches!(reply.status, 200 | 204), "in flight is answered: {}", reply.status);
            busy.closed().await;
            idle.closed().await;
        };
        tokio::join!(stopping, answers);
        assert_eq!(running.tracker.open(), 0);
        drop(tree);
    });
}

#[test]
fn a_crash_of_the_serializer_costs_the_request_in_hand_and_gives_its_money_back() {
    run(async {
        let running = Running::start().await;
        let mut client = running.warm_client().await;
        SERIALIZER.arm();
        let reply = client.ask(post(good(1))).await;
        assert_eq!((reply.status, reply.header("x-no-bid")), (204, "serializer_crashed"));
        let region = running.meters.region("sg").expect("the region");
        assert_eq!(region.no_bids.get("serializer_crashed"), 1);
        assert_eq!(region.bids.get(), running.meters.bids.get(), "a bid counts when it is sent");
        assert_eq!(client.ask(post(good(2))).await.status, 200);
        assert_eq!(running.incarnations(), [1, 1, 2], "it is the last of the group");
        running.tree.shutdown().await;
    });
}

/// That the sockets say so is shown in `sockets.rs`.
#[test]
fn a_request_whose_client_went_before_its_answer_is_counted_as_unanswered() {
    run(async {
        let running = Running::start().await;
        let answered = running.meters.requests.get();
        running.port.connection_event("client_gone");
        assert_eq!((running.meters.unanswered.get(), running.meters.requests.get()), (1, answered));
        running.tree.shutdown().await;
    });
}

#[test]
fn a_crash_of_the_pool_restarts_all_three_and_closes_no_connection() {
    run(async {
        let running = Running::start().await;
        let mut client = running.warm_client().await;
        POOL.arm();
        let figures = running.port.pool().call(PoolMessage::Figures, PATIENCE).await;
        assert!(matches!(figures, Err(CallError::Died(_))), "{figures:?}");
        // Its caller learns it before its supervisor has restarted the group, on other threads.
        let begun = Instant::now();
        while running.incarnations() != [2, 2, 2] {
            assert!(begun.elapsed() < PATIENCE, "{:?}", running.incarnations());
            tokio::task::yield_now().await;
        }
        assert_eq!(client.ask(post(good(1))).await.status, 200);
        let figures = running.port.pool().call(PoolMessage::Figures, PATIENCE).await.expect("figures");
        assert_eq!((figures.now, figures.admitted), (0, 1), "the new table is empty");
        assert_eq!(running.meters.connections.closed_by_us.total(), 0);
        running.tree.shutdown().await;
    });
}

#[test]
fn with_its_fallback_exhausted_too_the_sockets_answer_alone() {
    run(async {
        let running = Running::start().await;
        let mut client = running.warm_client().await;
        NEGATIVE_FLOOR.arm();
        for _ in 1..=6 {
            client.ask(post(bad())).await;
        }
        assert_eq!(client.ask(post(good(1))).await.header("x-no-bid"), "degraded");
        NO_BID.arm();
        let mut reasons = Vec::new();
        while reasons.last().is_none_or(|reason| reason != "nobody_home") {
            let reply = client.ask(post(good(2))).await;
            assert_eq!(reply.status, 204);
            reasons.push(reply.header("x-no-bid").to_owned());
            assert!(reasons.len() < 20, "{reasons:?}");
        }
        assert_eq!(client.ask(post(good(3))).await.header("x-no-bid"), "nobody_home");
        assert_eq!(running.node("root/sg/bidding_state").incarnation, 1, "nobody else notices");
        assert_eq!(running.node("root/xandr_sockets/sockets").incarnation, 1);
        assert_eq!(running.meters.connections.closed_by_us.total(), 0);
        running.tree.shutdown().await;
    });
}

#[test]
fn a_crash_of_the_sockets_actor_closes_nothing_and_refuses_nobody() {
    run(async {
        let running = Running::start().await;
        let (serve, address) = running.another_listener();
        let tracker = serve.serve.tracker.clone();
        let mut root = Supervisor::one_for_one("more").intensity(5, PATIENCE);
        let sockets = root.add(child::<Sockets>("sockets", Arc::new(serve)).on(running.runtime.clone()));
        let tree = root.start().await.expect("started");
        let mut client = Client::connect(address).await;
        assert_eq!(client.ask(post(bad())).await.header("x-no-bid"), "negative_floor");

        let release = running.hold_thread();
        sockets.tell(SocketsMessage::AcceptEnded(1 << 32)).expect("told");
        let mut meanwhile = Client::connect(address).await;
        meanwhile.send(post(bad())).await;
        drop(release);
        assert_eq!(meanwhile.reply().await.header("x-no-bid"), "negative_floor");
        assert_eq!(client.ask(post(bad())).await.header("x-no-bid"), "negative_floor");
        // The old loop's end is not taken for the new one's.
        assert_eq!(tree.handle().snapshot().find("more/sockets").expect("it").incarnation, 2);
        assert_eq!(tracker.open(), 2);
        tree.shutdown().await;
        client.closed().await;
        meanwhile.closed().await;
        running.tree.shutdown().await;
    });
}
