//! How long a restart takes: from just before the crash to the end of the new `init`, and to the first message
//! that had been waiting. For groups and escalation: until the last child is there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tembusu::{Actor, Address, Context, Flow, Init, Supervisor, Tree, child};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::sample::Rounds;
use super::{Options, floor};

/// How long one crash may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// When things happened.
#[derive(Debug, Default)]
pub(super) struct Clock {
    crashed: Option<Instant>,
    ready: Option<Instant>,
}

pub(super) type SharedClock = Arc<Mutex<Clock>>;

pub(super) fn crashes_now(clock: &SharedClock) {
    clock.lock().unwrap_or_else(PoisonError::into_inner).crashed = Some(Instant::now());
}

pub(super) fn ready_now(clock: &SharedClock) {
    clock.lock().unwrap_or_else(PoisonError::into_inner).ready = Some(Instant::now());
}

/// From the crash to the last `init`, and to the message.
pub(super) fn read(clock: &SharedClock, handled: Instant) -> (Duration, Duration) {
    let clock = clock.lock().unwrap_or_else(PoisonError::into_inner);
    let crashed = clock.crashed.unwrap_or(handled);
    let ready = clock.ready.unwrap_or(handled);
    (ready.saturating_duration_since(crashed), handled.saturating_duration_since(crashed))
}

/// How the measured child crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Error,
    Panic,
}

/// A child that crashes on demand and says when it is ready.
struct Probe {
    clock: SharedClock,
}

enum Message {
    Crash(How),
    Ping(oneshot::Sender<Instant>),
}

#[derive(Debug, thiserror::Error)]
#[error("crashed on demand")]
struct OnDemand;

impl Actor for Probe {
    type Message = Message;
    type Args = SharedClock;
    type Crash = OnDemand;

    async fn init(clock: &SharedClock, _: &mut Context<Self>) -> Result<Init<Self>, OnDemand> {
        ready_now(clock);
        Ok(Init::Ready(Self { clock: Arc::clone(clock) }))
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow, OnDemand> {
        match message {
            Message::Crash(how) => {
                crashes_now(&self.clock);
                match how {
                    How::Error => return Err(OnDemand),
                    How::Panic => panic!("crashed on demand"),
                }
            }
            Message::Ping(reply) => drop(reply.send(Instant::now())),
        }
        Ok(Flow::Continue)
    }
}

/// What is measured: which tree, who crashes, who is the last to be back.
#[derive(Clone, Copy, Debug)]
struct Case {
    name: &'static str,
    how: How,
    shape: Shape,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    OneForOne,
    RestForOne,
    OneForAll,
    /// The sixth crash of "5 in 10 s": the supervisor ends and its parent restarts it.
    Escalation,
}

const CASES: [Case; 5] = [
    Case { name: "error", how: How::Error, shape: Shape::OneForOne },
    Case { name: "panic", how: How::Panic, shape: Shape::OneForOne },
    Case { name: "rest_for_one_3", how: How::Panic, shape: Shape::RestForOne },
    Case { name: "one_for_all_3", how: How::Panic, shape: Shape::OneForAll },
    Case { name: "escalation", how: How::Panic, shape: Shape::Escalation },
];

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    // What panics inside a supervised poll is not printed; the peers' panics are silenced here.
    std::panic::set_hook(Box::new(|_| {}));
    for threads in [1, 2] {
        let mut cases: Vec<(Rounds, Rounds)> = CASES.iter().map(|_| Default::default()).collect();
        let mut floors: Vec<(Rounds, Rounds)> = floor::CASES.iter().map(|_| Default::default()).collect();
        for _ in 0..options.rounds {
            for (case, (init, first)) in CASES.iter().zip(&mut cases) {
                let (inits, firsts) = runtime(threads)?.block_on(measure(*case, options.crashes))?;
                init.add(inits);
                first.add(firsts);
            }
            for (case, (init, first)) in floor::CASES.iter().zip(&mut floors) {
                let (inits, firsts) = runtime(threads)?.block_on(floor::measure(*case, options.crashes))?;
                init.add(inits);
                first.add(firsts);
            }
        }
        for (case, (init, first)) in CASES.iter().zip(&cases) {
            print(options, "tembusu", case.name, init, first, threads)?;
        }
        for (case, (init, first)) in floor::CASES.iter().zip(&floors) {
            print(options, case.system, case.name, init, first, threads)?;
        }
    }
    Ok(())
}

