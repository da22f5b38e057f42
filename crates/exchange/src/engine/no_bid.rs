//! The engine's stand-in while the exchange is degraded.
//!
//! A proper no-bid to every request, without looking at it: what crashed the engine cannot crash this.

use std::convert::Infallible;
use std::sync::Arc;

use tembusu::{Actor, Context, Flow, Init};

use super::actor::{EngineArgs, tidy_soon};
use super::answer::EngineAnswer;
use super::message::EngineMessage;
use super::view::Decide;
use crate::chaos::NO_BID;
use crate::payload::PayloadKeeper;
use crate::sockets::Framed;
use crate::{NoBid, NoBidReason};

/// What every request of a degraded exchange gets.
pub(crate) const DEGRADED: EngineAnswer = EngineAnswer::NoBid(NoBid { reason: NoBidReason::Degraded, region: None });

/// Answers every request with the no-bid `degraded`.
#[derive(Debug)]
pub struct NoBidEngine {
    payloads: PayloadKeeper,
}

impl Actor for NoBidEngine {
    type Message = EngineMessage;
    type Args = EngineArgs;
    type Crash = Infallible;

    async fn init(args: &EngineArgs, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        tidy_soon(&args.payloads, cx);
        cx.publish_view(&args.view, Arc::new(Handlers));
        Ok(Init::Ready(Self { payloads: args.payloads.clone() }))
    }

    async fn handle(&mut self, message: EngineMessage, _cx: &mut Context<Self>) -> Result<Flow, Infallible> {
        match message {
            EngineMessage::TidyPayloads => self.payloads.tidy(),
        }
        Ok(Flow::Continue)
    }
}

struct Handlers;

impl Decide for Handlers {
    fn decide(&self, _request: &Framed) -> EngineAnswer {
        assert!(!NO_BID.is_armed(), "chaos point {} is armed", NO_BID.name());
        DEGRADED
    }
}
