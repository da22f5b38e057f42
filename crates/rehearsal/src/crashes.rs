//! Crashes of regions' actors: each strikes at the first billing of its region after its time.
//!
//! Promises one at a time, and to say which region it was that crashed. Never strikes without an event: an actor that does nothing
//! does not crash.

use tembusu::chaos::Point;

use crate::record::Crash;
use crate::stage::Stage;
use crate::world::{Actor, COUNTRIES};

/// The crashes of a rehearsal.
#[derive(Debug, Default)]
pub(crate) struct Crashes {
    /// Those that are to come, the next last.
    coming: Vec<(usize, Actor)>,
    /// The one that may strike now, and how often each region's actors had been started before.
    armed: Option<(Actor, Vec<Vec<u64>>)>,
}

impl Crashes {
    /// Has an actor of a region crash, after all that were asked for before.
    pub(crate) fn add(&mut self, region: usize, actor: Actor) {
        self.coming.insert(0, (region, actor));
    }

    /// A billing of a region is about to be delivered: arms the next crash if it is to be there.
    pub(crate) fn billing(&mut self, region: usize, stage: &Stage) {
        let Some((of, actor)) = self.coming.last().copied() else { return };
        if self.armed.is_some() || of != region {
            return;
        }
        self.coming.pop();
        self.armed = Some((actor, (0..COUNTRIES.len()).map(|at| stage.incarnations(at)).collect()));
        point(actor).arm();
    }

    /// The crash that has struck since the last look, if one has.
    pub(crate) fn struck(&mut self, now_ms: i64, stage: Option<&Stage>) -> Option<Crash> {
        let (actor, before) = self.armed.take_if(|(actor, _)| !point(*actor).is_armed())?;
        let stage = stage?;
        let after = (0..before.len()).map(|region| stage.incarnations(region));
        let region = before.iter().zip(after).position(|(before, after)| *before != after)?;
        Some(Crash { at_ms: now_ms, region, actor })
    }

    /// Nothing strikes any more.
    pub(crate) fn end() {
        Actor::ALL.into_iter().for_each(|actor| point(actor).disarm());
    }
}

fn point(actor: Actor) -> &'static Point {
    match actor {
        Actor::BiddingState => &region::chaos::BIDDING_EVENT,
        Actor::BudgetPacer => &region::chaos::PACER_EVENT,
        Actor::FrequencyCapper => &region::chaos::CAPPER_EVENT,
    }
}
