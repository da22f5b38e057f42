//! The caps of the bids that are out, on disk: what a process that is killed leaves to the next.
//!
//! # Contract
//!
//! - A tenth of a second after a bid was committed ([`JOURNAL_PERIOD`](crate::limits::JOURNAL_PERIOD)) it is in the file, and a
//!   process that is killed then leaves it to the next, which counts it until it is billed, lost or expired. Bids that were
//!   committed later than that are lost with the process: a user may be shown as many more as were bid for him in that time.
//! - No bid waits for it. What is to be written lies in the table's shards until the capper has it written, on a thread that
//!   may block. A disk that is full or stuck costs nothing but what it cannot take; the file is written anew as soon as it can.
//! - The file is small: it is written anew from the table whenever it has grown to some times of what is open.
//! - Only the last incarnation that [claimed](CapJournal::claim) it writes.
//!
//! # Never
//!
//! A flush of every write: the kernel keeps what a killed process wrote. The loss of power may take what it had not yet written,
//! some thirty seconds' worth as Linux is set up. Never an id: keys are those of the ledger.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::{JoinHandle, spawn_blocking};

use crate::cap_note::{Left, Note, decode, encode};
use crate::cap_table::CapTable;
use crate::due::Due;
use crate::epoch::Epoch;
use crate::limits::{JOURNAL_BYTES_MIN, JOURNAL_GROWTH_MAX, JOURNAL_RETRY};

/// The file of one region. Cheap to clone; the same for all incarnations.
#[derive(Clone, Debug)]
pub(crate) struct CapJournal(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    /// The epoch that may write.
    owner: AtomicU64,
    writer: Mutex<Option<Writer>>,
}

#[derive(Debug)]
struct Writer {
    file: File,
    owner: u64,
    /// The size of the file, and what it had when it was written anew.
    bytes: usize,
    bytes_anew: usize,
    /// How far the events were applied that are known to the file.
    followed: u64,
}

/// Events that may pass without a word in the file, as long as nothing else is to be written.
const FOLLOWED_LAG: u64 = 1_000;

impl CapJournal {
    /// The journal in a file, which need not exist.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(Arc::new(Shared { path, owner: AtomicU64::new(0), writer: Mutex::new(None) }))
    }

    /// What the last process left; nothing if there is no file. A block that was cut short ends it.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no journal.
    pub(crate) fn recover(&self) -> io::Result<Left> {
        match fs::read(&self.0.path) {
            Ok(bytes) => decode(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Left::default()),
            Err(error) => Err(error),
        }
    }

    /// Makes an incarnation the one that writes. Never waits: a write of its predecessor that goes on is written over.
    pub(crate) fn claim(&self, epoch: Epoch) {
        self.0.owner.store(epoch.number(), SeqCst);
    }

    /// Writes what was noted in the table since the last time; blocks its thread. `followed` is the last event that was
    /// applied to the table before.
    ///
    /// # Errors
    ///
    /// The disk's. The next call writes the file anew.
    pub(crate) fn write(&self, table: &CapTable, followed: u64) -> io::Result<()> {
        let mut shared = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = table.epoch().number();
        if self.0.owner.load(SeqCst) != owner {
            return Ok(());
        }
        // Whatever goes wrong, nobody goes on with half a file.
        let writer = shared.take().filter(|writer| writer.owner == owner);
        let writer = match writer {
            Some(writer) if !writer.has_outgrown() => match table.take_notes() {
                Some(notes) => writer.append(&notes, followed)?,
                None => self.write_anew(table, followed)?,
            },
            _ => self.write_anew(table, followed)?,
        };
        *shared = Some(writer);
        Ok(())
    }

    /// All that is open, in a file beside the old one, which it then replaces.
    fn write_anew(&self, table: &CapTable, followed: u64) -> io::Result<Writer> {
        let path = &self.0.path;
        let beside = beside(path);
        let mut bytes = encode(&[], followed, true);
        let open: Vec<Note> = table.note_anew();
        bytes.extend(encode(&open, followed, false));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&bytes)?;
        // Before it takes the old one's name: a loss of power must not leave an empty one.
        file.sync_data()?;
        fs::rename(&beside, path)?;
        let bytes = bytes.len();
        Ok(Writer { file, owner: table.epoch().number(), bytes, bytes_anew: bytes, followed })
    }
}

impl Writer {
    fn has_outgrown(&self) -> bool {
        self.bytes_anew.saturating_mul(JOURNAL_GROWTH_MAX).max(JOURNAL_BYTES_MIN) < self.bytes
    }

    fn append(mut self, notes: &[Note], followed: u64) -> io::Result<Self> {
        if notes.is_empty() && followed < self.followed.saturating_add(FOLLOWED_LAG) {
            return Ok(self);
        }
        let bytes = encode(notes, followed, false);
        self.file.write_all(&bytes)?;
        self.bytes += bytes.len();
        self.followed = followed;
        Ok(self)
    }
}

/// An incarnation's writing of the journal, one write at a time.
#[derive(Debug)]
pub(crate) struct Journaling {
    journal: CapJournal,
    writing: Option<JoinHandle<io::Result<()>>>,
    /// After a failure: when it is tried again.
    retry: Due,
    is_failing: bool,
}

