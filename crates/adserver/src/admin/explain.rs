//! "Why no bid?": an operator posts a request and reads what becomes of each campaign.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use exchange::decision::ImpExplanation;
use exchange::{ExchangePort, Explanation};
use serde_json::{Value, json};

use super::problem::{Whole, problem};
use super::router::Desk;

/// For each imp how many campaigns drop out for which reason, and the reason of each. Pacing, caps and money are not asked.
pub(super) async fn explain(State(desk): State<Arc<Desk>>, Path(name): Path<String>, Whole(body): Whole) -> Response {
    let Some(port) = desk.exchanges.iter().find(|port| port.name() == name) else {
        let names: Vec<_> = desk.exchanges.iter().map(ExchangePort::name).collect();
        let text = format!("there is no exchange `{name}`: there are {}", names.join(", "));
        return problem(StatusCode::NOT_FOUND, text);
    };
    // It asks all campaigns about all imps: what else is to be done on this thread goes on on another.
    match tokio::task::block_in_place(|| port.explain(&body, &desk.campaigns)) {
        Explanation::Malformed(kind) => {
            let text = format!(
                "the body is no bid request ({kind}): post one as the exchange sends it, in JSON and not compressed"
            );
            problem(StatusCode::BAD_REQUEST, text)
        }
        Explanation::NoBid(reason) => Json(json!({ "no_bid": reason.as_str() })).into_response(),
        Explanation::Imps(region, imps) => {
            let imps: Vec<Value> = imps.iter().map(|explained| imp(explained, &desk)).collect();
            Json(json!({ "region": region, "imps": imps })).into_response()
        }
        _ => StatusCode::NOT_IMPLEMENTED.into_response(),
    }
}

fn imp(explained: &ImpExplanation, desk: &Desk) -> Value {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, verdict) in &explained.campaigns {
        *counts.entry(verdict.as_str()).or_default() += 1;
    }
    let version = |campaign| desk.campaigns.status(campaign).map(|status| status.version);
    let campaigns: Vec<Value> = explained
        .campaigns
        .iter()
        .map(|(campaign, verdict)| json!({ "id": campaign.0, "version": version(*campaign), "first_reason": verdict.as_str() }))
        .collect();
    json!({
        "imp": explained.imp,
        "no_bid": explained.no_bid.map(|reason| reason.as_str()),
        "reasons": counts,
        "campaigns": campaigns,
    })
}
