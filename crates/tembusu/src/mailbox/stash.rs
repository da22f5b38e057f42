//! Messages that an incarnation has put aside. They belong to the queue and not to the incarnation: when it ends
//! they are back at the front, for the next one.

use tokio::time::Instant;

use super::{Envelope, Extra, Mailbox, Refusal, Taken};

/// How many messages wait where.
pub(crate) struct Lengths {
    pub(crate) ordinary: usize,
    pub(crate) priority: usize,
    pub(crate) stashed: usize,
    /// Since when the first ordinary one waits, where that is known.
    pub(crate) since: Option<Instant>,
}

/// What the message at hand came with.
pub(crate) struct Aside<'a> {
    pub(crate) deadline: Option<Instant>,
    /// Taken when it is put aside.
    pub(crate) extra: &'a mut Option<Box<Extra>>,
}

impl<M: Send + 'static> Mailbox<M> {
    /// Puts a message aside, or hands it back: when as many are aside as the queue may hold, and when the token is
    /// no longer the queue's.
    pub(crate) fn stash(&self, token: u64, message: M, aside: Aside<'_>) -> Result<(), (Refusal, M)> {
        let mut taken = self.taken();
        if taken.token != token {
            return Err((Refusal::Gone, message));
        }
        if taken.stashed() >= self.capacity() {
            return Err((Refusal::Full, message));
        }
        let Aside { deadline, extra } = aside;
        taken.stash.get_or_insert_default().push_back(Envelope { message, deadline, extra: extra.take() });
        Ok(())
    }

    /// Puts what is aside back to the front, in its order; returns how many that were.
    pub(crate) fn unstash(&self, token: u64) -> usize {
        let mut taken = self.taken();
        if taken.token != token {
            return 0;
        }
        self.inbound().close_direct();
        self.put_back(&mut taken)
    }

    pub(super) fn put_back(&self, taken: &mut Taken<M>) -> usize {
        let Some(stash) = &mut taken.stash else { return 0 };
        let count = stash.len();
        while let Some(envelope) = stash.pop_back() {
            taken.batch.push_front(envelope);
        }
        self.note_taken(taken);
        count
    }

    /// What waits, lane by lane.
    pub(crate) fn lengths(&self) -> Lengths {
        let taken = self.taken();
        let inbound = self.inbound();
        let oldest = taken.batch.front().or_else(|| inbound.queue.front());
        let since = oldest.and_then(|envelope| envelope.extra.as_ref()?.since);
        Lengths {
            ordinary: taken.batch.len() + inbound.queue.len(),
            priority: inbound.priority.len(),
            stashed: taken.stashed(),
            since,
        }
    }
}

impl<M> Taken<M> {
    pub(super) fn stashed(&self) -> usize {
        self.stash.as_ref().map_or(0, |stash| stash.len())
    }
}
