//! The key under which a user is counted for frequency caps.
//!
//! Promises that a key cannot be turned back into an id without its secret, and that users who asked not to be followed have
//! none. Campaigns that look back for a day at most know a user by a key of the day, and keys of different days cannot be
//! linked once the earlier secret is gone; only wider windows use keys that last. Never stores an id.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use campaign::CapMemory;
use hmac::{Hmac, KeyInit, Mac};
use ledger::CapKey;
use sha2::Sha256;

use crate::cap_user::CapUser;
use crate::day::day_of;

/// What a request says about its user, as far as counting is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserIds<'a> {
    /// `user.buyeruid`, our own id at this exchange.
    pub buyeruid: Option<&'a str>,
    /// `device.ifa`, the advertising id of the device.
    pub ifa: Option<&'a str>,
    /// The first usable extended id, as (source, id).
    pub eid: Option<(&'a str, &'a str)>,
    /// `device.lmt`: limit ad tracking.
    pub lmt: bool,
    /// `device.dnt`: do not track.
    pub dnt: bool,
    /// `regs.coppa`: a child's device or site.
    pub coppa: bool,
}

impl UserIds<'_> {
    /// Whether the user may not be counted: a flag is set, or the device's id is the zero id, which says the same.
    #[must_use]
    pub fn opted_out(&self) -> bool {
        self.lmt || self.dnt || self.coppa || self.ifa.is_some_and(is_zero)
    }
}

/// Only zeros and hyphens, at least one of them: what devices send when the user has opted out.
fn is_zero(ifa: &str) -> bool {
    let ifa = ifa.trim();
    !ifa.is_empty() && ifa.bytes().all(|byte| matches!(byte, b'0' | b'-'))
}

/// The secrets behind cap keys: one that changes every day, and one that lasts.
///
/// The secret of the next day follows from that of the day before, never the other way round: who keeps only the latest
/// cannot recompute the keys of days gone by. The day before is kept for one day longer, since windows slide over midnight.
/// The lasting one makes the keys of campaigns that look back for longer than a day.
#[derive(Clone)]
pub struct CapSecret {
    day: u32,
    secret: [u8; 32],
    lasting: [u8; 32],
}

impl fmt::Debug for CapSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CapSecret").field("day", &self.day).finish_non_exhaustive()
    }
}

/// Days that one call may ratchet over (ten years): a stored secret older than that is a mistake, not a pause.
const RATCHET_DAYS_MAX: u32 = 3660;

impl CapSecret {
    /// Secrets that nothing was counted with yet; the day is counted from 1970-01-01 (UTC). The lasting one follows from
    /// `secret`, and is to be [stored](Self::stored) with it from now on.
    #[must_use]
    pub fn new(day: u32, secret: [u8; 32]) -> Self {
        Self { day, secret, lasting: digest(&keyed(&secret), &[b"lasting"]) }
    }

    /// Secrets as they were stored.
    #[must_use]
    pub const fn stored(day: u32, secret: [u8; 32], lasting: [u8; 32]) -> Self {
        Self { day, secret, lasting }
    }

    /// The day that the changing secret is for.
    #[must_use]
    pub const fn day(&self) -> u32 {
        self.day
    }

    /// The changing secret, for whoever stores it.
    #[must_use]
    pub const fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The lasting secret, for whoever stores it.
    #[must_use]
    pub const fn lasting(&self) -> &[u8; 32] {
        &self.lasting
    }

    /// The secrets of `day`; the same if that day is past, since there is no way back.
    #[must_use]
    pub fn advanced_to(&self, day: u32) -> Self {
        let mut secret = self.secret;
        let steps = day.saturating_sub(self.day).min(RATCHET_DAYS_MAX);
        for _ in 0..steps {
            secret = digest(&keyed(&secret), &[b"next day"]);
        }
        Self { day: self.day.max(day), secret, lasting: self.lasting }
    }
}

type Keyed = Hmac<Sha256>;

fn keyed(secret: &[u8; 32]) -> Keyed {
    <Keyed as KeyInit>::new_from_slice(secret).expect("an HMAC key may have any length")
}

