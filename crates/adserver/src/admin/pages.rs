//! What each path answers.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use exchange::ExchangePort;
use serde_json::{Value, json};
use telemetry::{AggregatorMessage, Alert, RENDER_TIMEOUT, render_alerts};
use tembusu::{AdminError, CallError, SupervisorRef};

use super::problem::{Id, problem, unavailable, unknown_campaign};
use super::router::Desk;
use super::tree::Node;
use crate::campaign_alerts;
use crate::phase::Phase;

/// How long an operator waits for a restored exchange.
const RESTORE_TIMEOUT: Duration = Duration::from_secs(10);

const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The process lives.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// 503 only before the start has completed and during drain; degraded stays ready.
pub(super) async fn readyz(State(desk): State<Arc<Desk>>) -> Response {
    match desk.life.phase() {
        Phase::Serving => (StatusCode::OK, "ready\n").into_response(),
        Phase::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response(),
        Phase::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response(),
    }
}

/// All series; while telemetry is off those of the alerts alone, `telemetry_off` among them.
pub(super) async fn metrics(State(desk): State<Arc<Desk>>) -> Response {
    match desk.aggregator.call(AggregatorMessage::Render, RENDER_TIMEOUT).await {
        Ok(page) => ([(header::CONTENT_TYPE, METRICS_TYPE)], page).into_response(),
        // Nobody keeps the board meanwhile.
        Err(error) => {
            desk.board.reconcile(&desk.tree.snapshot());
            desk.levels.watch(&desk.board);
            match render_alerts(&desk.board) {
                Ok(page) => ([(header::CONTENT_TYPE, METRICS_TYPE)], page).into_response(),
                Err(_) => down("telemetry", &error),
            }
        }
    }
}

pub(super) async fn tree(State(desk): State<Arc<Desk>>) -> Response {
    Json(Node::from(&desk.tree.snapshot())).into_response()
}

pub(super) async fn alerts(State(desk): State<Arc<Desk>>) -> Json<Value> {
    // The board may be behind the tree while telemetry is off.
    desk.board.reconcile(&desk.tree.snapshot());
    campaign_alerts::follow(&desk.board, &desk.campaigns);
    desk.levels.watch(&desk.board);
    let list = |alerts: Vec<Alert>| alerts.iter().map(alert).collect::<Vec<_>>();
    Json(json!({ "standing": list(desk.board.standing()), "ended": list(desk.board.ended()) }))
}

fn alert(alert: &Alert) -> Value {
    json!({
        "severity": alert.severity.label(),
        "cause": alert.cause.label(),
        "subtree": alert.subtree,
        "detail": alert.detail,
        "advice": alert.cause.advice(),
        "at_ms": unix_ms(alert.at),
        "cleared_at_ms": alert.cleared_at.map(unix_ms),
    })
}

/// The regions: whether they bid, whom they count for caps, and how long their last start took.
pub(super) async fn regions(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let states = desk.meters.region_states();
    let region = |state: &telemetry::RegionState| {
        json!({
            "name": state.name,
            "open": state.open,
            "cap_keys": state.cap_keys,
            "cap_provisional": state.cap_provisional,
            "cap_keys_max": state.cap_keys_max,
            "cap_refused": state.cap_refused,
            "recoveries": state.recoveries,
            "recovery_micros": state.recovery_micros,
        })
    };
    Json(json!({ "regions": states.iter().map(region).collect::<Vec<_>>() }))
}

/// The payloads that crashed an engine, without ids and addresses, oldest first.
pub(super) async fn crash_payloads(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let of_exchange = |port: &ExchangePort| {
        let exchange = port.name().to_owned();
        let kept = port.payloads().payloads();
        kept.into_iter().map(move |payload| {
            json!({
                "exchange": &exchange,
                "path": &*payload.path,
                "incarnation": payload.incarnation,
                "at_ms": unix_ms(payload.at),
                "bytes": payload.bytes,
                "text": &*payload.text,
            })
        })
    };
    let payloads: Vec<Value> = desk.exchanges.iter().flat_map(of_exchange).collect();
    Json(json!({ "payloads": payloads }))
}

