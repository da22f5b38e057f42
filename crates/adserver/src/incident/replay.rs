//! One replay: a server, steady load on every exchange, six bad payloads on one, and the operator.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use exchange::engine::chaos::NEGATIVE_FLOOR;
use exchange::unserved::ENGINE_CRASHED;
use simulator::{Endpoint, Generator, HostileKind, Outcome, Probe, Simulator, Tally, TrafficMix};
use tembusu::{Event, EventKind, Events, NodeSnapshot};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::timeline::Timeline;
use super::verdict;
use crate::config::RestoreBy;
use crate::demo::DemoOptions;
use crate::demo::scene::Scene;
use crate::demo::traffic;
use crate::system::System;

/// The exchange that sends negative prices.
pub(super) const FAILING: &str = "google_adx";
/// Crashes until its supervisor is down: the restarts granted, and one.
pub(super) const CRASHES: usize = 6;
/// Steady requests a second, all exchanges together.
const REQUESTS_PER_SECOND: u32 = 600;
/// The steady load ends by itself after this long.
const LOAD_MAX: Duration = Duration::from_secs(60);
/// Requests sent on connections of their own beside each bad payload.
pub(super) const BESIDE: usize = 8;
/// Requests to the degraded exchange.
const DEGRADED_REQUESTS: usize = 20;
/// Answers of each exchange before the incident begins.
const WARM_UP: u64 = 40;
/// The longest wait for any one thing.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the client looks whether the load has warmed up.
const LOOK: Duration = Duration::from_millis(2);

/// What one replay saw.
#[derive(Debug)]
pub(super) struct Replay {
    pub(super) seed: u64,
    pub(super) timeline: Timeline,
    /// The steady load, by exchange; the failing one's other connections are added to its own.
    pub(super) tallies: BTreeMap<String, Tally>,
    pub(super) beside: Beside,
    pub(super) degraded_sent: usize,
    pub(super) degraded_no_bids: usize,
    /// The answer to each bad payload: the status and the reason.
    pub(super) payloads: Vec<(Option<u16>, String)>,
    /// After the restore, requests to the failing exchange that were decided by its engine.
    pub(super) decided_after: bool,
    pub(super) before: NodeSnapshot,
    pub(super) after: NodeSnapshot,
    pub(super) complaints: Vec<String>,
}

/// What became of the requests that were sent together with the bad payloads.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Beside {
    /// Decided, by the next incarnation or by the stand-in.
    pub(super) went_on: usize,
    /// In the engine's hand when it crashed: answered 204.
    pub(super) in_hand: usize,
    /// Not answered, or not properly.
    pub(super) lost: usize,
}

impl Beside {
    pub(super) fn total(&self) -> usize {
        self.went_on + self.in_hand + self.lost
    }

    fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Answered(answer) if matches!(answer.status.as_u16(), 200 | 204) => {
                if answer.no_bid_reason() == Some(ENGINE_CRASHED) {
                    self.in_hand += 1;
                } else {
                    self.went_on += 1;
                }
            }
            _ => self.lost += 1,
        }
    }
}

/// Starts a server of its own, replays, checks, drains.
pub(super) fn replay(seed: u64) -> anyhow::Result<Replay> {
    let mut scene = Scene::set(None, None)?;
    // The fix is a person's word, not a trial's.
    scene.config.exchanges.iter_mut().for_each(|exchange| exchange.restore = RestoreBy::Operator);
    let system = System::start(&scene.config, scene.campaigns.clone())?;
    // The exchanges are played on a thread of their own, as they would be elsewhere.
    let client = Builder::new_multi_thread().worker_threads(1).thread_name("exchanges").enable_all().build()?;
    let replayed = client.block_on(scenario(&system, &scene, seed));
    NEGATIVE_FLOOR.disarm();
    let drained = system.drain();
    let mut replay = replayed?;
    replay.complaints = verdict::complaints(&replay);
    if drained.reason.is_none() {
        replay.complaints.push(format!("the server did not stop within {:?}", drained.took));
    }
    Ok(replay)
}

