//! The step that starts the registered campaigns.
//!
//! Promises that a restart of all campaigns brings every one back: dynamic children do not outlive their supervisor, the
//! registry does. Never fails for a campaign that cannot start.

use std::convert::Infallible;
use std::sync::Arc;

use tembusu::{Actor, AdminError, Context, Dynamic, Flow, Init, Supervisor};

use super::Slot;
use super::registry::Registry;

/// Starts every registered campaign in `init`, then receives nothing: it has no message, so it never crashes later.
pub(super) struct Loader;

/// What a [`Loader`] is made from.
pub(super) struct LoaderArgs {
    pub(super) registry: Registry,
    pub(super) each: Dynamic<Arc<Slot>, Supervisor>,
}

impl Actor for Loader {
    type Message = Infallible;
    type Args = LoaderArgs;
    type Crash = Infallible;

    async fn init(args: &LoaderArgs, _cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        for slot in args.registry.slots() {
            // The registry keeps the error, and the others are to start.
            let _ = start(&args.registry, &args.each, &slot).await;
        }
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, message: Infallible, _cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        match message {}
    }
}

/// Starts one campaign and notes in the registry if that fails.
pub(super) async fn start(
    registry: &Registry,
    each: &Dynamic<Arc<Slot>, Supervisor>,
    slot: &Arc<Slot>,
) -> Result<(), String> {
    let started = match each.start(Arc::clone(slot)).await {
        Ok(_) | Err(AdminError::AlreadyStarted { .. } | AdminError::AlreadyPresent { .. }) => Ok(()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = &started {
        tracing::error!(campaign = %slot.id(), error, "campaign did not start");
    }
    registry.set_start_error(slot.id(), started.as_ref().err().cloned());
    started
}
