//! Frequency caps: per campaign or creative and user, when it was billed and which bids are still open.
//!
//! Promises that in every window `billed + open <= cap` holds for every bid it lets through, whichever threads ask at once,
//! and that a bid moves from open to billed in one step. Never counts the same bid twice: opening, closing and billing name
//! the bid.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campaign::Caps;
use foldhash::fast::RandomState;
use ledger::{CapCount, CapKey, CapSubject, TokenId};

use crate::cap_archive::{CapArchive, place_hash};
use crate::cap_note::Note;
use crate::cap_shard::{Known, Open, Place, Shard};
use crate::cap_user::CapUser;
use crate::epoch::Epoch;
use crate::limits::{CAP_ENTRIES_PER_SHARD_MAX, CAP_SHARDS};

/// Counts per subject and user, shared by the bid path and the region's actors.
///
/// # On restart
///
/// A new incarnation starts from what the ledger has counted, and from the bids that were open in the table of its
/// predecessor. Of the former, whole minutes that an earlier incarnation has read are not read again: they are kept as they
/// were read, with a checksum, and what was billed since comes from the ledger. After a crash of the process the open bids are
/// those of the journal, if there is one ([`RegionArgs::cap_journal`](crate::RegionArgs::cap_journal)).
#[derive(Debug)]
pub struct CapTable {
    epoch: Epoch,
    entries_per_shard_max: usize,
    shards: Box<[Mutex<Shard>]>,
    /// Pairs that the archive counts.
    archived: AtomicUsize,
    hasher: RandomState,
    /// The latest day of whose keys there was a bid.
    day: AtomicU32,
    /// Users that were refused since the table was full.
    refused: AtomicU64,
    /// Open places over all shards.
    open: AtomicUsize,
    /// The next incarnation has taken the open bids: none may be committed here any more.
    closed: AtomicBool,
}

/// The counts of one user for one campaign or creative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapCounts {
    /// Billed, as long as that is remembered.
    pub billed: u32,
    /// Bids whose outcome is open.
    pub open: u32,
}

/// What a [`CapTable`] holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapFigures {
    /// (Subject, user) pairs.
    pub entries: usize,
    /// Bids whose outcome is open; one that is counted for campaign and creative counts twice.
    pub open: usize,
    /// How many pairs there may be before new users are refused.
    pub entries_max: usize,
    /// Bids that were refused since there was no room for their user.
    pub refused: u64,
}

/// Why a bid gets no place in a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoPlace {
    /// The user has seen as much as the cap allows, or bids that are open may get there.
    Reached,
    /// As many users are counted as may be, and this one is not among them. Says nothing of the user.
    TableFull,
}

/// An open bid's place in a cap, as the next incarnation takes it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CarriedOpen {
    pub(crate) subject: CapSubject,
    pub(crate) key: CapKey,
    pub(crate) bid: TokenId,
    pub(crate) expires_ms: i64,
}

impl Default for CapTable {
    fn default() -> Self {
        Self::new()
    }
}

impl CapTable {
    /// A table in which nobody was counted.
    #[must_use]
    pub fn new() -> Self {
        Self::bounded(CAP_ENTRIES_PER_SHARD_MAX)
    }

