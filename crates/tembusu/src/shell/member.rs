//! What stands behind a child's key: a worker's slot, or a supervisor with what may run in its place.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::node::Node;
use super::slot::Slot;
use crate::core::{ChildKey, KeyHashes, QueueFate};
use crate::panics;

/// Kept by value: there may be a million of them.
#[derive(Clone)]
pub(crate) enum Member {
    Worker(Arc<Slot>),
    Supervisor(Arc<Nested>),
}

/// A supervisor with what may run in its place.
pub(crate) struct Nested {
    pub(crate) normal: Arc<Node>,
    pub(crate) fallback: Option<Arc<Node>>,
    pub(crate) shape: Shape,
}

/// Which of a supervisor's two shapes was started last: the one to stop. Written and read by its parent only.
#[derive(Default)]
pub(crate) struct Shape {
    is_fallback: AtomicBool,
}

impl Shape {
    pub(crate) fn set_fallback(&self, is_fallback: bool) {
        self.is_fallback.store(is_fallback, Ordering::Release);
    }

    pub(crate) fn is_fallback(&self) -> bool {
        self.is_fallback.load(Ordering::Acquire)
    }
}

impl Member {
    fn name(&self) -> &str {
        match self {
            Self::Worker(slot) => slot.name(),
            Self::Supervisor(nested) => &nested.normal.name,
        }
    }

    /// Carries out what becomes of the queues below.
    pub(crate) fn settle_queues(&self, fate: QueueFate) {
        match self {
            Self::Worker(slot) => settle_queue(slot, fate),
            Self::Supervisor(nested) => {
                let Nested { normal, fallback, .. } = &**nested;
                normal.settle_queues(fate);
                // Degraded mode and its end concern the addresses of the normal shape.
                if let (Some(fallback), QueueFate::Close | QueueFate::CloseForGood | QueueFate::Reopen) =
                    (fallback, fate)
                {
                    fallback.settle_queues(fate);
                }
            }
        }
    }
}

fn settle_queue(slot: &Slot, fate: QueueFate) {
    if matches!(fate, QueueFate::Close | QueueFate::CloseForGood) {
        slot.settle();
    }
    if slot.used.is_stand_in {
        // The queue belongs to the child whose place it takes.
        return;
    }
    // Senders that wait for room are woken, and may have brought wakers of their own.
    panics::drop_quietly(panics::catch(|| match fate {
        QueueFate::Close => slot.shared_queue().close(),
        QueueFate::CloseForGood => slot.shared_queue().close_for_good(),
        QueueFate::Reopen => slot.queue().reopen(),
        QueueFate::Degrade => slot.queue().degrade(),
        QueueFate::Restore => slot.queue().restore(),
    }));
    panics::drop_quietly(panics::catch(|| slot.tell_watchers()));
}

/// A supervisor's members, by key and by name.
#[derive(Default)]
pub(crate) struct Members {
    /// Found on every restart: in constant time, however many there are.
    by_key: HashMap<ChildKey, Member, KeyHashes>,
    by_name: HashMap<Arc<str>, ChildKey>,
    /// Ended temporary children of the specification whose names were given to added ones. Those end with the
    /// supervisor, and with its next start the former ones are back.
    shadowed: HashMap<Arc<str>, ChildKey>,
}

impl Members {
    /// Hands the member back when the name is taken; by a member whose child is `gone` it is not.
    pub(crate) fn insert(
        &mut self,
        key: ChildKey,
        name: Arc<str>,
        member: Member,
        gone: Option<ChildKey>,
    ) -> Result<(), Member> {
        debug_assert_eq!(member.name(), &*name);
        match self.by_name.entry(name) {
            Entry::Occupied(holder) if Some(*holder.get()) != gone => return Err(member),
            Entry::Occupied(mut holder) => {
                let former = holder.insert(key);
                self.shadowed.insert(Arc::clone(holder.key()), former);
            }
            Entry::Vacant(free) => drop(free.insert(key)),
        }
        self.by_key.insert(key, member);
        Ok(())
    }

    pub(crate) fn remove(&mut self, key: ChildKey) -> Option<Member> {
        let member = self.by_key.remove(&key)?;
        let name = member.name();
        if self.by_name.get(name) == Some(&key) {
            match self.shadowed.remove_entry(name) {
                Some((name, former)) => drop(self.by_name.insert(name, former)),
                None => drop(self.by_name.remove(name)),
            }
        }
        Some(member)
    }

    pub(crate) fn get(&self, key: ChildKey) -> Option<&Member> {
        self.by_key.get(&key)
    }

    pub(crate) fn key(&self, name: &str) -> Option<ChildKey> {
        self.by_name.get(name).copied()
    }

    /// In the order in which they were added.
    pub(crate) fn all(&self) -> Vec<(ChildKey, Member)> {
        let mut all: Vec<_> = self.by_key.iter().map(|(key, member)| (*key, member.clone())).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all
    }
}
