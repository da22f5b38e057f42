//! From checked changes to what is on disk and then to what bids.
//!
//! Promises that nothing bids as it is defined now before that is on disk, and that nothing is recorded that is not sound. Many
//! changes are recorded in portions, so that the money of other campaigns never waits long for them.

use std::time::{Duration, Instant};

use campaign::CampaignId;
use campaign::actors::Changes;
use ledger::{BudgetTooLow, CampaignEntry, CampaignWord, LedgerMessage, Totals};
use tembusu::CallError;

use super::reload::Took;
use super::{BookArgs, BookError, CampaignBook};

/// How long the ledger may take: one flush of the disk, behind what waits for it.
pub(super) const LEDGER_WITHIN: Duration = Duration::from_secs(5);
/// Campaigns whose definitions are recorded in one transaction at a start: their texts together are a few megabytes.
pub(super) const RECORDED_AT_ONCE: usize = 2_048;
/// The same of a change, whose end somebody waits for: each transaction costs what the disk takes. Notices and leases wait
/// behind it for some tenths of a second.
pub(crate) const PORTION: usize = 8_192;

/// What changes have come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    /// Whether the bids know of them.
    pub(super) effective: bool,
    pub(super) took: Took,
}

impl CampaignBook {
    /// Records and makes changes, or neither; of more than a portion those that are recorded when something fails.
    pub(super) async fn make(&mut self, entries: Vec<CampaignEntry>, changes: Changes) -> Result<Made, BookError> {
        let began = Instant::now();
        let checked = self.args.campaigns.check(changes);
        let checked =
            checked.map_err(|refusals| BookError::Invalid(refusals.iter().map(ToString::to_string).collect()))?;
        let mut made = Made { effective: true, took: Took { check: began.elapsed(), ..Took::default() } };
        if entries.is_empty() {
            return Ok(made);
        }
        let ids: Vec<CampaignId> = entries.iter().map(|entry| entry.word.campaign).collect();
        let began = Instant::now();
        self.record_all(entries).await?;
        made.took.record = began.elapsed();
        let began = Instant::now();
        // Nobody else changes campaigns: what was sound just now is.
        if let Err(error) = self.args.campaigns.make(checked).await {
            tracing::warn!(%error, "campaigns changed");
            made.effective = false;
        }
        ids.into_iter().for_each(|id| self.follow(id));
        made.took.publish = began.elapsed();
        Ok(made)
    }

    /// Records many in portions, after a look at all their budgets: that none is too low must not be found out half-way.
    async fn record_all(&mut self, mut entries: Vec<CampaignEntry>) -> Result<(), BookError> {
        let portion = self.args.portion;
        if entries.len() > portion {
            let totals = self.args.ledger.call(|reply| LedgerMessage::Totals { reply }, LEDGER_WITHIN).await;
            let totals = totals.map_err(|error| unconfirmed(&error))?;
            let too_low: Vec<String> = entries.iter().filter_map(|entry| too_low(entry, &totals)).collect();
            if !too_low.is_empty() {
                return Err(BookError::Refused(too_low));
            }
        }
        while entries.len() > portion {
            let others = entries.split_off(portion);
            self.record(std::mem::replace(&mut entries, others)).await?;
        }
        self.record(entries).await
    }

    pub(super) async fn record(&mut self, entries: Vec<CampaignEntry>) -> Result<(), BookError> {
        let words: Vec<CampaignWord> = entries.iter().map(|entry| entry.word.clone()).collect();
        let recorded = self.args.ledger.call(|reply| LedgerMessage::RecordCampaigns { entries, reply }, LEDGER_WITHIN);
        match recorded.await {
            Ok(Ok(())) => {
                self.words.extend(words.into_iter().map(|word| (word.campaign, word)));
                Ok(())
            }
            Ok(Err(too_low)) => Err(BookError::Refused(too_low.iter().map(BudgetTooLow::to_string).collect())),
            Err(error) => {
                self.is_stale = true;
                Err(unconfirmed(&error))
            }
        }
    }

    /// Makes a campaign's flags those of its last word, and of what was said since.
    pub(super) fn follow(&self, id: CampaignId) {
        let BookArgs { campaigns, outs, .. } = &self.args;
        let Some(word) = self.words.get(&id).filter(|word| !word.removed) else { return outs.forget(id) };
        loop {
            let out = outs.of(id);
            // One that is not there has none.
            let _ = campaigns.set_paused(id, word.paused || out.paused);
            let _ = if word.killed || out.killed { campaigns.kill(id) } else { campaigns.revive(id) };
            // Whoever says so now notes it before it acts.
            if outs.of(id) == out {
                return;
            }
        }
    }
}

/// What the ledger would say of a budget.
fn too_low(entry: &CampaignEntry, totals: &Totals) -> Option<String> {
    let (campaign, budget) = (entry.word.campaign, entry.definition.as_ref()?.budget);
    let account = totals.account(campaign)?;
    let (spent, leased) = (account.spent, account.leased);
    let least = spent.saturating_add(leased);
    let is_cut = budget < account.budget && budget < least;
    is_cut.then(|| BudgetTooLow { campaign, budget, spent, leased, least }.to_string())
}

pub(super) fn unconfirmed(error: &CallError<LedgerMessage>) -> BookError {
    BookError::Unconfirmed(error.to_string())
}
