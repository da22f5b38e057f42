//! The service levels as they are: what is promised, what was counted, how fast the error budgets burn.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use telemetry::LevelReport;

use super::router::Desk;

/// One object a level of an exchange. A burn rate of 1 uses the budget up exactly at its end.
pub(super) async fn service_levels(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let levels: Vec<Value> = desk.levels.report(&desk.board).iter().map(level).collect();
    Json(json!({ "service_levels": levels }))
}

fn level(report: &LevelReport) -> Value {
    let windows: Vec<Value> = report
        .burn_rates
        .iter()
        .map(|(window, rate)| json!({ "window_s": window.as_secs(), "burn_rate": (rate * 100.0).round() / 100.0 }))
        .collect();
    json!({
        "exchange": report.exchange,
        "level": report.level.label(),
        "objective": report.objective.to_string(),
        "requests": report.counts.requests,
        "failures": report.counts.failures,
        "windows": windows,
        "too_fast": report.too_fast.is_some(),
    })
}
