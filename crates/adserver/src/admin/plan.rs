//! A campaign's plan: what is planned by now, what is spent and held, how much passes, and what limits it.
//!
//! Reads snapshots and asks the ledger; never on the bid path. Amounts are in USD.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use campaign::{CampaignId, CampaignState, CampaignView, Pacing};
use exchange::drops::DropMessage;
use ledger::{LedgerMessage, Totals};
use money::Nanos;
use region::shading::EXPLORE_ONE_IN;
use region::{Account, Course, Pass, RegionPort};
use serde_json::{Value, json};

use super::chart::chart;
use super::limit::{Standing, limit, limiting};
use super::pages::down;
use super::problem::{Id, unknown_campaign};
use super::router::Desk;
use crate::supply::course_of;

/// How long the page waits for the ledger and for the sampled reasons.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Behind by more than this part of the budget is behind.
const BEHIND_PART: i64 = 1_000;

/// What of a campaign's plan fits into a line of a list.
pub(super) fn add_plan(shown: &mut Value, desk: &Desk, totals: &Totals, view: &CampaignView) {
    let now_ms = now_ms();
    let found = Found::of(desk, totals, view, now_ms);
    let (word, _) = limit(&found.standing(None));
    shown["pacing"] = json!(pacing(view.definition.pacing));
    shown["planned_usd"] = json!(found.planned_usd());
    shown["deviation_usd"] = json!(found.deviation_usd());
    shown["pass"] = json!(found.pass().map(|pass| rounded(pass.share())));
    shown["limited_by"] = json!(word);
}

/// `GET /campaigns/{id}/plan`.
pub(super) async fn plan(State(desk): State<Arc<Desk>>, Id(id): Id) -> Response {
    let (view, totals) = match standing(&desk, id).await {
        Ok(found) => found,
        Err(missing) => return missing,
    };
    let now_ms = now_ms();
    // Without the recorder the limit is said without its reasons.
    let drops = desk.drops.call(|reply| DropMessage::Report(Some(id), reply), TIMEOUT).await.ok();
    let reasons = || drops.iter().flat_map(|report| report.reasons.values()).flatten();
    let limiting = limiting(reasons().map(|(reason, count)| (*reason, *count)));
    let often =
        reasons().filter(|(reason, _)| !matches!(**reason, "bid" | "outranked")).max_by_key(|(_, count)| **count);
    let often = often.map(|(reason, _)| *reason);

    let found = Found::of(&desk, &totals, &view, now_ms);
    let (word, why) = limit(&found.standing(limiting));
    let regions: Vec<Value> = desk.regions.iter().map(|port| region(port, id)).collect();
    let (turned_ms, done) = found.course.as_ref().map(Course::turned).unzip();
    let points = desk.history.of(id);
    let history: Vec<Value> = points
        .iter()
        .map(|point| json!({ "at_ms": point.at_ms, "planned_usd": point.planned.to_string(), "spent_usd": point.spent.to_string() }))
        .collect();
    Json(json!({
        "id": id.0,
        "pacing": pacing(view.definition.pacing),
        "plans_by": found.plans_by(),
        "turned_at_ms": turned_ms,
        "planned_until_then_usd": done.map(|done| done.to_string()),
        "budget_usd": found.budget.to_string(),
        "planned_usd": found.planned_usd(),
        "spent_usd": found.spent.to_string(),
        "held_usd": found.held.to_string(),
        "deviation_usd": found.deviation_usd(),
        "deviation_percent": found.is_planned().then(|| percent(found.deviation(), found.budget)),
        "limited_by": word,
        "why": why,
        "drops_out_most_for": often,
        "regions": regions,
        "markets": markets(&desk, &view),
        "last_day": history,
    }))
    .into_response()
}

/// `GET /campaigns/{id}/plan.svg`: the plan of a day around now, and what was spent.
pub(super) async fn picture(State(desk): State<Arc<Desk>>, Id(id): Id) -> Response {
    let (view, totals) = match standing(&desk, id).await {
        Ok(found) => found,
        Err(missing) => return missing,
    };
    let now_ms = now_ms();
    let found = Found::of(&desk, &totals, &view, now_ms);
    let title = format!("campaign {id}: {}", view.definition.name);
    let drawn = chart(&title, now_ms, found.course.as_ref(), &desk.history.of(id), found.spent);
    ([(header::CONTENT_TYPE, "image/svg+xml; charset=utf-8")], drawn).into_response()
}

/// A campaign and the money of all, or what to answer without them.
async fn standing(desk: &Desk, id: CampaignId) -> Result<(CampaignView, Totals), Response> {
    let view = desk.campaigns.view(id).ok_or_else(|| unknown_campaign(id))?;
    let totals = desk.ledger.call(|reply| LedgerMessage::Totals { reply }, TIMEOUT).await;
    Ok((view, totals.map_err(|error| down("the ledger", &error))?))
}

/// What stands of one campaign.
struct Found<'a> {
    view: &'a CampaignView,
    now_ms: i64,
    course: Option<Course>,
    budget: Nanos,
    planned: Nanos,
    spent: Nanos,
    free: Nanos,
    held: Nanos,
    accounts: Vec<Arc<Account>>,
    regions_open: usize,
}

