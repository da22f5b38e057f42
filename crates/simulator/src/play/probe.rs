//! A connection of its own beside the steady load: one payload at a time, each answer awaited.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::client::{ConnectError, Endpoint};
use crate::load::{Lane, Outcome, Tally, TallySheet};
use crate::traffic::HostilePayload;

/// Sends payloads one at a time over one keep-alive connection.
#[derive(Debug)]
pub struct Probe {
    lane: Lane,
    tally: TallySheet,
}

impl Probe {
    /// Makes a probe; it connects at its first request, or with [`open`](Self::open).
    pub fn new(endpoint: Endpoint, give_up: Duration) -> Self {
        let tally = TallySheet::new();
        Self { lane: Lane::new(endpoint, tally.clone(), give_up), tally }
    }

    /// Connects now.
    ///
    /// # Errors
    ///
    /// [`ConnectError`], counted.
    pub async fn open(&mut self) -> Result<(), ConnectError> {
        self.lane.open().await
    }

    /// Posts a hostile payload and waits for how it ends.
    pub async fn hostile(&mut self, payload: &HostilePayload) -> Outcome {
        self.lane.send(|endpoint| payload.post(endpoint), Instant::now(), None).await
    }

    /// Posts a body in the endpoint's form and waits for how it ends.
    pub async fn post(&mut self, body: Bytes) -> Outcome {
        self.lane.post(body, Instant::now(), None).await
    }

    /// Looks whether the server has closed the idle connection.
    pub async fn check(&mut self) -> bool {
        self.lane.check().await
    }

    /// Returns the counts so far.
    pub fn tally(&self) -> Tally {
        self.tally.snapshot()
    }
}
