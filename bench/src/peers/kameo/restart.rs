//! Crashes under kameo's supervision. The queue outlives a crash.

use std::sync::{Arc, OnceLock};

use kameo::actor::{Actor, ActorRef, Spawn};
use kameo::error::Infallible;
use kameo::message::{Context, Message};
use kameo::supervision::SupervisionStrategy;

use crate::cases::{ENDLESS, Plan, Shape};
use crate::figures::Figures;
use crate::probe::{OnDemand, Probe};

struct Go;
struct Crash;

struct Shared {
    probe: Probe,
    victim: OnceLock<ActorRef<Child>>,
}

struct Child {
    shared: Arc<Shared>,
}

impl Actor for Child {
    type Args = Arc<Shared>;
    type Error = Infallible;

    async fn on_start(shared: Arc<Shared>, own: ActorRef<Self>) -> Result<Self, Infallible> {
        if shared.probe.up() {
            let _ = own.tell(Go).try_send();
        }
        Ok(Self { shared })
    }
}

impl Message<Go> for Child {
    type Reply = Result<(), OnDemand>;

    async fn handle(&mut self, _: Go, cx: &mut Context<Self, Self::Reply>) -> Self::Reply {
        let probe = &self.shared.probe;
        if !probe.handled() {
            return Ok(());
        }
        if probe.plan.members() == 1 {
            probe.idle().await;
            if probe.queues_first() {
                let _ = cx.actor_ref().tell(Go).try_send();
            }
            return probe.crash();
        }
        if let Some(victim) = self.shared.victim.get() {
            let _ = victim.tell(Crash).try_send();
        }
        Ok(())
    }
}

impl Message<Crash> for Child {
    type Reply = Result<(), OnDemand>;

    async fn handle(&mut self, _: Crash, _: &mut Context<Self, Self::Reply>) -> Self::Reply {
        self.shared.probe.crash()
    }
}

const ONE_FOR_ONE: u8 = 0;
const REST_FOR_ONE: u8 = 1;
const ONE_FOR_ALL: u8 = 2;

/// A supervisor; its strategy belongs to its type.
struct Group<const STRATEGY: u8>;

impl<const STRATEGY: u8> Actor for Group<STRATEGY> {
    type Args = Arc<Shared>;
    type Error = Infallible;

    fn supervision_strategy() -> SupervisionStrategy {
        match STRATEGY {
            ONE_FOR_ONE => SupervisionStrategy::OneForOne,
            REST_FOR_ONE => SupervisionStrategy::RestForOne,
            _ => SupervisionStrategy::OneForAll,
        }
    }

    async fn on_start(shared: Arc<Shared>, own: ActorRef<Self>) -> Result<Self, Infallible> {
        let (limit, period) = shared.probe.plan.intensity();
        for member in 0..shared.probe.plan.members() {
            let child = Child::supervise(&own, Arc::clone(&shared)).restart_limit(limit, period).spawn().await;
            if member == 0 {
                let _ = shared.victim.set(child);
            }
        }
        Ok(Self)
    }
}

/// The supervisor of the group.
struct Root;

impl Actor for Root {
    type Args = Arc<Shared>;
    type Error = Infallible;

    async fn on_start(shared: Arc<Shared>, own: ActorRef<Self>) -> Result<Self, Infallible> {
        let (limit, period) = ENDLESS;
        match shared.probe.plan.shape {
            Shape::Alone | Shape::Escalation => {
                Group::<ONE_FOR_ONE>::supervise(&own, shared).restart_limit(limit, period).spawn().await;
            }
            Shape::RestForOne(_) => {
                Group::<REST_FOR_ONE>::supervise(&own, shared).restart_limit(limit, period).spawn().await;
            }
            Shape::OneForAll(_) => {
                Group::<ONE_FOR_ALL>::supervise(&own, shared).restart_limit(limit, period).spawn().await;
            }
        }
        Ok(Self)
    }
}

pub(super) async fn run(plan: Plan) -> anyhow::Result<Figures> {
    let shared = Arc::new(Shared { probe: Probe::new(plan, true), victim: OnceLock::new() });
    let root = Root::spawn(Arc::clone(&shared));
    let figures = shared.probe.figures().await;
    root.kill();
    Ok(figures)
}
