//! Changes of campaigns by hand: add, change, remove, pause, kill, reload. [`campaigns`](super::campaigns) says how they are asked
//! for.
//!
//! Promises that a pause and a kill hold when they were asked for, and everything else when it is answered. Never decides: the
//! book does.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use campaign::{Campaign, CampaignId};
use ledger::CampaignAction;
use serde_json::json;
use tembusu::Reply;

use super::body::read_definition;
use super::campaign_json::{add_word, etag, refused, shown_reload};
use super::campaigns::{Parameters, Shared};
use super::guard::{Guard, by, expected, header_text};
use super::problem::{Id, Whole, problem, unavailable, unknown_campaign};
use super::router::Desk;
use crate::book::{BookError, BookMessage, Done, Expected, Orders, Take};

/// How long a change may take: a flush of the disk and an index, behind the changes before it.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(60);

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
    let may_remove = match parameters.get("may_remove").map(|count| count.parse().map_err(|_| count)).transpose() {
        Ok(count) => count,
        Err(count) => {
            let text = format!("may_remove={count}: write how many campaigns may go, such as may_remove=120");
            return problem(StatusCode::BAD_REQUEST, text);
        }
    };
    let (orders, by) = (Orders { take, may_remove }, by(&headers, &parameters));
    let asked = desk.book.call(|reply| BookMessage::Reload { orders, by, reply: Some(reply) }, CHANGE_TIMEOUT).await;
    match asked {
        Ok(Ok(reloaded)) => Json(shown_reload(&reloaded)).into_response(),
        Ok(Err(error)) => refused(&error, Guard::None),
        Err(error) => {
            unavailable(format!("the book of campaigns does not answer: {error}; see /alerts, and ask again"))
        }
    }
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
            let mut shown = json!({
                "id": id.0,
                "version": done.word.version,
                "state": state,
                "effective": done.effective,
                "warnings": done.warnings,
            });
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
