//! Answers notices: opens the token, reads the price, has the ledger record it, then says 200.
//!
//! It keeps nothing of its own, so a crash of its listener forgets nothing. It never answers 200
//! before the ledger said that the notice is durable.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::Service;
use ledger::{LedgerMessage, Notice, NoticeKind, Outcome, PriceSeen, TokenClaims, TokenError, TokenId, TokenKeys};
use money::Rounding;
use openrtb::LossReason;
use openrtb::price::{PriceCodec, SeenPrice};
use region::RegionPort;
use telemetry::{Meters, RegionMeters};
use tembusu::Address;

use super::forged::ForgeryLimit;
use super::route::{self, NoticeUrl};
use crate::http::Peer;

/// How long a notice waits to be made durable; then it gets 503 and the exchange repeats it.
const RECORD_TIMEOUT: Duration = Duration::from_secs(2);
/// Most bytes of a notice's body. Nothing in it is used; it is read so that the connection can go on.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a notice's body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// What is needed to answer notices.
pub(crate) struct NoticeDesk {
    /// Where notices are made durable.
    pub(crate) ledger: Address<LedgerMessage>,
    /// Opens tokens.
    pub(crate) keys: TokenKeys,
    /// How each exchange writes prices, by its name.
    pub(crate) price_codecs: HashMap<String, PriceCodec>,
    /// The regions that learn from what exchanges tell, by name.
    pub(crate) regions: HashMap<String, RegionPort>,
    /// Exchanges whose win notice is the billing event.
    pub(crate) bills_on_win: Vec<String>,
    /// Counts.
    pub(crate) meters: Arc<Meters>,
    /// Limits forged notices.
    pub(crate) forgeries: ForgeryLimit,
}

/// The HTTP side of a [`NoticeDesk`].
#[derive(Clone)]
pub(crate) struct NoticeService(pub(crate) Arc<NoticeDesk>);

impl Service<Request<Incoming>> for NoticeService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let desk = self.0.clone();
        Box::pin(async move {
            let started = Instant::now();
            let response = desk.answer(request).await;
            desk.meters.notices().statuses.inc(response.status().as_u16());
            desk.meters.notices().latency.observe(started.elapsed());
            Ok(response)
        })
    }
}

