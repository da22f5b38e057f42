//! One child: its end is sent to a supervising task, which counts and spawns anew; or a loop in one task.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use crate::cases::Plan;
use crate::figures::Figures;
use crate::peers::catch::catch;
use crate::probe::{OnDemand, Probe};

/// The one message: handle it, then crash.
struct Go;

type Sender = mpsc::Sender<Go>;
type Receiver = mpsc::Receiver<Go>;
type End = Result<Result<(), OnDemand>, Box<dyn Any + Send>>;

struct Exit {
    receiver: Receiver,
    end: End,
}

/// The restarts within the period, as any supervisor has to count them.
#[derive(Default)]
struct Intensity(VecDeque<Instant>);

impl Intensity {
    fn grants(&mut self, plan: &Plan) -> bool {
        let (limit, period) = plan.intensity();
        let now = Instant::now();
        while self.0.front().is_some_and(|&stamp| now.duration_since(stamp) > period) {
            self.0.pop_front();
        }
        self.0.push_back(now);
        self.0.len() <= limit as usize
    }
}

async fn handle(probe: &Probe, own: &Sender) -> Result<(), OnDemand> {
    if !probe.handled() {
        return Ok(());
    }
    probe.idle().await;
    let _ = own.try_send(Go);
    probe.crash()
}

/// One incarnation, until it crashes.
async fn live(probe: &Probe, own: &Sender, receiver: &mut Receiver) -> End {
    if probe.up() {
        let _ = own.try_send(Go);
    }
    loop {
        if receiver.recv().await.is_none() {
            return Ok(Ok(()));
        }
        match catch(handle(probe, own)).await {
            Ok(Ok(())) => {}
            end => return end,
        }
    }
}

pub(super) async fn run(plan: Plan, spawns: bool) -> anyhow::Result<Figures> {
    let probe = Arc::new(Probe::new(plan, true));
    let (own, receiver) = mpsc::channel(1024);
    if spawns {
        tokio::spawn(supervise(Arc::clone(&probe), own, receiver));
    } else {
        tokio::spawn(stay(Arc::clone(&probe), own, receiver));
    }
    Ok(probe.figures().await)
}

async fn stay(probe: Arc<Probe>, own: Sender, mut receiver: Receiver) {
    let mut intensity = Intensity::default();
    loop {
        let end = live(&probe, &own, &mut receiver).await;
        if matches!(end, Ok(Ok(()))) || !intensity.grants(&probe.plan) {
            return;
        }
        tokio::task::coop::consume_budget().await;
    }
}

async fn supervise(probe: Arc<Probe>, own: Sender, receiver: Receiver) {
    let mut intensity = Intensity::default();
    let (exits, mut exit) = mpsc::unbounded_channel();
    let mut next = Some(receiver);
    while let Some(mut receiver) = next.take() {
        let (probe_of_child, own, exits) = (Arc::clone(&probe), own.clone(), exits.clone());
        tokio::spawn(async move {
            let end = live(&probe_of_child, &own, &mut receiver).await;
            let _ = exits.send(Exit { receiver, end });
        });
        let Some(Exit { receiver, end }) = exit.recv().await else { return };
        if !matches!(end, Ok(Ok(()))) && intensity.grants(&probe.plan) {
            next = Some(receiver);
        }
    }
}
