//! The judgement of a rehearsal: the figures of each campaign, and what is not as promised.

use serde::Serialize;

use super::books::disagreements;
use super::{
    Billed, Deviation, SupplyBook, beyond_cap, bids_left, billed, delivery_percent, deviation, is_ample,
    overspend_percent, supply_allowed,
};
use crate::record::{Record, Win};
use crate::world::{Part, Scenario};

/// What is promised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Overspend of a campaign without a strict budget stays below this many percent; of a strict one it is nothing.
    pub overspend_percent: f64,
    /// Campaigns without a strict budget deliver at least so many percent where supply allows, or all but less than a bid.
    pub delivery_percent: f64,
    /// The rms deviation from plan with ample supply, in percent of the budget.
    pub rms_percent: f64,
}

impl Limits {
    /// What the project promises of a day of 200 campaigns.
    pub const PROMISED: Self = Self { overspend_percent: 0.1, delivery_percent: 99.0, rms_percent: 0.5 };
}

/// One campaign's figures, in percent of its budget.
#[derive(Clone, Debug, Serialize)]
pub struct CampaignFigures {
    /// Its number.
    pub id: u32,
    /// What it was in the cast for.
    pub kind: &'static str,
    /// Whether its budget is strict.
    pub strict: bool,
    /// Its budget, in impressions at its price.
    pub impressions: i64,
    /// Billed in the window beyond the budget.
    pub overspend: f64,
    /// Billed after the window.
    pub later: f64,
    /// Billed, of the budget.
    pub delivery: f64,
    /// How many more bids the rest would have paid for.
    pub bids_left: i64,
    /// Whether supply allowed all of it.
    pub supply_allowed: bool,
    /// How far from plan; absent for those without ample supply or an even plan.
    pub rms: Option<f64>,
    /// The greatest deviation.
    pub max: Option<f64>,
    /// The rms deviation without the notices' delay.
    pub rms_at_auction: Option<f64>,
    /// Impressions beyond a user's cap.
    pub beyond_cap: u32,
}

/// What the judge found.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Each campaign.
    pub campaigns: Vec<CampaignFigures>,
    /// What is not as promised.
    pub broken: Vec<String>,
}

/// Judges.
pub fn judge(scenario: &Scenario, cast: &[Part], record: &Record, supply: &SupplyBook, limits: Limits) -> Verdict {
    let sums = billed(cast, &record.wins);
    let beyond = beyond_cap(cast, &record.wins);
    let mut own: Vec<Vec<&Win>> = vec![Vec::new(); cast.len()];
    for win in &record.wins {
        own[win.campaign as usize - 1].push(win);
    }
    let campaigns: Vec<_> = (0..cast.len())
        .map(|place| figures(scenario, place, &cast[place], &sums[place], beyond[place], &own[place], supply))
        .collect();
    let mut broken = disagreements(scenario, cast, &sums, &record.books);
    broken.truncate(10);
    broken.extend(complaints(&campaigns, limits));
    if 0 < record.absurd {
        broken.push(format!("{} bids that make no sense", record.absurd));
    }
    Verdict { campaigns, broken }
}

impl CampaignFigures {
    /// Whether it delivered less than so many percent although supply and its rest would have allowed more.
    pub fn is_short(&self, percent: f64) -> bool {
        self.supply_allowed && self.delivery < percent && 0 < self.bids_left
    }
}

fn figures(
    scenario: &Scenario,
    place: usize,
    part: &Part,
    billed: &Billed,
    beyond_cap: u32,
    wins: &[&Win],
    supply: &SupplyBook,
) -> CampaignFigures {
    let paced = part.even && part.cap.is_none() && is_ample(scenario, place, part, supply);
    let off: Option<Deviation> = paced.then(|| deviation(scenario, part, wins));
    CampaignFigures {
        id: part.id,
        kind: part.kind.name(),
        strict: part.strict,
        impressions: part.budget / part.price,
        overspend: overspend_percent(part, billed),
        later: billed.later as f64 * 100.0 / part.budget as f64,
        delivery: delivery_percent(part, billed),
        bids_left: bids_left(part, billed),
        supply_allowed: supply_allowed(place, part, supply),
        rms: off.map(|off| off.rms),
        max: off.map(|off| off.max),
        rms_at_auction: off.map(|off| off.rms_at_auction),
        beyond_cap,
    }
}

fn complaints(campaigns: &[CampaignFigures], limits: Limits) -> Vec<String> {
    let mut found = Vec::new();
    let mut complain = |what: &str, whom: Vec<(u32, f64)>| {
        let worst = whom.iter().copied().reduce(|worst, next| if worst.1.abs() < next.1.abs() { next } else { worst });
        if let Some((id, figure)) = worst {
            found.push(format!("{what}: {} campaigns, for one {id} with {figure:.3}", whom.len()));
        }
    };
    let of = |wanted: &dyn Fn(&CampaignFigures) -> bool, figure: &dyn Fn(&CampaignFigures) -> f64| {
        campaigns.iter().filter(|one| wanted(one)).map(|one| (one.id, figure(one))).collect::<Vec<_>>()
    };
    complain("strict and overspent, percent", of(&|one| one.strict && 0.0 < one.overspend, &|one| one.overspend));
    complain(
        "overspent, percent",
        of(&|one| !one.strict && limits.overspend_percent <= one.overspend, &|one| one.overspend),
    );
    complain(
        "underdelivered, percent missing",
        of(&|one| !one.strict && one.is_short(limits.delivery_percent), &|one| 100.0 - one.delivery),
    );
    complain(
        "off plan, rms percent",
        of(&|one| one.rms.is_some_and(|rms| limits.rms_percent < rms), &|one| one.rms.unwrap_or(0.0)),
    );
    complain("beyond a cap, impressions", of(&|one| 0 < one.beyond_cap, &|one| f64::from(one.beyond_cap)));
    found
}
