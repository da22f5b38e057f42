//! Requests of operators: each is brought to the core as an event, and waits for the effect that answers it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Node, lock};
use crate::core::{Event as CoreEvent, KeyHashes, Refused, Request, RequestId};
use crate::later;
use crate::panics;
use crate::reply::Reply;

/// Requests whose answers are awaited. `None` once there will be none any more.
pub(super) type Awaited = Option<HashMap<RequestId, Reply<Result<(), Refused>>, KeyHashes>>;

impl Node {
    /// Asks the core and waits for its answer.
    pub(crate) async fn ask(self: &Arc<Self>, request: Request) -> Result<(), Refused> {
        if self.core.get().is_none() {
            return Err(Refused::Stopping);
        }
        let id = RequestId(self.next_request.fetch_add(1, Ordering::Relaxed));
        let (answer, result) = Reply::channel();
        match lock(&self.requests).as_mut() {
            Some(awaited) => drop(awaited.insert(id, answer)),
            None => return Err(Refused::Stopping),
        }
        self.send(CoreEvent::Request { id, request });
        result.await.unwrap_or(Err(Refused::Stopping))
    }

    /// What the core says to a request.
    pub(super) fn answer(&self, id: RequestId, result: Result<(), Refused>) {
        let answer = lock(&self.requests).as_mut().and_then(|awaited| awaited.remove(&id));
        if let Some(answer) = answer {
            // Whoever asked may have brought a waker of its own.
            later::afterwards(move || drop(answer.send(result)));
        }
    }

    /// Nobody will be answered any more.
    pub(super) fn end_requests(&self) {
        let awaited = lock(&self.requests).take();
        // Whoever asked may have brought a waker of its own.
        panics::drop_quietly(awaited);
    }
}
