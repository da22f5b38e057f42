//! What the ledger can be asked.
//!
//! Promises that repeating any of these after an answer was lost does no harm: a notice and a budget are recorded once,
//! a return takes back no more, and a second lease is money that comes back at its end.

use std::sync::Arc;

use campaign::CampaignId;
use money::Nanos;
use tembusu::Reply;

use super::Subscriber;
use crate::{
    Account, BudgetTooLow, CampaignEntry, CampaignLine, CampaignWord, EventPage, LeaseAsk, LeaseGrant, LeaseId,
    LeaseLeft, LeaseRefusal, LedgerCapReader, Notice, NoticeAnswer, RegionSnapshot, Totals,
};

/// A message to the ledger. The first five are answered when they are durable.
#[derive(Debug)]
pub enum LedgerMessage {
    /// Records a notice, once.
    Notice {
        /// The notice; its token was opened by the sender.
        notice: Box<Notice>,
        /// What became of it: answer the exchange 200. Without it, 503.
        reply: Reply<NoticeAnswer>,
    },
    /// Asks for money to bid with.
    Lease {
        /// Who asks for how much.
        ask: LeaseAsk,
        /// The lease, or why there is none.
        reply: Reply<Result<LeaseGrant, LeaseRefusal>>,
    },
    /// Gives back what a lease holds beyond `keep`.
    ReturnLease {
        /// The lease.
        lease: LeaseId,
        /// The sum of its bids that may still bill.
        keep: Nanos,
        /// How much was taken back.
        reply: Reply<Nanos>,
    },
    /// Leaves a lease: gives back what no bid of it needs now, and the rest when its last bids can no longer bill.
    LeaveLease {
        /// Which, and when that is.
        left: LeaseLeft,
        /// How much was taken back now.
        reply: Reply<Nanos>,
    },
    /// Sets a campaign's budget.
    SetBudget {
        /// The campaign; from now on it has an account.
        campaign: CampaignId,
        /// All that it may spend.
        budget: Nanos,
        /// Its account after that.
        reply: Reply<Account>,
    },
    /// Records what was said of campaigns, with the budgets of new definitions, as a whole; answered when it is durable.
    RecordCampaigns {
        /// The words.
        entries: Vec<CampaignEntry>,
        /// Done, or the budgets that are too low, and then nothing was recorded.
        reply: Reply<Result<(), Vec<BudgetTooLow>>>,
    },
    /// Reads the last word on every campaign.
    CampaignWords {
        /// The words, by campaign.
        reply: Reply<Vec<CampaignWord>>,
    },
    /// Reads one version of a campaign's definition.
    CampaignText {
        /// The campaign.
        campaign: CampaignId,
        /// The version.
        version: u32,
        /// Its text, if there is one.
        reply: Reply<Option<String>>,
    },
    /// Reads the history of a campaign.
    CampaignLog {
        /// The campaign.
        campaign: CampaignId,
        /// The newest lines, the last one first.
        reply: Reply<Vec<CampaignLine>>,
    },
    /// Reads a region as it is after its event `region_seq`.
    Snapshot {
        /// The region.
        region: Arc<str>,
        /// Billed impressions are counted from the minute of this time on. Unix milliseconds.
        since_ms: i64,
        /// The snapshot.
        reply: Reply<RegionSnapshot>,
    },
    /// Opens a region's counts of users for reading beside the ledger: as they are when it begins to read.
    OpenCaps {
        /// The region.
        region: Arc<str>,
        /// The reader.
        reply: Reply<LedgerCapReader>,
    },
    /// Reads the events of a region after the one numbered `region_seq`.
    EventsSince {
        /// The region.
        region: Arc<str>,
        /// The last event that is known already.
        region_seq: u64,
        /// The events that follow, at most a page.
        reply: Reply<EventPage>,
    },
    /// Pushes the events of a region to somebody, in place of an earlier subscriber of that name. It starts with the
    /// newest event, so that a gap shows at once. It lasts over crashes of the ledger.
    Subscribe {
        /// The region.
        region: Arc<str>,
        /// Who, within the region.
        name: Arc<str>,
        /// Where the events go.
        subscriber: Subscriber,
    },
    /// Reads all accounts and counts.
    Totals {
        /// The sums.
        reply: Reply<Totals>,
    },
    /// The ledger's own timers. Nobody else can make one.
    Timer(Timer),
}

/// A timer of the ledger.
#[derive(Debug)]
pub struct Timer(pub(super) Due);

#[derive(Debug)]
pub(super) enum Due {
    Commit,
    Sweep,
    Fold,
}
