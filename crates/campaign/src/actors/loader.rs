//! The step that makes the registered campaigns bid, and wakes those that a charge is brought against.
//!
//! Promises that a restart of all campaigns brings every one back: dynamic children do not outlive their supervisor, the
//! registry does. Never fails for a campaign that cannot start.

use std::convert::Infallible;
use std::sync::Arc;

use tembusu::{Actor, AdminError, Context, Dynamic, Flow, Init, Supervisor};

use super::definition::Condemnation;
use super::registry::Registry;
use super::subtree::subtree_name;
use super::{DefinitionMessage, Slot};

/// Campaigns that are compiled before others get a turn on this thread: about a millisecond.
const COMPILED_PER_TURN: usize = 128;

/// Starts every registered campaign in `init`, then those that have to wake.
pub(super) struct Loader {
    args: LoaderArgs,
}

/// What a [`Loader`] is made from.
#[derive(Clone)]
pub(super) struct LoaderArgs {
    pub(super) registry: Registry,
    pub(super) each: Dynamic<Arc<Slot>, Supervisor>,
}

/// What a [`Loader`] is told.
#[derive(Debug)]
pub(super) enum LoaderMessage {
    /// An evaluation of a campaign that rests has panicked; which one stands in what all campaigns share.
    Charged,
}

impl Actor for Loader {
    type Message = LoaderMessage;
    type Args = LoaderArgs;
    type Crash = Infallible;

    async fn init(args: &LoaderArgs, _cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        for (at, slot) in args.registry.slots().into_iter().enumerate() {
            // The registry keeps the error, and the others are to start.
            let _ = start(&args.registry, &args.each, &slot).await;
            if at % COMPILED_PER_TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
        let loader = Self { args: args.clone() };
        loader.wake_charged().await;
        Ok(Init::Ready(loader))
    }

    async fn handle(&mut self, message: LoaderMessage, _cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        match message {
            LoaderMessage::Charged => self.wake_charged().await,
        }
        Ok(Flow::Continue)
    }
}

impl Loader {
    /// Starts the subtrees that have to pay for a panic.
    async fn wake_charged(&self) {
        let LoaderArgs { registry, each } = &self.args;
        for (slot, message) in registry.shared.take_charges() {
            if !slot.is_removed() {
                accuse(registry, each, &slot, message).await;
            }
        }
    }
}

/// Charges a campaign with what it did at rest. Whoever else wakes it meanwhile: whichever incarnation comes next pays.
async fn accuse(registry: &Registry, each: &Dynamic<Arc<Slot>, Supervisor>, slot: &Arc<Slot>, message: String) {
    match slot.wake().charge(message) {
        Some((definition, message)) => {
            let charge = Condemnation { incarnation: None, message };
            // Refused only if it is down, and so out of every index.
            let _ = definition.tell(DefinitionMessage::Condemned(charge));
        }
        None => {
            let _ = start(registry, each, slot).await;
        }
    }
}

/// Lets one campaign bid; the registry keeps the reason if it cannot. One that does not compile has a subtree at once, which
/// fails in the way that all do.
pub(super) async fn start(
    registry: &Registry,
    each: &Dynamic<Arc<Slot>, Supervisor>,
    slot: &Arc<Slot>,
) -> Result<(), String> {
    if slot.rest() {
        registry.set_start_error(slot.id(), None);
        return Ok(());
    }
    slot.wake();
    let started = match each.start(Arc::clone(slot)).await {
        Ok(_) | Err(AdminError::AlreadyStarted { .. } | AdminError::AlreadyPresent { .. }) => Ok(()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = &started {
        tracing::error!(campaign = %slot.id(), error, "campaign did not start");
    }
    if slot.is_removed() {
        // Meanwhile, and whoever removed it saw no subtree yet: nothing is to stand in the way of the next of this number.
        let _ = each.terminate(&subtree_name(slot.id())).await;
        registry.set_start_error(slot.id(), None);
        return started;
    }
    registry.set_start_error(slot.id(), started.as_ref().err().cloned());
    started
}

#[cfg(test)]
mod tests {
    use tembusu::{Event, EventKind};
    use tembusu_testkit::EventRecorder;

    use super::*;
    use crate::actors::sample::seven;
    use crate::{CampaignId, Changes, campaigns_supervisor};

    #[tokio::test]
    async fn one_that_is_removed_while_it_wakes_leaves_nothing_to_the_next_of_its_number() {
        let (campaigns, handle) = campaigns_supervisor([seven()]).expect("sound");
        let mut root = Supervisor::one_for_one("root");
        root.supervisor(campaigns);
        let tree = root.start().await.expect("it starts");
        let slot = handle.registry.get(CampaignId(7)).expect("registered");
        let removed = Changes { define: Vec::new(), remove: vec![CampaignId(7)] };
        handle.apply(removed).await.expect("nothing speaks against it");
        // Whoever woke it had looked before.
        slot.wake();
        let _ = start(&handle.registry, &handle.each, &slot).await;
        let path = "root/campaigns/each/campaign_7";
        assert!(tree.handle().snapshot().find(path).is_none(), "it is gone with its subtree");

        handle.add(seven()).await.expect("the number is free");
        handle.wake(CampaignId(7)).await.expect("awake");
        assert!(handle.view(CampaignId(7)).expect("known").bidding.is_some(), "by a subtree of its own");
        tree.shutdown().await;
    }

    /// Tells whether the definition of the seventh crashed for that.
    fn is_crash(event: &Event, of: &str) -> bool {
        let is_it = &*event.path == "root/campaigns/each/campaign_7/definition";
        is_it && matches!(&event.kind, EventKind::Crashed { reason, .. } if reason.to_string().contains(of))
    }

    #[tokio::test]
    async fn a_charge_counts_though_somebody_else_wakes_the_campaign_at_the_same_time() {
        let (campaigns, handle) = campaigns_supervisor([seven()]).expect("sound");
        let mut root = Supervisor::one_for_one("root");
        root.supervisor(campaigns);
        let tree = root.start().await.expect("it starts");
        let mut events = EventRecorder::of(&tree.handle());
        let slot = handle.registry.get(CampaignId(7)).expect("registered");
        // Somebody else has woken it, and its subtree has not started yet.
        slot.wake();
        accuse(&handle.registry, &handle.each, &slot, "divided by zero".to_owned()).await;
        // Both go on to start it, whoever is first.
        let _ = start(&handle.registry, &handle.each, &slot).await;
        events.wait_for(|event| is_crash(event, "divided by zero")).await;
        // One that is there already is told.
        accuse(&handle.registry, &handle.each, &slot, "out of bounds".to_owned()).await;
        events.wait_for(|event| is_crash(event, "out of bounds")).await;
        tree.shutdown().await;
    }
}
