//! The actor that says whether a campaign bids.
//!
//! Promises that a pause holds before it is confirmed, and through every restart. Never touches money.

use std::convert::Infallible;
use std::sync::Arc;

use tembusu::{Actor, Context, Flow, Init, Reply};

use super::Slot;

/// Publishes a campaign's [`Standing`]; without one the campaign does not bid.
#[derive(Debug)]
pub struct Controller {
    slot: Arc<Slot>,
}

/// What a [`Controller`] is made from.
#[derive(Debug, Clone)]
pub struct ControllerArgs {
    pub(super) slot: Arc<Slot>,
}

/// What a [`Controller`] is told.
#[derive(Debug)]
#[non_exhaustive]
pub enum ControllerMessage {
    /// Takes the campaign out of bidding until it is resumed.
    Pause(Reply<()>),
    /// Lets the campaign bid again.
    Resume(Reply<()>),
}

/// Whether a campaign bids, as far as its operator is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether an operator has paused it.
    pub paused: bool,
}

/// Why a controller crashes: it holds no infrastructure, so only by panic.
pub type ControllerCrash = Infallible;

impl Actor for Controller {
    type Message = ControllerMessage;
    type Args = ControllerArgs;
    type Crash = ControllerCrash;

    async fn init(args: &ControllerArgs, cx: &mut Context<Self>) -> Result<Init<Self>, ControllerCrash> {
        let controller = Self { slot: Arc::clone(&args.slot) };
        args.slot.wake().set_controller(cx.address());
        controller.publish(cx);
        Ok(Init::Ready(controller))
    }

    async fn handle(&mut self, message: ControllerMessage, cx: &mut Context<Self>) -> Result<Flow, ControllerCrash> {
        let (paused, reply) = match message {
            ControllerMessage::Pause(reply) => (true, reply),
            ControllerMessage::Resume(reply) => (false, reply),
        };
        self.slot.set_paused(paused);
        self.publish(cx);
        // A caller that has given up finds the outcome in the status.
        let _ = reply.send(());
        Ok(Flow::Continue)
    }
}

impl Controller {
    fn publish(&self, cx: &mut Context<Self>) {
        cx.publish(&self.slot.wake().standing, Standing { paused: self.slot.is_paused() });
    }
}
