//! The actor that learns.
//!
//! Promises to count each request once, and to write nothing while others wait: it has a thread of its own. Never judges what
//! it counts: the book does.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use campaign::{Campaign, CampaignId, CampaignsHandle, Country};
use ledger::{Clock, LedgerMessage};
use money::Nanos;
use region::supply::{SupplyBook, Traffic};
use telemetry::Meters;
use tembusu::{Actor, Address, Context, ExitReason, Flow, Init};

use super::course_of;
use super::file::SupplyFile;
use super::history::{History, NOTE_MS};

/// How often requests are counted: an hour's turn is noticed within it.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// How long it waits for the ledger's sums: a quarter without them is left out.
const TOTALS_TIMEOUT: Duration = Duration::from_secs(1);

/// The regions and their countries.
pub(crate) type Territories = Arc<HashMap<String, Vec<Country>>>;

/// What a [`SupplyLearner`] is started with.
#[derive(Clone)]
pub(crate) struct LearnerArgs {
    pub(crate) book: SupplyBook,
    pub(crate) meters: Arc<Meters>,
    pub(crate) campaigns: CampaignsHandle,
    pub(crate) territories: Territories,
    pub(crate) file: SupplyFile,
    pub(crate) clock: Clock,
    pub(crate) ledger: Address<LedgerMessage>,
    pub(crate) history: History,
}

impl fmt::Debug for LearnerArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LearnerArgs").finish_non_exhaustive()
    }
}

/// What it can be told: to look at the meters.
#[derive(Debug)]
pub(crate) struct Look;

/// No failure of it is foreseen: a file that cannot be written is said in the log and tried again in an hour.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LearnerCrash {}

/// Learns from the meters. Belongs on a thread of its own.
///
/// # On restart
///
/// The book goes on. Requests between the crash and the new incarnation are not counted.
#[derive(Debug)]
pub(crate) struct SupplyLearner {
    args: LearnerArgs,
    /// By exchange and region, in the order of the meters.
    counted: Vec<u64>,
    looked_ms: i64,
    noted_ms: i64,
}

impl Actor for SupplyLearner {
    type Message = Look;
    type Args = LearnerArgs;
    type Crash = LearnerCrash;

    async fn init(args: &LearnerArgs, cx: &mut Context<Self>) -> Result<Init<Self>, LearnerCrash> {
        cx.after(LOOK_INTERVAL, Look);
        let (counted, looked_ms) = (requests(&args.meters), args.clock.now_ms());
        Ok(Init::Ready(Self { args: args.clone(), counted, looked_ms, noted_ms: i64::MIN }))
    }

    async fn handle(&mut self, Look: Look, cx: &mut Context<Self>) -> Result<Flow, LearnerCrash> {
        if self.look() {
            self.keep();
        }
        if self.noted_ms <= self.looked_ms.saturating_sub(NOTE_MS) {
            self.noted_ms = self.looked_ms;
            self.note().await;
        }
        cx.after(LOOK_INTERVAL, Look);
        Ok(Flow::Continue)
    }

    async fn stop(self, _reason: &ExitReason) {
        self.keep();
    }
}

impl SupplyLearner {
    /// Counts what has come since the last look; true when an hour was learnt.
    fn look(&mut self) -> bool {
        let LearnerArgs { book, meters, campaigns, territories, clock, .. } = &self.args;
        let now_ms = clock.now_ms();
        let counted = requests(meters);
        let regions = meters.exchanges().flat_map(|exchange| exchange.regions().map(move |region| (exchange, region)));
        let since = counted.iter().zip(&self.counted).map(|(now, before)| now.saturating_sub(*before));
        let traffic = regions.zip(since).map(|((exchange, region), requests)| Traffic {
            region: region.name(),
            exchange: exchange.name(),
            requests,
        });
        let mut asked: Option<(CampaignId, Option<Arc<Campaign>>)> = None;
        let turned = book.learn(now_ms, now_ms - self.looked_ms, traffic, |campaign, region, exchange| {
            // The same campaign is asked about several times in a row.
            if asked.as_ref().is_none_or(|(before, _)| *before != campaign) {
                asked = Some((campaign, campaigns.view(campaign).map(|view| view.definition)));
            }
            let definition = asked.as_ref().and_then(|(_, definition)| definition.as_ref());
            definition.is_some_and(|definition| is_for(definition, territories, region, exchange))
        });
        (self.counted, self.looked_ms) = (counted, now_ms);
        turned
    }

    /// Notes where the campaigns stand that have spent something.
    async fn note(&self) {
        let LearnerArgs { book, campaigns, ledger, history, .. } = &self.args;
        let Ok(totals) = ledger.call(|reply| LedgerMessage::Totals { reply }, TOTALS_TIMEOUT).await else { return };
        let at_ms = self.looked_ms;
        let spending = totals.accounts.iter().filter(|account| account.spent > Nanos(0));
        let points = spending.filter_map(|account| {
            let course = course_of(book, &campaigns.view(account.campaign)?)?;
            Some((account.campaign, course.planned(at_ms), account.spent))
        });
        history.note(at_ms, points);
    }

    fn keep(&self) {
        if let Err(error) = self.args.file.write(&self.args.book) {
            tracing::warn!(%error, file = ?self.args.file, "what was learnt of supply is not kept; trying again in an hour");
        }
    }
}

fn requests(meters: &Meters) -> Vec<u64> {
    meters.exchanges().flat_map(|exchange| exchange.regions().map(|region| region.requests.get())).collect()
}

/// Whether a campaign bids on an exchange's requests of a region, as far as these two decide.
fn is_for(campaign: &Campaign, territories: &Territories, region: &str, exchange: &str) -> bool {
    let among = |list: &[String]| list.iter().any(|name| name == exchange);
    let (include, exclude) = (&campaign.include().exchanges, &campaign.exclude().exchanges);
    let on_exchange = (campaign.exchanges.is_empty() || among(&campaign.exchanges))
        && (include.is_empty() || among(include))
        && !among(exclude);
    let countries = territories.get(region).map_or(&[][..], Vec::as_slice);
    on_exchange && campaign.countries.iter().any(|country| countries.contains(country))
}
