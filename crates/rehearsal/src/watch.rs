//! The time line of some campaigns, for whoever looks for the cause of a figure.
//!
//! Looks into the bidder, minute by minute; whatever it sees never reaches the judge.

use crate::judge::Schedule;
use crate::stage::Stage;
use crate::world::{COUNTRIES, MINUTE_MS, Part};

/// Whom to watch, and how often.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Campaigns by number; none watches nobody.
    pub campaigns: Vec<u32>,
    /// Minutes between two lines of a campaign; at least one.
    pub every: i64,
    next_ms: i64,
}

impl Watch {
    /// Watches these, at so many minutes.
    pub fn new(campaigns: Vec<u32>, every: i64) -> Self {
        Self { campaigns, every: every.max(1), next_ms: i64::MIN }
    }

    /// Prints a line of each, if it is time.
    pub(crate) async fn look(&mut self, stage: &Stage, cast: &[Part], starts_ms: i64, now_ms: i64) {
        if self.campaigns.is_empty() || now_ms < self.next_ms {
            return;
        }
        self.next_ms = now_ms + self.every * MINUTE_MS;
        let Some(totals) = stage.totals().await else { return };
        let minute = (now_ms - starts_ms) / MINUTE_MS;
        for part in cast.iter().filter(|part| self.campaigns.contains(&part.id)) {
            let id = campaign::CampaignId(part.id);
            let Some(account) = totals.account(id) else { continue };
            let percent = |amount: i64| amount as f64 * 100.0 / part.budget as f64;
            let plan = Schedule::of(part).planned(now_ms) * 100.0;
            let (spent, leased, free) = (percent(account.spent.0), percent(account.leased.0), percent(account.free.0));
            let mut line = format!(
                "{:>2}:{:02} {:>3} plan {plan:6.2} spent {spent:6.2} off {:5.2} leased {leased:5.2} free {free:6.2}",
                minute / 60,
                minute % 60,
                part.id,
                spent - plan,
            );
            for (place, country) in COUNTRIES.iter().enumerate() {
                let Ok(view) = stage.region(place).open() else {
                    line += &format!(" | {} down", country.region);
                    continue;
                };
                let Some(account) = view.pacer().account(id) else { continue };
                let (funds, figures) = (account.funds(), account.figures());
                line += &format!(
                    " | {} pass {:.4} eligible {} bids {} leases {} room {:.2} held {:.2} credit {:.2}{}",
                    country.region,
                    account.pass().share(),
                    figures.eligible,
                    figures.bids,
                    account.leases().len(),
                    percent(funds.available.0),
                    percent(funds.held.0),
                    percent(funds.credit.0),
                    if account.is_exhausted() { " exhausted" } else { "" },
                );
            }
            eprintln!("{line}");
        }
    }
}
