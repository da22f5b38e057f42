//! Campaigns by hand: what is asked, and what is answered to who only reads. What changes something is in
//! [`campaign_changes`](super::campaign_changes).
//!
//! | request | what it does |
//! |---|---|
//! | `GET /campaigns` | all of them, with version, who keeps the definition, and money |
//! | `GET /campaigns/7` | one, with its definition in TOML; that alone with `Accept: application/toml`. `ETag` is its version |
//! | `GET /campaigns/7/plan` | planned, spent, held and deviation; how much passes in each region; what limits it; its markets |
//! | `GET /campaigns/7/plan.svg` | the same as a picture of the day |
//! | `GET /campaigns/7/log` | what was said of it, by whom and why |
//! | `PUT /campaigns/7` | adds or changes it: TOML, or JSON with the same keys (`Content-Type: application/json`) |
//! | `DELETE /campaigns/7` | takes it out; its open bids still bill |
//! | `POST /campaigns/7/pause`, `resume`, `kill`, `revive` | out at once, back when that is on disk |
//! | `POST /campaigns/reload` | reads the campaigns file; `?take=7,8` or `?take=all` gives campaigns back to it |
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
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use ledger::{LedgerMessage, Totals};
use serde_json::{Value, json};

use super::campaign_json::{add_money, add_word, etag, line};
use super::guard::header_text;
use super::plan::add_plan;
use super::problem::{Id, unavailable, unknown_campaign};
use super::router::Desk;
use crate::book::{BookMessage, Words};

/// How long a page waits for the ledger or the book.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) type Parameters = Query<BTreeMap<String, String>>;
pub(super) type Shared = State<Arc<Desk>>;

/// The campaigns with their money: `budget = spent + leased + free`, in USD. `late_usd` is the part of `spent` that no
/// lease covered.
pub(super) async fn list(State(desk): Shared) -> Response {
    let totals = match totals(&desk).await {
        Ok(totals) => totals,
        Err(down) => return down,
    };
    // The campaigns are shown without their words while the book is down.
    let words = words(&desk).await.unwrap_or_default();
    let statuses = desk.campaigns.statuses();
    let campaigns: Vec<Value> = statuses
        .iter()
        .map(|status| {
            let mut shown = json!({
                "id": status.id.0,
                "name": status.name,
                "version": status.version,
                "state": status.state.to_string(),
            });
            add_money(&mut shown, &totals, status.id);
            if let Some(view) = desk.campaigns.view(status.id) {
                add_plan(&mut shown, &desk, &totals, &view);
            }
            add_word(&mut shown, &desk, words.get(&status.id));
            shown
        })
        .collect();
    let (spent, late) = (totals.spent.to_string(), totals.late.to_string());
    Json(json!({ "campaigns": campaigns, "spent_usd": spent, "late_usd": late })).into_response()
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
    add_word(&mut shown, &desk, words(&desk).await.unwrap_or_default().get(&id));
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

async fn words(desk: &Desk) -> Option<Words> {
    desk.book.call(BookMessage::Words, READ_TIMEOUT).await.ok()
}
