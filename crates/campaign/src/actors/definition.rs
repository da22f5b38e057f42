//! The actor that owns a campaign's compiled definition.
//!
//! Promises that what it has published compiled without a flaw and has not panicked on the bid path since. Never waits.

use std::sync::Arc;

use tembusu::{Actor, Address, Context, Flow, Init, Reply};

use super::{IndexMessage, Slot};
use crate::compiled::compile_sound;
use crate::{Campaign, CampaignId, CompileError, CompiledCampaign, chaos, compile_shared};

/// Compiles a campaign in `init` and publishes it; withdrawn with the incarnation.
#[derive(Debug)]
pub struct Definition {
    slot: Arc<Slot>,
    index_publisher: Address<IndexMessage>,
    /// What the incarnation has published last; nothing if it began with a charge.
    current: Option<Arc<CompiledCampaign>>,
}

/// What a [`Definition`] is made from.
#[derive(Debug, Clone)]
pub struct DefinitionArgs {
    pub(super) slot: Arc<Slot>,
    pub(super) index_publisher: Address<IndexMessage>,
}

/// What a [`Definition`] is told.
#[derive(Debug)]
#[non_exhaustive]
pub enum DefinitionMessage {
    /// An evaluation of the campaign panicked on the bid path: the incarnation crashes for it.
    Condemned(Condemnation),
    /// The registry holds another version of the definition: compiles and publishes it.
    Change(Reply<()>),
    /// Does nothing but pass [`chaos::DEFINITION_HANDLE`].
    Poke,
}

/// The charge against one incarnation of a definition.
#[derive(Debug)]
pub struct Condemnation {
    /// Whichever there is, if it was none that panicked.
    pub(crate) incarnation: Option<u64>,
    pub(crate) message: String,
}

/// Why a definition crashes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionCrash {
    /// It does not compile: correct the definition.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// An evaluation of it panicked.
    #[error("evaluation of campaign {campaign} panicked: {message}")]
    Evaluation {
        /// The campaign.
        campaign: CampaignId,
        /// What the panic said.
        message: String,
    },
}

impl Actor for Definition {
    type Message = DefinitionMessage;
    type Args = DefinitionArgs;
    type Crash = DefinitionCrash;

    async fn init(args: &DefinitionArgs, cx: &mut Context<Self>) -> Result<Init<Self>, DefinitionCrash> {
        let DefinitionArgs { slot, index_publisher } = args.clone();
        let awake = slot.wake();
        // What it did at rest: it pays first, and its successor bids.
        let before = awake.take_charge();
        let current = if before.is_none() { Some(publish(&slot, None, cx)?) } else { None };
        // A charge may have come while it was compiled.
        if let Some(message) = before.or(awake.set_definition(cx.address())) {
            let charge = Condemnation { incarnation: Some(cx.incarnation()), message };
            let _ = cx.address().tell(DefinitionMessage::Condemned(charge));
        }
        current.iter().for_each(|current| tell(&index_publisher, &slot, current));
        Ok(Init::Ready(Self { slot, index_publisher, current }))
    }

    async fn handle(&mut self, message: DefinitionMessage, cx: &mut Context<Self>) -> Result<Flow, DefinitionCrash> {
        let campaign = self.slot.id();
        chaos::DEFINITION_HANDLE.strike(campaign);
        match message {
            // The queue outlives an incarnation; a charge against an earlier one has been paid.
            DefinitionMessage::Condemned(charge) if charge.incarnation.is_none_or(|of| of == cx.incarnation()) => {
                Err(DefinitionCrash::Evaluation { campaign, message: charge.message })
            }
            DefinitionMessage::Change(reply) => {
                let former = self.current.clone();
                if former.as_ref().is_some_and(|former| former.version() != self.slot.defined().version) {
                    let current = publish(&self.slot, former, cx)?;
                    tell(&self.index_publisher, &self.slot, &current);
                    self.current = Some(current);
                }
                // A caller that has given up finds the outcome in the status.
                let _ = reply.send(());
                Ok(Flow::Continue)
            }
            DefinitionMessage::Condemned(_) | DefinitionMessage::Poke => Ok(Flow::Continue),
        }
    }
}

/// Compiles what the registry holds, and publishes it. Until an index knows it, those who come by an older one find `former`.
fn publish(
    slot: &Slot,
    former: Option<Arc<CompiledCampaign>>,
    cx: &mut Context<Definition>,
) -> Result<Arc<CompiledCampaign>, CompileError> {
    let defined = slot.defined();
    let compiled = compile_drilled(Arc::clone(&defined.campaign))?;
    let compiled = compiled.owned_by(cx.address(), cx.incarnation()).into_version(defined.version, former);
    Ok(cx.publish(&slot.wake().compiled, compiled))
}

/// Compiles a definition, past the drill's panic.
fn compile_drilled(definition: Arc<Campaign>) -> Result<CompiledCampaign, CompileError> {
    chaos::DEFINITION_INIT.strike(definition.id);
    compile_shared(definition)
}

/// Compiles one that has been checked, past the same.
pub(super) fn compile_checked(definition: Arc<Campaign>) -> CompiledCampaign {
    chaos::DEFINITION_INIT.strike(definition.id);
    compile_sound(definition)
}

/// One message stands for all that is new until the publisher looks. One that is not there looks when it starts.
fn tell(index_publisher: &Address<IndexMessage>, slot: &Arc<Slot>, compiled: &CompiledCampaign) {
    if slot.is_news(compiled.version()) {
        let _ = index_publisher.tell(IndexMessage::Published);
    }
}
