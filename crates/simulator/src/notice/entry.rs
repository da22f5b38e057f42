//! One notice.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Uri;
use http::uri::PathAndQuery;
use money::Nanos;

/// What a notice tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// The auction was won (`nurl`).
    Win,
    /// The impression is billable (`burl`).
    Billing,
    /// The auction was lost (`lurl`).
    Loss,
}

/// How a notice is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeMethod {
    /// As most exchanges do.
    Get,
    /// With an empty body, as some do.
    Post,
}

/// What identifies a bid over all exchanges.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BidKey {
    /// The exchange's name.
    pub exchange: Arc<str>,
    /// The request's id.
    pub auction: String,
    /// The impression's id.
    pub imp: String,
    /// The bid's id.
    pub bid: String,
}

/// A notice that is to be sent.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The bid that it is about.
    pub bid: BidKey,
    /// The bid's `cid`.
    pub campaign: String,
    /// What it tells.
    pub kind: NoticeKind,
    /// How it is sent.
    pub method: NoticeMethod,
    /// Where it goes.
    pub destination: Destination,
    /// What it bills; `None` if it is not billable (a test, an audit, another event than the one that bills).
    pub amount: Option<Nanos>,
}

/// The address and path of a notice URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Where to connect to.
    pub address: SocketAddr,
    /// Path and query, macros substituted.
    pub path: PathAndQuery,
}

/// A notice URL that cannot be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DestinationError {
    /// Not a URL.
    #[error("notice url {0:?} is not a url")]
    NotAUrl(String),
    /// A scheme other than http: notices go from server to server on a trusted network.
    #[error("notice url {0:?} is not http")]
    NotHttp(String),
    /// A host that is no address; nothing is looked up here.
    #[error("notice url {0:?} names a host: give the simulator the address of the notice listener")]
    NamedHost(String),
}

impl Destination {
    /// Reads a notice URL whose macros have been substituted; `address` replaces the URL's own.
    ///
    /// # Errors
    ///
    /// [`DestinationError`] if it cannot be called.
    pub fn parse(url: &str, address: Option<SocketAddr>) -> Result<Self, DestinationError> {
        let uri: Uri = url.parse().map_err(|_| DestinationError::NotAUrl(url.to_owned()))?;
        if uri.scheme_str() != Some("http") {
            return Err(DestinationError::NotHttp(url.to_owned()));
        }
        let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        if let Some(address) = address {
            return Ok(Self { address, path });
        }
        let named = || DestinationError::NamedHost(url.to_owned());
        let host = uri.host().ok_or_else(named)?.trim_start_matches('[').trim_end_matches(']');
        let host = if host == "localhost" { "127.0.0.1" } else { host };
        let ip = host.parse().map_err(|_| named())?;
        Ok(Self { address: SocketAddr::new(ip, uri.port_u16().unwrap_or(80)), path })
    }
}

/// How far a notice has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoticeState {
    /// Recorded; no byte sent.
    Queued,
    /// Sent at least once, not acknowledged: the server may or may not have it.
    Unacknowledged,
    /// Answered with 2xx.
    Acknowledged,
    /// Answered with this status, which no repetition will change.
    Refused(u16),
}

/// A notice in the record.
#[derive(Clone, Debug)]
pub struct RecordedNotice {
    /// What was to be sent.
    pub notice: Notice,
    /// How far it has come.
    pub state: NoticeState,
    /// How often it was tried, with or without a connection.
    pub attempts: u32,
}
