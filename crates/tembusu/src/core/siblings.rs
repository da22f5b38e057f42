//! The children of one supervisor: by key in constant time, and in start order.
//!
//! Nothing here looks at all children unless it is asked for all of them: one among a million siblings is found
//! as fast as one among ten.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::order::Order;
use super::{Child, ChildKey, ChildPolicy, Time};

/// A place in the start order; a later one is greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rank(pub(crate) u64);

impl Rank {
    /// The place before all others.
    pub(crate) const FIRST: Self = Self(0);

    /// The place behind all others.
    pub(crate) const END: Self = Self(u64::MAX);

    /// The place behind this one.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Siblings {
    by_key: HashMap<ChildKey, Box<Child>, KeyHashes>,
    order: Order,
    /// What the last one was added with: children of one template share theirs.
    policy: Option<Arc<ChildPolicy>>,
}

impl Siblings {
    /// Adds a child behind all others.
    pub(crate) fn insert(&mut self, key: ChildKey, name: Arc<str>, policy: ChildPolicy, is_static: bool) {
        let mut child = Box::new(Child::new(key, name, self.share(policy), is_static));
        child.rank = self.order.push(key);
        let replaced = self.by_key.insert(key, child);
        assert!(replaced.is_none(), "a child's key is used once");
    }

    fn share(&mut self, policy: ChildPolicy) -> Arc<ChildPolicy> {
        match &self.policy {
            Some(last) if **last == policy => Arc::clone(last),
            _ => Arc::clone(self.policy.insert(Arc::new(policy))),
        }
    }

    pub(crate) fn remove(&mut self, key: ChildKey) -> Option<Box<Child>> {
        let child = self.by_key.remove(&key)?;
        self.order.remove(child.rank);
        Some(child)
    }

    pub(crate) fn get(&self, key: ChildKey) -> Option<&Child> {
        self.by_key.get(&key).map(|child| &**child).filter(|child| child.present)
    }

    pub(crate) fn get_mut(&mut self, key: ChildKey) -> Option<&mut Child> {
        self.by_key.get_mut(&key).map(|child| &mut **child).filter(|child| child.present)
    }

    /// Whether a child waits for something until `at`, or until before it.
    pub(crate) fn awaits(&self, at: Time, key: ChildKey) -> bool {
        self.get(key).and_then(Child::deadline).is_some_and(|deadline| deadline <= at)
    }

    /// Whether a temporary child of the first specification has ended: it is back with the next start only.
    pub(crate) fn is_ended_temporary(&self, key: ChildKey) -> bool {
        self.by_key.get(&key).is_some_and(|child| !child.present)
    }

    /// All of them in start order, absent ones included, for a test that compares states.
    #[cfg(test)]
    pub(super) fn iter_all(&self) -> impl Iterator<Item = &Child> {
        self.order.keys().map(|key| &*self.by_key[&key])
    }

    /// The place of a child; of one that is gone, behind all others.
    pub(crate) fn rank(&self, key: ChildKey) -> Rank {
        self.get(key).map_or(Rank::END, |child| child.rank)
    }

    /// In start order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Child> {
        self.between(Rank::FIRST, Rank::END)
    }

    /// From `rank` on, in start order.
    pub(crate) fn from(&self, rank: Rank) -> impl DoubleEndedIterator<Item = &Child> {
        self.between(rank, Rank::END)
    }

    /// From `from` to before `end`, in start order.
    pub(crate) fn between(&self, from: Rank, end: Rank) -> impl DoubleEndedIterator<Item = &Child> {
        self.order.between(from, end).filter_map(|key| self.get(key))
    }

    /// How many there are, ended temporary ones of the first specification included.
    pub(crate) fn count(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn keys(&self) -> Vec<ChildKey> {
        self.iter().map(|child| child.key).collect()
    }

    /// The last one before `end` that is not down.
    pub(crate) fn last_alive(&self, from: Rank, end: Rank) -> Option<&Child> {
        self.between(from, end).rev().find(|child| child.state.is_alive())
    }

    /// Puts these first, in this order; the others follow as they were.
    pub(crate) fn reorder(&mut self, first: &[ChildKey]) {
        let mut listed = HashSet::new();
        let front: Vec<ChildKey> = first.iter().copied().filter(|key| listed.insert(*key)).collect();
        let rest: Vec<ChildKey> = self.order.keys().filter(|key| !listed.contains(key)).collect();
        for (rank, key) in self.order.assign(front.into_iter().chain(rest)) {
            if let Some(child) = self.by_key.get_mut(&key) {
                child.rank = rank;
            }
        }
        debug_assert_eq!(self.order.len(), self.by_key.len(), "everybody keeps a place");
    }

    /// From `from` on: a group restart brings back who was at rest, too.
    pub(crate) fn rouse(&mut self, from: Rank) {
        for key in self.order.between(from, Rank::END) {
            if let Some(child) = self.by_key.get_mut(&key) {
                child.at_rest = false;
            }
        }
    }

    /// Prepares for a start of the supervisor: everything begins normal, ended temporaries are back. Returns who
    /// was degraded.
    pub(crate) fn revive(&mut self) -> Vec<ChildKey> {
        let mut degraded = Vec::new();
        for key in self.order.keys() {
            let Some(child) = self.by_key.get_mut(&key) else { continue };
            debug_assert!(child.is_static, "added children ended with the supervisor");
            if child.revive() {
                degraded.push(child.key);
            }
        }
        degraded
    }
}

/// How maps by key hash.
pub(crate) type KeyHashes = BuildHasherDefault<KeyHasher>;

/// Keys are numbers that we give out ourselves: one multiplication spreads them, and the order of a map is the
/// same in every run.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(26);
    }
}
