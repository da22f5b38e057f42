//! One connection's worth of an exchange: connects when needed, sends, counts.
//!
//! Promises: a connection closed while idle costs no request (the request goes out on a new one, as an exchange would
//! do it); one closed in flight loses its request and is never sent again: the server may have acted on it.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Outcome, TallySheet};
use crate::client::{ConnectError, Connection, Endpoint, Outgoing, SendError};

/// Longest wait for a connect: far beyond a loopback or data-centre round trip.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// How often a request is moved to a new connection because the one at hand was closed while idle.
const MOVES_MAX: u32 = 2;

/// A keep-alive connection that is opened again when it is gone.
#[derive(Debug)]
pub struct Lane {
    endpoint: Endpoint,
    connection: Option<Connection>,
    tally: TallySheet,
    /// How long an answer is awaited before the request is given up.
    give_up: Duration,
}

impl Lane {
    /// Makes a lane that connects at its first request.
    pub fn new(endpoint: Endpoint, tally: TallySheet, give_up: Duration) -> Self {
        Self { endpoint, connection: None, tally, give_up }
    }

    /// Returns where the lane leads.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Opens the connection now, so that the first request does not pay for it.
    ///
    /// # Errors
    ///
    /// [`ConnectError`], counted.
    pub async fn open(&mut self) -> Result<(), ConnectError> {
        if self.connection.is_none() {
            let opened = Connection::connect(self.endpoint.address, CONNECT_WITHIN).await;
            self.tally.update(|tally| match &opened {
                Ok(_) => tally.connects += 1,
                Err(ConnectError::Refused) => tally.refused += 1,
                Err(_) => tally.connect_failed += 1,
            });
            self.connection = Some(opened?);
        }
        Ok(())
    }

    /// Posts a body that was due at `due` and counts how it ended.
    ///
    /// Lateness is counted against `tmax`, if there is one.
    pub async fn post(&mut self, body: Bytes, due: Instant, tmax: Option<Duration>) -> Outcome {
        self.send(|endpoint| endpoint.post(body.clone()), due, tmax).await
    }

    /// As [`post`](Self::post), with any request; it is made again if it must move to a new connection.
    pub async fn send(
        &mut self,
        make: impl Fn(&Endpoint) -> Outgoing,
        due: Instant,
        tmax: Option<Duration>,
    ) -> Outcome {
        self.tally.update(|tally| tally.scheduled += 1);
        for _ in 0..=MOVES_MAX {
            if let Err(error) = self.open().await {
                self.tally.update(|tally| tally.unconnected += 1);
                return Outcome::Unconnected(error);
            }
            let Some(connection) = &mut self.connection else { continue };
            match connection.send(make(&self.endpoint), self.give_up).await {
                Ok(answer) => {
                    self.tally.update(|tally| {
                        tally.sent += 1;
                        tally.count_answer(&answer, due, tmax);
                    });
                    return Outcome::Answered(answer);
                }
                Err(SendError::ClosedIdle) => {
                    self.connection = None;
                    self.tally.update(|tally| tally.closed_idle += 1);
                }
                Err(error) => {
                    self.connection = None;
                    self.tally.update(|tally| {
                        tally.sent += 1;
                        match error {
                            SendError::TimedOut => tally.timed_out += 1,
                            SendError::Unusable(_) => tally.unreadable_answer(),
                            _ => tally.closed_in_flight += 1,
                        }
                    });
                    return Outcome::Failed(error);
                }
            }
        }
        self.tally.update(|tally| tally.unconnected += 1);
        Outcome::Failed(SendError::ClosedIdle)
    }

    /// Looks whether the server has closed the idle connection, and counts it; the end of a run calls this once.
    pub async fn check(&mut self) -> bool {
        let Some(connection) = &mut self.connection else { return false };
        let closed = connection.is_closed().await;
        if closed {
            self.connection = None;
            self.tally.update(|tally| tally.closed_idle += 1);
        }
        closed
    }
}

impl super::Tally {
    /// An answer that is no HTTP counts as one with an unexpected status: it is lost either way.
    fn unreadable_answer(&mut self) {
        self.other_status += 1;
    }
}
