//! The ledger's events as one actor receives them: each once, in order.
//!
//! Promises that nothing after the snapshot is left out for good: what did not arrive is fetched, now or when the
//! ledger pushes its newest event again; who has missed what the ledger keeps no more starts anew. Never applies an event ahead
//! of its turn.

use std::sync::Arc;

use ledger::LedgerEvent;
use tembusu::chaos::Point;

use crate::crash::{RegionCrash, strike};
use crate::cursor::{EventCursor, Step};
use crate::link::Link;

/// Pages that are fetched in one go; a region further behind goes on when the newest event is pushed again.
const PAGES_MAX: usize = 16;

/// One actor's place in the sequence of its region's events, and its way to those that are missing.
#[derive(Debug)]
pub(crate) struct Feed {
    link: Link,
    cursor: EventCursor,
    /// What is missing is kept no more.
    is_behind: bool,
}

impl Feed {
    pub(crate) fn new(link: Link, region_seq: u64) -> Self {
        Self { link, cursor: EventCursor::at(region_seq), is_behind: false }
    }

    /// The last event that is counted.
    pub(crate) fn applied(&self) -> u64 {
        self.cursor.applied()
    }

    /// Crashes at an armed chaos point if the event is news: durable in the ledger, and not applied here.
    pub(crate) fn strike(&self, point: &Point, event: &LedgerEvent) -> Result<(), RegionCrash> {
        if event.region_seq > self.cursor.applied() { strike(point) } else { Ok(()) }
    }

    /// Takes a delivered event: applies it, and what was missing before it. Crashes if that is kept no more.
    pub(crate) async fn take(
        &mut self,
        event: Arc<LedgerEvent>,
        mut apply: impl FnMut(&LedgerEvent),
    ) -> Result<(), RegionCrash> {
        match self.cursor.offer(event.region_seq) {
            Step::Apply => apply(&event),
            Step::Ignore => {}
            Step::Gap { after } => {
                tracing::debug!(region = %self.link.region(), after, event = event.region_seq, "events are missing");
                self.catch_up(apply).await;
            }
        }
        let behind = || RegionCrash::Behind { region: self.link.region().to_string() };
        if self.is_behind { Err(behind()) } else { Ok(()) }
    }

    /// Fetches and applies what has happened since the last event that was applied; false if that was not all.
    pub(crate) async fn catch_up(&mut self, mut apply: impl FnMut(&LedgerEvent)) -> bool {
        for _ in 0..PAGES_MAX {
            let page = match self.link.events_since(self.cursor.applied()).await {
                Ok(page) => page,
                Err(cause) => {
                    tracing::warn!(region = %self.link.region(), %cause, "the ledger gives no events; asking again later");
                    return false;
                }
            };
            self.is_behind = self.cursor.applied() < page.folded;
            for event in &page.events {
                if self.cursor.offer(event.region_seq) == Step::Apply {
                    apply(event);
                }
            }
            if page.events.is_empty() || page.head <= self.cursor.applied() {
                return page.head <= self.cursor.applied();
            }
        }
        false
    }
}
