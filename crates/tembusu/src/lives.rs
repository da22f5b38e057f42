//! Who is behind an address: the incarnation that serves it now, if one does, and whether there will be none any
//! more. It is touched when an incarnation begins and when the queue is closed for good, never for a message.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use crate::shell::incarnation::Incarnation;

#[derive(Default)]
pub(crate) struct Lives(Mutex<State>);

#[derive(Default)]
struct State {
    current: Weak<Incarnation>,
    gone: bool,
    /// Made when the first one waits for the end of everything.
    closed: Option<Arc<Notify>>,
}

impl Lives {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self, incarnation: &Arc<Incarnation>) {
        self.lock().current = Arc::downgrade(incarnation);
    }

    /// The incarnation that serves the address, from the beginning of its `init` to its end.
    pub(crate) fn current(&self) -> Option<Arc<Incarnation>> {
        let current = self.lock().current.upgrade()?;
        (!current.scope.is_replaced()).then_some(current)
    }

    /// There will be no incarnation any more.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.gone = true;
        let closed = state.closed.take();
        drop(state);
        if let Some(closed) = closed {
            closed.notify_waiters();
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().gone
    }

    /// Waits until [`close`](Self::close).
    pub(crate) async fn closed(&self) {
        loop {
            let notify = {
                let mut state = self.lock();
                if state.gone {
                    return;
                }
                Arc::clone(state.closed.get_or_insert_default())
            };
            let mut closed = std::pin::pin!(notify.notified());
            closed.as_mut().enable();
            if self.lock().gone {
                return;
            }
            crate::poll::deferring(closed).await;
        }
    }
}
