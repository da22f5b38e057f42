//! HTTP/1.1 as an exchange speaks it: keep-alive, one request at a time, and the truth about how each ended.
//!
//! [`Connection`] is the precise one, on hyper's client. [`Wire`] is the cheap one, for benches: prepared bytes out,
//! a status and a length back. Neither pools, retries or follows anything: who sends decides.

mod answer;
mod connection;
mod endpoint;
mod error;
mod wire;

pub use answer::{Answer, InflateError, NO_BID_HEADER};
pub use connection::Connection;
pub use endpoint::{Endpoint, Outgoing};
pub use error::{ConnectError, SendError};
pub use wire::{Wire, WireAnswer};

/// Largest response body that is read, in bytes (also after inflation).
///
/// Exchanges cut off far below (AppLovin at 4 KB); a larger answer is a fault to report, not to store.
pub const RESPONSE_BYTES_MAX: usize = 1 << 20;
