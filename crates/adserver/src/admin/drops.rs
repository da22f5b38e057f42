//! Why campaigns drop out of the sampled share of requests: first reasons, counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use campaign::CampaignId;
use exchange::drops::DropMessage;
use serde_json::{Value, json};

use super::pages::down;
use super::problem::problem;
use super::router::Desk;

/// How long the page waits: the requests that were set aside are asked about first.
const TIMEOUT: Duration = Duration::from_secs(5);

/// By exchange and reason, of all campaigns or of one (`?campaign=7`), since the recorder's start.
pub(super) async fn drop_reasons(
    State(desk): State<Arc<Desk>>,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Response {
    let of = match parameters.get("campaign").map(|id| id.parse().map(CampaignId).map_err(|_| id)).transpose() {
        Ok(of) => of,
        Err(id) => {
            return problem(
                StatusCode::BAD_REQUEST,
                format!("campaign={id}: write the number of one, such as campaign=7"),
            );
        }
    };
    let report = match desk.drops.call(|reply| DropMessage::Report(of, reply), TIMEOUT).await {
        Ok(report) => report,
        Err(error) => return down("drop_reasons", &error),
    };
    let exchanges: Vec<Value> = desk
        .exchanges
        .iter()
        .map(|exchange| {
            json!({
                "exchange": exchange.name(),
                "one_in": exchange.samples().one_in(),
                "skipped": exchange.samples().skipped(),
                "reasons": report.reasons.get(exchange.name()),
            })
        })
        .collect();
    Json(json!({ "campaign": of.map(|of| of.0), "sampled": report.sampled, "exchanges": exchanges })).into_response()
}
