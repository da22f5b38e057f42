//! The actor that publishes the index.
//!
//! Promises an index of every campaign that has compiled, soon after it has. Never compiles one itself, and never needs to
//! hurry for one that dies: an index leaves out what is not live.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tembusu::{Actor, Context, Flow, Init, Reply, Table};

use super::Slot;
use super::registry::Registry;
use crate::index::{Part, Source};
use crate::{CampaignId, CompiledCampaign, Index, chaos};

/// How long to gather campaigns that start together before the index is built: long against a build of a thousand, short
/// against the patience of whoever added one.
pub(super) const GATHER: Duration = Duration::from_millis(5);

/// Below so many campaigns an index is always built as a whole: that takes a few milliseconds, and searches in one part.
pub(super) const COSTLY_MIN: usize = 1_024;
/// An index is built as a whole once more than one in so many campaigns has changed since: searching among these has its price.
const LATE_PART_MAX: usize = 32;
/// What has changed is built by itself, and published, before that, unless it is more than one in so many: then building all of
/// them takes no longer than twice that.
const LATE_FIRST_MAX: usize = 2;

/// Builds the [`Index`] in `init` and whenever a campaign appears that it does not hold yet.
#[derive(Debug)]
pub struct IndexPublisher {
    registry: Registry,
    index: Table<Index>,
    /// Campaigns in the index.
    indexed: usize,
    gathering: bool,
    /// It has told itself to build all of them.
    is_to_build_all: bool,
    /// What was built as a whole, and what is in it.
    base: Option<Arc<Part>>,
    based: BTreeMap<CampaignId, Source>,
    /// How many of these are no longer what they were, or no longer there.
    gone: usize,
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
    /// A campaign has been published that the index does not hold.
    Published,
    /// Enough gathered: build.
    Build,
    /// What has changed is published: build all as a whole.
    BuildAll,
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
        let mut publisher = Self {
            registry,
            index,
            indexed: 0,
            gathering: false,
            is_to_build_all: false,
            base: None,
            based: BTreeMap::new(),
            gone: 0,
        };
        publisher.build(cx, false);
        Ok(Init::Ready(publisher))
    }

    async fn handle(&mut self, message: IndexMessage, cx: &mut Context<Self>) -> Result<Flow, IndexPublisherCrash> {
        if chaos::INDEX_PUBLISHER.is_armed() {
            panic!("chaos point {} is armed", chaos::INDEX_PUBLISHER.name());
        }
        match message {
            // An index that was built since holds it.
            IndexMessage::Published if !self.registry.shared.told.load(Ordering::SeqCst) => {}
            IndexMessage::Published if self.gathering => {}
            IndexMessage::Published => {
                self.gathering = true;
                cx.after(GATHER, IndexMessage::Build);
            }
            IndexMessage::Build => {
                self.gathering = false;
                self.build(cx, false);
            }
            IndexMessage::BuildAll => {
                self.is_to_build_all = false;
                self.build(cx, true);
            }
            IndexMessage::Refresh(reply) => {
                self.build(cx, false);
                // A caller that has given up reads the table.
                let _ = reply.send(self.indexed);
            }
        }
        Ok(Flow::Continue)
    }
}

/// Tells whether one of those that were down when an index was begun is up and not in it. It has looked at the index before,
/// which held it, and told nobody.
fn missed_any(down: &[Arc<Slot>]) -> bool {
    down.iter().any(|slot| slot.compiled().is_some_and(|campaign| slot.is_news(campaign.version())))
}

impl IndexPublisher {
    fn build(&mut self, cx: &mut Context<Self>, as_a_whole: bool) {
        // Before the look: who publishes from here on tells again.
        self.registry.shared.told.store(false, Ordering::SeqCst);
        let slots = self.registry.slots();
        let mut down = Vec::new();
        let of = |slot: &Arc<Slot>| {
            let Some(campaign) = slot.compiled() else {
                down.push(Arc::clone(slot));
                return None;
            };
            let source = Source::Supervised(Arc::clone(slot), campaign.version());
            Some((campaign, source))
        };
        let campaigns: Vec<_> = slots.iter().filter_map(of).collect();
        let built: Vec<_> = campaigns.iter().map(|(campaign, _)| Arc::clone(campaign)).collect();
        self.indexed = built.len();
        let index = self.made_of(campaigns, as_a_whole);
        if self.is_worth_a_whole(&index) && !self.is_to_build_all {
            // After this one is published, and before whoever asks next.
            self.is_to_build_all = cx.address().tell(IndexMessage::BuildAll).is_ok();
        }
        cx.publish(&self.index, index);
        // Only now: whoever pauses one from here on finds this index and tells it.
        slots.iter().for_each(|slot| slot.sync_index());
        built.iter().for_each(|campaign| campaign.forget_former());
        if missed_any(&down) {
            // One that is lost to a full queue is followed by what fills it.
            let _ = cx.address().tell(IndexMessage::Published);
        }
    }

    /// Tells whether so much has changed that searching it beside the rest costs more than building all of it.
    fn is_worth_a_whole(&self, index: &Index) -> bool {
        self.indexed < index.late().max(self.gone) * LATE_PART_MAX
    }

    /// Builds what has changed over what is there, or all of it where that is asked for or cheap, or too much has changed.
    fn made_of(&mut self, campaigns: Vec<(Arc<CompiledCampaign>, Source)>, as_a_whole: bool) -> Index {
        let is_late = |(campaign, source): &(Arc<CompiledCampaign>, Source)| {
            self.based.get(&campaign.id()).is_none_or(|based| !based.is(source))
        };
        let late = campaigns.iter().filter(|campaign| is_late(campaign)).count();
        let is_costly = COSTLY_MIN <= campaigns.len() && late * LATE_FIRST_MAX <= campaigns.len();
        if let (Some(base), true) = (&self.base, is_costly && !as_a_whole) {
            self.gone = self.based.len() - (campaigns.len() - late);
            let late = campaigns.into_iter().filter(is_late).collect();
            return Index::over(Arc::clone(base), late);
        }
        self.gone = 0;
        self.based = campaigns.iter().map(|(campaign, source)| (campaign.id(), source.clone())).collect();
        let index = Index::build(campaigns);
        self.base = Some(Arc::clone(index.base()));
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::sample::seven;

    #[test]
    fn one_that_comes_up_while_an_index_is_built_without_it_is_told_of_once() {
        let registry = Registry::default();
        let slot = registry.register(seven(), 1).expect("the first");
        let down = [Arc::clone(&slot)];
        assert!(!missed_any(&down), "it is down still");
        assert!(slot.rest());
        assert!(missed_any(&down), "it is up, and in no index");
        assert!(!missed_any(&down), "that has been told");
    }
}
