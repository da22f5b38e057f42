//! One dimension of targeting: which campaigns fit which of its values.
//!
//! Two shapes. [`Closed`], for a handful of values of which a request has at most one: a column for each, with everything
//! folded in (those that do not care, less those that exclude the value). [`Open`], for values without limit of which a
//! request may have several (domains, bundles, deals, carriers): a posting list for a value that few campaigns name, a column
//! for one that many do.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::RandomState;

use super::columns::{ColumnId, Columns};

/// Keyed per process, so that no exchange can choose values that collide.
pub(super) type Map<K, V> = HashMap<K, V, RandomState>;

/// What the campaigns name in one dimension, in the order of their places: values included, values excluded.
pub(super) type Named<K> = Vec<(Vec<K>, Vec<K>)>;

/// Values of which a request has at most one.
#[derive(Debug)]
pub(super) struct Closed<K> {
    columns: Map<K, ColumnId>,
    /// For a value that no campaign names, and where the request does not say. Absent if no campaign names any.
    other: Option<ColumnId>,
}

impl<K: Hash + Ord + Clone> Closed<K> {
    pub(super) fn build(named: Named<K>, columns: &mut Columns) -> Self {
        let Sorted { any, includes, excludes } = Sorted::of(named);
        if includes.is_empty() && excludes.is_empty() {
            return Self { columns: Map::default(), other: None };
        }
        let mut keys: Vec<K> = includes.keys().chain(excludes.keys()).cloned().collect();
        keys.sort_unstable();
        keys.dedup();
        let mut of_key = |key: K| {
            let out = excludes.get(&key).map_or(&[][..], Vec::as_slice);
            let inside = includes.get(&key).map_or(&[][..], Vec::as_slice);
            let members = any.iter().chain(inside).copied().filter(|member| out.binary_search(member).is_err());
            let id = columns.add(members);
            (key, id)
        };
        let by_key = keys.into_iter().map(&mut of_key).collect();
        Self { columns: by_key, other: Some(columns.add(any.iter().copied())) }
    }

    /// The column of the campaigns that fit, unless all do.
    pub(super) fn fitting<Q: Hash + Eq + ?Sized>(&self, value: Option<&Q>) -> Option<ColumnId>
    where
        K: Borrow<Q>,
    {
        let other = self.other?;
        Some(value.and_then(|value| self.columns.get(value)).copied().unwrap_or(other))
    }
}

/// Values without limit.
#[derive(Debug)]
pub(super) struct Open<K> {
    /// Those that include nothing in particular. Absent if all do: then nothing is to be looked up.
    any: Option<ColumnId>,
    include: Map<K, Set>,
    exclude: Map<K, Set>,
}

/// Campaigns that name one value.
#[derive(Debug)]
pub(super) enum Set {
    /// Few.
    Few(Box<[u32]>),
    /// Many; of an inclusion, together with those that do not care.
    Many(ColumnId),
}

/// A column's words that one named campaign must outweigh to be worth it: below that a list is shorter to walk.
const WORDS_PER_MEMBER: usize = 2;

impl<K: Hash + Ord + Clone> Open<K> {
    pub(super) fn build(named: Named<K>, columns: &mut Columns) -> Self {
        Self::of(Sorted::of(named), columns)
    }

    pub(super) fn of(sorted: Sorted<K>, columns: &mut Columns) -> Self {
        let words = columns.campaigns().div_ceil(super::columns::WORD_BITS);
        let Sorted { any, includes, excludes } = sorted;
        let any_id = (!includes.is_empty()).then(|| columns.add(any.iter().copied()));
        let mut set = |members: Vec<u32>, folded: &[u32]| {
            if members.len() * WORDS_PER_MEMBER <= words {
                Set::Few(members.into())
            } else {
                Set::Many(columns.add(members.into_iter().chain(folded.iter().copied())))
            }
        };
        let include = includes.into_iter().map(|(key, members)| (key, set(members, &any))).collect();
        let exclude = excludes.into_iter().map(|(key, members)| (key, set(members, &[]))).collect();
        Self { any: any_id, include, exclude }
    }

    /// Those that include nothing in particular, unless all do.
    pub(super) fn any(&self) -> Option<ColumnId> {
        self.any
    }

    pub(super) fn including<Q: Hash + Eq + ?Sized>(&self, value: &Q) -> Option<&Set>
    where
        K: Borrow<Q>,
    {
        self.include.get(value)
    }

    pub(super) fn excluding<Q: Hash + Eq + ?Sized>(&self, value: &Q) -> Option<&Set>
    where
        K: Borrow<Q>,
    {
        self.exclude.get(value)
    }

    /// Tells whether no campaign names any value.
    pub(super) fn is_unused(&self) -> bool {
        self.any.is_none() && self.exclude.is_empty()
    }

    /// Memory in bytes, without the columns and without what keys hold elsewhere.
    pub(super) fn bytes(&self) -> usize {
        let of = |map: &Map<K, Set>| {
            let lists = map.values().map(|set| match set {
                Set::Few(members) => members.len() * 4,
                Set::Many(_) => 0,
            });
            map.capacity() * (size_of::<(K, Set)>() + 1) + lists.sum::<usize>()
        };
        of(&self.include) + of(&self.exclude)
    }
}

/// Who names what, by value; places ascend.
pub(super) struct Sorted<K> {
    /// Those that include nothing in particular.
    any: Vec<u32>,
    includes: Map<K, Vec<u32>>,
    excludes: Map<K, Vec<u32>>,
}

impl<K: Hash + Eq> Sorted<K> {
    pub(super) fn new() -> Self {
        Self { any: Vec::new(), includes: Map::default(), excludes: Map::default() }
    }

    fn of(named: Named<K>) -> Self {
        let mut sorted = Self::new();
        for (place, (include, exclude)) in (0_u32..).zip(named) {
            if include.is_empty() {
                sorted.any(place);
            }
            include.into_iter().for_each(|key| add(sorted.includes.entry(key).or_default(), place));
            exclude.into_iter().for_each(|key| add(sorted.excludes.entry(key).or_default(), place));
        }
        sorted
    }

    /// The campaign at this place includes nothing in particular.
    pub(super) fn any(&mut self, place: u32) {
        self.any.push(place);
    }

    /// It includes a value. Few are new, and only those are copied.
    pub(super) fn include<Q: Hash + Eq + ToOwned<Owned = K> + ?Sized>(&mut self, place: u32, key: &Q)
    where
        K: Borrow<Q>,
    {
        add_known(&mut self.includes, place, key);
    }

    /// It excludes a value.
    pub(super) fn exclude<Q: Hash + Eq + ToOwned<Owned = K> + ?Sized>(&mut self, place: u32, key: &Q)
    where
        K: Borrow<Q>,
    {
        add_known(&mut self.excludes, place, key);
    }
}

fn add_known<K: Hash + Eq + Borrow<Q>, Q: Hash + Eq + ToOwned<Owned = K> + ?Sized>(
    map: &mut Map<K, Vec<u32>>,
    place: u32,
    key: &Q,
) {
    match map.get_mut(key) {
        Some(members) => add(members, place),
        None => drop(map.insert(key.to_owned(), vec![place])),
    }
}

fn add(members: &mut Vec<u32>, place: u32) {
    // A campaign may name a value twice, in two spellings.
    if members.last() != Some(&place) {
        members.push(place);
    }
}
