//! The candidates of one imp, found as they are asked for.
//!
//! Promises that what it yields is in flight and live at that moment. Never yields a campaign twice.

use super::column::WORD_BITS;
use super::source::Source;
use super::{Candidate, Want};

/// An iterator over the campaigns that fit, by bid price, the highest first.
#[derive(Debug)]
pub struct Candidates<'a> {
    sources: &'a [Source],
    /// What is still to be looked at, one bit a campaign.
    fitting: Vec<u64>,
    word: usize,
    want: &'a Want<'a>,
}

impl<'a> Candidates<'a> {
    pub(super) fn new(sources: &'a [Source], fitting: Vec<u64>, want: &'a Want<'a>) -> Self {
        Self { sources, fitting, word: 0, want }
    }
}

impl<'a> Iterator for Candidates<'a> {
    type Item = Candidate<'a>;

    fn next(&mut self) -> Option<Candidate<'a>> {
        while let Some(bits) = self.fitting.get_mut(self.word) {
            if *bits == 0 {
                self.word += 1;
                continue;
            }
            let index = self.word * WORD_BITS + bits.trailing_zeros() as usize;
            *bits &= *bits - 1;
            let Some(campaign) = self.sources[index].live() else { continue };
            if campaign.flight().contains(self.want.now_ms) {
                return Some(Candidate::new(campaign, self.want));
            }
        }
        None
    }
}
