//! The candidates of one imp, found as they are asked for.
//!
//! Promises that what it yields is in flight and live at that moment. Never yields a campaign twice.

use super::{Candidate, Index, Scratch};
use crate::Want;

/// An iterator over the campaigns that fit, by bid price, the highest first.
#[derive(Debug)]
pub struct Candidates<'a> {
    index: &'a Index,
    scratch: &'a mut Scratch,
    want: &'a Want<'a>,
    /// The first word of the ranks' summary that may hold more.
    from: usize,
}

impl<'a> Candidates<'a> {
    pub(super) fn new(index: &'a Index, scratch: &'a mut Scratch, want: &'a Want<'a>) -> Self {
        Self { index, scratch, want, from: 0 }
    }
}

impl<'a> Iterator for Candidates<'a> {
    type Item = Candidate<'a>;

    fn next(&mut self) -> Option<Candidate<'a>> {
        loop {
            let rank = self.scratch.take_ranked(&mut self.from)?;
            if !self.index.rests[rank].holds(self.want.facts, &self.index.segments, self.scratch) {
                continue;
            }
            if let Some(campaign) = self.index.sources[rank].live() {
                return Some(Candidate::new(campaign, self.want));
            }
        }
    }
}