/// HMAC-SHA256 over parts, each preceded by its length so that no two lists of parts read the same.
fn digest(keyed: &Keyed, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed.clone();
    for part in parts {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The key of a user's best id under one secret.
fn key_of(keyed: &Keyed, exchange: &str, user: &UserIds<'_>) -> Option<CapKey> {
    if user.opted_out() {
        return None;
    }
    let present = |id: &str| !id.trim().is_empty();
    // Best id first: our own, then the device's, then an extended one. The kind is part of the key, so that equal
    // text in two fields is not one user; only our own id is the exchange's affair.
    let mac = if let Some(id) = user.buyeruid.filter(|id| present(id)) {
        digest(keyed, &[b"buyeruid", exchange.as_bytes(), id.as_bytes()])
    } else if let Some(id) = user.ifa.filter(|id| present(id)) {
        digest(keyed, &[b"ifa", id.trim().to_ascii_lowercase().as_bytes()])
    } else if let Some((source, id)) = user.eid.filter(|(_, id)| present(id)) {
        digest(keyed, &[b"eid", source.as_bytes(), id.as_bytes()])
    } else {
        return None;
    };
    let mut key = [0; CapKey::BYTES];
    key.copy_from_slice(&mac[..CapKey::BYTES]);
    Some(CapKey(key))
}

/// The secrets in use, ready to be used.
struct Current {
    today: u32,
    kept: CapSecret,
    of_today: Keyed,
    of_yesterday: Option<Keyed>,
    lasting: Keyed,
}

impl Current {
    fn on(secret: &CapSecret, today: u32) -> Self {
        let kept = secret.advanced_to(today.saturating_sub(1));
        let today = today.max(kept.day);
        Self {
            today,
            of_today: keyed(kept.advanced_to(today).secret()),
            of_yesterday: (kept.day < today).then(|| keyed(kept.secret())),
            lasting: keyed(&kept.lasting),
            kept,
        }
    }

    fn user(&self, memory: CapMemory, exchange: &str, user: &UserIds<'_>) -> Option<CapUser> {
        if memory != CapMemory::Day {
            return key_of(&self.lasting, exchange, user).map(CapUser::lasting);
        }
        let key = key_of(&self.of_today, exchange, user)?;
        let before = self.of_yesterday.as_ref().and_then(|keyed| key_of(keyed, exchange, user));
        Some(CapUser::of_day(self.today, key, before))
    }
}

/// Makes cap keys, with the secrets of the day in question.
#[derive(Clone)]
pub struct CapKeys {
    current: Arc<ArcSwap<Current>>,
}

impl fmt::Debug for CapKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CapKeys").field("day", &self.current.load().today).finish_non_exhaustive()
    }
}

impl CapKeys {
    /// Keys from stored secrets, today's or older.
    #[must_use]
    pub fn new(secret: CapSecret) -> Self {
        let today = secret.day;
        Self { current: Arc::new(ArcSwap::from_pointee(Current::on(&secret, today))) }
    }

    /// A user for campaigns that remember for so long; `None` if the user may not be counted or cannot be told apart. The
    /// keys are [marked](CapUser::marked) by whoever counts.
    #[must_use]
    pub fn user(&self, memory: CapMemory, exchange: &str, user: &UserIds<'_>, now_ms: i64) -> Option<CapUser> {
        let today = day_of(now_ms);
        let current = self.current.load();
        if current.today >= today {
            return current.user(memory, exchange, user);
        }
        // Once a day: whoever comes first moves on, and two who do so at once compute the same.
        let next = Current::on(&current.kept, today);
        let user = next.user(memory, exchange, user);
        self.current.store(Arc::new(next));
        user
    }

    /// The key of a user today, for windows up to a day, not marked.
    #[must_use]
    pub fn key(&self, exchange: &str, user: &UserIds<'_>, now_ms: i64) -> Option<CapKey> {
        self.user(CapMemory::Day, exchange, user, now_ms).map(|user| user.key())
    }

    /// The secrets to be stored, so that counts survive a restart of the process: those of yesterday, from which today's
    /// follow.
    #[must_use]
    pub fn secret(&self) -> CapSecret {
        self.current.load().kept.clone()
    }
}