    /// The same with another limit on the (subject, user) pairs in a shard, of which there are
    /// [`CAP_SHARDS`](crate::limits::CAP_SHARDS).
    #[must_use]
    pub fn bounded(entries_per_shard_max: usize) -> Self {
        Self {
            epoch: Epoch::next(),
            entries_per_shard_max,
            shards: (0..CAP_SHARDS).map(|_| Mutex::default()).collect(),
            archived: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            hasher: RandomState::default(),
            day: AtomicU32::new(0),
            open: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// The table of an incarnation of the region, which goes on from the archive.
    pub(crate) fn of(epoch: Epoch, archive: &Arc<CapArchive>) -> Self {
        let shard = |_| Mutex::new(Shard::over(Arc::clone(archive)));
        Self {
            epoch,
            shards: (0..CAP_SHARDS).map(shard).collect(),
            archived: AtomicUsize::new(archive.pairs()),
            hasher: archive.hasher().clone(),
            ..Self::new()
        }
    }

    /// The same table with room for so many pairs.
    pub(crate) fn with_room_for(self, pairs: usize) -> Self {
        Self { entries_per_shard_max: pairs.div_ceil(CAP_SHARDS), ..self }
    }

    /// Goes on from a newer archive, which has the hasher of the first.
    pub(crate) fn take_archive(&self, archive: &Arc<CapArchive>) {
        for shard in &self.shards {
            lock(shard).take_archive(Arc::clone(archive));
        }
        self.archived.store(archive.pairs(), Relaxed);
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Adds what the ledger has counted, the earliest of a user first.
    pub fn seed(&self, count: &CapCount) {
        let place = self.place(count.subject, count.cap_key);
        let memory_ms = count.cap_key.memory().millis();
        self.shard(&place).entry(&place).billed.add(count.until_ms, count.count, memory_ms);
    }

    /// Whether one more bid would be within every cap now. Only [`try_open`](Self::try_open) makes sure.
    #[must_use]
    pub fn is_below(&self, subject: impl Into<CapSubject>, user: CapUser, caps: Caps, now_ms: i64) -> bool {
        let subject = subject.into();
        let before = self.counts_before(subject, user, caps, now_ms);
        let place = self.place(subject, user.key());
        let shard = self.shard(&place);
        allowed(shard.find(&place), &before, caps, now_ms)
    }

    /// Counts a bid as open until `expires_ms`; false, and not counted, if there is [no place](Self::open) for it.
    #[must_use]
    pub fn try_open(
        &self,
        subject: impl Into<CapSubject>,
        user: CapUser,
        caps: Caps,
        bid: TokenId,
        now_ms: i64,
        expires_ms: i64,
    ) -> bool {
        self.open(subject, user, caps, bid, now_ms, expires_ms).is_ok()
    }

    /// Counts a bid as open until `expires_ms`.
    ///
    /// # Errors
    ///
    /// [`NoPlace`], and then it is not counted: that would exceed a cap, or the user's key is that of a day which is over, or the
    /// table is full.
    pub fn open(
        &self,
        subject: impl Into<CapSubject>,
        user: CapUser,
        caps: Caps,
        bid: TokenId,
        now_ms: i64,
        expires_ms: i64,
    ) -> Result<(), NoPlace> {
        let subject = subject.into();
        // Said before the earlier key is looked at: whoever opens under it afterwards finds that its day is over, and
        // whoever did so before is counted.
        if let Some(day) = user.day() {
            self.day.fetch_max(day, SeqCst);
        }
        let before = self.counts_before(subject, user, caps, now_ms);
        let place = self.place(subject, user.key());
        let mut shard = self.shard(&place);
        if user.day().is_some_and(|day| day < self.day.load(SeqCst)) {
            return Err(NoPlace::Reached);
        }
        let known = shard.find(&place);
        let is_full = self.entries_per_shard_max <= shard.strangers() + self.archived.load(Relaxed) / CAP_SHARDS;
        if caps.is_empty() {
            return Err(NoPlace::Reached);
        }
        if known.open().iter().any(|open| open.bid == bid) || !allowed(known, &before, caps, now_ms) {
            return Err(NoPlace::Reached);
        }
        if is_full && matches!(known, Known::Nothing) {
            self.refused.fetch_add(1, Relaxed);
            return Err(NoPlace::TableFull);
        }
        shard.entry(&place).push_open(Open { bid, expires_ms });
        self.open.fetch_add(1, Relaxed);
        Ok(())
    }

    /// Gives an open bid the name under which the ledger will know it. False if the next incarnation has taken the open bids
    /// over: then the bid must not be sent.
    #[must_use]
    pub(crate) fn rename(&self, subject: CapSubject, key: CapKey, source: TokenId, target: TokenId) -> bool {
        let place = self.place(subject, key);
        let mut shard = self.shard(&place);
        if self.closed.load(SeqCst) {
            return false;
        }
        shard.rename(&place, source, target);
        true
    }

    /// Counts an open bid for longer: it was won, and waits for its billing.
    pub(crate) fn extend(&self, subject: CapSubject, key: CapKey, bid: TokenId, expires_ms: i64) {
        let place = self.place(subject, key);
        self.shard(&place).extend(&place, bid, expires_ms);
    }

    /// Forgets an open bid: lost, expired or never sent. Nothing happens if it is not open.
    pub fn close(&self, subject: impl Into<CapSubject>, key: CapKey, bid: TokenId) {
        let place = self.place(subject.into(), key);
        let closed = self.shard(&place).close(&place, bid);
        self.open.fetch_sub(closed, Relaxed);
    }

    /// Counts a billing that the ledger recorded at `at_ms`; if the bid is open it moves from open to billed.
    pub fn bill(&self, subject: impl Into<CapSubject>, key: CapKey, bid: TokenId, at_ms: i64) {
        let place = self.place(subject.into(), key);
        // Beyond the limit too: what was billed is a fact, and the ledger limits how many there are.
        let closed = self.shard(&place).bill(&place, bid, at_ms);
        self.open.fetch_sub(closed, Relaxed);
    }

    /// The counts under one key.
    #[must_use]
    pub fn counts(&self, subject: impl Into<CapSubject>, key: CapKey) -> CapCounts {
        let place = self.place(subject.into(), key);
        match self.shard(&place).find(&place) {
            Known::Late(entry) => CapCounts { billed: entry.billed.total(), open: entry.open_count() },
            Known::Before(archived) => CapCounts { billed: archived.total(), open: 0 },
            Known::Nothing => CapCounts::default(),
        }
    }

    /// Forgets, in one of the shards, what no window looks back on any more; call it with every number in turn.
    pub fn forget(&self, number: usize, now_ms: i64) {
        lock(&self.shards[number % self.shards.len()]).forget(&self.hasher, now_ms);
    }

    /// What is held.
    #[must_use]
    pub fn figures(&self) -> CapFigures {
        CapFigures {
            entries: self.len(),
            open: self.open.load(Relaxed),
            entries_max: self.entries_per_shard_max.saturating_mul(CAP_SHARDS),
            refused: self.refused.load(Relaxed),
        }
    }

    /// How many (subject, user) pairs are counted; some are for ten minutes counted twice when they come into the archive.
    #[must_use]
    pub fn len(&self) -> usize {
        let strangers: usize = self.shards.iter().map(|shard| lock(shard).strangers()).sum();
        strangers + self.archived.load(Relaxed)
    }

    /// Whether nobody is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The committed bids that are open. From now on none is committed here.
    pub(crate) fn hand_over(&self) -> Vec<CarriedOpen> {
        self.closed.store(true, SeqCst);
        self.shards.iter().flat_map(|shard| lock(shard).committed().collect::<Vec<_>>()).collect()
    }

    /// What became of committed bids since the last time; `None` if that is not known of all.
    pub(crate) fn take_notes(&self) -> Option<Vec<Note>> {
        let mut notes = Vec::new();
        self.shards.iter().all(|shard| lock(shard).take_notes(&mut notes)).then_some(notes)
    }

    /// The committed bids that are open, shard by shard; what happens in a shard afterwards is noted.
    pub(crate) fn note_anew(&self) -> Vec<Note> {
        let mut notes = Vec::new();
        self.shards.iter().for_each(|shard| lock(shard).note_anew(&mut notes));
        notes
    }

    /// Counts a bid that an earlier incarnation had open.
    pub(crate) fn carry(&self, carried: &CarriedOpen) {
        let CarriedOpen { subject, key, bid, expires_ms } = *carried;
        let place = self.place(subject, key);
        self.shard(&place).entry(&place).push_open(Open { bid, expires_ms });
        self.open.fetch_add(1, Relaxed);
    }

    /// What stands under the key of the day before, window by window.
    fn counts_before(&self, subject: CapSubject, user: CapUser, caps: Caps, now_ms: i64) -> Before {
        let mut counts = Before::default();
        let Some(key) = user.before() else { return counts };
        let place = self.place(subject, key);
        let shard = self.shard(&place);
        let known = shard.find(&place);
        for (window, _) in caps.iter() {
            counts[window as usize] = known.count_within(window.millis(), now_ms);
        }
        counts
    }

    fn place(&self, subject: CapSubject, key: CapKey) -> Place {
        Place { subject, key, hash: place_hash(&self.hasher, subject, key) }
    }

    fn shard(&self, place: &Place) -> MutexGuard<'_, Shard> {
        let index = usize::try_from(place.hash >> 48).unwrap_or(0) % self.shards.len();
        lock(&self.shards[index])
    }
}

/// By window.
type Before = [u32; campaign::CapWindow::ALL.len()];

fn allowed(known: Known<'_>, before: &Before, caps: Caps, now_ms: i64) -> bool {
    caps.allow(|window| known.count_within(window.millis(), now_ms).saturating_add(before[window as usize]))
}

/// A panic while a shard was locked leaves it usable: every method makes its one change at the end.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
