//! The actor that publishes the index.
//!
//! Promises an index of every campaign that has compiled, soon after it has. Never compiles one itself, and never needs to
//! hurry for one that dies: an index leaves out what is not live.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tembusu::{Actor, Context, Flow, Init, Reply, Table};

use super::Slot;
use super::registry::Registry;
use crate::index::Source;
use crate::{CampaignId, Index, chaos};

/// How long to gather campaigns that start together before the index is built: long against a build of a thousand, short
/// against the patience of whoever added one.
pub(super) const GATHER: Duration = Duration::from_millis(5);

/// Builds the [`Index`] in `init` and whenever a campaign appears that it does not hold yet.
#[derive(Debug)]
pub struct IndexPublisher {
    registry: Registry,
    index: Table<Index>,
    /// The version of each campaign in the index.
    indexed: BTreeMap<CampaignId, u32>,
    gathering: bool,
}

/// What an [`IndexPublisher`] is made from.
#[derive(Debug, Clone)]
pub struct IndexPublisherArgs {
    pub(super) registry: Registry,
    pub(super) index: Table<Index>,
}

/// What an [`IndexPublisher`] is told.
#[derive(Debug)]
#[non_exhaustive]
pub enum IndexMessage {
    /// A version of a campaign has been published.
    Published(CampaignId, u32),
    /// Enough gathered: build.
    Build,
    /// Builds at once and answers with the number of campaigns in the index.
    Refresh(Reply<usize>),
}

/// Why an index publisher crashes: it holds no infrastructure, so only by panic.
pub type IndexPublisherCrash = Infallible;

impl Actor for IndexPublisher {
    type Message = IndexMessage;
    type Args = IndexPublisherArgs;
    type Crash = IndexPublisherCrash;

    async fn init(args: &IndexPublisherArgs, cx: &mut Context<Self>) -> Result<Init<Self>, IndexPublisherCrash> {
        let IndexPublisherArgs { registry, index } = args.clone();
        let mut publisher = Self { registry, index, indexed: BTreeMap::new(), gathering: false };
        publisher.build(cx);
        Ok(Init::Ready(publisher))
    }

    async fn handle(&mut self, message: IndexMessage, cx: &mut Context<Self>) -> Result<Flow, IndexPublisherCrash> {
        if chaos::INDEX_PUBLISHER.is_armed() {
            panic!("chaos point {} is armed", chaos::INDEX_PUBLISHER.name());
        }
        match message {
            // One that has restarted is found by the index through its table.
            IndexMessage::Published(campaign, version) if self.indexed.get(&campaign) == Some(&version) => {}
            IndexMessage::Published(..) if self.gathering => {}
            IndexMessage::Published(..) => {
                self.gathering = true;
                cx.after(GATHER, IndexMessage::Build);
            }
            IndexMessage::Build => {
                self.gathering = false;
                self.build(cx);
            }
            IndexMessage::Refresh(reply) => {
                let index = self.build(cx);
                // A caller that has given up reads the table.
                let _ = reply.send(index.len());
            }
        }
        Ok(Flow::Continue)
    }
}

impl IndexPublisher {
    fn build(&mut self, cx: &mut Context<Self>) -> Arc<Index> {
        let slots = self.registry.slots();
        let of = |slot: &Arc<Slot>| {
            let campaign = slot.compiled.read()?;
            let source = Source::Supervised(Arc::clone(slot), campaign.version());
            Some((campaign, source))
        };
        let campaigns: Vec<_> = slots.iter().filter_map(of).collect();
        let built: Vec<_> = campaigns.iter().map(|(campaign, _)| Arc::clone(campaign)).collect();
        self.indexed = campaigns.iter().map(|(campaign, _)| (campaign.id(), campaign.version())).collect();
        let index = cx.publish(&self.index, Index::build(campaigns));
        // Only now: whoever pauses one from here on finds this index and tells it.
        slots.iter().for_each(|slot| slot.sync_index());
        built.iter().for_each(|campaign| campaign.forget_former());
        index
    }
}
