//! The priority lane: a queue that most mailboxes never use, and have no room for until they do.

use std::collections::VecDeque;

use super::Envelope;

/// Boxed with its first message.
#[allow(clippy::box_collection, reason = "most queues have none, and a pointer is smaller than an empty one")]
pub(super) struct Urgent<M>(Option<Box<VecDeque<Envelope<M>>>>);

impl<M> Default for Urgent<M> {
    fn default() -> Self {
        Self(None)
    }
}

impl<M> Urgent<M> {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |lane| lane.len())
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn push_back(&mut self, envelope: Envelope<M>) {
        self.0.get_or_insert_default().push_back(envelope);
    }

    #[inline]
    pub(super) fn pop_front(&mut self) -> Option<Envelope<M>> {
        self.0.as_mut()?.pop_front()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Envelope<M>> {
        self.0.iter().flat_map(|lane| lane.iter())
    }

    /// The first `count`.
    pub(super) fn front(&mut self, count: usize) -> VecDeque<Envelope<M>> {
        self.0.as_mut().map_or_else(VecDeque::new, |lane| super::control::front(lane, count))
    }
}
