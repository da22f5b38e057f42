//! A map of bids by their tokens that never stands still to grow.
//!
//! A hash table that is full is made anew at twice its size, which takes as long as it holds much: some milliseconds for ten
//! thousand bids, in which their region hears of no other. Spread over many small tables each growth is a small part of that. Never
//! shrinks.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use ledger::TokenId;

/// Small tables: as many as a byte tells apart.
const TABLES: usize = 256;

/// What is known of each bid.
#[derive(Debug)]
pub(crate) struct SpreadMap<T> {
    tables: Box<[HashMap<TokenId, T, RandomState>]>,
    len: usize,
}

impl<T> Default for SpreadMap<T> {
    fn default() -> Self {
        Self { tables: (0..TABLES).map(|_| HashMap::default()).collect(), len: 0 }
    }
}

impl<T> SpreadMap<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, bid: &TokenId) -> Option<&T> {
        self.tables[table(bid)].get(bid)
    }

    pub(crate) fn get_mut(&mut self, bid: &TokenId) -> Option<&mut T> {
        self.tables[table(bid)].get_mut(bid)
    }

    /// Puts a value in the place of what was there.
    pub(crate) fn insert(&mut self, bid: TokenId, value: T) -> Option<T> {
        let before = self.tables[table(&bid)].insert(bid, value);
        self.len += usize::from(before.is_none());
        before
    }

    pub(crate) fn remove(&mut self, bid: &TokenId) -> Option<T> {
        let removed = self.tables[table(bid)].remove(bid);
        self.len -= usize::from(removed.is_some());
        removed
    }
}

/// A token begins with its time and ends at random.
fn table(bid: &TokenId) -> usize {
    usize::from(bid.0[TokenId::BYTES - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u32) -> TokenId {
        let mut bytes = [0; TokenId::BYTES];
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&number.to_be_bytes());
        TokenId(bytes)
    }

    #[test]
    fn every_bid_is_found_once_until_it_is_removed() {
        let mut map = SpreadMap::default();
        for number in 0..5_000 {
            assert_eq!(map.insert(token(number), number), None);
        }
        assert_eq!(map.insert(token(7), 8), Some(7), "one bid has one place");
        assert_eq!(map.len(), 5_000);
        *map.get_mut(&token(7)).expect("it is there") = 9;
        for number in (0..5_000).step_by(2) {
            assert_eq!(map.remove(&token(number)), Some(number));
            assert_eq!(map.remove(&token(number)), None, "it is gone");
        }
        assert_eq!((map.len(), map.get(&token(7)), map.get(&token(8))), (2_500, Some(&9), None));
    }

    #[test]
    fn no_table_holds_more_than_its_share_of_bids_told_apart_by_their_end() {
        let mut map = SpreadMap::default();
        (0..25_600).for_each(|number| {
            map.insert(token(number), ());
        });
        assert!(map.tables.iter().all(|table| table.len() == 100));
    }
}
