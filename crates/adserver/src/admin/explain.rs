//! "Why no bid?": an operator posts a request and reads what becomes of each campaign.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use exchange::decision::ImpExplanation;
use exchange::{ExchangePort, Explanation};
use serde_json::{Value, json};

use super::router::Desk;

/// For each imp how many campaigns drop out for which reason, and the reason of each. Pacing, caps and money are not asked.
pub(super) async fn explain(State(desk): State<Arc<Desk>>, Path(name): Path<String>, body: Bytes) -> Response {
    let Some(port) = desk.exchanges.iter().find(|port| port.name() == name) else {
        let names: Vec<_> = desk.exchanges.iter().map(ExchangePort::name).collect();
        let problem = format!("there is no exchange `{name}`; there are {}\n", names.join(", "));
        return (StatusCode::NOT_FOUND, problem).into_response();
    };
    match port.explain(&body, &desk.campaigns) {
        Explanation::Malformed(kind) => (StatusCode::BAD_REQUEST, format!("no bid request: {kind}\n")).into_response(),
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
