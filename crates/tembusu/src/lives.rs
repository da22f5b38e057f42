//! Who is behind an address: the incarnation that serves it now, if one does, and whether there will be none any
//! more. It is touched when an incarnation begins and when the queue is closed for good, never for a message, and by a
//! caller only when it has waited for long ([`crate::patience`]).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::exit::ExitReason;
use crate::patience::Callers;
use crate::scope::Settle;
use crate::shell::incarnation::Incarnation;
use crate::ties::new_key;

#[derive(Default)]
pub(crate) struct Lives(Mutex<State>);

#[derive(Default)]
struct State {
    current: Weak<Incarnation>,
    gone: bool,
    /// Made when the first one needs it: most queues never do.
    rare: Option<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    /// For those who wait for the end of everything.
    closed: Option<Arc<Notify>>,
    callers: Callers,
}

impl State {
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

/// A caller that has waited for long, as long as it waits.
pub(crate) struct Known<'a> {
    lives: &'a Lives,
    key: u64,
}

impl Drop for Known<'_> {
    fn drop(&mut self) {
        let call = self.lives.lock().rare.as_mut().and_then(|rare| rare.callers.forget(self.key));
        drop(call);
    }
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
        let closed = state.rare.as_mut().and_then(|rare| rare.closed.take());
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
                Arc::clone(state.rare().closed.get_or_insert_default())
            };
            let mut closed = std::pin::pin!(notify.notified());
            closed.as_mut().enable();
            if self.lock().gone {
                return;
            }
            crate::poll::deferring(closed).await;
        }
    }

    /// Makes a caller known that has waited `since`, or says what has become of its call.
    pub(crate) fn know(
        &self,
        since: Instant,
        deadline: Instant,
        call: Arc<dyn Settle>,
    ) -> Result<Known<'_>, ExitReason> {
        let key = new_key();
        self.lock().rare().callers.know(key, since, deadline, call)?;
        Ok(Known { lives: self, key })
    }

    /// The call with that deadline was in the hands of an incarnation that is given up: its caller is told.
    pub(crate) fn give_up(&self, deadline: Instant, reason: &ExitReason) {
        let now = Instant::now();
        let told = self.lock().rare().callers.give_up(deadline, now, reason);
        told.tell(reason);
    }
}
