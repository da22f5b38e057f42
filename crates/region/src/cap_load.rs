//! Reading a region's counts: all of them when the process starts, and what is new when the region does.
//!
//! Promises a table that says what the ledger says at one moment. It blocks its thread, which is none that bids.

use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use ledger::{CAP_SLOT_MS, CapReader, CapStoreError};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::cap_archive::{CapArchive, CapArchiveBuilder};
use crate::cap_table::CapTable;
use crate::day::millis;
use crate::epoch::Epoch;
use crate::limits::ARCHIVE_LAG;

/// What a new incarnation counts with.
pub(crate) struct LoadedCaps {
    pub(crate) table: CapTable,
    pub(crate) archive: Arc<CapArchive>,
    /// The last event that is counted.
    pub(crate) region_seq: u64,
    /// For later.
    pub(crate) reader: Box<dyn CapReader>,
}

/// Reads what `known` does not say, or everything if there is none or it is not what it was.
pub(crate) fn load(
    mut reader: Box<dyn CapReader>,
    epoch: Epoch,
    known: Option<Arc<CapArchive>>,
    now_ms: i64,
    region: &str,
    is_wanted: &dyn Fn() -> bool,
) -> Result<LoadedCaps, CapStoreError> {
    let known = known.filter(|archive| {
        let is_sound = archive.is_sound();
        if !is_sound {
            tracing::error!(region, "the kept counts of users have changed in memory: they are read again");
        }
        is_sound
    });
    let region_seq = reader.begin()?;
    let mut recent = Vec::new();
    let archive = if let Some(archive) = known {
        reader.read(archive.until_ms(), &mut |count| {
            recent.push(count);
            is_wanted()
        })?;
        archive
    } else {
        let until_ms = end_of_archive(now_ms);
        let mut builder = CapArchiveBuilder::new(RandomState::default());
        reader.read(i64::MIN, &mut |count| {
            if count.until_ms <= until_ms {
                builder.add(&count);
            } else {
                recent.push(count);
            }
            is_wanted()
        })?;
        Arc::new(builder.build(until_ms))
    };
    let table = CapTable::of(epoch, &archive);
    recent.iter().for_each(|count| table.seed(count));
    Ok(LoadedCaps { table, archive, region_seq, reader })
}

/// The start of the first minute that may still be recorded.
fn end_of_archive(now_ms: i64) -> i64 {
    now_ms.saturating_sub(millis(ARCHIVE_LAG)).div_euclid(CAP_SLOT_MS).saturating_mul(CAP_SLOT_MS)
}

/// A newer archive, being made on a thread of its own. Dropped, its result is as well.
pub(crate) struct Renewal {
    thread: JoinHandle<RenewalEnd>,
    /// Whether it reads everything, and not only what is new.
    pub(crate) is_anew: bool,
}

/// A newer archive.
pub(crate) struct Renewed {
    pub(crate) archive: CapArchive,
    /// The last event that may be counted in it: whoever takes it must have applied that.
    pub(crate) region_seq: u64,
}

/// What became of a renewal, and the reader for the next one.
pub(crate) type RenewalEnd = (Box<dyn CapReader>, Result<Renewed, CapStoreError>);

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Renewal").finish_non_exhaustive()
    }
}

impl Renewal {
    /// Begins: from what the archive says and what the ledger has recorded since, or from the ledger alone.
    pub(crate) fn of(mut reader: Box<dyn CapReader>, archive: Arc<CapArchive>, is_anew: bool, now_ms: i64) -> Self {
        let thread = spawn_blocking(move || {
            let renewed = renew(&mut *reader, &archive, is_anew, now_ms);
            (reader, renewed)
        });
        Self { thread, is_anew }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// What became of it, and the reader for the next one; `None` if it panicked.
    pub(crate) async fn result(self) -> Option<RenewalEnd> {
        self.thread.await.ok()
    }
}

fn renew(
    reader: &mut dyn CapReader,
    archive: &CapArchive,
    is_anew: bool,
    now_ms: i64,
) -> Result<Renewed, CapStoreError> {
    // Never earlier than before: the table has forgotten what the last one said as well.
    let until_ms = end_of_archive(now_ms).max(archive.until_ms());
    let (mut builder, since_ms) = if is_anew {
        (CapArchiveBuilder::new(archive.hasher().clone()), i64::MIN)
    } else {
        (CapArchiveBuilder::after(archive, now_ms), archive.until_ms())
    };
    let region_seq = reader.begin()?;
    reader.read(since_ms, &mut |count| {
        if count.until_ms <= until_ms {
            builder.add(&count);
        }
        true
    })?;
    Ok(Renewed { archive: builder.build(until_ms), region_seq })
}
