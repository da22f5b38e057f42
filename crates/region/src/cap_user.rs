//! A request's user as caps count them: under one key, and for a day under the key of the day before as well.
//!
//! Never says who it is.

use campaign::CapMemory;
use ledger::CapKey;

/// The user of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapUser {
    key: CapKey,
    before: Option<CapKey>,
    /// The day of `key`; none follows on a key that lasts.
    day: u32,
}

/// No day comes after it.
const LASTING: u32 = u32::MAX;

impl CapUser {
    /// A user under a key that does not change.
    #[must_use]
    pub const fn lasting(key: CapKey) -> Self {
        Self { key, before: None, day: LASTING }
    }

    /// A user under the key of a day, and under that of the day before if it is still known.
    #[must_use]
    pub const fn of_day(day: u32, key: CapKey, before: Option<CapKey>) -> Self {
        Self { key, before, day }
    }

    /// The same, with keys that say what the campaign counts.
    #[must_use]
    pub fn marked(self, memory: CapMemory, creatives: bool) -> Self {
        let marked = |key: CapKey| key.marked(memory, creatives);
        Self { key: marked(self.key), before: self.before.map(marked), day: self.day }
    }

    /// The key under which a bid is counted now: it belongs into the bid's token.
    #[must_use]
    pub const fn key(&self) -> CapKey {
        self.key
    }

    /// The key under which earlier bids of the window may stand.
    #[must_use]
    pub const fn before(&self) -> Option<CapKey> {
        self.before
    }

    /// The day of a key that changes every day.
    #[must_use]
    pub fn day(&self) -> Option<u32> {
        (self.day != LASTING).then_some(self.day)
    }
}