impl NoticeDesk {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let peer = *head.extensions.get::<Peer>().expect("the listener names the peer of every request");
        if head.method == Method::POST && !self.read_out(body).await {
            return closing(StatusCode::PAYLOAD_TOO_LARGE);
        }
        if head.method != Method::GET && head.method != Method::POST {
            self.count("wrong_method");
            return plain(StatusCode::METHOD_NOT_ALLOWED);
        }
        match route::parse(head.uri.path(), head.uri.query()) {
            Some(url) => self.take(url, peer).await,
            None => {
                self.count("not_found");
                plain(StatusCode::NOT_FOUND)
            }
        }
    }

    /// Reads a body that nobody needs, so that the connection can carry the next notice.
    async fn read_out(&self, body: Incoming) -> bool {
        let whole = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_BYTES_MAX).collect()).await;
        let is_read = matches!(whole, Ok(Ok(_)));
        if !is_read {
            self.count("body");
        }
        is_read
    }

    async fn take(&self, url: NoticeUrl<'_>, Peer(peer): Peer) -> Response<Full<Bytes>> {
        self.meters.notices().received.inc(label(url.kind));
        if !self.forgeries.admits(peer) {
            self.count("forged_limited");
            return closing(StatusCode::FORBIDDEN);
        }
        let opened = match self.keys.open(url.token, now_ms()) {
            Ok(opened) => opened,
            Err(TokenError::Expired { .. }) => {
                self.count("expired");
                return plain(StatusCode::GONE);
            }
            Err(_) => {
                self.count("forged");
                self.forgeries.forged(peer);
                return plain(StatusCode::FORBIDDEN);
            }
        };
        self.forgeries.genuine(peer);
        let kind = match url.kind {
            NoticeKind::Win if self.bills_on_win.iter().any(|name| **name == *opened.claims.exchange) => {
                NoticeKind::Billing
            }
            kind => kind,
        };
        if let Some(text) = url.min_to_win {
            self.tell(opened.id, &opened.claims, text);
        }
        let price = self.read_price(&opened.claims.exchange, url.price.as_deref());
        let notice = Notice { kind, token: opened.id, claims: opened.claims, price };
        self.record(notice, loss_reason(url.loss)).await
    }

    /// Hands the least price that would have won to the region, before the notice ends the bid. What is no price teaches
    /// nothing, nor does a test.
    fn tell(&self, bid: TokenId, claims: &TokenClaims, text: &str) {
        let SeenPrice::Price(min_to_win) = PriceCodec::Plain.read(text) else { return };
        let min_to_win =
            claims.rate.to_usd(min_to_win, Rounding::Up).filter(|price| !claims.test && !price.is_negative());
        if let (Some(min_to_win), Some(region)) = (min_to_win, self.regions.get(&*claims.region)) {
            region.told(bid, min_to_win);
        }
    }

    async fn record(&self, notice: Notice, loss_reason: &'static str) -> Response<Full<Bytes>> {
        let kind = notice.kind;
        let cell = self.cell(&notice).cloned();
        let recorded =
            self.ledger.call(|reply| LedgerMessage::Notice { notice: Box::new(notice), reply }, RECORD_TIMEOUT).await;
        match recorded {
            Ok(answer) => {
                if let (Outcome::Counted, Some(cell)) = (answer.outcome, cell) {
                    match kind {
                        NoticeKind::Win => cell.wins.inc(),
                        NoticeKind::Billing => cell.billings.inc(),
                        NoticeKind::Loss => cell.losses.inc(loss_reason),
                    }
                    cell.spend_nanos.add(u64::try_from(answer.billed.0).unwrap_or_default());
                }
                if answer.outcome != Outcome::Duplicate {
                    answer.flags.names().for_each(|flag| self.meters.notices().flags.inc(flag));
                }
                self.count(match answer.outcome {
                    Outcome::Counted => "counted",
                    Outcome::Observed => "observed",
                    Outcome::Duplicate => "duplicate",
                });
                plain(StatusCode::OK)
            }
            Err(error) => {
                tracing::debug!(%error, "a notice was not made durable");
                self.count("not_durable");
                let mut response = plain(StatusCode::SERVICE_UNAVAILABLE);
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
        }
    }

    /// Counts what became of a notice.
    fn count(&self, outcome: &'static str) {
        self.meters.notices().outcomes.inc(outcome);
    }

    /// Where a bid is counted; a token may name an exchange or a region that is configured no more.
    fn cell(&self, notice: &Notice) -> Option<&Arc<RegionMeters>> {
        self.meters.exchange(&notice.claims.exchange)?.region(&notice.claims.region)
    }

    /// Reads a price as its exchange writes it; one of an exchange that is configured no more, in clear.
    fn read_price(&self, exchange: &str, text: Option<&str>) -> PriceSeen {
        let codec = self.price_codecs.get(exchange).unwrap_or(&PriceCodec::Plain);
        match codec.read(text.unwrap_or_default()) {
            SeenPrice::Price(price) => PriceSeen::Price(price),
            SeenPrice::Empty => PriceSeen::Empty,
            SeenPrice::Audit => PriceSeen::Audit,
            SeenPrice::Unsubstituted => PriceSeen::Unsubstituted,
            _ => PriceSeen::Unreadable,
        }
    }
}

fn label(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Win => "win",
        NoticeKind::Billing => "billing",
        NoticeKind::Loss => "loss",
    }
}

/// Why a bid lost; exchanges that do not say so leave the macro as it is.
fn loss_reason(code: Option<&str>) -> &'static str {
    code.and_then(|code| code.parse().ok()).map_or("unknown", |code| LossReason(code).label())
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

fn closing(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = plain(status);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
