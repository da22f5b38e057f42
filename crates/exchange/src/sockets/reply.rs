//! Turns an outcome into an HTTP response.
//!
//! A reason reaches the client only with a 204, as `x-no-bid`; a 4xx has an empty body, as OpenRTB asks for.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, VARY,
};
use http::{Response, StatusCode};
use http_body_util::Full;

use super::deflate::gzip;

const X_NO_BID: HeaderName = HeaderName::from_static("x-no-bid");
const X_OPENRTB_VERSION: HeaderName = HeaderName::from_static("x-openrtb-version");

/// What is sent, before it is an HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) reason: &'static str,
    pub(super) body: Bytes,
    /// The connection cannot be used further: a body was left unread.
    pub(super) close: bool,
}

impl Reply {
    pub(super) fn content(body: Bytes) -> Self {
        Self { status: StatusCode::OK, reason: "", body, close: false }
    }

    pub(super) fn no_bid(reason: &'static str) -> Self {
        Self { status: StatusCode::NO_CONTENT, reason, body: Bytes::new(), close: false }
    }

    pub(super) fn refused(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason, body: Bytes::new(), close: false }
    }

    pub(super) fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// The response, compressed if the client takes gzip and it is worth it.
    ///
    /// The request's headers make room for the response's: hyper hands the same map to the connection's next request.
    pub(super) fn into_response(self, mut headers: HeaderMap, gzip_bytes_min: usize) -> Response<Full<Bytes>> {
        let is_large = gzip_bytes_min <= self.body.len();
        let compressed = if is_large && takes_gzip(&headers) { gzip(&self.body) } else { None };
        headers.clear();
        match self.status {
            StatusCode::OK => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(X_OPENRTB_VERSION, HeaderValue::from_static("2.6"));
                headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
            }
            StatusCode::NO_CONTENT => {
                headers.insert(X_NO_BID, HeaderValue::from_static(self.reason));
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            _ => {}
        }
        if self.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if compressed.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let mut response = Response::new(Full::new(compressed.unwrap_or(self.body)));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

/// The answer to a poll that asks whether we are ready: a body with a `1` in it says so.
///
/// It is never "not ready": an exchange would take all its requests away, where a degraded one answers each in time.
pub(super) fn ready(mut headers: HeaderMap) -> Response<Full<Bytes>> {
    headers.clear();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let mut response = Response::new(Full::new(Bytes::from_static(b"1")));
    *response.headers_mut() = headers;
    response
}

/// Whether `Accept-Encoding` names gzip (or `*`) without refusing it by `q=0`.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let mut star = false;
    for value in headers.get_all(ACCEPT_ENCODING) {
        let Ok(value) = value.to_str() else { continue };
        for item in value.split(',') {
            let mut parts = item.split(';');
            let coding = parts.next().unwrap_or("").trim();
            let refused = parts.any(is_zero_quality);
            if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
                return !refused;
            }
            star |= coding == "*" && !refused;
        }
    }
    star
}

fn is_zero_quality(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("q") && value.trim().bytes().all(|byte| matches!(byte, b'0' | b'.'))
}
