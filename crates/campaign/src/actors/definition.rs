//! The actor that owns a campaign's compiled definition.
//!
//! Promises that what it has published compiled without a flaw and has not panicked on the bid path since. Never waits.

use std::sync::Arc;

use tembusu::{Actor, Address, Context, Flow, Init};

use super::{IndexMessage, Slot};
use crate::{CampaignId, CompileError, chaos, compile_shared};

/// Compiles a campaign in `init` and publishes it; withdrawn with the incarnation.
#[derive(Debug)]
pub struct Definition {
    campaign: CampaignId,
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
    /// Does nothing but pass [`chaos::DEFINITION_HANDLE`].
    Poke,
}

/// The charge against one incarnation of a definition.
#[derive(Debug)]
pub struct Condemnation {
    pub(crate) incarnation: u64,
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
        let campaign = args.slot.id();
        chaos::DEFINITION_INIT.strike(campaign);
        let compiled = compile_shared(Arc::clone(&args.slot.campaign))?.owned_by(cx.address(), cx.incarnation());
        args.slot.set_definition(cx.address());
        cx.publish(&args.slot.compiled, compiled);
        // A full queue holds a message that makes the publisher look at every campaign, and one that is not there looks at
        // every campaign when it starts.
        let _ = args.index_publisher.tell(IndexMessage::Published(campaign));
        Ok(Init::Ready(Self { campaign }))
    }

    async fn handle(&mut self, message: DefinitionMessage, cx: &mut Context<Self>) -> Result<Flow, DefinitionCrash> {
        chaos::DEFINITION_HANDLE.strike(self.campaign);
        match message {
            // The queue outlives an incarnation; a charge against an earlier one has been paid.
            DefinitionMessage::Condemned(charge) if charge.incarnation == cx.incarnation() => {
                Err(DefinitionCrash::Evaluation { campaign: self.campaign, message: charge.message })
            }
            DefinitionMessage::Condemned(_) | DefinitionMessage::Poke => Ok(Flow::Continue),
        }
    }
}
