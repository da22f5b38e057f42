//! One shard of the cap table: the users of late, and behind them the archive of what was counted before.
//!
//! Promises that what it says of a user is the archive's until the user is bid for or billed again, and from then on its own
//! entry's, which starts from the archive's. Never forgets an entry that says more than the archive does.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use ledger::{CapKey, CapSubject, TokenId};

use crate::cap_archive::{Archived, CapArchive, place_hash};
use crate::cap_marks::CapMarks;
use crate::cap_note::Note;
use crate::cap_place::is_committed;
use crate::cap_table::CarriedOpen;
use crate::day::millis;
use crate::limits::{ARCHIVE_EXACT, NOTES_PER_SHARD_MAX};

/// A user in the caps of a subject, with the [hash](place_hash) of both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) subject: CapSubject,
    pub(crate) key: CapKey,
    pub(crate) hash: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) billed: CapMarks,
    #[expect(
        clippy::box_collection,
        reason = "a third of a vector in each of a million entries, most of which have none"
    )]
    pub(crate) open: Option<Box<Vec<Open>>>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub(crate) bid: TokenId,
    pub(crate) expires_ms: i64,
}

impl Entry {
    pub(crate) fn open(&self) -> &[Open] {
        self.open.as_ref().map_or(&[], |open| open.as_slice())
    }

    pub(crate) fn push_open(&mut self, open: Open) {
        self.open.get_or_insert_default().push(open);
    }

