//! Messages that nobody will handle: counted, their callers told, and handed to whoever collects them.
//!
//! Nothing here waits, and no lock is held: a collector that has no room loses the letter, which is counted.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::rare::Seldom;
use super::{Envelope, Overflow};
use crate::panics;
use crate::scope::{Lost, Scope};
use crate::sync::AtomicU64;

/// A message that was accepted and will not be handled, handed back.
///
/// A [`Reply`](crate::Reply) in it is closed: its caller was told before the letter was written.
#[derive(Clone)]
#[non_exhaustive]
pub struct DeadLetter<M> {
    /// The child whose queue it waited in.
    pub path: Arc<str>,
    /// Why it was not handled.
    pub why: WhyDead,
    /// The message.
    pub message: M,
}

/// Why a message was not handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhyDead {
    /// The queue was closed: the child was terminated or ended for good, or its tree did.
    Closed,
    /// The queue is fresh for each incarnation, and the one it was sent to is over.
    Stale,
    /// The overflow policy dropped it.
    Shed,
    /// It was a call, and its deadline had passed when its turn came.
    Expired,
}

impl<M> fmt::Debug for DeadLetter<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter").field("path", &self.path).field("why", &self.why).finish_non_exhaustive()
    }
}

/// Takes a dead letter without waiting, or hands it back.
pub(crate) type Collector<M> = Box<dyn Fn(DeadLetter<M>) -> Result<(), DeadLetter<M>> + Send + Sync>;

/// What was specified beyond a plain bounded queue.
pub(crate) struct Rules<M> {
    pub(super) overflow: Overflow,
    collector: Option<Collector<M>>,
    shed: AtomicU64,
    uncollected: AtomicU64,
}

impl<M> Rules<M> {
    pub(crate) fn new(overflow: Overflow, collector: Option<Collector<M>>) -> Self {
        Self { overflow, collector, shed: AtomicU64::new(0), uncollected: AtomicU64::new(0) }
    }
}

impl<M> Rules<M> {
    pub(super) fn has_collector(&self) -> bool {
        self.collector.is_some()
    }
}

/// A queue's dead messages.
impl<M> Seldom<M> {
    pub(super) fn note_shed(&self, count: u64) {
        if let Some(rules) = self.rules() {
            rules.shed.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub(super) fn shed(&self) -> u64 {
        self.rules().map_or(0, |rules| rules.shed.load(Ordering::Relaxed))
    }

    pub(super) fn dead_letters(&self) -> u64 {
        self.get().map_or(0, |rare| rare.dead_letters.load(Ordering::Relaxed))
    }

    pub(super) fn expired(&self) -> u64 {
        self.get().map_or(0, |rare| rare.expired.load(Ordering::Relaxed))
    }

    pub(super) fn uncollected(&self) -> u64 {
        self.rules().map_or(0, |rules| rules.uncollected.load(Ordering::Relaxed))
    }

    pub(super) fn take_in(
        &self,
        path: &Arc<str>,
        messages: impl IntoIterator<Item = Envelope<M>>,
        why: WhyDead,
        lost: &Lost,
    ) {
        let mut messages = messages.into_iter().peekable();
        if messages.peek().is_none() {
            return;
        }
        // Replies in messages that are dropped here tell their callers.
        Scope::enter(Some(Scope::settling(lost.clone())), || {
            for Envelope { message, extra, .. } in messages {
                if why != WhyDead::Expired {
                    // Expired calls have a count of their own.
                    self.make().dead_letters.fetch_add(1, Ordering::Relaxed);
                }
                if let Some(caller) = extra.and_then(|extra| extra.caller) {
                    panics::drop_quietly(panics::catch(|| caller.settle(lost.clone())));
                }
                let Some(rules) = self.rules() else {
                    panics::drop_quietly(message);
                    continue;
                };
                let Some(collector) = &rules.collector else {
                    panics::drop_quietly(message);
                    continue;
                };
                let letter = DeadLetter { path: Arc::clone(path), why, message };
                // It wakes its receiver, and that may be a waker of a user's.
                let result = panics::catch(|| collector(letter));
                if !matches!(result, Ok(Ok(()))) {
                    rules.uncollected.fetch_add(1, Ordering::Relaxed);
                }
                panics::drop_quietly(result);
            }
        });
    }
}
