//! A map that is never changed: inserting and removing make a new one that shares what is the same.
//!
//! Readers hold a version and take no lock, and code of a user (the keys' `Eq` and `Drop`) runs under none. A
//! change copies one node a level; a level tells 16 prefixes of the hash apart.

use std::borrow::Borrow;
use std::sync::Arc;

const BITS: u32 = 4;
const WIDTH: usize = 1 << BITS;

pub(crate) enum Node<K, V> {
    Branch([Option<Arc<Node<K, V>>>; WIDTH]),
    /// All entries of one hash: one, but for a collision of all 64 bits.
    Leaf {
        hash: u64,
        entries: Vec<(Arc<K>, V)>,
    },
}

/// What is left of a node when an entry has been removed.
enum Left<K, V> {
    All,
    Nothing,
    Some(Arc<Node<K, V>>),
}

fn place(hash: u64, depth: u32) -> usize {
    usize::try_from((hash >> (depth * BITS)) % WIDTH as u64).unwrap_or(0)
}

impl<K, V: Clone> Node<K, V> {
    pub(crate) fn get<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let mut node = self;
        for depth in 0.. {
            match node {
                Self::Branch(children) => node = children[place(hash, depth)].as_deref()?,
                Self::Leaf { hash: other, .. } if *other != hash => return None,
                Self::Leaf { entries, .. } => {
                    return entries.iter().find(|(other, _)| (**other).borrow() == key).map(|(_, value)| value);
                }
            }
        }
        None
    }

    /// With an entry more. The caller has seen that the key is not there.
    pub(crate) fn with(root: Option<&Arc<Self>>, hash: u64, key: Arc<K>, value: V) -> Arc<Self> {
        Self::with_at(root, 0, hash, key, value)
    }

    fn with_at(node: Option<&Arc<Self>>, depth: u32, hash: u64, key: Arc<K>, value: V) -> Arc<Self> {
        let Some(node) = node else { return Arc::new(Self::Leaf { hash, entries: vec![(key, value)] }) };
        match &**node {
            Self::Leaf { hash: other, entries } if *other == hash => {
                let mut entries = entries.clone();
                entries.push((key, value));
                Arc::new(Self::Leaf { hash, entries })
            }
            Self::Leaf { hash: other, .. } => {
                let mut children = [const { None }; WIDTH];
                children[place(*other, depth)] = Some(Arc::clone(node));
                let below = &mut children[place(hash, depth)];
                *below = Some(Self::with_at(below.as_ref(), depth + 1, hash, key, value));
                Arc::new(Self::Branch(children))
            }
            Self::Branch(children) => {
                let mut children = children.clone();
                let below = &mut children[place(hash, depth)];
                *below = Some(Self::with_at(below.as_ref(), depth + 1, hash, key, value));
                Arc::new(Self::Branch(children))
            }
        }
    }

    /// Without the entry of that hash for which `is_it`. `None` when there is none.
    pub(crate) fn without(self: &Arc<Self>, hash: u64, is_it: &dyn Fn(&K, &V) -> bool) -> Option<Option<Arc<Self>>> {
        match self.without_at(0, hash, is_it) {
            Left::All => None,
            Left::Nothing => Some(None),
            Left::Some(node) => Some(Some(node)),
        }
    }

    fn without_at(self: &Arc<Self>, depth: u32, hash: u64, is_it: &dyn Fn(&K, &V) -> bool) -> Left<K, V> {
        match &**self {
            Self::Leaf { hash: other, .. } if *other != hash => Left::All,
            Self::Leaf { entries, .. } => {
                let Some(at) = entries.iter().position(|(key, value)| is_it(key, value)) else { return Left::All };
                let mut entries = entries.clone();
                entries.remove(at);
                if entries.is_empty() { Left::Nothing } else { Left::Some(Arc::new(Self::Leaf { hash, entries })) }
            }
            Self::Branch(children) => {
                let at = place(hash, depth);
                let Some(below) = &children[at] else { return Left::All };
                let below = match below.without_at(depth + 1, hash, is_it) {
                    Left::All => return Left::All,
                    Left::Nothing => None,
                    Left::Some(node) => Some(node),
                };
                let mut children = children.clone();
                children[at] = below;
                let mut left = children.iter().flatten();
                match (left.next(), left.next()) {
                    (None, _) => Left::Nothing,
                    // A leaf needs no branch above it that leads nowhere else.
                    (Some(only), None) if matches!(**only, Self::Leaf { .. }) => Left::Some(Arc::clone(only)),
                    _ => Left::Some(Arc::new(Self::Branch(children))),
                }
            }
        }
    }

    pub(crate) fn collect(&self, into: &mut Vec<(Arc<K>, V)>) {
        match self {
            Self::Branch(children) => children.iter().flatten().for_each(|child| child.collect(into)),
            Self::Leaf { entries, .. } => into.extend(entries.iter().cloned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Node;

    /// Few hashes, so that they collide, and prefixes that are the same for long.
    fn hash(key: u64) -> u64 {
        [0, 1, 0x10, 1 << 60, u64::MAX, 0x1111_1111_1111_1111][usize::try_from(key % 6).unwrap_or(0)]
    }

    #[test]
    fn it_holds_what_a_map_holds() {
        let seed = 0x9E37_79B9_7F4A_7C15_u64;
        println!("seed {seed:#x}");
        let mut state = seed;
        let (mut trie, mut map) = (None, BTreeMap::new());
        for step in 0..5_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = (state >> 33) % 40;
            if let std::collections::btree_map::Entry::Vacant(entry) = map.entry(key) {
                entry.insert(step);
                trie = Some(Node::with(trie.as_ref(), hash(key), key.into(), step));
            } else {
                map.remove(&key);
                let root = trie.take().expect("it has entries");
                trie = root.without(hash(key), &|other, _| *other == key).expect("it is there");
            }
            for key in 0..40 {
                let found = trie.as_ref().and_then(|root| root.get(hash(key), &key));
                assert_eq!(found, map.get(&key), "step {step}, key {key}");
            }
            let mut entries = Vec::new();
            if let Some(root) = &trie {
                root.collect(&mut entries);
            }
            assert_eq!(entries.len(), map.len());
        }
    }
}
