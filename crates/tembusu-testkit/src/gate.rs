//! A gate at which children wait for the test: politely at an await, or holding on to their thread.
//!
//! It opens once and stays open. It never opens by itself.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::sync::Notify;

/// A gate that is closed until it is [opened](Self::open).
#[derive(Clone, Debug, Default)]
pub struct Gate {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
    notify: Notify,
}

#[derive(Debug, Default)]
struct State {
    open: bool,
    reached: u64,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.change(|state| state.open = true);
    }

    /// Waits at an await until it is open.
    pub async fn pass(&self) {
        self.change(|state| state.reached += 1);
        self.until(|state| state.open).await;
    }

    /// Waits until it is open without giving the thread away: a child that never yields.
    pub fn block(&self) {
        self.change(|state| state.reached += 1);
        let state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.inner.changed.wait_while(state, |state| !state.open);
        drop(state.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until `count` have come to the gate, whether it is open or not.
    pub async fn reached(&self, count: u64) {
        self.until(|state| state.reached >= count).await;
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.inner.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.inner.changed.notify_all();
        self.inner.notify.notify_waiters();
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.inner.notify.notified());
            changed.as_mut().enable();
            if holds(&self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)) {
                return;
            }
            changed.await;
        }
    }
}
