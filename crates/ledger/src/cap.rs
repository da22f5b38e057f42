//! Whom a frequency cap counts, for what, and when: the identities behind the counts that the ledger keeps for regions.
//!
//! Promises that a key says by itself for how long it must be remembered, and that a count is never told as older than it is.

use std::fmt;

use campaign::{CampaignId, CapMemory, CreativeId};

/// Stands for a user when impressions are counted; made by the region, without a way back to the user.
///
/// Its last byte says what the campaign counts: for how long impressions are remembered, and whether each creative is
/// counted as well. All other bytes are opaque here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CapKey(pub [u8; CapKey::BYTES]);

/// Set in the last byte if creatives are counted.
const CREATIVES: u8 = 0x80;

impl CapKey {
    /// Length in bytes.
    pub const BYTES: usize = 16;

    /// The same key, marked with what its campaign counts.
    #[must_use]
    pub fn marked(mut self, memory: CapMemory, creatives: bool) -> Self {
        let creatives = if creatives { CREATIVES } else { 0 };
        self.0[Self::BYTES - 1] = life_of(memory) | creatives;
        self
    }

    /// For how long its impressions are remembered.
    #[must_use]
    pub fn memory(&self) -> CapMemory {
        match self.0[Self::BYTES - 1] & !CREATIVES {
            0 => CapMemory::Day,
            1 => CapMemory::Month,
            _ => CapMemory::Lifetime,
        }
    }

    /// Whether impressions of each creative are counted besides those of the campaign.
    #[must_use]
    pub fn counts_creatives(&self) -> bool {
        self.0[Self::BYTES - 1] & CREATIVES != 0
    }

    /// The number of its memory in the database.
    pub(crate) fn life(&self) -> u8 {
        life_of(self.memory())
    }
}

/// The number of a memory in keys and in the database.
pub(crate) fn life_of(memory: CapMemory) -> u8 {
    match memory {
        CapMemory::Day => 0,
        CapMemory::Month => 1,
        _ => 2,
    }
}

impl fmt::Debug for CapKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CapKey(")?;
        crate::id::hex(&self.0[..4], f)?;
        f.write_str("..)")
    }
}

/// What a user is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CapSubject {
    /// A campaign, whichever creative was shown.
    Campaign(CampaignId),
    /// One creative.
    Creative(CreativeId),
}

/// Creatives stand beyond all campaigns.
const CREATIVE_FROM: i64 = 1 << 32;

impl CapSubject {
    /// The number in the database.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Campaign(id) => id.0 as i64,
            Self::Creative(id) => CREATIVE_FROM + id.0 as i64,
        }
    }

    /// The subject of a number in the database.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        let id = u32::try_from(code & (CREATIVE_FROM - 1)).ok()?;
        match code / CREATIVE_FROM {
            0 if 0 <= code => Some(Self::Campaign(CampaignId(id))),
            1 => Some(Self::Creative(CreativeId(id))),
            _ => None,
        }
    }
}

impl From<CampaignId> for CapSubject {
    fn from(id: CampaignId) -> Self {
        Self::Campaign(id)
    }
}

impl From<CreativeId> for CapSubject {
    fn from(id: CreativeId) -> Self {
        Self::Creative(id)
    }
}

/// Impressions are told apart by the minute once they are read back.
pub const CAP_SLOT_MS: i64 = 60 * 1_000;

/// How often a user was billed within one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapCount {
    /// For what.
    pub subject: CapSubject,
    /// The user.
    pub cap_key: CapKey,
    /// The end of the minute: no impression of it was billed later. Unix milliseconds.
    pub until_ms: i64,
    /// How many impressions.
    pub count: u32,
}
