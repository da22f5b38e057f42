//! What the ledger has counted of users up to a minute: the bulk of a region's caps, which outlives its incarnations.
//!
//! # Contract
//!
//! - It holds what the ledger's reader said, and nothing that an incarnation worked out. Once built it never changes, so that
//!   whoever takes it over starts from what it would read again: a crash, of whichever actor, cannot have left anything in it.
//! - Memory that changed all the same is found: every block of rows has a checksum, taken over the rows as they came from the
//!   reader. An archive that is not [sound](CapArchive::is_sound) is never started from.
//! - A look into it costs one bucket of some four rows.
//!
//! # Never
//!
//! A count of a minute that is not over; a count told as older than it is.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use ledger::{CapCount, CapKey, CapSubject};

use crate::cap_marks::CapMarks;
use crate::chaos::ARCHIVE_DAMAGE;
use crate::limits::{ARCHIVE_BLOCK_ROWS, MARKS_MAX};

/// Rows of a bucket on average, at the most: the number of buckets is a power of two.
const BUCKET_ROWS: usize = 4;

/// So many impressions of one user for one campaign or creative, none of them later than that second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Row {
    key: [u64; 2],
    subject: u64,
    until_s: u32,
    count: u32,
}

impl Row {
    fn of(count: &CapCount) -> Self {
        let until_s = u32::try_from(count.until_ms.max(1).saturating_add(999) / 1_000).unwrap_or(u32::MAX);
        Self { key: words(count.cap_key), subject: code(count.subject), until_s, count: count.count }
    }

    fn until_ms(&self) -> i64 {
        i64::from(self.until_s) * 1_000
    }

    fn pair(&self) -> (u64, [u64; 2]) {
        (self.subject, self.key)
    }

    fn memory_ms(&self) -> i64 {
        let mut key = [0; CapKey::BYTES];
        key[8..].copy_from_slice(&self.key[1].to_le_bytes());
        CapKey(key).memory().millis()
    }
}

fn words(key: CapKey) -> [u64; 2] {
    let word = |from: usize| u64::from_le_bytes(std::array::from_fn(|at| key.0[from + at]));
    [word(0), word(8)]
}

fn code(subject: CapSubject) -> u64 {
    subject.code().cast_unsigned()
}

/// The hash of a user in the caps of a subject: one for the table's shards and the archive's buckets.
pub(crate) fn place_hash(hasher: &RandomState, subject: CapSubject, key: CapKey) -> u64 {
    pair_hash(hasher, (code(subject), words(key)))
}

fn pair_hash(hasher: &RandomState, (subject, [low, high]): (u64, [u64; 2])) -> u64 {
    hasher.hash_one((subject, low, high))
}

/// Counts of whole minutes, up to one of them.
#[derive(Debug)]
pub(crate) struct CapArchive {
    /// Everything that was billed before this is here, and nothing that was billed later. Unix milliseconds.
    until_ms: i64,
    hasher: RandomState,
    /// By bucket; those of one user in the order of time.
    rows: Vec<Row>,
    /// Where each bucket begins, and where the last one ends.
    starts: Vec<u32>,
    pairs: usize,
    /// Of the rows and of the buckets' places, block by block.
    sums: Vec<u64>,
}

impl CapArchive {
    /// The first moment that it says nothing of.
    pub(crate) fn until_ms(&self) -> i64 {
        self.until_ms
    }

    pub(crate) fn hasher(&self) -> &RandomState {
        &self.hasher
    }

    /// How many (subject, user) pairs it counts.
    pub(crate) fn pairs(&self) -> usize {
        self.pairs
    }

    /// What it has of a user; `hash` is the [hash of the place](place_hash).
    pub(crate) fn find(&self, subject: CapSubject, key: CapKey, hash: u64) -> Archived<'_> {
        let pair = (code(subject), words(key));
        Archived { bucket: self.bucket(bucket_of(hash, self.starts.len() - 1)), pair }
    }

    /// How many blocks there are to be looked at.
    pub(crate) fn blocks(&self) -> usize {
        self.sums.len()
    }

    /// Whether a block is what was built.
    pub(crate) fn is_block_sound(&self, block: usize) -> bool {
        self.sums.get(block).is_some_and(|sum| *sum == self.sum(block))
    }

    /// Whether all of it is what was built: some five milliseconds for a million rows.
    pub(crate) fn is_sound(&self) -> bool {
        (0..self.blocks()).all(|block| self.is_block_sound(block))
    }

    fn bucket(&self, bucket: usize) -> &[Row] {
        &self.rows[self.starts[bucket] as usize..self.starts[bucket + 1] as usize]
    }

    /// Each step is a bijection of the sum so far: one word that differs always shows.
    fn sum(&self, block: usize) -> u64 {
        let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let from = block * ARCHIVE_BLOCK_ROWS;
        let rows = self.rows.iter().skip(from).take(ARCHIVE_BLOCK_ROWS);
        let sum = rows.fold(block as u64, |sum, row| {
            let last = u64::from(row.until_s) << 32 | u64::from(row.count);
            [row.key[0], row.key[1], row.subject, last].into_iter().fold(sum, step)
        });
        let starts = self.starts.iter().skip(from).take(ARCHIVE_BLOCK_ROWS);
        starts.fold(sum, |sum, start| step(sum, u64::from(*start)))
    }

    /// Puts together the rows of users who have more than a table would tell apart: what a look costs is bounded.
    fn shorten(&mut self) {
        let buckets = self.starts.len() - 1;
        if (0..buckets).all(|at| self.bucket(at).len() <= MARKS_MAX) {
            return;
        }
        let mut rows = Vec::with_capacity(self.rows.len());
        let mut starts = vec![0];
        for at in 0..buckets {
            let bucket = self.bucket(at);
            if bucket.len() <= MARKS_MAX {
                rows.extend_from_slice(bucket);
            } else {
                for pair in pairs(bucket) {
                    let memory_ms = bucket.iter().find(|row| row.pair() == pair).map_or(0, Row::memory_ms);
                    let marks = Archived { bucket, pair }.marks(memory_ms);
                    let (subject, key) = pair;
                    rows.extend(marks.moments().map(|(until_s, count)| Row { key, subject, until_s, count }));
                }
            }
            starts.push(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        }
        (self.rows, self.starts) = (rows, starts);
    }

    fn damage(&mut self, row: usize) {
        if let Some(row) = self.rows.get_mut(row) {
            row.count ^= 1 << 7;
        }
    }
}

