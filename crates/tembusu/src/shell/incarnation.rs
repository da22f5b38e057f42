//! One life of a child: its flags, what it has published, and the scope that fences what it does.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::core::Generation;
use crate::exit::ExitReason;
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
    /// Set once, by the first panic inside an inline call.
    verdict: OnceLock<ExitReason>,
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
            verdict: OnceLock::new(),
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

    /// Condemns it, once: a panic inside an inline call is its end. False when it was condemned already.
    pub(crate) fn condemn(&self, reason: ExitReason) -> bool {
        self.verdict.set(reason).is_ok()
    }

    pub(crate) fn is_condemned(&self) -> bool {
        self.verdict.get().is_some()
    }

    /// What it is said to have died of: why it was condemned, or else `reason`.
    pub(crate) fn verdict_or(&self, reason: ExitReason) -> ExitReason {
        self.verdict.get().cloned().unwrap_or(reason)
    }

    /// Publishes unless this incarnation has been replaced.
    pub(crate) fn publish<T: Send + Sync + 'static>(&self, table: &crate::Table<T>, value: Arc<T>) {
        let withdraw = |owner| (!table.is_owned_by(owner)).then(|| table.withdrawer());
        self.publish_with(withdraw, |owner| table.publish(owner, value));
    }

    /// Publishes unless this incarnation has been replaced or condemned: `withdraw` says how it is taken back,
    /// unless that is known already; `publish` returns what was there before.
    pub(crate) fn publish_with<P>(
        &self,
        withdraw: impl FnOnce(u64) -> Option<Box<dyn Withdraw>>,
        publish: impl FnOnce(u64) -> P,
    ) {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        // Decided under the lock that `conclude` takes: nothing is published after it.
        if self.scope.is_replaced() || self.is_condemned() {
            return;
        }
        published.extend(withdraw(self.owner));
        let previous = publish(self.owner);
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
