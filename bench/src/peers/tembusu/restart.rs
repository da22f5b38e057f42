//! Crashes of one child, of a group, and of a whole subtree.

use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use tembusu::{Actor, Address, Context, Events, Flow, Init, Supervisor, child};

use crate::cases::{ENDLESS, Plan, Shape};
use crate::figures::Figures;
use crate::probe::{OnDemand, Probe};

pub(super) enum Message {
    Go,
    Crash,
}

pub(super) struct Shared {
    pub(super) probe: Probe,
    /// Who crashes.
    pub(super) victim: OnceLock<Address<Message>>,
}

pub(super) struct Child {
    shared: Arc<Shared>,
}

impl Actor for Child {
    type Message = Message;
    type Args = Arc<Shared>;
    type Crash = OnDemand;

    async fn init(shared: &Arc<Shared>, cx: &mut Context<Self>) -> Result<Init<Self>, OnDemand> {
        let state = Self { shared: Arc::clone(shared) };
        if shared.probe.up() {
            let _ = cx.address().tell(Message::Go);
        }
        Ok(Init::Ready(state))
    }

    async fn handle(&mut self, message: Message, cx: &mut Context<Self>) -> Result<Flow, OnDemand> {
        let probe = &self.shared.probe;
        let crashes = match message {
            Message::Crash => true,
            Message::Go if !probe.handled() => false,
            Message::Go if probe.plan.members() == 1 => true,
            Message::Go => {
                if let Some(victim) = self.shared.victim.get() {
                    let _ = victim.tell(Message::Crash);
                }
                false
            }
        };
        // Here, not in a function of its own: each frame that is unwound costs, and the peers have none either.
        if crashes {
            probe.idle().await;
            if probe.queues_first() {
                let _ = cx.address().tell(Message::Go);
            }
            probe.crash()?;
        }
        Ok(Flow::Continue)
    }
}

pub(super) async fn run(plan: Plan) -> anyhow::Result<Figures> {
    let shared = Arc::new(Shared { probe: Probe::new(plan, true), victim: OnceLock::new() });
    let group = match plan.shape {
        Shape::Alone | Shape::Escalation => Supervisor::one_for_one("group"),
        Shape::RestForOne(_) => Supervisor::rest_for_one("group"),
        Shape::OneForAll(_) => Supervisor::one_for_all("group"),
    };
    let (limit, period) = plan.intensity();
    let mut group = group.intensity(limit, period);
    for member in 0..plan.members() {
        let address = group.add(child::<Child>(format!("child_{member}"), Arc::clone(&shared)));
        if member == 0 {
            let _ = shared.victim.set(address);
        }
    }
    let mut root = Supervisor::one_for_one("root").intensity(ENDLESS.0, ENDLESS.1);
    root.supervisor(group);
    if plan.reports {
        tokio::spawn(report(root.handle().events()));
    }
    let tree = root.start().await?;
    let figures = shared.probe.figures().await;
    drop(tree);
    Ok(figures)
}

/// Writes everything that is known of every event.
async fn report(mut events: Events) {
    let Ok(mut null) = File::create("/dev/null") else { return };
    while let Ok(event) = events.recv().await {
        let text = format!("{:?} {} incarnation {}: {:?}\n", event.at, event.path, event.incarnation, event.kind);
        let _ = null.write_all(text.as_bytes());
    }
}