impl Journaling {
    pub(crate) fn new(journal: CapJournal) -> Self {
        Self { journal, writing: None, retry: Due::NOW, is_failing: false }
    }

    /// Begins the next write when the last one has ended.
    pub(crate) async fn go_on(&mut self, table: &Arc<CapTable>, followed: u64, now_ms: i64) {
        if let Some(writing) = self.writing.take_if(|writing| writing.is_finished()) {
            self.note_result(writing.await.map_err(io::Error::other).flatten(), now_ms);
        }
        if self.writing.is_none() && self.retry.is_due(now_ms, JOURNAL_RETRY) {
            self.writing = Some(self.write(table, followed));
        }
    }

    /// Writes what is left to be written, and waits for it.
    pub(crate) async fn finish(&mut self, table: &Arc<CapTable>, followed: u64) {
        if let Some(writing) = self.writing.take() {
            let _ = writing.await;
        }
        let written = self.write(table, followed).await.map_err(io::Error::other).flatten();
        self.note_result(written, i64::MIN);
    }

    fn write(&self, table: &Arc<CapTable>, followed: u64) -> JoinHandle<io::Result<()>> {
        let (journal, table) = (self.journal.clone(), Arc::clone(table));
        spawn_blocking(move || journal.write(&table, followed))
    }

    fn note_result(&mut self, written: io::Result<()>, now_ms: i64) {
        let path = self.journal.0.path.display();
        match written {
            Ok(()) if self.is_failing => {
                tracing::info!(%path, "open bids are written down again");
                self.is_failing = false;
            }
            Ok(()) => {}
            Err(cause) => {
                if !self.is_failing {
                    tracing::warn!(%path, %cause, "open bids are not written down: a process that is killed would forget them");
                }
                self.is_failing = true;
                self.retry.put_off(now_ms, JOURNAL_RETRY);
            }
        }
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

#[cfg(test)]
mod tests {
    use campaign::{CampaignId, CapWindow, Caps};
    use foldhash::fast::RandomState;
    use ledger::{CapKey, TokenId};

    use super::*;
    use crate::cap_archive::CapArchiveBuilder;
    use crate::cap_user::CapUser;

    /// The table of a new incarnation, in which so many bids are out.
    fn table(bids: u8) -> CapTable {
        let table = CapTable::of(Epoch::next(), &Arc::new(CapArchiveBuilder::new(RandomState::default()).build(0)));
        (0..bids).for_each(|bid| open(&table, bid));
        table
    }

    fn open(table: &CapTable, bid: u8) {
        let user = CapUser::lasting(CapKey([bid; CapKey::BYTES]));
        let caps = Caps::NONE.with(CapWindow::Day, 1);
        assert!(table.try_open(CampaignId(7), user, caps, TokenId([bid; TokenId::BYTES]), 0, 60_000));
    }

    fn left(journal: &CapJournal) -> (usize, u64) {
        let left = journal.recover().unwrap();
        (left.open.len(), left.followed)
    }

    /// A write that its thread comes to late, when the region has been started again, changes nothing.
    #[test]
    fn only_the_incarnation_that_claimed_it_last_writes() {
        let folder = tempfile::tempdir().unwrap();
        let journal = CapJournal::new(folder.path().join("open-caps-sg"));
        let (old, new) = (table(1), table(3));
        journal.claim(old.epoch());
        journal.write(&old, 5).unwrap();
        assert_eq!(left(&journal), (1, 5));
        journal.claim(new.epoch());
        journal.write(&old, 6).unwrap();
        assert_eq!(left(&journal), (1, 5), "as it was");
        journal.write(&new, 7).unwrap();
        assert_eq!(left(&journal), (3, 7));
        old.close(CampaignId(7), CapKey([0; CapKey::BYTES]), TokenId([0; TokenId::BYTES]));
        journal.write(&old, 8).unwrap();
        assert_eq!(left(&journal), (3, 7));
    }

    #[test]
    fn a_file_that_has_grown_is_written_anew_and_says_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("open-caps-sg");
        let journal = CapJournal::new(path.clone());
        let table = table(2);
        journal.claim(table.epoch());
        journal.write(&table, 1).unwrap();
        let (key, bid) = (CapKey([1; CapKey::BYTES]), TokenId([1; TokenId::BYTES]));
        let mut largest = 0;
        for round in 1..60 {
            // Held for longer, again and again.
            (0..1_000).for_each(|step| table.extend(CampaignId(7).into(), key, bid, 60_000 + round * 1_000 + step));
            journal.write(&table, 1).unwrap();
            largest = largest.max(fs::metadata(&path).unwrap().len());
        }
        let size = fs::metadata(&path).unwrap().len();
        assert!(JOURNAL_BYTES_MIN as u64 <= largest && size < largest, "{size} of {largest} bytes");
        let recovered = journal.recover().unwrap();
        let of_bid = recovered.open.iter().find(|open| open.bid == bid).unwrap();
        assert_eq!((recovered.open.len(), of_bid.expires_ms), (2, 60_000 + 59 * 1_000 + 999));
    }
}
