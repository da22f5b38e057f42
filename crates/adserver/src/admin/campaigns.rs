//! Campaigns by hand: list, read, add, change, remove, pause, kill, reload.
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

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use campaign::{Campaign, CampaignId};
use ledger::{CampaignAction, CampaignLine, CampaignWord, LedgerMessage, Totals};
use serde_json::{Value, json};
use tembusu::Reply;

use super::body::read_definition;
use super::plan::add_plan;
use super::problem::{Id, Whole, problem, unavailable, unknown_campaign};
use super::router::Desk;
use crate::book::{BookError, BookMessage, Change, Done, Expected, Reloaded, Take, Words};

/// How long a change may take: a flush of the disk and an index, behind the changes before it.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a page waits for the ledger or the book.
const READ_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest name of an operator, and longest reason.
const WORD_CHARS_MAX: usize = 200;

type Parameters = Query<BTreeMap<String, String>>;
type Shared = State<Arc<Desk>>;

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

/// Adds or changes one.
pub(super) async fn put(
    State(desk): Shared,
    Id(id): Id,
    Query(parameters): Parameters,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Response {
    let (expected, guard) = match expected(&headers, &parameters) {
        Ok(expected) => expected,
        Err(text) => return problem(StatusCode::BAD_REQUEST, text),
    };
    let is_json = header_text(&headers, "content-type").is_some_and(|kind| kind.contains("json"));
    let campaign = match definition(&desk, id, &body, is_json) {
        Ok(campaign) => Box::new(campaign),
        Err(error) => return refused(&error, guard),
    };
    let by = by(&headers, &parameters);
    ask(&desk, guard, |reply| BookMessage::Define { campaign, expected, by, reply }).await
}

/// Takes one out.
pub(super) async fn delete(
    State(desk): Shared,
    Id(campaign): Id,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Response {
    let (expected, guard) = match expected(&headers, &parameters) {
        Ok((Expected::Unsaid, guard)) => (Expected::Any, guard),
        Ok(expected) => expected,
        Err(text) => return problem(StatusCode::BAD_REQUEST, text),
    };
    let by = by(&headers, &parameters);
    ask(&desk, guard, |reply| BookMessage::Remove { campaign, expected, by, reply }).await
}

/// Pauses, resumes, kills or revives one.
pub(super) async fn say(
    State(desk): Shared,
    Id(campaign): Id,
    Path((_, action)): Path<(String, String)>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Response {
    let action = match &*action {
        "pause" => CampaignAction::Pause,
        "kill" => CampaignAction::Kill,
        "resume" => CampaignAction::Resume,
        "revive" => CampaignAction::Revive,
        other => {
            let text = format!("there is no action `{other}`: there are pause, resume, kill, revive and restore");
            return problem(StatusCode::NOT_FOUND, text);
        }
    };
    if desk.campaigns.words(campaign).is_none() {
        return unknown_campaign(campaign);
    }
    // Out at once, though many changes may wait for the disk; in only when that is on it.
    let said = desk.outs.say(campaign, action);
    let _ = match action {
        CampaignAction::Pause => desk.campaigns.set_paused(campaign, true),
        CampaignAction::Kill => desk.campaigns.kill(campaign),
        _ => Ok(()),
    };
    let by = by(&headers, &parameters);
    ask(&desk, Guard::None, |reply| BookMessage::Say { campaign, action, said, by, reply }).await
}

/// Follows the campaigns file.
pub(super) async fn reload(State(desk): Shared, Query(parameters): Parameters, headers: HeaderMap) -> Response {
    let take = match parameters.get("take").map(String::as_str) {
        None => Take::Own,
        Some("all") => Take::All,
        Some(ids) => match ids.split(',').map(|id| id.trim().parse().map(CampaignId)).collect() {
            Ok(ids) => Take::These(ids),
            Err(_) => {
                return problem(StatusCode::BAD_REQUEST, format!("take={ids}: write all, or ids such as take=7,8"));
            }
        },
    };
    let by = by(&headers, &parameters);
    let asked = desk.book.call(|reply| BookMessage::Reload { take, by, reply: Some(reply) }, CHANGE_TIMEOUT).await;
    match asked {
        Ok(Ok(reloaded)) => Json(shown_reload(&reloaded)).into_response(),
        Ok(Err(error)) => refused(&error, Guard::None),
        Err(error) => {
            unavailable(format!("the book of campaigns does not answer: {error}; see /alerts, and ask again"))
        }
    }
}

fn shown_reload(reloaded: &Reloaded) -> Value {
    let ids = |ids: &[CampaignId]| ids.iter().map(|id| id.0).collect::<Vec<_>>();
    json!({
        "added": ids(&reloaded.added),
        "changed": ids(&reloaded.changed),
        "removed": ids(&reloaded.removed),
        "kept": ids(&reloaded.kept),
        "unchanged": reloaded.unchanged,
    })
}

/// Which header said what is expected: each has a status of its own for "it is another".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    None,
    Header,
}

fn expected(headers: &HeaderMap, parameters: &BTreeMap<String, String>) -> Result<(Expected, Guard), String> {
    let version = |text: &str| {
        let text = text.trim().trim_start_matches("W/").trim_matches('"');
        text.parse()
            .map(Expected::Version)
            .map_err(|_| format!("{text:?} is no version: write the number of one, such as If-Match: \"3\""))
    };
    if let Some(text) = header_text(headers, "if-match") {
        return if text.trim() == "*" {
            Ok((Expected::Any, Guard::Header))
        } else {
            Ok((version(text)?, Guard::Header))
        };
    }
    if header_text(headers, "if-none-match").is_some_and(|text| text.trim() == "*") {
        return Ok((Expected::Absent, Guard::Header));
    }
    match parameters.get("expected_version") {
        Some(text) => Ok((version(text)?, Guard::None)),
        None => Ok((Expected::Unsaid, Guard::None)),
    }
}

fn by(headers: &HeaderMap, parameters: &BTreeMap<String, String>) -> Change {
    let said = |name: &str, parameter: &str| {
        let text = header_text(headers, name).or(parameters.get(parameter).map(String::as_str)).unwrap_or_default();
        text.chars().filter(|letter| !letter.is_control()).take(WORD_CHARS_MAX).collect::<String>()
    };
    let who = said("x-operator", "who");
    Change { who: if who.is_empty() { "operators' API".to_owned() } else { who }, why: said("x-reason", "why") }
}

fn definition(desk: &Desk, id: CampaignId, body: &[u8], is_json: bool) -> Result<Campaign, BookError> {
    let campaign = read_definition(body, is_json, desk.file.exchanges())?;
    if campaign.id == id {
        return Ok(campaign);
    }
    let problem = format!("id: {} in the definition, and {id} in the path: write the same in both", campaign.id);
    Err(BookError::Invalid(vec![problem]))
}

async fn ask(
    desk: &Desk,
    guard: Guard,
    message: impl FnOnce(Reply<Result<Done, BookError>>) -> BookMessage,
) -> Response {
    match desk.book.call(message, CHANGE_TIMEOUT).await {
        Ok(Ok(done)) => {
            let id = done.word.campaign;
            let state =
                desk.campaigns.status(id).map_or_else(|| "removed".to_owned(), |status| status.state.to_string());
            let mut shown = json!({ "id": id.0, "version": done.word.version, "state": state });
            add_word(&mut shown, desk, Some(&done.word));
            let status = if done.is_new { StatusCode::CREATED } else { StatusCode::OK };
            (status, [(header::ETAG, etag(done.word.version))], Json(shown)).into_response()
        }
        Ok(Err(error)) => refused(&error, guard),
        Err(error) => unavailable(format!(
            "the book of campaigns does not confirm: {error}; a pause or a kill holds until this process ends, and may not be on disk: ask again"
        )),
    }
}

fn refused(error: &BookError, guard: Guard) -> Response {
    let (status, problems, current) = match error {
        BookError::Invalid(problems) => (StatusCode::UNPROCESSABLE_ENTITY, problems.clone(), None),
        BookError::Refused(problems) => (StatusCode::CONFLICT, problems.clone(), None),
        BookError::Conflict { current, .. } => {
            let status = if guard == Guard::Header { StatusCode::PRECONDITION_FAILED } else { StatusCode::CONFLICT };
            (status, Vec::new(), *current)
        }
        BookError::Unguarded { current, .. } => (StatusCode::PRECONDITION_REQUIRED, Vec::new(), Some(*current)),
        BookError::Unknown(_) => (StatusCode::NOT_FOUND, Vec::new(), None),
        BookError::FileUnreadable { .. } => (StatusCode::UNPROCESSABLE_ENTITY, Vec::new(), None),
        BookError::Unconfirmed(_) => (StatusCode::SERVICE_UNAVAILABLE, Vec::new(), None),
    };
    let problems = if problems.is_empty() { vec![error.to_string()] } else { problems };
    let shown = Json(json!({ "errors": problems, "version": current }));
    match current {
        Some(version) => (status, [(header::ETAG, etag(version))], shown).into_response(),
        None => (status, shown).into_response(),
    }
}

async fn totals(desk: &Desk) -> Result<Totals, Response> {
    let totals = desk.ledger.call(|reply| LedgerMessage::Totals { reply }, READ_TIMEOUT).await;
    totals.map_err(|error| unavailable(format!("the ledger does not answer: {error}; see /alerts, and ask again")))
}

async fn words(desk: &Desk) -> Option<Words> {
    desk.book.call(BookMessage::Words, READ_TIMEOUT).await.ok()
}

fn add_money(shown: &mut Value, totals: &Totals, id: CampaignId) {
    let account = totals.account(id);
    shown["budget_usd"] = json!(account.map(|account| account.budget.to_string()));
    shown["spent_usd"] = json!(account.map(|account| account.spent.to_string()));
    shown["late_usd"] = json!(account.map(|account| account.late.to_string()));
    shown["leased_usd"] = json!(account.map(|account| account.leased.to_string()));
    shown["free_usd"] = json!(account.map(|account| account.free.to_string()));
}

fn add_word(shown: &mut Value, desk: &Desk, word: Option<&CampaignWord>) {
    let Some(word) = word else { return };
    shown["source"] = json!(word.source.name());
    shown["file"] = json!(desk.file.compare(word.campaign, word.fingerprint));
    shown["paused"] = json!(word.paused);
    shown["killed"] = json!(word.killed);
    shown["last"] = json!({ "action": word.action.name(), "who": word.who, "why": word.why });
}

fn line(line: &CampaignLine) -> Value {
    json!({
        "at_ms": line.at_ms,
        "action": line.action.name(),
        "version": line.version,
        "source": line.source.name(),
        "who": line.who,
        "why": line.why,
    })
}

fn etag(version: u32) -> String {
    format!("\"{version}\"")
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
