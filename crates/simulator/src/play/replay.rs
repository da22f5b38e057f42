//! Sends given bodies, each once, and tells how each was answered: for corpora.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::{Answer, Endpoint, SendError};
use crate::load::{Lane, Outcome, Tally, TallySheet};

/// A replay.
#[derive(Clone, Debug)]
pub struct ReplayPlan {
    /// Where to, with which headers.
    pub endpoint: Endpoint,
    /// The bodies, in wire form.
    pub bodies: Vec<Bytes>,
    /// Keep-alive connections, each with one request at a time.
    pub connections: usize,
    /// How long an answer is awaited.
    pub give_up: Duration,
}

/// How one body was answered.
#[derive(Debug)]
pub struct Replayed {
    /// The number of the body, from 0.
    pub index: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// From the sending to the end.
    pub took: Duration,
}

impl Replayed {
    /// Returns the answer, if there was one.
    pub fn answer(&self) -> Option<&Answer> {
        match &self.outcome {
            Outcome::Answered(answer) => Some(answer),
            _ => None,
        }
    }

    /// Returns the status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.answer().map(|answer| answer.status.as_u16())
    }
}

/// Sends every body once and returns how each was answered, in order, with the counts.
pub async fn replay(plan: ReplayPlan) -> (Vec<Replayed>, Tally) {
    let tally = TallySheet::new();
    let next = Arc::new(AtomicUsize::new(0));
    let total = plan.bodies.len();
    let results = Arc::new(Mutex::new(Vec::with_capacity(total)));
    let bodies: Arc<[Bytes]> = plan.bodies.into();
    let mut lanes = JoinSet::new();
    for _ in 0..plan.connections.max(1) {
        let (bodies, next, results) = (bodies.clone(), next.clone(), results.clone());
        let mut lane = Lane::new(plan.endpoint.clone(), tally.clone(), plan.give_up);
        lanes.spawn(async move {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(body) = bodies.get(index) else { break };
                let due = Instant::now();
                let outcome = lane.post(body.clone(), due, None).await;
                let took = due.elapsed();
                results.lock().unwrap_or_else(PoisonError::into_inner).push(Replayed { index, outcome, took });
            }
            lane.check().await;
        });
    }
    while lanes.join_next().await.is_some() {}
    let mut results = std::mem::take(&mut *results.lock().unwrap_or_else(PoisonError::into_inner));
    debug_assert!(results.len() == total, "every body has one result");
    results.sort_by_key(|replayed| replayed.index);
    (results, tally.snapshot())
}

impl Replayed {
    /// Returns why there was no answer although there was a connection.
    pub fn failure(&self) -> Option<&SendError> {
        match &self.outcome {
            Outcome::Failed(error) => Some(error),
            _ => None,
        }
    }
}
