//! From the values that a request has in one dimension to the columns and lists that matter.

use std::borrow::Borrow;
use std::hash::Hash;

use super::columns::Columns;
use super::dimension::{Open, Set};
use super::scratch::Pad;

/// The values of one dimension that a request has, as they are found.
pub(super) struct Hits<'s, K> {
    of: &'s Open<K>,
    columns: &'s Columns,
    scratch: &'s mut Pad,
    first: Option<&'s Set>,
    extra: Option<usize>,
}

impl<'s, K: Hash + Ord + Clone> Hits<'s, K> {
    pub(super) fn of(of: &'s Open<K>, columns: &'s Columns, scratch: &'s mut Pad) -> Self {
        Self { of, columns, scratch, first: None, extra: None }
    }

    /// The request has this value.
    pub(super) fn meet<Q: Hash + Eq + ?Sized>(&mut self, value: &Q)
    where
        K: Borrow<Q>,
    {
        match self.of.excluding(value) {
            Some(Set::Many(id)) => self.scratch.none.push(*id),
            Some(few) => self.scratch.excluded.add(few, self.columns),
            None => {}
        }
        let Some(set) = self.of.including(value) else { return };
        match (self.first, self.extra) {
            (None, None) => self.first = Some(set),
            (Some(first), None) => {
                let extra = self.scratch.extra(self.columns);
                self.scratch.extras[extra].add(first, self.columns);
                self.scratch.extras[extra].add(set, self.columns);
                self.extra = Some(extra);
            }
            (_, Some(extra)) => self.scratch.extras[extra].add(set, self.columns),
        }
    }

    /// It has no other.
    pub(super) fn end(self) {
        let Some(any) = self.of.any() else { return };
        match (self.first, self.extra) {
            (None, _) => self.scratch.all.push(any),
            // Those that do not care are in it.
            (Some(Set::Many(id)), None) => self.scratch.all.push(*id),
            (Some(few), None) => {
                let extra = self.scratch.extra(self.columns);
                self.scratch.extras[extra].add(few, self.columns);
                self.scratch.either.push((any, extra));
            }
            (Some(_), Some(extra)) => self.scratch.either.push((any, extra)),
        }
    }
}