fn bucket_of(hash: u64, buckets: usize) -> usize {
    // The shard of the table takes the upper bits.
    usize::try_from(hash & (buckets as u64 - 1)).unwrap_or(0)
}

/// What an archive has of one user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Archived<'a> {
    bucket: &'a [Row],
    pair: (u64, [u64; 2]),
}

impl Archived<'_> {
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.bucket.iter().filter(|row| row.pair() == self.pair)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows().next().is_none()
    }

    /// How many impressions there were in the window of this length that ends now, at most as many as that.
    pub(crate) fn within(&self, window_ms: i64, now_ms: i64) -> u32 {
        let recent = self.rows().filter(|row| now_ms < row.until_ms().saturating_add(window_ms));
        recent.fold(0, |sum, row| sum.saturating_add(row.count))
    }

    /// How many impressions are remembered.
    pub(crate) fn total(&self) -> u32 {
        self.rows().fold(0, |sum, row| sum.saturating_add(row.count))
    }

    /// The same, to be added to.
    pub(crate) fn marks(&self, memory_ms: i64) -> CapMarks {
        let mut marks = CapMarks::default();
        self.rows().for_each(|row| marks.add(row.until_ms(), row.count, memory_ms));
        marks
    }
}

/// Collects counts, the earliest of a user first.
#[derive(Debug)]
pub(crate) struct CapArchiveBuilder {
    hasher: RandomState,
    rows: Vec<Row>,
}

impl CapArchiveBuilder {
    pub(crate) fn new(hasher: RandomState) -> Self {
        Self { hasher, rows: Vec::new() }
    }

    /// Goes on from an archive, without what no window looks back on any more.
    pub(crate) fn after(archive: &CapArchive, now_ms: i64) -> Self {
        let kept = |row: &&Row| now_ms < row.until_ms().saturating_add(row.memory_ms());
        Self { hasher: archive.hasher.clone(), rows: archive.rows.iter().filter(kept).copied().collect() }
    }

    pub(crate) fn add(&mut self, count: &CapCount) {
        self.rows.push(Row::of(count));
    }

