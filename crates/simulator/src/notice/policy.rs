//! How notices are sent, and what goes wrong on purpose.

use std::net::SocketAddr;
use std::time::Duration;

/// How notices are sent.
#[derive(Clone, Debug)]
pub struct NoticePolicy {
    /// Connects there, whatever host the URLs name.
    pub address: Option<SocketAddr>,
    /// Keep-alive connections for notices.
    pub connections: usize,
    /// How long an answer is awaited.
    pub answer_within: Duration,
    /// How often a notice is sent at most before it is left unacknowledged.
    pub attempts_max: u32,
    /// How long after an attempt without acknowledgement the next follows.
    pub retry_after: Duration,
    /// How long after the auction an impression becomes billable: a range, drawn for each.
    pub billing_delay: (Duration, Duration),
    /// Whether losses are told.
    pub tell_losses: bool,
    /// Wins of 1000 whose impression never becomes billable.
    pub unrendered_per_mille: u32,
    /// Acknowledged notices of 1000 that are sent once more.
    pub duplicate_per_mille: u32,
    /// Acknowledgements of 1000 that are thrown away, so that the notice is repeated.
    pub lose_ack_per_mille: u32,
    /// Lost bids of 1000 whose billing URL is called with `AUDIT` for review.
    pub audit_per_mille: u32,
}

impl NoticePolicy {
    /// Sixteen connections (a notice is answered when it is durable, so each carries a few hundred a second), quick retries, some impressions never rendered, nothing wrong on purpose.
    pub fn usual() -> Self {
        Self {
            address: None,
            connections: 16,
            answer_within: Duration::from_secs(2),
            attempts_max: 8,
            retry_after: Duration::from_millis(200),
            billing_delay: (Duration::from_millis(5), Duration::from_millis(250)),
            tell_losses: true,
            unrendered_per_mille: 50,
            duplicate_per_mille: 0,
            lose_ack_per_mille: 0,
            audit_per_mille: 0,
        }
    }

    /// The usual policy with duplicates, lost acknowledgements and audits.
    pub fn troublesome() -> Self {
        Self { duplicate_per_mille: 50, lose_ack_per_mille: 50, audit_per_mille: 20, ..Self::usual() }
    }
}
