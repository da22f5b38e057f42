//! Which incarnation the running code belongs to.
//!
//! While a poll of an actor runs, the thread knows its scope. Two things hang on it: a reply that is dropped
//! during `handle` is settled when `handle` has ended, with the truth about how; and nothing that a replaced
//! incarnation does through the library has an effect (the generation fence).

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use tokio::time::Instant;

use crate::exit::ExitReason;
use crate::panics;
use crate::sync::{AtomicBool, Mutex, thread_local};

/// What a caller learns when its reply will not come.
#[derive(Clone, Debug)]
pub(crate) enum Lost {
    Unanswered,
    Died(ExitReason),
    Gone,
    /// Its deadline had passed when its turn came.
    Expired,
    /// Its queue was full, and the overflow policy dropped it.
    Shed,
}

/// A call that waits for its answer. What it learns first is what counts.
pub(crate) trait Settle: Send + Sync {
    fn settle(&self, lost: Lost);
}

enum Fate {
    /// Keep dropped replies until it is known how `handle` ended.
    Pending(Vec<Arc<dyn Settle>>),
    /// Settle dropped replies at once.
    Known(Lost),
}

/// What has a scope: an incarnation, of which it is a part, or a queue that is being emptied.
pub(crate) trait Scoped: Send + Sync {
    fn scope(&self) -> &Scope;
}

impl Scoped for Scope {
    fn scope(&self) -> &Scope {
        self
    }
}

/// The scope of one incarnation, or of a queue that is being emptied.
pub(crate) struct Scope {
    replaced: AtomicBool,
    /// Whether replies are pending. Written and read by the thread that polls the incarnation: it spares the lock.
    has_pending: AtomicBool,
    fate: Mutex<Fate>,
    /// Until when the caller of the message at hand waits.
    deadline: crate::deadline::Shared,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<dyn Scoped>>> = const { RefCell::new(None) };
}

impl Scope {
    pub(crate) fn new() -> Self {
        Self::with(Fate::Pending(Vec::new()))
    }

    /// A scope in which every dropped reply is settled at once.
    pub(crate) fn settling(lost: Lost) -> Arc<Self> {
        Arc::new(Self::with(Fate::Known(lost)))
    }

    fn with(fate: Fate) -> Self {
        Self {
            replaced: AtomicBool::new(false),
            has_pending: AtomicBool::new(false),
            fate: Mutex::new(fate),
            deadline: Default::default(),
        }
    }

    /// Runs `f` as this scope, or outside any with `None`.
    pub(crate) fn enter<T>(mut scope: Option<Arc<dyn Scoped>>, f: impl FnOnce() -> T) -> T {
        Self::enter_owned(&mut scope, f)
    }

    /// Runs `f` as the scope that is lent, which is given back: a poll costs no count of references.
    pub(crate) fn enter_owned<T>(scope: &mut Option<Arc<dyn Scoped>>, f: impl FnOnce() -> T) -> T {
        /// Holds the scope around this one meanwhile.
        struct Leave<'a>(&'a mut Option<Arc<dyn Scoped>>);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                CURRENT.with(|current| std::mem::swap(&mut *current.borrow_mut(), self.0));
            }
        }
        CURRENT.with(|current| std::mem::swap(&mut *current.borrow_mut(), scope));
        let _leave = Leave(scope);
        f()
    }

    /// Whether the running code belongs to an incarnation that has been replaced.
    #[inline]
    pub(crate) fn current_is_replaced() -> bool {
        CURRENT.with(|current| current.borrow().as_ref().is_some_and(|current| current.scope().is_replaced()))
    }

    /// Until when the caller of the message that the running code handles waits.
    pub(crate) fn current_deadline() -> Option<Instant> {
        CURRENT.with(|current| current.borrow().as_ref().and_then(|current| current.scope().deadline.get()))
    }

    /// Until when the caller of the message at hand waits, as far as is known.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline.get()
    }

    pub(crate) fn set_deadline(&self, deadline: Option<Instant>) {
        self.deadline.set(deadline);
    }

    /// Settles a dropped reply as the current scope says.
    pub(crate) fn settle_dropped(call: Arc<dyn Settle>) {
        let current = CURRENT.with(|current| current.borrow().clone());
        let Some(current) = current else { return call.settle(Lost::Unanswered) };
        let scope = current.scope();
        let mut fate = scope.fate.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *fate {
            Fate::Pending(pending) => {
                pending.push(call);
                scope.has_pending.store(true, Ordering::Relaxed);
            }
            Fate::Known(lost) => {
                let lost = lost.clone();
                drop(fate);
                call.settle(lost);
            }
        }
    }

    #[inline]
    pub(crate) fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Acquire)
    }

    pub(crate) fn replace(&self) {
        self.replaced.store(true, Ordering::Release);
    }

    /// `handle` ended in order: replies dropped in it will not come.
    #[inline]
    pub(crate) fn settle_orderly(&self) {
        if !self.has_pending.load(Ordering::Relaxed) {
            return;
        }
        self.settle_pending();
    }

    #[cold]
    fn settle_pending(&self) {
        self.has_pending.store(false, Ordering::Relaxed);
        let mut fate = self.fate.lock().unwrap_or_else(PoisonError::into_inner);
        let Fate::Pending(pending) = &mut *fate else { return };
        let pending = std::mem::take(pending);
        drop(fate);
        settle_all(pending, &Lost::Unanswered);
    }

    /// The incarnation is over: settles what is pending, and from now on at once. Its first fate is the true one.
    pub(crate) fn conclude(&self, lost: Lost) {
        // No message is at hand any more.
        self.set_deadline(None);
        let pending = {
            let mut fate = self.fate.lock().unwrap_or_else(PoisonError::into_inner);
            let Fate::Pending(pending) = &mut *fate else { return };
            let pending = std::mem::take(pending);
            *fate = Fate::Known(lost.clone());
            pending
        };
        settle_all(pending, &lost);
    }
}

/// Whoever waits may bring a waker of its own; a panic of one must not cost the others their answers.
fn settle_all(pending: Vec<Arc<dyn Settle>>, lost: &Lost) {
    for call in pending {
        panics::drop_quietly(panics::catch(move || call.settle(lost.clone())));
    }
}
