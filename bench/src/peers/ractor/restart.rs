//! Crashes under ractor-supervisor. An incarnation gets a new queue: what waited is lost.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef};
use ractor_supervisor::core::{ChildSpec, Restart, SpawnFn};
use ractor_supervisor::supervisor::{Supervisor, SupervisorArguments, SupervisorOptions, SupervisorStrategy};

use crate::cases::{Plan, Shape};
use crate::figures::Figures;
use crate::probe::Probe;

/// Its restart log is walked at each restart: this keeps it at one entry.
const FORGETFUL: Duration = Duration::from_nanos(1);

enum Message {
    Go,
    Crash,
}

struct Child;

#[derive(Clone)]
struct Shared {
    probe: Arc<Probe>,
    is_victim: bool,
    victim: Arc<OnceLock<String>>,
}

impl Actor for Child {
    type Msg = Message;
    type State = Shared;
    type Arguments = Shared;

    async fn pre_start(&self, myself: ActorRef<Message>, shared: Shared) -> Result<Shared, ActorProcessingErr> {
        if shared.is_victim
            && let Some(name) = myself.get_name()
        {
            let _ = shared.victim.set(name);
        }
        if shared.probe.up() {
            myself.cast(Message::Go)?;
        }
        Ok(shared)
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        shared: &mut Shared,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Go if !shared.probe.handled() => Ok(()),
            Message::Go if shared.probe.plan.members() > 1 => {
                let victim = shared.victim.get().and_then(ractor::registry::where_is);
                if let Some(victim) = victim {
                    victim.send_message(Message::Crash)?;
                }
                Ok(())
            }
            Message::Go | Message::Crash => {
                shared.probe.idle().await;
                Ok(shared.probe.crash()?)
            }
        }
    }
}

fn options(plan: &Plan) -> SupervisorOptions {
    let (limit, window) = plan.intensity();
    SupervisorOptions {
        strategy: match plan.shape {
            Shape::Alone | Shape::Escalation => SupervisorStrategy::OneForOne,
            Shape::RestForOne(_) => SupervisorStrategy::RestForOne,
            Shape::OneForAll(_) => SupervisorStrategy::OneForAll,
        },
        max_restarts: limit as usize,
        max_window: if plan.shape == Shape::Escalation { window } else { FORGETFUL },
        reset_after: None,
    }
}

fn spec(id: String, spawn_fn: SpawnFn) -> ChildSpec {
    ChildSpec { id, restart: Restart::Permanent, spawn_fn, backoff_fn: None, reset_after: None }
}

fn arguments(shared: &Shared) -> SupervisorArguments {
    let plan = shared.probe.plan;
    let child_specs = (0..plan.members())
        .map(|member| {
            let shared = Shared { is_victim: member == 0, ..shared.clone() };
            let spawn = move |parent: ActorCell, id: String| {
                let shared = shared.clone();
                async move {
                    let (child, _) = Supervisor::spawn_linked(id, Child, shared, parent).await?;
                    Ok(child.get_cell())
                }
            };
            spec(format!("child_{member}"), SpawnFn::new(spawn))
        })
        .collect();
    SupervisorArguments { child_specs, options: options(&plan) }
}

pub(super) async fn run(plan: Plan) -> anyhow::Result<Figures> {
    let probe = Arc::new(Probe::new(plan, false));
    let shared = Shared { probe: Arc::clone(&probe), is_victim: false, victim: Arc::default() };
    let arguments = if plan.shape == Shape::Escalation {
        let spawn = move |parent: ActorCell, id: String| {
            let arguments = arguments(&shared);
            async move {
                let (child, _) = Supervisor::spawn_linked(id, Supervisor, arguments, parent).await?;
                Ok(child.get_cell())
            }
        };
        let options = options(&Plan { shape: Shape::Alone, ..plan });
        SupervisorArguments { child_specs: vec![spec("group".to_owned(), SpawnFn::new(spawn))], options }
    } else {
        arguments(&shared)
    };
    let (root, _) = Supervisor::spawn("root".to_owned(), arguments).await?;
    let figures = probe.figures().await;
    root.stop(None);
    Ok(figures)
}
