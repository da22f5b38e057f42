//! Campaigns as the API shows them, and what it says when it refuses.
//!
//! Promises one status for one kind of refusal. Never asks anybody.

use std::time::Duration;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use campaign::CampaignId;
use ledger::{CampaignLine, CampaignWord, Totals};
use serde_json::{Value, json};

use super::guard::Guard;
use super::router::Desk;
use crate::book::{BookError, Reloaded, Took};

/// What a reload has come to.
pub(super) fn shown_reload(reloaded: &Reloaded) -> Value {
    let ids = |ids: &[CampaignId]| ids.iter().map(|id| id.0).collect::<Vec<_>>();
    let ms = |took: Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let Took { read, check, record, publish } = reloaded.took;
    json!({
        "added": ids(&reloaded.added),
        "changed": ids(&reloaded.changed),
        "removed": ids(&reloaded.removed),
        "kept": ids(&reloaded.kept),
        "unchanged": reloaded.unchanged,
        "effective": reloaded.effective,
        "took_ms": {
            "read": ms(read),
            "check": ms(check),
            "record": ms(record),
            "publish": ms(publish),
        },
    })
}

/// Why nothing was done.
pub(super) fn refused(error: &BookError, guard: Guard) -> Response {
    let (status, problems, current) = match error {
        BookError::Invalid(problems) => (StatusCode::UNPROCESSABLE_ENTITY, problems.clone(), None),
        BookError::TooManyGone { .. } => (StatusCode::CONFLICT, Vec::new(), None),
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

/// Its account, if the ledger has one.
pub(super) fn add_money(shown: &mut Value, totals: &Totals, id: CampaignId) {
    let account = totals.account(id);
    shown["budget_usd"] = json!(account.map(|account| account.budget.to_string()));
    shown["spent_usd"] = json!(account.map(|account| account.spent.to_string()));
    shown["late_usd"] = json!(account.map(|account| account.late.to_string()));
    shown["leased_usd"] = json!(account.map(|account| account.leased.to_string()));
    shown["free_usd"] = json!(account.map(|account| account.free.to_string()));
}

/// What was said of it last.
pub(super) fn add_word(shown: &mut Value, desk: &Desk, word: Option<&CampaignWord>) {
    let Some(word) = word else { return };
    shown["source"] = json!(word.source.name());
    shown["file"] = json!(desk.file.compare(word.campaign, word.fingerprint));
    shown["paused"] = json!(word.paused);
    shown["killed"] = json!(word.killed);
    shown["last"] = json!({ "action": word.action.name(), "who": word.who, "why": word.why });
}

/// A line of its history.
pub(super) fn line(line: &CampaignLine) -> Value {
    json!({
        "at_ms": line.at_ms,
        "action": line.action.name(),
        "version": line.version,
        "source": line.source.name(),
        "who": line.who,
        "why": line.why,
    })
}

/// A version as HTTP has it.
pub(super) fn etag(version: u32) -> String {
    format!("\"{version}\"")
}
