//! What a search needs to write on.
//!
//! Promises that a search allocates nothing once a scratch has been used with the same index. Never holds anything of a
//! request beyond the next search: what one leaves behind, because it was given up or panicked, the next wipes.

use std::cmp::Reverse;

use super::columns::{BLOCK_WORDS, Block, ColumnId, Columns, WORD_BITS, ones, set_all};
use super::dimension::Set;
use crate::targeting::Point;

/// So many times the best of what was found is sought before the rest is sorted.
const SOUGHT_MAX: usize = 4;

/// Reusable memory of searches; one for each thread that searches.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) base: Pad,
    pub(super) late: Pad,
}

/// That of searches in one part.
#[derive(Debug, Default)]
pub(super) struct Pad {
    /// Columns that must hold, the least first.
    pub(super) all: Vec<ColumnId>,
    /// Columns that must not hold.
    pub(super) none: Vec<ColumnId>,
    /// Columns that must hold together with the bits of an extra.
    pub(super) either: Vec<(ColumnId, usize)>,
    /// Campaigns that exclude a value, from lists.
    pub(super) excluded: Extra,
    pub(super) extras: Vec<Extra>,
    pub(super) extras_used: usize,
    /// The ranks of the campaigns found that have not been taken, in no order at first.
    ranks: Vec<u32>,
    /// How many times the best was sought among them; one more once they are sorted.
    sought: usize,
    pub(super) segments: SegmentBits,
    /// Where the request is, once that has been asked for.
    pub(super) point: Option<Option<(Point, u32)>>,
}

/// A column of bits that is empty again soon.
#[derive(Debug, Default)]
pub(super) struct Extra {
    pub(super) blocks: Vec<Block>,
    pub(super) summary: Vec<u64>,
}

/// The request's segments, one bit for each that some campaign names.
#[derive(Debug, Default)]
pub(super) struct SegmentBits {
    bits: Vec<u64>,
    known: Vec<u32>,
    pub(super) is_read: bool,
}

impl Scratch {
    /// A scratch that grows when first used.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Pad {
    /// Wipes what the last search has left, and makes room for one over so many campaigns.
    pub(super) fn begin(&mut self, columns: &Columns, segments: usize) {
        self.all.clear();
        self.none.clear();
        self.either.clear();
        self.excluded.begin(columns);
        self.extras_used = 0;
        self.ranks.clear();
        self.sought = 0;
        self.segments.begin(segments);
        self.point = None;
    }

    /// An empty extra, by its number.
    pub(super) fn extra(&mut self, columns: &Columns) -> usize {
        let number = self.extras_used;
        self.extras_used += 1;
        if self.extras.len() == number {
            self.extras.push(Extra::default());
        }
        self.extras[number].begin(columns);
        number
    }

    #[inline]
    pub(super) fn add_rank(&mut self, rank: u32) {
        self.ranks.push(rank);
    }

    /// Takes the best rank, which is the least.
    pub(super) fn take_best(&mut self) -> Option<usize> {
        // Most imps are content with one of the first: to seek the least is one look at each, to sort them several.
        if self.sought < SOUGHT_MAX {
            self.sought += 1;
            let least = self.ranks.iter().fold(u32::MAX, |least, rank| least.min(*rank));
            let at = self.ranks.iter().position(|rank| *rank == least)?;
            return Some(self.ranks.swap_remove(at) as usize);
        }
        if self.sought == SOUGHT_MAX {
            self.sought += 1;
            self.ranks.sort_unstable_by_key(|rank| Reverse(*rank));
        }
        self.ranks.pop().map(|rank| rank as usize)
    }
}

impl Extra {
    fn begin(&mut self, columns: &Columns) {
        for (at, summary) in self.summary.iter_mut().enumerate() {
            ones(std::mem::take(summary)).for_each(|block| self.blocks[at * WORD_BITS + block] = [0; BLOCK_WORDS]);
        }
        self.blocks.resize(columns.blocks_per_column(), [0; BLOCK_WORDS]);
        self.summary.resize(columns.summary_words(), 0);
    }

    pub(super) fn add(&mut self, set: &Set, columns: &Columns) {
        match set {
            Set::Few(members) => set_all(&mut self.blocks, &mut self.summary, members.iter().copied()),
            Set::Many(id) => {
                let theirs = columns.blocks(*id);
                for (at, (ours, summary)) in self.summary.iter_mut().zip(columns.summary(*id)).enumerate() {
                    *ours |= summary;
                    for block in ones(*summary).map(|block| at * WORD_BITS + block) {
                        self.blocks[block].iter_mut().zip(&theirs[block]).for_each(|(ours, theirs)| *ours |= *theirs);
                    }
                }
            }
        }
    }
}

impl SegmentBits {
    fn begin(&mut self, segments: usize) {
        self.known.drain(..).for_each(|id| self.bits[id as usize / WORD_BITS] = 0);
        self.bits.resize(segments.div_ceil(WORD_BITS), 0);
        self.is_read = false;
    }

    pub(super) fn add(&mut self, id: u32) {
        self.bits[id as usize / WORD_BITS] |= 1 << (id as usize % WORD_BITS);
        self.known.push(id);
    }

    pub(super) fn has(&self, id: u32) -> bool {
        self.bits[id as usize / WORD_BITS] >> (id as usize % WORD_BITS) & 1 == 1
    }
}
