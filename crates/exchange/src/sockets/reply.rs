//! Turns an outcome into an HTTP response, for either lane.
//!
//! A reason reaches the client only with a 204, as `x-no-bid`; a 4xx has an empty body, as OpenRTB asks for.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, VARY,
};
use http::{Response, StatusCode};
use http_body_util::Full;
use tokio::time::Instant;

use super::date::with_date;
use super::deflate::gzip;

/// Bytes of a head, for the first allocation.
const HEAD_BYTES_USUAL: usize = 256;

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

    /// The response for hyper, compressed if the client takes gzip and it is worth it.
    ///
    /// The request's headers make room for the response's: hyper hands the same map to the connection's next request.
    pub(super) fn into_response(self, mut headers: HeaderMap, gzip_bytes_min: usize) -> Response<Full<Bytes>> {
        let values = headers.get_all(ACCEPT_ENCODING);
        let compressed = self.compressed(gzip_bytes_min, || takes_gzip(values.iter().map(HeaderValue::as_bytes)));
        headers.clear();
        for (name, value) in self.headers(compressed.is_some()) {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let mut response = Response::new(Full::new(compressed.unwrap_or(self.body)));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }

    /// Appends the same response as it goes over the wire.
    pub(super) fn write(&self, out: &mut Vec<u8>, gzip_bytes_min: usize, takes_gzip: bool, now: Instant) {
        let compressed = self.compressed(gzip_bytes_min, || takes_gzip);
        let body = compressed.as_ref().unwrap_or(&self.body);
        out.reserve(HEAD_BYTES_USUAL + body.len());
        let mut put = |pieces: [&str; 4]| pieces.iter().for_each(|piece| out.extend_from_slice(piece.as_bytes()));
        put(["HTTP/1.1 ", self.status.as_str(), " ", self.status.canonical_reason().unwrap_or("")]);
        for (name, value) in self.headers(compressed.is_some()) {
            put(["\r\n", name.as_str(), ": ", value]);
        }
        if self.status != StatusCode::NO_CONTENT {
            out.extend_from_slice(b"\r\ncontent-length: ");
            put_number(out, body.len());
        }
        out.extend_from_slice(b"\r\ndate: ");
        with_date(now, |date| out.extend_from_slice(date.as_bytes()));
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(body);
    }

    fn compressed(&self, gzip_bytes_min: usize, takes_gzip: impl FnOnce() -> bool) -> Option<Bytes> {
        if self.body.len() < gzip_bytes_min || !takes_gzip() {
            return None;
        }
        gzip(&self.body)
    }

    /// What the head says besides length and date.
    fn headers(&self, is_compressed: bool) -> impl Iterator<Item = (HeaderName, &'static str)> + use<> {
        let of_status = match self.status {
            StatusCode::OK => [
                Some((CONTENT_TYPE, "application/json")),
                Some((X_OPENRTB_VERSION, "2.6")),
                Some((VARY, "accept-encoding")),
            ],
            StatusCode::NO_CONTENT => [Some((X_NO_BID, self.reason)), None, None],
            StatusCode::METHOD_NOT_ALLOWED => [Some((ALLOW, "POST")), None, None],
            _ => [None, None, None],
        };
        let close = self.close.then_some((CONNECTION, "close"));
        let packed = is_compressed.then_some((CONTENT_ENCODING, "gzip"));
        of_status.into_iter().flatten().chain(close).chain(packed)
    }
}

/// Appends a number's digits.
fn put_number(out: &mut Vec<u8>, number: usize) {
    let mut digits = [0; 20];
    let (mut at, mut left) = (digits.len(), number);
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
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
pub(super) fn takes_gzip<'a>(values: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut star = false;
    for value in values {
        let Some(value) = str::from_utf8(value).ok().filter(|value| value.is_ascii()) else { continue };
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
