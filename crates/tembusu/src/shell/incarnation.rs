//! One life of a child: its flags, what it has published, and the scope that fences what it does.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::core::Generation;
use crate::scope::{Lost, Scope};
use crate::table::Withdraw;

/// Distinguishes the publications of all incarnations of the process.
static NEXT_OWNER: AtomicU64 = AtomicU64::new(1);

pub(crate) struct Incarnation {
    pub(crate) generation: Generation,
    pub(crate) owner: u64,
    pub(crate) scope: Arc<Scope>,
    stop: AtomicBool,
    kill: AtomicBool,
    published: Mutex<Vec<Box<dyn Withdraw>>>,
}

impl Incarnation {
    pub(crate) fn new(generation: Generation) -> Arc<Self> {
        Arc::new(Self {
            generation,
            owner: NEXT_OWNER.fetch_add(1, Ordering::Relaxed),
            scope: Scope::new(),
            stop: AtomicBool::new(false),
            kill: AtomicBool::new(false),
            published: Mutex::new(Vec::new()),
        })
    }

    pub(crate) fn request_stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    pub(crate) fn should_stop(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    pub(crate) fn request_kill(&self) {
        self.kill.store(true, Ordering::Release);
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.kill.load(Ordering::Acquire)
    }

    /// Publishes unless this incarnation has been replaced.
    pub(crate) fn publish<T: Send + Sync + 'static>(&self, table: &crate::Table<T>, value: Arc<T>) {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        // Decided under the lock that `withdraw` takes: nothing is published after it.
        if self.scope.is_replaced() {
            return;
        }
        if !table.is_owned_by(self.owner) {
            published.push(table.withdrawer());
        }
        let previous = table.publish(self.owner, value);
        drop(published);
        // Code of a user may run here.
        drop(previous);
    }

    /// Ends what this incarnation may do: its tables are withdrawn, its replies settled, the fence is up.
    pub(crate) fn conclude(&self, lost: Lost) {
        let published = {
            let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
            self.scope.replace();
            std::mem::take(&mut *published)
        };
        for table in &published {
            // The last reader's copy, and with it code of a user, may be dropped here.
            crate::panics::drop_quietly(crate::panics::catch(|| table.withdraw(self.owner)));
        }
        self.scope.conclude(lost);
    }
}