async fn scenario(system: &System, scene: &Scene, seed: u64) -> anyhow::Result<Replay> {
    let options = DemoOptions {
        run_for: Some(LOAD_MAX),
        folder: None,
        port: None,
        requests_per_second: REQUESTS_PER_SECOND,
        seed,
    };
    let plan = traffic::plan(system, scene, &options)?;
    let failing = plan.exchanges.iter().find(|exchange| *exchange.name == *FAILING).context("no such exchange")?;
    let endpoint = failing.dialect.endpoint(failing.address, failing.path.clone());
    let generator = Generator::new(failing.dialect.clone(), TrafficMix::usual(), seed ^ 0x0bad);
    let mut simulator = Simulator::start(plan);
    warm_up(&simulator).await?;

    let mut events = system.tree().events();
    let before = system.tree().snapshot();
    let mut bad = Probe::new(endpoint.clone(), PATIENCE);
    bad.open().await?;
    let mut probes = open(&endpoint, CRASHES * BESIDE).await?;

    let hostile: Vec<_> =
        (0..CRASHES as u64).map(|k| HostileKind::NegativeFloor.payload(seed.wrapping_add(k))).collect();
    let mut bodies: Vec<Bytes> = (0..probes.len() as u64).map(|n| body(&generator, 10_000 + n)).collect();

    NEGATIVE_FLOOR.arm();
    let mut waiting = JoinSet::new();
    let mut payloads = Vec::new();
    for payload in &hostile {
        for (mut probe, body) in probes.drain(..BESIDE).zip(bodies.drain(..BESIDE)) {
            waiting.spawn(async move {
                let outcome = probe.post(body).await;
                (probe, outcome)
            });
        }
        payloads.push(status_and_reason(&bad.hostile(payload).await));
    }
    let (stable_at, degraded_no_bids) = degraded(&mut bad, &generator).await;
    let mut beside = Beside::default();
    let mut others = Vec::new();
    for (probe, outcome) in waiting.join_all().await {
        beside.add(&outcome);
        others.push(probe);
    }
    let mut seen = drain_events(&mut events);

    // After the fix an operator restores the exchange.
    NEGATIVE_FLOOR.disarm();
    let asked = Instant::now();
    let supervisor = system.exchange_tree(FAILING).context("no such exchange in the tree")?;
    tokio::time::timeout(PATIENCE, supervisor.restore()).await??;
    let back = Instant::now();
    seen.extend(drain_events(&mut events));
    let mut decided_after = true;
    for n in 0..DEGRADED_REQUESTS {
        let outcome = bad.post(body(&generator, 50_000 + n as u64)).await;
        let (status, reason) = status_and_reason(&outcome);
        decided_after &= matches!(status, Some(200 | 204)) && !matches!(&*reason, "degraded" | "nobody_home");
    }

    simulator.stop();
    let report = simulator.finish(PATIENCE).await;
    let mut tallies: BTreeMap<String, Tally> =
        report.exchanges.iter().map(|(name, tally)| (name.to_string(), tally.clone())).collect();
    let own = tallies.entry(FAILING.to_owned()).or_default();
    for probe in others.iter_mut().chain([&mut bad]) {
        probe.check().await;
        own.add(&probe.tally());
    }
    seen.extend(drain_events(&mut events));
    let mut timeline = Timeline::new(format!("{}/exchanges/{FAILING}", system.tree().path()), seen, stable_at);
    timeline.restored = Some((asked, back));
    Ok(Replay {
        seed,
        timeline,
        tallies,
        beside,
        degraded_sent: DEGRADED_REQUESTS,
        degraded_no_bids,
        payloads,
        decided_after,
        before,
        after: system.tree().snapshot(),
        complaints: Vec::new(),
    })
}

/// Waits until every exchange has been served for a while and bids were made.
async fn warm_up(simulator: &Simulator) -> anyhow::Result<()> {
    let warm = async {
        while simulator.live().iter().any(|(_, tally)| tally.answered() < WARM_UP) {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, warm).await.context("the load did not warm up")
}

async fn open(endpoint: &Endpoint, count: usize) -> anyhow::Result<Vec<Probe>> {
    let mut probes = Vec::new();
    for _ in 0..count {
        let mut probe = Probe::new(endpoint.clone(), PATIENCE);
        probe.open().await?;
        probes.push(probe);
    }
    Ok(probes)
}

/// Asks the degraded exchange; when the first proper no-bid came, and how many.
async fn degraded(probe: &mut Probe, generator: &Generator) -> (Instant, usize) {
    let mut stable_at = None;
    let mut no_bids = 0;
    for n in 0..DEGRADED_REQUESTS {
        let outcome = probe.post(body(generator, 40_000 + n as u64)).await;
        if status_and_reason(&outcome) == (Some(204), "degraded".to_owned()) {
            stable_at.get_or_insert_with(Instant::now);
            no_bids += 1;
        }
    }
    (stable_at.unwrap_or_else(Instant::now), no_bids)
}

/// A valid request, as it goes over the wire.
fn body(generator: &Generator, number: u64) -> Bytes {
    generator.dialect().encode(generator.request(number).json).into()
}

fn status_and_reason(outcome: &Outcome) -> (Option<u16>, String) {
    match outcome {
        Outcome::Answered(answer) => {
            (Some(answer.status.as_u16()), answer.no_bid_reason().unwrap_or_default().to_owned())
        }
        other => (None, format!("{other:?}")),
    }
}

fn drain_events(events: &mut Events) -> Vec<Event> {
    let mut seen = Vec::new();
    while let Some(event) = events.try_recv() {
        // A lag would show as a missing crash.
        seen.extend(event.ok().filter(|event| !matches!(event.kind, EventKind::Ignored)));
    }
    seen
}
