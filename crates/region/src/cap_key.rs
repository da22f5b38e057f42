//! The key under which a user is counted for frequency caps.
//!
//! Promises that a key cannot be turned back into an id without the day's secret, that keys of different days cannot be
//! linked once the earlier secret is gone, and that users who asked not to be followed have none. Never stores an id.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hmac::{Hmac, KeyInit, Mac};
use ledger::CapKey;
use sha2::Sha256;

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

/// The secret of one day.
///
/// Tomorrow's secret follows from today's, never the other way round: who keeps only the latest cannot recompute the
/// keys of days gone by.
#[derive(Clone)]
pub struct CapSecret {
    day: u32,
    secret: [u8; 32],
}

impl fmt::Debug for CapSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CapSecret").field("day", &self.day).finish_non_exhaustive()
    }
}

/// Days that one call may ratchet over (ten years): a stored secret older than that is a mistake, not a pause.
const RATCHET_DAYS_MAX: u32 = 3660;

impl CapSecret {
    /// The secret for a day, counted from 1970-01-01 (UTC).
    #[must_use]
    pub const fn new(day: u32, secret: [u8; 32]) -> Self {
        Self { day, secret }
    }

    /// The day that the secret is for.
    #[must_use]
    pub const fn day(&self) -> u32 {
        self.day
    }

    /// The secret itself, for whoever stores it.
    #[must_use]
    pub const fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The secret of `day`; the same one if that day is past, since there is no way back.
    #[must_use]
    pub fn advanced_to(&self, day: u32) -> Self {
        let mut secret = self.secret;
        let steps = day.saturating_sub(self.day).min(RATCHET_DAYS_MAX);
        for _ in 0..steps {
            secret = digest(&secret, &[b"next day"]);
        }
        Self { day: self.day.max(day), secret }
    }

    fn key(&self, exchange: &str, user: &UserIds<'_>) -> Option<CapKey> {
        if user.opted_out() {
            return None;
        }
        let present = |id: &str| !id.trim().is_empty();
        // Best id first: our own, then the device's, then an extended one. The kind is part of the key, so that equal
        // text in two fields is not one user; only our own id is the exchange's affair.
        let mac = if let Some(id) = user.buyeruid.filter(|id| present(id)) {
            digest(&self.secret, &[b"buyeruid", exchange.as_bytes(), id.as_bytes()])
        } else if let Some(id) = user.ifa.filter(|id| present(id)) {
            digest(&self.secret, &[b"ifa", id.trim().to_ascii_lowercase().as_bytes()])
        } else if let Some((source, id)) = user.eid.filter(|(_, id)| present(id)) {
            digest(&self.secret, &[b"eid", source.as_bytes(), id.as_bytes()])
        } else {
            return None;
        };
        let mut key = [0; CapKey::BYTES];
        key.copy_from_slice(&mac[..CapKey::BYTES]);
        Some(CapKey(key))
    }
}

/// HMAC-SHA256 over parts, each preceded by its length so that no two lists of parts read the same.
fn digest(secret: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret).expect("an HMAC key may have any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Makes cap keys, with the secret of the day in question.
#[derive(Clone, Debug)]
pub struct CapKeys {
    current: Arc<ArcSwap<CapSecret>>,
}

impl CapKeys {
    /// Keys from a stored secret, today's or older.
    #[must_use]
    pub fn new(secret: CapSecret) -> Self {
        Self { current: Arc::new(ArcSwap::from_pointee(secret)) }
    }

    /// The key of a user today; `None` if the user may not be counted or cannot be told apart.
    #[must_use]
    pub fn key(&self, exchange: &str, user: &UserIds<'_>, now_ms: i64) -> Option<CapKey> {
        let today = day_of(now_ms);
        let current = self.current.load();
        if current.day() >= today {
            return current.key(exchange, user);
        }
        // Once a day: whoever comes first moves on, and two who do so at once compute the same.
        let next = current.advanced_to(today);
        let key = next.key(exchange, user);
        self.current.store(Arc::new(next));
        key
    }

    /// The secret in use, for whoever stores it so that counts survive a restart of the process.
    #[must_use]
    pub fn secret(&self) -> CapSecret {
        CapSecret::clone(&self.current.load())
    }
}
