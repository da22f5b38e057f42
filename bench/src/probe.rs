//! What the measured children of all Rust peers share: when the crash was, when the subtree was ready, when the
//! first message was handled.
//!
//! The children drive themselves. The `init` that completes the subtree takes the first instant; handling the
//! message `Go` takes the second, and leads to the next crash, which takes its own instant last. So a
//! sample holds one crash, the supervisor's whole decision and the new incarnations' `init`, and no driver is woken.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::cases::{How, Plan, Shape};
use crate::figures::{Figures, quantiles};

/// Crashes before the first that counts.
const WARM_UP: usize = 60;

/// How long the child idles before a rare crash: long enough for its thread to sleep.
pub(crate) const IDLE: Duration = Duration::from_millis(1);

/// An infrastructure failure, made on demand.
#[derive(Debug, thiserror::Error)]
#[error("crashed on demand")]
pub(crate) struct OnDemand;

#[derive(Default)]
struct State {
    crashed: Option<Instant>,
    ready: Option<Instant>,
    /// Members that have come up since the crash.
    up: usize,
    crashes: usize,
    init: Vec<Duration>,
    first: Vec<Duration>,
}

/// The stop-watch of one run.
pub(crate) struct Probe {
    pub(crate) plan: Plan,
    /// Whether the peer's queue outlives a crash: then the first message waits in it from before the crash.
    queue_survives: bool,
    state: Mutex<State>,
    done: Notify,
}

impl Probe {
    pub(crate) fn new(plan: Plan, queue_survives: bool) -> Self {
        let state = State {
            init: Vec::with_capacity(plan.crashes),
            first: Vec::with_capacity(plan.crashes),
            ..State::default()
        };
        Self { plan, queue_survives, state: Mutex::new(state), done: Notify::new() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last act of an `init`. True when this one completed the subtree and is to send itself the first message.
    pub(crate) fn up(&self) -> bool {
        let now = Instant::now();
        let mut state = self.lock();
        state.up += 1;
        if state.up < self.plan.members() {
            return false;
        }
        state.up = 0;
        state.ready = Some(now);
        !self.queues_first() || state.crashes == 0
    }

    /// Whether the crashing child queues the next incarnation's first message itself. Not with escalation: some
    /// peers' queues end with their supervisor.
    pub(crate) fn queues_first(&self) -> bool {
        self.queue_survives && self.plan.shape == Shape::Alone
    }

    /// The first message is being handled. True when another crash is wanted.
    pub(crate) fn handled(&self) -> bool {
        let now = Instant::now();
        let mut state = self.lock();
        // With escalation only the crash that is one too many counts.
        let counts = self.plan.shape != Shape::Escalation || state.crashes.is_multiple_of(6);
        if let (Some(crashed), Some(ready), true) = (state.crashed, state.ready, counts && state.crashes > WARM_UP) {
            state.init.push(ready.saturating_duration_since(crashed));
            state.first.push(now.saturating_duration_since(crashed));
        }
        if state.init.len() < self.plan.crashes {
            return true;
        }
        drop(state);
        self.done.notify_one();
        false
    }

    /// The last act before the crash.
    pub(crate) fn crashing(&self) {
        let mut state = self.lock();
        state.crashes += 1;
        state.crashed = Some(Instant::now());
    }

    /// Crashes as planned.
    pub(crate) fn crash(&self) -> Result<(), OnDemand> {
        self.crashing();
        match self.plan.how {
            How::Error => Err(OnDemand),
            How::Panic => panic!("crashed on demand"),
        }
    }

    /// Idles when the plan says so; before the crash.
    pub(crate) async fn idle(&self) {
        if self.plan.idle {
            tokio::time::sleep(IDLE).await;
        }
    }

    /// Waits for all samples and sums them up.
    pub(crate) async fn figures(&self) -> Figures {
        self.done.notified().await;
        let state = self.lock();
        let per = if self.plan.per_member() { self.plan.members() as f64 } else { 1.0 };
        let mut figures = Figures::new();
        quantiles(&mut figures, "init", &state.init, per);
        quantiles(&mut figures, "first", &state.first, per);
        if self.plan.one_period {
            let tenth = state.init.len() / 10;
            let mut edges = Figures::new();
            quantiles(&mut edges, "begin", &state.init[..tenth], 1.0);
            quantiles(&mut edges, "end", &state.init[state.init.len() - tenth..], 1.0);
            figures.insert("growth".to_owned(), edges["end_us"] / edges["begin_us"]);
        }
        figures
    }
}
