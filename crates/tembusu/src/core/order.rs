//! Who comes after whom in the start order.
//!
//! A list that is sorted by rank, in which a place that was given up stays empty until empty places are the greater
//! part: adding, finding and removing cost the same whatever the number of children, but for tidying up now and then.
//! A group restart goes through it place by place, and so finds the next one where it looks first.

use super::{ChildKey, Rank};

/// Stands for nobody: keys are counted from 0.
const NOBODY: ChildKey = ChildKey(u64::MAX);

/// Below this many places there is nothing to tidy up.
pub(super) const FEW: usize = 32;

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Order {
    /// By rank, each of them once. The last one is never empty.
    places: Vec<(Rank, ChildKey)>,
    empty: usize,
}

impl Order {
    /// Puts a child behind all others. Returns its place.
    pub(super) fn push(&mut self, key: ChildKey) -> Rank {
        debug_assert_ne!(key, NOBODY, "keys are counted from 0");
        let rank = self.places.last().map_or(Rank::FIRST, |(last, _)| last.next());
        self.places.push((rank, key));
        rank
    }

    /// Gives up a place, if somebody has it.
    pub(super) fn remove(&mut self, rank: Rank) {
        let at = self.first_from(rank);
        let Some(place) = self.places.get_mut(at).filter(|(found, key)| *found == rank && *key != NOBODY) else {
            return;
        };
        place.1 = NOBODY;
        self.empty += 1;
        while self.places.pop_if(|(_, key)| *key == NOBODY).is_some() {
            self.empty -= 1;
        }
        if self.places.len() > FEW && 2 * self.empty > self.places.len() {
            self.places.retain(|(_, key)| *key != NOBODY);
            self.empty = 0;
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.empty
    }

    /// From `from` to before `end`, in start order.
    pub(super) fn between(&self, from: Rank, end: Rank) -> impl DoubleEndedIterator<Item = ChildKey> {
        let (first, behind) = (self.first_from(from), self.first_from(end));
        let places = self.places.get(first..behind).unwrap_or_default();
        places.iter().map(|(_, key)| *key).filter(|key| *key != NOBODY)
    }

    /// All of them.
    pub(super) fn keys(&self) -> impl DoubleEndedIterator<Item = ChildKey> {
        self.between(Rank::FIRST, Rank::END)
    }

    /// Gives the places to others: to as many as there are.
    pub(super) fn assign(&mut self, keys: impl Iterator<Item = ChildKey>) -> impl Iterator<Item = (Rank, ChildKey)> {
        self.places.retain(|(_, key)| *key != NOBODY);
        self.empty = 0;
        for (place, key) in self.places.iter_mut().zip(keys) {
            place.1 = key;
        }
        self.places.iter().copied()
    }

    /// How many places there are, empty ones included.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.places.len()
    }

    /// The index of the first place from `rank` on.
    fn first_from(&self, rank: Rank) -> usize {
        let Some((first, _)) = self.places.first() else { return 0 };
        // Where it is if no place before it is missing; it cannot be further behind.
        let at_most = usize::try_from(rank.0.saturating_sub(first.0)).unwrap_or(usize::MAX).min(self.places.len());
        match self.places.get(at_most) {
            Some((found, _)) if *found == rank => at_most,
            None if self.places.last().is_none_or(|(last, _)| *last < rank) => at_most,
            _ => self.places[..at_most].partition_point(|(before, _)| *before < rank),
        }
    }
}
