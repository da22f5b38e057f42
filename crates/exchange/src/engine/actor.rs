//! The engine's life cycle.
//!
//! Its requests are inline calls. The one that it crashes in is never redelivered: its caller is told, its body is kept for the
//! engineer. Callers that come meanwhile wait for the next incarnation, within their deadlines.

use std::sync::Arc;

use tembusu::{Actor, Context, Flow, Init, Inline};

use super::answer::EngineAnswer;
use super::message::EngineMessage;
use super::settings::EngineSettings;
use super::state::{Engine, EngineCrash};
use super::view::Decide;
use crate::payload::PayloadKeeper;
use crate::sockets::Framed;

/// What an engine and its stand-in are made from.
#[derive(Clone, Debug)]
pub struct EngineArgs {
    /// What engines look at.
    pub settings: Arc<EngineSettings>,
    /// Where requests come in.
    pub view: Inline<dyn Decide>,
    /// Where a payload goes that crashes an engine.
    pub payloads: PayloadKeeper,
}

/// Bytes to decision, supervised.
///
/// # On restart
///
/// Callers who wait go on; the state is made from what is published then.
#[derive(Debug)]
pub struct BidEngine {
    payloads: PayloadKeeper,
}

impl Actor for BidEngine {
    type Message = EngineMessage;
    type Args = EngineArgs;
    type Crash = EngineCrash;

    async fn init(args: &EngineArgs, cx: &mut Context<Self>) -> Result<Init<Self>, EngineCrash> {
        tidy_soon(&args.payloads, cx);
        let handlers = Handlers {
            engine: Engine::new(Arc::clone(&args.settings))?,
            payloads: args.payloads.clone(),
            path: cx.path().into(),
            incarnation: cx.incarnation(),
        };
        cx.publish_view(&args.view, Arc::new(handlers));
        Ok(Init::Ready(Self { payloads: args.payloads.clone() }))
    }

    async fn handle(&mut self, message: EngineMessage, _cx: &mut Context<Self>) -> Result<Flow, EngineCrash> {
        match message {
            EngineMessage::TidyPayloads => self.payloads.tidy(),
        }
        Ok(Flow::Continue)
    }
}

/// Has the payloads scrubbed that earlier incarnations died of, when there is time for it.
pub(super) fn tidy_soon<A: Actor<Message = EngineMessage>>(payloads: &PayloadKeeper, cx: &Context<A>) {
    if payloads.is_untidy() {
        // If there is no room, the payloads are scrubbed when somebody looks.
        let _ = cx.address().tell(EngineMessage::TidyPayloads);
    }
}

/// One incarnation, as its callers enter it.
struct Handlers {
    engine: Engine,
    payloads: PayloadKeeper,
    path: Arc<str>,
    incarnation: u64,
}

impl Decide for Handlers {
    fn decide(&self, request: &Framed) -> EngineAnswer {
        let in_hand = InHand { handlers: self, request };
        let answer = self.engine.decide(request);
        std::mem::forget(in_hand);
        answer.unwrap_or_else(|crash| panic!("{crash}"))
    }
}

/// The request that this thread is working on. Dropped only when it panics.
struct InHand<'a> {
    handlers: &'a Handlers,
    request: &'a Framed,
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        let Handlers { payloads, path, incarnation, .. } = self.handlers;
        payloads.keep(path, *incarnation, &self.request.body);
    }
}
