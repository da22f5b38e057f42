//! Group commit: one flush of the disk for all changes of a few milliseconds.
//!
//! Promises that nobody is answered, and nothing pushed, before the commit that makes it durable has returned.

use std::fmt;
use std::mem;
use std::sync::Arc;

use tembusu::{Context, Reply};

use super::chaos::{AFTER_COMMIT, BEFORE_COMMIT};
use super::message::Due;
use super::{GROUP_MAX, Ledger, LedgerCrash, LedgerMessage, Timer};

/// An answer that waits for its commit. Dropping it tells the caller that it will not come.
pub(super) struct Answer(Box<dyn FnOnce() + Send>);

impl Answer {
    pub(super) fn new<T: Send + 'static>(reply: Reply<T>, value: T) -> Self {
        Self(Box::new(move || {
            // A caller that no longer waits asks again.
            let _ = reply.send(value);
        }))
    }

    fn give(self) {
        (self.0)();
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

impl Ledger {
    /// Answers with the group; at once if there is nothing to make durable.
    pub(super) fn answer_after_commit(&mut self, answer: Answer, cx: &mut Context<Self>) -> Result<(), LedgerCrash> {
        if self.store.uncommitted() == 0 {
            answer.give();
            return Ok(());
        }
        // The group's first change sets its timer; timers are due ahead of the queue.
        if self.waiting.is_empty() {
            cx.after(self.linger, LedgerMessage::Timer(Timer(Due::Commit)));
        }
        self.waiting.push(answer);
        if self.waiting.len() < GROUP_MAX { Ok(()) } else { self.commit() }
    }

    /// Makes the group durable, then pushes its events, then answers.
    pub(super) fn commit(&mut self) -> Result<(), LedgerCrash> {
        if self.store.uncommitted() == 0 {
            debug_assert!(self.waiting.is_empty(), "who waits, waits for an event");
            return Ok(());
        }
        if BEFORE_COMMIT.take() {
            return Err(LedgerCrash::Chaos(BEFORE_COMMIT.name()));
        }
        let events = self.store.commit()?;
        if AFTER_COMMIT.take() {
            return Err(LedgerCrash::Chaos(AFTER_COMMIT.name()));
        }
        for event in events {
            self.subscribers.push(&event);
            if let Some(region) = &event.region {
                self.newest.insert(Arc::clone(region), event);
            }
        }
        mem::take(&mut self.waiting).into_iter().for_each(Answer::give);
        Ok(())
    }
}
