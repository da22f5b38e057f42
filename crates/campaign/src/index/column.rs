//! Columns: for each value of a dimension, one bit a campaign.
//!
//! Promises columns of equal length, and a look-up that copies nothing. Never changes once built.

use std::borrow::Borrow;
use std::collections::BTreeMap;

/// Campaigns in one word of a column.
pub(super) const WORD_BITS: usize = u64::BITS as usize;

/// One bit a campaign, lowest bit of the first word first.
pub(super) type Column = Box<[u64]>;

/// The columns of one dimension, in the order of its values.
#[derive(Debug)]
pub(super) struct Columns<K> {
    columns: Vec<(K, Column)>,
}

impl<K: Ord> Columns<K> {
    /// Builds the columns from what each campaign has, given in the campaigns' order.
    pub(super) fn build<I: Iterator<Item = K>>(campaigns: impl ExactSizeIterator<Item = I>) -> Self {
        let words = words_for(campaigns.len());
        let mut columns: BTreeMap<K, Column> = BTreeMap::new();
        for (index, values) in campaigns.enumerate() {
            for value in values {
                let column = columns.entry(value).or_insert_with(|| empty(words));
                set(column, index);
            }
        }
        Self { columns: columns.into_iter().collect() }
    }

    /// The column of a value that at least one campaign has.
    pub(super) fn get<Q: Ord + ?Sized>(&self, value: &Q) -> Option<&[u64]>
    where
        K: Borrow<Q>,
    {
        let found = self.columns.binary_search_by(|(ours, _)| ours.borrow().cmp(value)).ok()?;
        Some(&self.columns[found].1)
    }

    /// Folds the campaigns of `column` into every column: those to which the dimension is all the same.
    pub(super) fn fold_in(&mut self, column: &[u64]) {
        for (_, ours) in &mut self.columns {
            or(ours, column);
        }
    }
}

/// The words that a column of so many campaigns has.
pub(super) fn words_for(campaigns: usize) -> usize {
    campaigns.div_ceil(WORD_BITS)
}

/// A column without a campaign.
pub(super) fn empty(words: usize) -> Column {
    vec![0; words].into()
}

/// Adds one campaign.
pub(super) fn set(column: &mut [u64], index: usize) {
    column[index / WORD_BITS] |= 1 << (index % WORD_BITS);
}

/// Adds the campaigns of another column.
pub(super) fn or(into: &mut [u64], other: &[u64]) {
    assert_eq!(into.len(), other.len(), "columns of one index have one length");
    into.iter_mut().zip(other).for_each(|(into, other)| *into |= other);
}

/// Leaves only the campaigns that the other column has too.
pub(super) fn and(into: &mut [u64], other: &[u64]) {
    assert_eq!(into.len(), other.len(), "columns of one index have one length");
    into.iter_mut().zip(other).for_each(|(into, other)| *into &= other);
}
