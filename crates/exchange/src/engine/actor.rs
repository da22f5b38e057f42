//! The engine's life cycle.
//!
//! The request in hand at a crash is never redelivered: its caller is told, its body is kept for the engineer. Nothing in a
//! handler waits, so an engine is never caught half-way by an orderly stop.

use std::sync::Arc;

use tembusu::{Actor, Context, Flow, Init};

use super::message::EngineMessage;
use super::settings::EngineSettings;
use super::state::{Engine, EngineCrash};
use crate::payload::{InHand, PayloadKeeper};

/// What an engine and its stand-in are made from.
#[derive(Clone, Debug)]
pub struct EngineArgs {
    /// What engines look at.
    pub settings: Arc<EngineSettings>,
    /// The request that is being worked on.
    pub in_hand: InHand,
    /// Where a payload goes that crashed an engine.
    pub payloads: PayloadKeeper,
}

impl EngineArgs {
    /// Keeps what the previous incarnation died of, if it died of something; true if there is scrubbing to do.
    pub(super) fn keep_payload(&self) -> bool {
        let Some(held) = self.in_hand.take() else { return false };
        self.payloads.keep(held);
        true
    }
}

/// Bytes to decision, supervised.
///
/// # On restart
///
/// The queue goes on; the state is made from what is published then.
#[derive(Debug)]
pub struct BidEngine {
    engine: Engine,
    in_hand: InHand,
    payloads: PayloadKeeper,
    path: Arc<str>,
    incarnation: u64,
}

impl Actor for BidEngine {
    type Message = EngineMessage;
    type Args = EngineArgs;
    type Crash = EngineCrash;

    async fn init(args: &EngineArgs, cx: &mut Context<Self>) -> Result<Init<Self>, EngineCrash> {
        if args.keep_payload() {
            // If there is no room, the payloads are scrubbed when somebody looks.
            let _ = cx.address().tell(EngineMessage::TidyPayloads);
        }
        Ok(Init::Ready(Self {
            engine: Engine::new(Arc::clone(&args.settings))?,
            in_hand: args.in_hand.clone(),
            payloads: args.payloads.clone(),
            path: cx.path().into(),
            incarnation: cx.incarnation(),
        }))
    }

    async fn handle(&mut self, message: EngineMessage, _cx: &mut Context<Self>) -> Result<Flow, EngineCrash> {
        match message {
            EngineMessage::Decide { request, reply } => {
                self.in_hand.begin(&self.path, self.incarnation, &request.body);
                let answer = self.engine.decide(&request);
                if answer.is_ok() {
                    self.in_hand.end();
                }
                // A caller that is gone gives the money back: the offer comes back and is dropped.
                drop(reply.send(answer?));
            }
            EngineMessage::TidyPayloads => self.payloads.tidy(),
        }
        Ok(Flow::Continue)
    }
}
