//! Takes a campaign out of bidding at once, and back in. The word is this process's: a new one starts with every campaign.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use campaign::{CampaignId, ControlError};

use super::router::Desk;

/// Out, whatever the campaign's actors are doing.
pub(super) async fn kill(State(desk): State<Arc<Desk>>, Path(id): Path<u32>) -> Response {
    answer(desk.campaigns.kill(CampaignId(id)), &format!("campaign {id} does not bid until it is revived\n"))
}

/// Back in, unless it is paused, down or in quarantine.
pub(super) async fn revive(State(desk): State<Arc<Desk>>, Path(id): Path<u32>) -> Response {
    answer(desk.campaigns.revive(CampaignId(id)), &format!("campaign {id} is revived\n"))
}

fn answer(done: Result<(), ControlError>, said: &str) -> Response {
    match done {
        Ok(()) => (StatusCode::OK, said.to_owned()).into_response(),
        Err(error) => (StatusCode::NOT_FOUND, format!("{error}\n")).into_response(),
    }
}
