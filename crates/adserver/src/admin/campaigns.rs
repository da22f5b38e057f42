//! Campaigns by hand: what is asked, and what is answered to who only reads. What changes something is in
//! [`campaign_changes`](super::campaign_changes).
//!
//! | request | what it does |
//! |---|---|
//! | `GET /campaigns` | 1,000 of them by id, with version, who keeps the definition, and money; `?limit=` of 1 to 10,000; `?after=` the `next` of the page before |
//! | `GET /campaigns/7` | one, with its definition in TOML; that alone with `Accept: application/toml`. `ETag` is its version |
//! | `GET /campaigns/7/plan` | planned, spent, held and deviation; how much passes in each region; what limits it; its markets |
//! | `GET /campaigns/7/plan.svg` | the same as a picture of the day |
//! | `GET /campaigns/7/log` | what was said of it, by whom and why |
//! | `PUT /campaigns/7` | adds or changes it: TOML, or JSON with the same keys (`Content-Type: application/json`) |
//! | `DELETE /campaigns/7` | takes it out; its open bids still bill |
//! | `POST /campaigns/7/pause`, `resume`, `kill`, `revive` | out at once, back when that is on disk |
//! | `POST /campaigns/reload` | reads the campaigns file; `?take=7,8` or `?take=all` gives campaigns back to it; `?may_remove=120` where more than half of its campaigns are meant to go (else 409) |
//!
//! A change of what is there says of which version it is one: `If-Match: "3"` (412 if it is another now) or
//! `?expected_version=3` (409); without either 428. `If-None-Match: *` adds and never changes. `X-Operator` and `X-Reason`,
//! or `?who=` and `?why=`, stand in the log. 422 names every flaw; 503 means that the ledger did not confirm:
//! a pause or a kill holds all the same, until a later word on the campaign is on disk or the process ends.
//!
//! What is sound in a definition and hardly meant is said in `warnings`; `effective` tells whether the bids know of a change
//! already, and `took_ms` of a reload how long each step took.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use campaign::CampaignId;
use ledger::{LedgerMessage, Totals};
use serde_json::json;

use super::campaign_json::{add_money, add_word, etag, line};
use super::guard::header_text;
use super::plan::add_plan;
use super::problem::{Id, problem, unavailable, unknown_campaign};
use super::router::Desk;
use crate::book::{BookMessage, Words};

/// Campaigns of a page, unless it says how many.
const PAGE_DEFAULT: usize = 1_000;
/// Most campaigns of a page: a few megabytes.
const PAGE_MAX: usize = 10_000;
/// Campaigns that are put on a page before others get a turn on this thread: about a millisecond.
const SHOWN_PER_TURN: usize = 64;

/// How long a page waits for the ledger or the book.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) type Parameters = Query<BTreeMap<String, String>>;
pub(super) type Shared = State<Arc<Desk>>;

/// The campaigns with their money: `budget = spent + leased + free`, in USD. `late_usd` is the part of `spent` that no
/// lease covered; the sums are those of all campaigns, and `count` says how many there are.
pub(super) async fn list(State(desk): Shared, Query(parameters): Parameters) -> Response {
    let (after, limit) = match page(&parameters) {
        Ok(page) => page,
        Err(text) => return problem(StatusCode::BAD_REQUEST, text),
    };
    let totals = match totals(&desk).await {
        Ok(totals) => totals,
        Err(down) => return down,
    };
    // One more says whether there is a next page.
    let (mut views, count) = desk.campaigns.views_after(after, limit + 1);
    let is_last = views.len() <= limit;
    views.truncate(limit);
    // The campaigns are shown without their words while the book is down.
    let words = words(&desk, views.iter().map(|view| view.definition.id).collect()).await.unwrap_or_default();
    let mut campaigns = Vec::with_capacity(views.len());
    for (at, view) in views.iter().enumerate() {
        let id = view.definition.id;
        let mut shown = json!({
            "id": id.0,
            "name": view.definition.name,
            "version": view.version,
            "state": view.state.to_string(),
        });
        add_money(&mut shown, &totals, id);
        add_plan(&mut shown, &desk, &totals, view);
        add_word(&mut shown, &desk, words.get(&id));
        campaigns.push(shown);
        if at % SHOWN_PER_TURN == SHOWN_PER_TURN - 1 {
            tokio::task::yield_now().await;
        }
    }
    let next = views.last().filter(|_| !is_last).map(|view| view.definition.id.0);
    Json(json!({
        "campaigns": campaigns,
        "count": count,
        "next": next,
        "spent_usd": totals.spent.to_string(),
        "late_usd": totals.late.to_string(),
    }))
    .into_response()
}