fn print(
    options: &Options,
    system: &'static str,
    case: &'static str,
    init: &Rounds,
    first: &Rounds,
    threads: usize,
) -> anyhow::Result<()> {
    for (rounds, until) in [(init, "init"), (first, "first_message")] {
        let line = rounds.line(system, case, until, threads);
        if options.json {
            println!("{}", serde_json::to_string(&line)?);
        } else {
            println!(
                "{system:>12} {case:<16} {until:<14} {threads} thread(s): p50 {:8.2} us [{:.2}..{:.2}], p99 {:8.2} us",
                line.p50_us, line.p50_us_min, line.p50_us_max, line.p99_us
            );
        }
    }
    Ok(())
}

fn runtime(threads: usize) -> std::io::Result<Runtime> {
    if threads == 1 {
        Builder::new_current_thread().enable_all().build()
    } else {
        Builder::new_multi_thread().worker_threads(threads).enable_all().build()
    }
}

/// A tree with the child that crashes and the one that is back last.
struct World {
    tree: Tree,
    clock: SharedClock,
    crashes: Address<Message>,
    last: Address<Message>,
}

async fn world(shape: Shape) -> anyhow::Result<World> {
    let clock = SharedClock::default();
    // As many restarts as it takes, without a record that grows.
    let endless = (u32::MAX, Duration::from_micros(1));
    let group = match shape {
        Shape::OneForOne | Shape::Escalation => Supervisor::one_for_one("group"),
        Shape::RestForOne => Supervisor::rest_for_one("group"),
        Shape::OneForAll => Supervisor::one_for_all("group"),
    };
    let mut group = match shape {
        Shape::Escalation => group.intensity(5, Duration::from_secs(10)),
        _ => group.intensity(endless.0, endless.1),
    };
    let crashes = group.add(child::<Probe>("first", Arc::clone(&clock)));
    let mut last = crashes.clone();
    if matches!(shape, Shape::RestForOne | Shape::OneForAll) {
        group.add(child::<Probe>("second", Arc::clone(&clock)));
        last = group.add(child::<Probe>("third", Arc::clone(&clock)));
    }
    let mut root = Supervisor::one_for_one("root").intensity(endless.0, endless.1);
    root.supervisor(group);
    let tree = root.start().await?;
    Ok(World { tree, clock, crashes, last })
}

async fn measure(case: Case, crashes: u32) -> anyhow::Result<(Vec<Duration>, Vec<Duration>)> {
    let World { tree, clock, crashes: victim, last } = world(case.shape).await?;
    // A few crashes to warm up.
    let warm_up = 20;
    let mut inits = Vec::with_capacity(crashes as usize);
    let mut firsts = Vec::with_capacity(crashes as usize);
    for n in 0..crashes + warm_up {
        if matches!(case.shape, Shape::Escalation) {
            for _ in 0..5 {
                crash_and_ping(&victim, &last, case.how).await?;
            }
        }
        let handled = crash_and_ping(&victim, &last, case.how).await?;
        if n >= warm_up {
            let (init, first) = read(&clock, handled);
            inits.push(init);
            firsts.push(first);
        }
    }
    tree.shutdown().await;
    Ok((inits, firsts))
}

/// Queues a crash and, behind it, the message that the next incarnation handles first.
async fn crash_and_ping(victim: &Address<Message>, last: &Address<Message>, how: How) -> anyhow::Result<Instant> {
    let (reply, handled) = oneshot::channel();
    victim.tell(Message::Crash(how)).map_err(|error| anyhow::anyhow!("the crash was refused: {error}"))?;
    if victim.path() == last.path() {
        last.tell(Message::Ping(reply)).map_err(|error| anyhow::anyhow!("the message was refused: {error}"))?;
    } else {
        // The last of a group must not handle it before its own restart.
        while !victim.is_empty() {
            tokio::task::yield_now().await;
        }
        last.tell(Message::Ping(reply)).map_err(|error| anyhow::anyhow!("the message was refused: {error}"))?;
    }
    Ok(tokio::time::timeout(PATIENCE, handled).await??)
}
