//! How long a ledger keeps what.
//!
//! Promises that a notice is known for as long as it may come again. Never says that something is removed at once: what is due is
//! removed in small steps.

use std::time::Duration;

use crate::TOKEN_LIFE;
use crate::store::write::millis;

/// How long a ledger keeps what.
///
/// Accounts, open leases, budgets, words on campaigns and the counts of users that caps look back on are always kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Every event is kept for so long,
    pub events: Duration,
    /// unless there are more than so many: then the oldest are folded sooner. Bounds the file, and the replay at the next start,
    /// whatever the rate is. A region that has missed more events than that starts anew from a snapshot.
    pub events_max: u64,
    /// Wins, losses, and notices that moved nothing are kept for so long, and known again when they are repeated. Longer than a
    /// token opens, or a late notice would count twice.
    pub notices: Duration,
    /// Billings are kept for so long, but not shorter than other notices and three days; `None`: for ever. What is
    /// removed stays part of its campaign's spend.
    pub billings: Option<Duration>,
}

impl Retention {
    /// A day of events and at most 200,000 of them, all of which are replayed at the next start in about a second.
    pub const EVENTS: Duration = Duration::from_secs(24 * 60 * 60);
    /// See [`EVENTS`](Self::EVENTS).
    pub const EVENTS_MAX: u64 = 200_000;
    /// By how much a notice is kept longer than its token opens: clocks are set, and set back.
    pub const NOTICES_MARGIN: Duration = Duration::from_secs(24 * 60 * 60);
    /// The least for which billings are kept: users' counts are compared with those of two days.
    pub const BILLINGS_MIN: Duration = Duration::from_secs(3 * 24 * 60 * 60);

    /// Nothing is ever folded.
    #[must_use]
    pub fn everything() -> Self {
        Self { events: Duration::MAX, events_max: u64::MAX, notices: Duration::MAX, billings: None }
    }

    pub(super) fn events_until_ms(&self, now_ms: i64) -> i64 {
        now_ms.saturating_sub(millis(self.events))
    }

    pub(super) fn notices_until_ms(&self, now_ms: i64) -> i64 {
        now_ms.saturating_sub(millis(self.notices))
    }

    pub(super) fn billings_until_ms(&self, now_ms: i64) -> Option<i64> {
        let kept = self.billings?.max(self.notices).max(Self::BILLINGS_MIN);
        Some(now_ms.saturating_sub(millis(kept)))
    }
}

impl Default for Retention {
    /// [`EVENTS`](Self::EVENTS), notices for as long as [`TOKEN_LIFE`] and a day, billings for ever.
    fn default() -> Self {
        Self {
            events: Self::EVENTS,
            events_max: Self::EVENTS_MAX,
            notices: TOKEN_LIFE + Self::NOTICES_MARGIN,
            billings: None,
        }
    }
}