/// Brings an exchange back: a degraded one is restored, one whose stand-in has failed too is started anew.
pub(super) async fn restore_exchange(State(desk): State<Arc<Desk>>, Path(name): Path<String>) -> Response {
    if !desk.exchanges.iter().any(|port| port.name() == name) {
        let names: Vec<_> = desk.exchanges.iter().map(ExchangePort::name).collect();
        let text = format!("there is no exchange `{name}`: there are {}", names.join(", "));
        return problem(StatusCode::NOT_FOUND, text);
    }
    restore(&desk.tree, "exchanges", &name).await
}

/// Brings a region back that is in quarantine.
pub(super) async fn restore_region(State(desk): State<Arc<Desk>>, Path(name): Path<String>) -> Response {
    if !desk.regions.iter().any(|port| **port.name() == *name) {
        let names: Vec<&str> = desk.regions.iter().map(|port| &**port.name()).collect();
        let text = format!("there is no region `{name}`: there are {}", names.join(", "));
        return problem(StatusCode::NOT_FOUND, text);
    }
    restore(&desk.tree, "regions", &name).await
}

/// Brings a campaign back that is in quarantine, or starts one that could not be started.
pub(super) async fn restore_campaign(State(desk): State<Arc<Desk>>, Id(campaign): Id) -> Response {
    let Some(status) = desk.campaigns.status(campaign) else { return unknown_campaign(campaign) };
    if !desk.campaigns.not_started().contains_key(&campaign) {
        // One that has never crashed has no node.
        let path = format!("{}/campaigns/each/campaign_{campaign}", desk.tree.path());
        if desk.tree.find(&path).is_none() {
            let text =
                format!("campaign {campaign} is {}, and not in quarantine: there is nothing to restore", status.state);
            return problem(StatusCode::CONFLICT, text);
        }
        return restore(&desk.tree, "campaigns/each", &format!("campaign_{campaign}")).await;
    }
    // It is no node of the tree yet.
    match desk.campaigns.start(campaign).await {
        Ok(()) => (StatusCode::OK, format!("campaign_{campaign} is started\n")).into_response(),
        Err(error) => {
            problem(StatusCode::CONFLICT, format!("{error}; correct its definition with PUT /campaigns/{campaign}"))
        }
    }
}

async fn restore(root: &SupervisorRef, parent: &str, name: &str) -> Response {
    match tokio::time::timeout(RESTORE_TIMEOUT, bring_back(root, parent, name)).await {
        Ok(Ok(())) => (StatusCode::OK, format!("{name} is restored\n")).into_response(),
        Ok(Err(AdminError::NotFound { .. })) => {
            problem(StatusCode::NOT_FOUND, format!("there is no `{name}` in the tree: see /tree"))
        }
        Ok(Err(error)) => problem(StatusCode::CONFLICT, format!("{name} is not restored: {error}; see /tree")),
        Err(_) => problem(StatusCode::GATEWAY_TIMEOUT, format!("{name} is still being restored: see /tree")),
    }
}

async fn bring_back(root: &SupervisorRef, parent: &str, name: &str) -> Result<(), AdminError> {
    let find = |within: &SupervisorRef, name: &str| {
        let path = format!("{}/{name}", within.path());
        within.find(&path).ok_or(AdminError::NotFound { path: path.into() })
    };
    let parent = find(root, parent)?;
    let child = find(&parent, name)?;
    match child.snapshot().state {
        tembusu::State::Stopped => parent.restart_child(name).await,
        _ => child.restore().await,
    }
}

pub(super) fn down<M>(who: &str, error: &CallError<M>) -> Response {
    unavailable(format!("{who} does not answer: {error}; see /alerts, and ask again"))
}

fn unix_ms(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
