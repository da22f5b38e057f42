//! Columns: one bit a campaign, in blocks of 512, with one bit a block that says whether the block is empty.
//!
//! Promises columns of equal length in one piece of memory. Never changes once built.

/// Campaigns in one word.
pub(super) const WORD_BITS: usize = u64::BITS as usize;
/// Words in one block: a line of the cache.
pub(super) const BLOCK_WORDS: usize = 8;
/// Campaigns in one block.
pub(super) const BLOCK_BITS: usize = WORD_BITS * BLOCK_WORDS;

/// 512 campaigns, the lowest bit of the first word first.
pub(super) type Block = [u64; BLOCK_WORDS];

/// A column of [`Columns`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ColumnId(u32);

/// All columns of one index.
#[derive(Debug)]
pub(super) struct Columns {
    campaigns: usize,
    blocks: Vec<Block>,
    summaries: Vec<u64>,
    counts: Vec<u32>,
}

impl Columns {
    pub(super) fn new(campaigns: usize) -> Self {
        Self { campaigns, blocks: Vec::new(), summaries: Vec::new(), counts: Vec::new() }
    }

    pub(super) fn campaigns(&self) -> usize {
        self.campaigns
    }

    /// Blocks in one column.
    pub(super) fn blocks_per_column(&self) -> usize {
        self.campaigns.div_ceil(BLOCK_BITS)
    }

    /// Words in the summary of one column.
    pub(super) fn summary_words(&self) -> usize {
        self.blocks_per_column().div_ceil(WORD_BITS)
    }

    /// Adds the column of these campaigns.
    pub(super) fn add(&mut self, members: impl IntoIterator<Item = u32>) -> ColumnId {
        let id = ColumnId(self.counts.len() as u32);
        let (blocks, summaries) = (self.blocks.len(), self.summaries.len());
        self.blocks.resize(blocks + self.blocks_per_column(), [0; BLOCK_WORDS]);
        self.summaries.resize(summaries + self.summary_words(), 0);
        set_all(&mut self.blocks[blocks..], &mut self.summaries[summaries..], members);
        let ones = self.blocks[blocks..].iter().flatten().map(|word| word.count_ones()).sum();
        self.counts.push(ones);
        id
    }

    pub(super) fn blocks(&self, id: ColumnId) -> &[Block] {
        let length = self.blocks_per_column();
        &self.blocks[id.0 as usize * length..][..length]
    }

    pub(super) fn summary(&self, id: ColumnId) -> &[u64] {
        let length = self.summary_words();
        &self.summaries[id.0 as usize * length..][..length]
    }

    /// How many campaigns it has.
    pub(super) fn count(&self, id: ColumnId) -> u32 {
        self.counts[id.0 as usize]
    }

    /// Memory in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>() + self.summaries.capacity() * 8 + self.counts.capacity() * 4
    }

    /// Gives back what building has taken beyond need.
    pub(super) fn finished(mut self) -> Self {
        self.blocks.shrink_to_fit();
        self.summaries.shrink_to_fit();
        self.counts.shrink_to_fit();
        self
    }
}

/// Sets the bits of campaigns, and of their blocks.
pub(super) fn set_all(blocks: &mut [Block], summary: &mut [u64], members: impl IntoIterator<Item = u32>) {
    for member in members {
        let at = member as usize;
        blocks[at / BLOCK_BITS][at % BLOCK_BITS / WORD_BITS] |= 1 << (at % WORD_BITS);
        summary[at / BLOCK_BITS / WORD_BITS] |= 1 << (at / BLOCK_BITS % WORD_BITS);
    }
}

/// The numbers of the bits that are set in a word.
pub(super) fn ones(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let found = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(found)
    })
}
