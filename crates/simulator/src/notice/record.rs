//! Our own account of what we were charged: the other side of the ledger's.
//!
//! Promises: exact totals of everything ever recorded, each notice counted once however often it was sent. Keeps the
//! detail of the last [`DETAIL_MAX`] settled notices and of all others.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use money::Nanos;

use super::{BidKey, Notice, NoticeKind, NoticeState, RecordedNotice};

/// Most settled notices whose detail is kept; older ones live on in the totals only.
pub const DETAIL_MAX: usize = 1_000_000;

/// The record. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Record(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    next: u64,
    notices: BTreeMap<u64, RecordedNotice>,
    settled: VecDeque<u64>,
    totals: RecordTotals,
}

/// Counts of one kind of notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindTotals {
    /// Recorded.
    pub recorded: u64,
    /// Sent at least once.
    pub sent: u64,
    /// Acknowledged.
    pub acknowledged: u64,
    /// Refused for good.
    pub refused: u64,
    /// Sendings beyond the first of each notice.
    pub repeats: u64,
}

/// Money of one campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CampaignTotals {
    /// Of billing events sent at least once.
    pub sent: Nanos,
    /// Of billing events acknowledged.
    pub acknowledged: Nanos,
    /// Billing events acknowledged.
    pub impressions: u64,
}

/// Everything ever recorded, summed up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordTotals {
    /// Wins.
    pub wins: KindTotals,
    /// Billing notices, billable or not.
    pub billings: KindTotals,
    /// Losses.
    pub losses: KindTotals,
    /// Money of billing events sent at least once: the ledger never holds more.
    pub sent: Nanos,
    /// Money of billing events acknowledged: the ledger never holds less.
    pub acknowledged: Nanos,
    /// The same by campaign (`cid` of the bid).
    pub campaigns: BTreeMap<String, CampaignTotals>,
    /// Notices that did not fit into the queue and were not sent.
    pub overflowed: u64,
    /// Connects to the notice listener that were refused or failed.
    pub connects_failed: u64,
    /// Notice connections that the server closed.
    pub closed_by_server: u64,
}

impl RecordTotals {
    /// Counts of one kind.
    pub fn kind(&self, kind: NoticeKind) -> &KindTotals {
        match kind {
            NoticeKind::Win => &self.wins,
            NoticeKind::Billing => &self.billings,
            NoticeKind::Loss => &self.losses,
        }
    }

    fn kind_mut(&mut self, kind: NoticeKind) -> &mut KindTotals {
        match kind {
            NoticeKind::Win => &mut self.wins,
            NoticeKind::Billing => &mut self.billings,
            NoticeKind::Loss => &mut self.losses,
        }
    }
}

impl Record {
    /// Makes an empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sums up.
    pub fn totals(&self) -> RecordTotals {
        self.with(|books| books.totals.clone())
    }

    /// Lists the billable notices whose state passes, with their amounts: acknowledged, sent, or all.
    pub fn billed(&self, passes: impl Fn(NoticeState) -> bool) -> BTreeMap<BidKey, Nanos> {
        self.with(|books| {
            let kept = books.notices.values().filter(|recorded| passes(recorded.state));
            kept.filter_map(|recorded| Some((recorded.notice.bid.clone(), recorded.notice.amount?))).collect()
        })
    }

    /// Lists the notices whose state passes.
    pub fn notices(&self, passes: impl Fn(NoticeState) -> bool) -> Vec<RecordedNotice> {
        self.with(|books| books.notices.values().filter(|recorded| passes(recorded.state)).cloned().collect())
    }

    /// Says whether every notice has been acknowledged or refused.
    pub fn is_settled(&self) -> bool {
        self.with(|books| books.settled.len() == books.notices.len())
    }

    pub(crate) fn add(&self, notice: Notice) -> u64 {
        self.with(|books| {
            let id = books.next;
            books.next += 1;
            books.totals.kind_mut(notice.kind).recorded += 1;
            books.notices.insert(id, RecordedNotice { notice, state: NoticeState::Queued, attempts: 0 });
            id
        })
    }

    pub(crate) fn get(&self, id: u64) -> Option<RecordedNotice> {
        self.with(|books| books.notices.get(&id).cloned())
    }

    /// Notes that a notice is about to be handed to a connection: from here on the server may have it.
    pub(crate) fn sending(&self, id: u64) {
        self.with(|books| {
            let Some(recorded) = books.notices.get_mut(&id) else { return };
            recorded.attempts += 1;
            let kind = books.totals.kind_mut(recorded.notice.kind);
            if recorded.state != NoticeState::Queued {
                kind.repeats += 1;
                return;
            }
            kind.sent += 1;
            recorded.state = NoticeState::Unacknowledged;
            if let Some(amount) = recorded.notice.amount {
                books.totals.sent = books.totals.sent.saturating_add(amount);
                let campaign = campaign(&mut books.totals, &recorded.notice.campaign);
                campaign.sent = campaign.sent.saturating_add(amount);
            }
        });
    }

    /// Notes an attempt that found no connection: no byte was sent.
    pub(crate) fn missed(&self, id: u64) {
        self.with(|books| {
            if let Some(recorded) = books.notices.get_mut(&id) {
                recorded.attempts += 1;
            }
        });
    }

    pub(crate) fn answered(&self, id: u64, status: u16) {
        self.with(|books| {
            let Some(recorded) = books.notices.get_mut(&id) else { return };
            if recorded.state != NoticeState::Unacknowledged {
                return;
            }
            let kind = books.totals.kind_mut(recorded.notice.kind);
            if (200..300).contains(&status) {
                kind.acknowledged += 1;
                recorded.state = NoticeState::Acknowledged;
                if let Some(amount) = recorded.notice.amount {
                    books.totals.acknowledged = books.totals.acknowledged.saturating_add(amount);
                    let campaign = campaign(&mut books.totals, &recorded.notice.campaign);
                    campaign.acknowledged = campaign.acknowledged.saturating_add(amount);
                    campaign.impressions += 1;
                }
            } else {
                kind.refused += 1;
                recorded.state = NoticeState::Refused(status);
            }
            books.settled.push_back(id);
            if DETAIL_MAX < books.settled.len()
                && let Some(oldest) = books.settled.pop_front()
            {
                books.notices.remove(&oldest);
            }
        });
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut RecordTotals)) {
        self.with(|books| change(&mut books.totals));
    }

    pub(crate) fn open_ids(&self) -> Vec<u64> {
        self.with(|books| {
            let open = books
                .notices
                .iter()
                .filter(|(_, recorded)| matches!(recorded.state, NoticeState::Queued | NoticeState::Unacknowledged));
            open.map(|(id, _)| *id).collect()
        })
    }

    pub(crate) fn redirect(&self, id: u64, address: std::net::SocketAddr) {
        self.with(|books| {
            if let Some(recorded) = books.notices.get_mut(&id) {
                recorded.notice.destination.address = address;
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Books) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn campaign<'a>(totals: &'a mut RecordTotals, name: &str) -> &'a mut CampaignTotals {
    if !totals.campaigns.contains_key(name) {
        totals.campaigns.insert(name.to_owned(), CampaignTotals::default());
    }
    totals.campaigns.get_mut(name).expect("inserted above")
}