/// After which campaign a page begins, and how many it has.
fn page(parameters: &BTreeMap<String, String>) -> Result<(Option<CampaignId>, usize), String> {
    let after = parameters.get("after").map(|id| id.parse().map(CampaignId).map_err(|_| id)).transpose();
    let after = after.map_err(|id| format!("after={id}: write the id of a campaign, such as after=7"))?;
    let limit = parameters.get("limit").map_or(Ok(PAGE_DEFAULT), |limit| limit.parse().map_err(|_| limit));
    match limit {
        Ok(limit) if (1..=PAGE_MAX).contains(&limit) => Ok((after, limit)),
        _ => {
            let limit = &parameters["limit"];
            Err(format!("limit={limit}: write 1 to {PAGE_MAX}, and ask for what comes then with after="))
        }
    }
}

/// One campaign.
pub(super) async fn read(State(desk): Shared, Id(id): Id, headers: HeaderMap) -> Response {
    let Some(view) = desk.campaigns.view(id) else { return unknown_campaign(id) };
    let tag = [(header::ETAG, etag(view.version))];
    let definition = view.definition.to_toml();
    if header_text(&headers, "accept").is_some_and(|accept| accept.contains("toml")) {
        return (tag, [(header::CONTENT_TYPE, "application/toml")], definition).into_response();
    }
    let totals = match totals(&desk).await {
        Ok(totals) => totals,
        Err(down) => return down,
    };
    let bids_as = view.bidding.as_ref().map(|campaign| campaign.version());
    let path = format!("{}/campaigns/each/campaign_{id}", desk.tree.path());
    let subtree = desk.tree.find(&path).map(|subtree| subtree.snapshot().state.label());
    let mut shown = json!({
        "id": id.0,
        "name": view.definition.name,
        "version": view.version,
        "bids_as_version": bids_as,
        "state": view.state.to_string(),
        "subtree": subtree,
        "definition": definition,
    });
    add_money(&mut shown, &totals, id);
    add_plan(&mut shown, &desk, &totals, &view);
    add_word(&mut shown, &desk, words(&desk, vec![id]).await.unwrap_or_default().get(&id));
    (tag, Json(shown)).into_response()
}

/// What was said of one campaign, the last first; of one that was removed as well.
pub(super) async fn log(State(desk): Shared, Id(campaign): Id) -> Response {
    match desk.ledger.call(|reply| LedgerMessage::CampaignLog { campaign, reply }, READ_TIMEOUT).await {
        Ok(lines) if lines.is_empty() => unknown_campaign(campaign),
        Ok(lines) => {
            Json(json!({ "id": campaign.0, "log": lines.iter().map(line).collect::<Vec<_>>() })).into_response()
        }
        Err(error) => unavailable(format!("the ledger does not answer: {error}; see /alerts, and ask again")),
    }
}

async fn totals(desk: &Desk) -> Result<Totals, Response> {
    let totals = desk.ledger.call(|reply| LedgerMessage::Totals { reply }, READ_TIMEOUT).await;
    totals.map_err(|error| unavailable(format!("the ledger does not answer: {error}; see /alerts, and ask again")))
}

/// What was said last of these campaigns.
async fn words(desk: &Desk, campaigns: Vec<CampaignId>) -> Option<Words> {
    desk.book.call(|reply| BookMessage::Words(campaigns, reply), READ_TIMEOUT).await.ok()
}
