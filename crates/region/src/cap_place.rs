//! The places that one bid takes in a user's caps: in the campaign's, and in the creative's if that has its own.
//!
//! Promises all of them or none. Never closes by being dropped: after a crash the bid is still out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use campaign::{CampaignId, Caps, CreativeId};
use ledger::{CapKey, CapSubject, TokenId};

use crate::cap_table::{CapTable, NoPlace};
use crate::cap_user::CapUser;

/// What a bid is capped by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CapAsk {
    pub(crate) campaign: CampaignId,
    pub(crate) caps: Caps,
    pub(crate) creative: CreativeId,
    pub(crate) creative_caps: Caps,
}

impl CapAsk {
    /// Whether nothing is to be counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.caps.is_empty() && self.creative_caps.is_empty()
    }

    fn each(&self) -> [(CapSubject, Caps); 2] {
        [(CapSubject::Campaign(self.campaign), self.caps), (CapSubject::Creative(self.creative), self.creative_caps)]
    }

    /// The first that has no room for one more bid; only a place makes sure of the others.
    pub(crate) fn full(&self, table: &CapTable, user: CapUser, now_ms: i64) -> Option<CapSubject> {
        let capped = self.each().into_iter().filter(|(_, caps)| !caps.is_empty());
        capped
            .map(|(subject, caps)| (subject, table.is_below(subject, user, caps, now_ms)))
            .find_map(|(subject, below)| (!below).then_some(subject))
    }
}

/// The places of one bid.
#[derive(Debug)]
pub(crate) struct CapPlace {
    caps: Arc<CapTable>,
    key: CapKey,
    subjects: [Option<CapSubject>; 2],
    name: TokenId,
}

/// Names for bids that have no token yet. No token has them: a token begins with its time, which is not beyond reach.
static PROVISIONAL: AtomicU64 = AtomicU64::new(0);

const PROVISIONAL_HEAD: [u8; 8] = [0xFF; 8];

fn provisional() -> TokenId {
    let mut name = [0; TokenId::BYTES];
    name[..8].copy_from_slice(&PROVISIONAL_HEAD);
    name[8..].copy_from_slice(&PROVISIONAL.fetch_add(1, Relaxed).to_le_bytes());
    TokenId(name)
}

/// Whether a bid has its token's name.
pub(crate) fn is_committed(name: TokenId) -> bool {
    name.0[..8] != PROVISIONAL_HEAD
}

impl CapPlace {
    /// Opens the places of a bid that has no token yet; or says which cap has none, and why.
    pub(crate) fn open(
        caps: &Arc<CapTable>,
        ask: &CapAsk,
        user: CapUser,
        now_ms: i64,
        expires_ms: i64,
    ) -> Result<Self, (CapSubject, NoPlace)> {
        let mut place = Self { caps: Arc::clone(caps), key: user.key(), subjects: [None; 2], name: provisional() };
        for (at, (subject, limits)) in ask.each().into_iter().enumerate().filter(|(_, (_, caps))| !caps.is_empty()) {
            if let Err(why) = caps.open(subject, user, limits, place.name, now_ms, expires_ms) {
                place.close();
                return Err((subject, why));
            }
            place.subjects[at] = Some(subject);
        }
        Ok(place)
    }

    /// The place of a bid that was opened in the campaign's caps under its name.
    pub(crate) fn of(caps: Arc<CapTable>, key: CapKey, campaign: CampaignId, name: TokenId) -> Self {
        Self { caps, key, subjects: [Some(CapSubject::Campaign(campaign)), None], name }
    }

    /// The user in whose caps they are.
    pub(crate) fn key(&self) -> CapKey {
        self.key
    }

    /// Gives the bid its token's name; false if the table is that of an incarnation that is gone: it must not be sent.
    pub(crate) fn commit(&mut self, bid: TokenId) -> bool {
        let renamed = self.subjects().all(|subject| self.caps.rename(subject, self.key, self.name, bid));
        if renamed {
            self.name = bid;
        }
        renamed
    }

    /// The bid was won: it counts until its billing, or until then.
    pub(crate) fn extend(&self, expires_ms: i64) {
        self.subjects().for_each(|subject| self.caps.extend(subject, self.key, self.name, expires_ms));
    }

    /// The bid is not sent, lost, or can no longer bill.
    pub(crate) fn close(&self) {
        self.subjects().for_each(|subject| self.caps.close(subject, self.key, self.name));
    }

    fn subjects(&self) -> impl Iterator<Item = CapSubject> {
        self.subjects.into_iter().flatten()
    }
}
