//! What is wrong with a request, and what to do about it: in one shape, whatever was asked for.
//!
//! Promises that every answer that is not what was asked for is `{"errors": ["..."]}`, with what, where and what to do. Never an
//! empty body, and never one without a limit.

use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use campaign::{CREATIVES_PER_CAMPAIGN_MAX, CampaignId, MARKUP_BYTES_MAX};
use serde_json::json;

/// Most bytes of a body: as many creatives as a campaign may have, each as long as it may be, and the lists beside them.
pub(super) const BODY_BYTES_MAX: usize = CREATIVES_PER_CAMPAIGN_MAX * MARKUP_BYTES_MAX + 4 * 1024 * 1024;

/// Says one thing that is wrong.
pub(super) fn problem(status: StatusCode, text: impl Into<String>) -> Response {
    (status, Json(json!({ "errors": [text.into()] }))).into_response()
}

/// 503: who would know does not answer.
pub(super) fn unavailable(text: impl Into<String>) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, text)
}

/// There is no such campaign.
pub(super) fn unknown_campaign(id: CampaignId) -> Response {
    problem(StatusCode::NOT_FOUND, format!("there is no campaign {id}: see GET /campaigns"))
}

/// A path that nothing answers.
pub(super) async fn unknown_path(uri: Uri) -> Response {
    let text = format!(
        "there is no {}: there are /campaigns, /regions, /alerts, /service-levels, /drop-reasons, /crash-payloads, /tree, /metrics, \
         /healthz, /readyz and, by POST, /exchanges/NAME/explain and /exchanges/NAME/restore",
        uri.path()
    );
    problem(StatusCode::NOT_FOUND, text)
}

/// A path that something else can be done with.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> Response {
    let text = format!(
        "{} is not to be asked with {method}: see the header `allow`; reading is GET, doing is POST",
        uri.path()
    );
    problem(StatusCode::METHOD_NOT_ALLOWED, text)
}

/// The campaign that a path names. What is no number is a campaign that is not there.
pub(super) struct Id(pub(super) CampaignId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let named = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let named = named.map_err(|rejected| problem(rejected.status(), rejected.body_text()))?;
        let text = named.get("id").map_or("", String::as_str);
        let advice = || format!("there is no campaign {text:?}: an id is a number, see GET /campaigns");
        text.parse().map(|id| Self(CampaignId(id))).map_err(|_| problem(StatusCode::NOT_FOUND, advice()))
    }
}

/// A whole body.
pub(super) struct Whole(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let read = Bytes::from_request(request, state).await;
        read.map(Self).map_err(|rejected| match rejected.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let text = format!(
                    "the body is longer than {BODY_BYTES_MAX} bytes: load large parts of a creative from a server"
                );
                problem(StatusCode::PAYLOAD_TOO_LARGE, text)
            }
            status => problem(status, format!("the body cannot be read: {}; send it again", rejected.body_text())),
        })
    }
}
