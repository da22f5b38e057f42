//! Why campaigns drop out of auctions: the first reason of each, for a sampled share of an exchange's requests.
//!
//! The bid path only sets a request aside, with what became of the candidates that it looked at ([`DropSampler`]); a thread of
//! its own asks all campaigns afterwards and counts ([`DropRecorder`]). On demand an operator explains one request:
//! [`ExchangePort::explain`](crate::ExchangePort::explain).

mod counts;
mod recorder;
mod sampler;

pub use counts::{DropCounts, DropReport};
pub use recorder::{DropMessage, DropRecorder, DropRecorderArgs, LOOK_INTERVAL};
pub use sampler::{DropSampler, SAMPLES_MAX, Sample};