    pub(crate) fn open_count(&self) -> u32 {
        u32::try_from(self.open().len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_none() && self.billed.is_empty()
    }

    /// Says how many places became free.
    pub(crate) fn close(&mut self, bid: TokenId) -> usize {
        let Some(open) = &mut self.open else { return 0 };
        let before = open.len();
        open.retain(|open| open.bid != bid);
        let closed = before - open.len();
        if open.is_empty() {
            self.open = None;
        }
        closed
    }

    /// Whether the archive says all that this does, but for the second.
    fn is_archived(&self, archive: &CapArchive, now_ms: i64) -> bool {
        let newest_ms = self.billed.newest_ms().unwrap_or(i64::MIN);
        let is_exact_enough = newest_ms.saturating_add(millis(ARCHIVE_EXACT)) < now_ms;
        self.open.is_none() && is_exact_enough && newest_ms < archive.until_ms()
    }
}

/// What is known of one user.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Known<'a> {
    Late(&'a Entry),
    Before(Archived<'a>),
    Nothing,
}

impl Known<'_> {
    /// Billed within the window of this length that ends now, and open.
    pub(crate) fn count_within(&self, window_ms: i64, now_ms: i64) -> u32 {
        match self {
            Self::Late(entry) => entry.billed.within(window_ms, now_ms).saturating_add(entry.open_count()),
            Self::Before(archived) => archived.within(window_ms, now_ms),
            Self::Nothing => 0,
        }
    }

    pub(crate) fn open(&self) -> &[Open] {
        match self {
            Self::Late(entry) => entry.open(),
            _ => &[],
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Shard {
    entries: HashMap<(CapSubject, CapKey), Entry, RandomState>,
    archive: Option<Arc<CapArchive>>,
    /// How many entries are of users that the archive did not know when they came.
    strangers: usize,
    notes: Notes,
}

/// What the journal has not yet written of a shard.
#[derive(Debug, Default)]
enum Notes {
    /// Nothing is to be written from here on: either there is no journal, or more came than may wait.
    #[default]
    Lost,
    Kept(Vec<Note>),
}

impl Shard {
    pub(crate) fn over(archive: Arc<CapArchive>) -> Self {
        Self { archive: Some(archive), ..Self::default() }
    }

    /// Goes on from a newer archive.
    pub(crate) fn take_archive(&mut self, archive: Arc<CapArchive>) {
        self.archive = Some(archive);
    }

    /// Pairs that stand in no archive.
    pub(crate) fn strangers(&self) -> usize {
        self.strangers
    }

    pub(crate) fn find(&self, place: &Place) -> Known<'_> {
        if let Some(entry) = self.entries.get(&(place.subject, place.key)) {
            return Known::Late(entry);
        }
        match self.archived(place) {
            Some(archived) if !archived.is_empty() => Known::Before(archived),
            _ => Known::Nothing,
        }
    }

    fn archived(&self, place: &Place) -> Option<Archived<'_>> {
        Some(self.archive.as_ref()?.find(place.subject, place.key, place.hash))
    }

    /// The entry of a user, if there was a reason to have one.
    pub(crate) fn late(&mut self, place: &Place) -> Option<&mut Entry> {
        self.entries.get_mut(&(place.subject, place.key))
    }

    /// The entry of a user, from now on.
    pub(crate) fn entry(&mut self, place: &Place) -> &mut Entry {
        let Self { entries, archive, strangers, .. } = self;
        entries.entry((place.subject, place.key)).or_insert_with(|| {
            let archived = archive.as_ref().map(|archive| archive.find(place.subject, place.key, place.hash));
            let billed = archived.map(|archived| archived.marks(place.key.memory().millis())).unwrap_or_default();
            *strangers += usize::from(billed.is_empty());
            Entry { billed, open: None }
        })
    }

    /// Gives an open bid another name, with which it is noted.
    pub(crate) fn rename(&mut self, place: &Place, source: TokenId, target: TokenId) {
        self.change(place, source, |open| open.bid = target);
    }

    /// Counts an open bid for longer.
    pub(crate) fn extend(&mut self, place: &Place, bid: TokenId, expires_ms: i64) {
        self.change(place, bid, |open| open.expires_ms = open.expires_ms.max(expires_ms));
    }

    fn change(&mut self, place: &Place, bid: TokenId, change: impl Fn(&mut Open)) {
        let open = self.entries.get_mut(&(place.subject, place.key)).and_then(|entry| entry.open.as_mut());
        for open in open.into_iter().flat_map(|open| open.iter_mut()).filter(|open| open.bid == bid) {
            change(open);
            self.notes.add(|| Note::Open(carried(place.subject, place.key, open)));
        }
    }

    /// Counts a billing; says how many places became free.
    pub(crate) fn bill(&mut self, place: &Place, bid: TokenId, at_ms: i64) -> usize {
        let entry = self.entry(place);
        let closed = entry.close(bid);
        entry.billed.add(at_ms, 1, place.key.memory().millis());
        self.note_end(place, bid, closed);
        closed
    }

    fn note_end(&mut self, place: &Place, bid: TokenId, closed: usize) {
        if 0 < closed && is_committed(bid) {
            let Place { subject, key, .. } = *place;
            self.notes.add(|| Note::End(CarriedOpen { subject, key, bid, expires_ms: 0 }));
        }
    }

    /// Moves what was noted to `notes`; false if that is not all.
    pub(crate) fn take_notes(&mut self, notes: &mut Vec<Note>) -> bool {
        match &mut self.notes {
            Notes::Kept(kept) => {
                notes.append(kept);
                true
            }
            Notes::Lost => false,
        }
    }

    /// Notes what happens from now on, and adds what is open to `notes`.
    pub(crate) fn note_anew(&mut self, notes: &mut Vec<Note>) {
        self.notes = Notes::Kept(Vec::new());
        notes.extend(self.committed().map(Note::Open));
    }

    /// The open bids that were committed.
    pub(crate) fn committed(&self) -> impl Iterator<Item = CarriedOpen> {
        self.entries.iter().flat_map(|((subject, key), entry)| {
            let committed = entry.open().iter().filter(|open| is_committed(open.bid));
            committed.map(|open| carried(*subject, *key, open))
        })
    }

    /// Forgets an open bid, and a user of whom there was nothing else; says how many places became free.
    pub(crate) fn close(&mut self, place: &Place, bid: TokenId) -> usize {
        let Some(entry) = self.late(place) else { return 0 };
        let closed = entry.close(bid);
        if entry.is_empty() {
            self.entries.remove(&(place.subject, place.key));
            self.strangers = self.strangers.saturating_sub(1);
        }
        self.note_end(place, bid, closed);
        closed
    }

    /// Forgets what no window looks back on any more, and what the archive says as well.
    pub(crate) fn forget(&mut self, hasher: &RandomState, now_ms: i64) {
        let archive = self.archive.clone();
        let mut strangers = 0;
        self.entries.retain(|(subject, key), entry| {
            entry.billed.forget_until(now_ms.saturating_sub(key.memory().millis()));
            let Some(archive) = &archive else { return !entry.is_empty() };
            if entry.is_empty() || entry.is_archived(archive, now_ms) {
                return false;
            }
            let archived = archive.find(*subject, *key, place_hash(hasher, *subject, *key));
            strangers += usize::from(archived.is_empty());
            true
        });
        self.strangers = if archive.is_some() { strangers } else { self.entries.len() };
    }
}

impl Notes {
    fn add(&mut self, note: impl FnOnce() -> Note) {
        match self {
            Self::Kept(notes) if notes.len() < NOTES_PER_SHARD_MAX => notes.push(note()),
            _ => *self = Self::Lost,
        }
    }
}

fn carried(subject: CapSubject, key: CapKey, open: &Open) -> CarriedOpen {
    CarriedOpen { subject, key, bid: open.bid, expires_ms: open.expires_ms }
}