impl<'a> Found<'a> {
    fn of(desk: &Desk, totals: &Totals, view: &'a CampaignView, now_ms: i64) -> Self {
        let id = view.definition.id;
        let money = totals.account(id);
        let course = course_of(&desk.supply, view);
        let open: Vec<_> = desk.regions.iter().filter_map(|port| port.open().ok()).collect();
        let accounts: Vec<_> = open.iter().filter_map(|region| region.pacer().account(id).cloned()).collect();
        Self {
            view,
            now_ms,
            budget: view.definition.budget,
            planned: course.as_ref().map_or(Nanos(0), |course| course.planned(now_ms)),
            course,
            spent: money.map_or(Nanos(0), |money| money.spent),
            free: money.map_or(view.definition.budget, |money| money.free),
            held: accounts.iter().fold(Nanos(0), |sum, account| sum.saturating_add(account.funds().held)),
            accounts,
            regions_open: open.len(),
        }
    }

    /// Above zero: ahead of its plan.
    fn deviation(&self) -> Nanos {
        self.spent.saturating_sub(self.planned)
    }

    /// One that spends as fast as it wins has no plan to be off.
    fn is_planned(&self) -> bool {
        self.view.definition.pacing != Pacing::Asap
    }

    fn planned_usd(&self) -> Option<String> {
        self.is_planned().then(|| self.planned.to_string())
    }

    fn deviation_usd(&self) -> Option<String> {
        self.is_planned().then(|| self.deviation().to_string())
    }

    fn pass(&self) -> Option<Pass> {
        self.accounts.iter().map(|account| account.pass()).max()
    }

    fn plans_by(&self) -> &'static str {
        match (self.view.definition.pacing, &self.course) {
            (Pacing::Asap, _) => "nothing",
            (Pacing::Supply, Some(course)) if course.turned().0 > course.plan().flight.starts_ms => "supply",
            (Pacing::Supply, Some(course))
                if course
                    .plan()
                    .hours
                    .as_ref()
                    .is_some_and(|hours| hours.weights().iter().any(|weight| *weight > 1)) =>
            {
                "supply"
            }
            (Pacing::Even, _) if !self.view.definition.hour_weights.is_empty() => "hour_weights",
            _ => "even",
        }
    }

    fn standing<'r>(&self, drop_reason: Option<&'r str>) -> Standing<'r> {
        let flight = self.view.definition.flight;
        let poor = !self.accounts.is_empty() && self.accounts.iter().all(|account| account.is_exhausted());
        Standing {
            state: match self.view.state {
                CampaignState::Live => "live",
                CampaignState::Paused => "paused",
                CampaignState::Killed => "killed",
                CampaignState::Down => "down",
                _ => "not started",
            },
            begun: flight.starts_ms <= self.now_ms,
            ended: flight.ends_ms <= self.now_ms,
            exhausted: poor
                || self.free <= Nanos(0) && self.accounts.iter().all(|account| account.funds().available <= Nanos(0)),
            awake: self.course.as_ref().is_none_or(|course| !course.plan().rests(self.now_ms)),
            regions_open: self.regions_open,
            pass: self.pass(),
            behind: self.is_planned() && self.deviation().0 < -(self.budget.0 / BEHIND_PART),
            drop_reason,
        }
    }
}

fn region(port: &RegionPort, id: CampaignId) -> Value {
    let view = match port.open() {
        Ok(view) => view,
        Err(closed) => return json!({ "region": &**port.name(), "open": false, "why": closed.to_string() }),
    };
    let Some(account) = view.pacer().account(id) else {
        return json!({ "region": &**port.name(), "open": true, "asked": false });
    };
    let (funds, figures) = (account.funds(), account.figures());
    json!({
        "region": &**port.name(),
        "open": true,
        "asked": true,
        "pass": rounded(account.pass().share()),
        "asked_to_pass": figures.eligible,
        "bids": figures.bids,
        "leases": account.leases().len(),
        "available_usd": funds.available.to_string(),
        "held_usd": funds.held.to_string(),
        "budget_exhausted": account.is_exhausted(),
    })
}

/// What shading has learnt that concerns the campaign; nothing for one that is not shaded.
fn markets(desk: &Desk, view: &CampaignView) -> Vec<Value> {
    let value = view.definition.bid_cpm;
    let is_shaded = view.definition.shading;
    let exchanges = desk.exchanges.iter().filter(|exchange| {
        is_shaded
            && (view.definition.exchanges.is_empty()
                || view.definition.exchanges.iter().any(|name| name == exchange.name()))
    });
    let of_exchange = |exchange: &exchange::ExchangePort| {
        let name = exchange.name().to_owned();
        let of_region = move |port: &RegionPort| {
            let outlook = port.outlook(&name, value)?;
            Some(json!({
                "exchange": &name,
                "region": &**port.name(),
                "auctions": outlook.auctions.round(),
                "bid_multiplier": rounded(outlook.price.0 as f64 / value.0.max(1) as f64),
                "bids_cpm_usd": outlook.price.to_string(),
                "win_rate": rounded(f64::from(outlook.wins)),
                "win_rate_at_full_price": rounded(f64::from(outlook.wins_in_full)),
                "explores_one_in": EXPLORE_ONE_IN,
            }))
        };
        desk.regions.iter().filter_map(of_region).collect::<Vec<_>>()
    };
    exchanges.flat_map(of_exchange).collect()
}

fn pacing(of: Pacing) -> &'static str {
    match of {
        Pacing::Supply => "supply",
        Pacing::Even => "even",
        Pacing::Asap => "asap",
    }
}

fn percent(part: Nanos, whole: Nanos) -> f64 {
    rounded(part.0 as f64 / whole.0.max(1) as f64 * 100.0)
}

/// To four places: what is shown is for people.
fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