    /// The archive of everything that was billed before `until_ms`.
    pub(crate) fn build(self, until_ms: i64) -> CapArchive {
        let Self { hasher, rows } = self;
        let buckets = (rows.len() / BUCKET_ROWS).next_power_of_two();
        let bucket = |row: &Row| bucket_of(pair_hash(&hasher, row.pair()), buckets);
        // A counting sort by bucket, which leaves the rows of a user in their order.
        let mut starts = vec![0_u32; buckets + 1];
        for row in &rows {
            starts[bucket(row) + 1] += 1;
        }
        for at in 0..buckets {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut sorted = vec![Row::default(); rows.len()];
        for row in &rows {
            let place = &mut next[bucket(row)];
            sorted[*place as usize] = *row;
            *place += 1;
        }
        drop((rows, next));
        let mut archive = CapArchive { until_ms, hasher, rows: sorted, starts, pairs: 0, sums: Vec::new() };
        archive.shorten();
        archive.pairs = (0..buckets).map(|at| pairs(archive.bucket(at)).len()).sum();
        let blocks = archive.rows.len().max(archive.starts.len()).div_ceil(ARCHIVE_BLOCK_ROWS);
        archive.sums = (0..blocks).map(|block| archive.sum(block)).collect();
        if ARCHIVE_DAMAGE.take() {
            archive.damage(0);
        }
        archive
    }
}

/// The users of a bucket, each once.
fn pairs(bucket: &[Row]) -> Vec<(u64, [u64; 2])> {
    let mut pairs = Vec::with_capacity(bucket.len());
    for row in bucket {
        if !pairs.contains(&row.pair()) {
            pairs.push(row.pair());
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use campaign::{CampaignId, CapMemory, CreativeId};

    use super::*;

    const MINUTE_MS: i64 = 60_000;
    const DAY_MS: i64 = 86_400_000;

    fn count(subject: impl Into<CapSubject>, user: u32, minute: i64, count: u32) -> CapCount {
        let mut key = [0; CapKey::BYTES];
        key[..4].copy_from_slice(&user.to_le_bytes());
        let cap_key = CapKey(key).marked(CapMemory::Day, false);
        CapCount { subject: subject.into(), cap_key, until_ms: minute * MINUTE_MS, count }
    }

    fn built(counts: &[CapCount]) -> CapArchive {
        let mut builder = CapArchiveBuilder::new(RandomState::default());
        counts.iter().for_each(|count| builder.add(count));
        builder.build(100 * MINUTE_MS)
    }

    fn found<'a>(archive: &'a CapArchive, of: &CapCount) -> Archived<'a> {
        let hash = place_hash(archive.hasher(), of.subject, of.cap_key);
        archive.find(of.subject, of.cap_key, hash)
    }

    #[test]
    fn it_tells_of_every_user_what_was_put_in_and_of_others_nothing() {
        let mut counts = Vec::new();
        for user in 0..5_000 {
            for minute in 1..=i64::from(user % 4) {
                counts.push(count(CampaignId(user % 7), user, minute, 1));
            }
            if user % 5 == 0 {
                counts.push(count(CreativeId(user % 7), user, 9, 2));
            }
        }
        counts.sort_by_key(|count| count.until_ms);
        let archive = built(&counts);
        assert!(archive.is_sound());
        assert_eq!(archive.pairs(), 5_000 / 4 * 3 + 1_000);
        for user in 0..5_000 {
            let of_campaign = found(&archive, &count(CampaignId(user % 7), user, 0, 0));
            assert_eq!(of_campaign.total(), user % 4);
            assert_eq!(of_campaign.is_empty(), user % 4 == 0);
            // A window of two minutes that ends in the third.
            assert_eq!(of_campaign.within(2 * MINUTE_MS, 3 * MINUTE_MS), (user % 4).saturating_sub(1));
            assert_eq!(of_campaign.marks(DAY_MS).total(), user % 4);
            let of_creative = found(&archive, &count(CreativeId(user % 7), user, 0, 0));
            assert_eq!(of_creative.total(), if user % 5 == 0 { 2 } else { 0 });
        }
        assert!(found(&archive, &count(CampaignId(9), 1, 0, 0)).is_empty());
        let empty = built(&[]);
        assert!(found(&empty, &count(CampaignId(1), 1, 0, 0)).is_empty() && empty.is_sound());
    }

    #[test]
    fn one_bit_that_changed_in_memory_is_found_in_its_block() {
        let counts: Vec<_> = (0..20_000).map(|user| count(CampaignId(1), user, 1, 1)).collect();
        let mut archive = built(&counts);
        let row = 3 * ARCHIVE_BLOCK_ROWS + 17;
        archive.damage(row);
        assert!(!archive.is_sound());
        let unsound: Vec<_> = (0..archive.blocks()).filter(|block| !archive.is_block_sound(*block)).collect();
        assert_eq!(unsound, [3]);
        archive.damage(row);
        archive.starts[4] += 1;
        assert!(!archive.is_sound(), "nor does a bucket that begins elsewhere pass");
    }

    #[test]
    fn it_goes_on_from_another_without_what_no_window_looks_back_on() {
        let old = built(&[count(CampaignId(1), 1, 1, 1), count(CampaignId(1), 2, 50, 1)]);
        let now_ms = 2 * MINUTE_MS + DAY_MS;
        let mut builder = CapArchiveBuilder::after(&old, now_ms);
        builder.add(&count(CampaignId(1), 2, 120, 3));
        let new = builder.build(130 * MINUTE_MS);
        assert!(found(&new, &count(CampaignId(1), 1, 0, 0)).is_empty(), "a day ago");
        assert_eq!(found(&new, &count(CampaignId(1), 2, 0, 0)).total(), 4);
        assert_eq!((new.pairs(), new.until_ms(), new.is_sound()), (1, 130 * MINUTE_MS, true));
    }

    /// Nobody makes a look into a bucket long, and nothing that was shown is lost over it.
    #[test]
    fn a_user_with_very_many_rows_keeps_as_many_as_a_table_would() {
        let mut counts: Vec<_> = (1..=900).map(|minute| count(CampaignId(1), 1, minute, 1)).collect();
        counts.push(count(CampaignId(2), 2, 5, 1));
        let archive = built(&counts);
        let many = found(&archive, &counts[0]);
        assert!(many.rows().count() <= MARKS_MAX + 1);
        assert_eq!(many.total(), 900);
        for minutes in [1, 60, 600] {
            assert!(minutes <= i64::from(many.within(minutes * MINUTE_MS, 900 * MINUTE_MS)));
        }
        assert_eq!(found(&archive, &counts[900]).total(), 1);
        assert!(archive.is_sound());
    }
}
