//! What a rehearsal prints.
//!
//! Promises a table that a person can read and the same as JSON. Never judges: that is done.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::json;

use crate::judge::{CampaignFigures, Verdict};
use crate::record::Record;
use crate::world::{COUNTRIES, Scenario};

/// The report of one rehearsal.
#[derive(Debug)]
pub struct Report<'a> {
    /// What was rehearsed.
    pub scenario: &'a Scenario,
    /// What happened.
    pub record: &'a Record,
    /// What the judge found.
    pub verdict: &'a Verdict,
    /// The time that it took.
    pub took: Duration,
}

impl Report<'_> {
    /// The report as JSON.
    ///
    /// # Errors
    ///
    /// None that could happen: there are no maps with other keys than text.
    pub fn json(&self) -> serde_json::Result<String> {
        let Record { requests, unanswered, bids, wins, acknowledged, refused, crashes, no_bids, .. } = self.record;
        serde_json::to_string_pretty(&json!({
            "seed": self.scenario.seed,
            "requests": requests,
            "unanswered": unanswered,
            "bids": bids,
            "wins": wins.len(),
            "acknowledged": acknowledged,
            "refused": refused,
            "crashes": crashes.len(),
            "no_bids": no_bids.iter().cloned().collect::<BTreeMap<_, _>>(),
            "seconds": self.took.as_secs_f64(),
            "broken": self.verdict.broken,
            "campaigns": self.verdict.campaigns,
        }))
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, record, verdict, took } = self;
        writeln!(
            f,
            "seed {}: {} hours, {} campaigns, {} regions, in {:.0} s",
            scenario.seed,
            scenario.length_ms / crate::world::HOUR_MS,
            scenario.campaigns,
            COUNTRIES.len(),
            took.as_secs_f64(),
        )?;
        let in_window = record.wins.iter().filter(|win| crate::judge::is_in_window(win)).count();
        let billed = record.wins.iter().filter(|win| win.billed_ms.is_some()).count();
        writeln!(
            f,
            "{} requests ({} while there was no process), {} bids, {} wins, {billed} billed, {} of them late",
            record.requests,
            record.unanswered,
            record.bids,
            record.wins.len(),
            billed - in_window,
        )?;
        writeln!(
            f,
            "{} notices acknowledged, {} attempts refused; {} crashes of regions' actors",
            record.acknowledged,
            record.refused,
            record.crashes.len(),
        )?;
        let reasons: Vec<_> =
            record.no_bids.iter().take(8).map(|(reason, count)| format!("{reason} {count}")).collect();
        writeln!(f, "no bids: {}\n", reasons.join(", "))?;
        writeln!(
            f,
            "{:<13} {:>4} {:>7} | {:>9} {:>8} | {:>7} {:>8} {:>8} {:>5} | {:>5} {:>8} {:>8} {:>8} {:>8} | {:>6}",
            "percent of",
            "n",
            "imps",
            "overspend",
            "late",
            "supply",
            "delivery",
            "least",
            "<99",
            "ample",
            "rms",
            "worst",
            "auction",
            "max",
            "caps"
        )?;
        let mut kinds: BTreeMap<&str, Vec<&CampaignFigures>> = BTreeMap::new();
        for one in &verdict.campaigns {
            kinds.entry(one.kind).or_default().push(one);
        }
        for (kind, of) in &kinds {
            writeln!(f, "{}", line(kind, of))?;
        }
        writeln!(f, "{}\n", line("all", &verdict.campaigns.iter().collect::<Vec<_>>()))?;
        if verdict.broken.is_empty() {
            return writeln!(f, "all as promised");
        }
        verdict.broken.iter().try_for_each(|broken| writeln!(f, "not as promised: {broken}"))
    }
}

fn line(kind: &str, of: &[&CampaignFigures]) -> String {
    let mean = |figures: Vec<f64>| figures.iter().sum::<f64>() / figures.len().max(1) as f64;
    let most = |figures: &[f64]| figures.iter().copied().fold(0.0, f64::max);
    let supplied: Vec<_> = of.iter().filter(|one| one.supply_allowed).map(|one| one.delivery).collect();
    let rms: Vec<_> = of.iter().filter_map(|one| one.rms).collect();
    let auction: Vec<_> = of.iter().filter_map(|one| one.rms_at_auction).collect();
    let max: Vec<_> = of.iter().filter_map(|one| one.max).collect();
    format!(
        "{kind:<13} {:>4} {:>7} | {:>9.4} {:>8.3} | {:>7} {:>8.2} {:>8.2} {:>5} | {:>5} {:>8.3} {:>8.3} {:>8.3} {:>8.3} | {:>6}",
        of.len(),
        of.iter().map(|one| one.impressions).sum::<i64>() / of.len().max(1) as i64,
        most(&of.iter().map(|one| one.overspend).collect::<Vec<_>>()),
        mean(of.iter().map(|one| one.later).collect()),
        supplied.len(),
        mean(supplied.clone()),
        supplied.iter().copied().reduce(f64::min).unwrap_or(0.0),
        of.iter().filter(|one| one.is_short(99.0)).count(),
        rms.len(),
        mean(rms.clone()),
        most(&rms),
        most(&auction),
        most(&max),
        of.iter().map(|one| one.beyond_cap).sum::<u32>(),
    )
}
