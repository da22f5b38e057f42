//! Inline calls: synchronous `&self` handlers of an actor, run on the caller's thread.
//!
//! A view is made before the tree and passed to its owner and to its callers as an ordinary argument. The owner
//! publishes a trait object through its context; callers enter it without a hop, a copy or a queue.
//!
//! **Failure.** The first panic inside condemns the incarnation that published: by compare-and-swap, so that any
//! number of panics at once is one charge. Its caller learns [`InlineError::Died`] and goes on; the owner ends as
//! if it had panicked itself, at its next await, and its supervisor decides. Calls that are inside finish on the
//! snapshot that they entered, and their results stand. No new call enters; one that arrives waits for the next
//! incarnation within its deadline. A panic in a nested inline call is charged to the innermost owner; the outer
//! handler is told by a value.
//!
//! **End.** What an incarnation has published is withdrawn when it ends. The snapshot is dropped by whoever lets
//! go of it last: the owner's thread, or that of the last caller inside. A panic of its destructor goes no
//! further on either.
//!
//! **A call that does not return** holds its caller's thread, and nothing can end it. The watchdog sees it after two
//! heartbeats of the owner, as it sees a poll: the owner's generation is condemned and ends as
//! [`ExitReason::Unresponsive`], charged once; other callers wait for the next one. What the call would have brought is
//! lost. A caller that is an actor is stuck with it, and loses its slot by its own heartbeat; one that is not keeps its
//! thread as long as the call does. An owner whose calls may take long says so by its own
//! [heartbeat](crate::ChildSpec::heartbeat).
//!
//! **Cost.** Without a crash: one load of the snapshot, one catch, a look at two flags, a few plain stores that say whose
//! call it is; no clock is read and nothing is allocated.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::context::NEVER;
use crate::exit::ExitReason;
use crate::later;
use crate::mailbox::Refusal;
use crate::panics::{self, Caught};
use crate::poll::{self, deferring};
use crate::scope::Scope;
use crate::shell::incarnation::Incarnation;
use crate::shell::slot::Slot;
use crate::table::Withdraw;

/// A view of an actor whose handlers run on the caller's thread.
///
/// `V` is usually a trait object, so that a stand-in can publish the same view.
///
/// ```
/// use std::{convert::Infallible, sync::Arc, time::Duration};
/// use tembusu::{Actor, Context, Flow, Init, Inline, Supervisor, child};
///
/// trait Price: Send + Sync {
///     fn of(&self, quantity: u64) -> u64;
/// }
///
/// struct PerPiece(u64);
///
/// impl Price for PerPiece {
///     fn of(&self, quantity: u64) -> u64 {
///         self.0 * quantity
///     }
/// }
///
/// struct Pricing;
///
/// impl Actor for Pricing {
///     type Message = ();
///     type Args = Inline<dyn Price>;
///     type Crash = Infallible;
///
///     async fn init(view: &Inline<dyn Price>, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
///         cx.publish_view(view, Arc::new(PerPiece(7)));
///         Ok(Init::Ready(Self))
///     }
///
///     async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow, Infallible> {
///         Ok(Flow::Continue)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let price = Inline::<dyn Price>::new("price");
/// let mut root = Supervisor::one_for_one("root");
/// root.add(child::<Pricing>("pricing", price.clone()));
/// let _tree = root.start().await?;
/// assert_eq!(price.call(|price| price.of(6), Duration::from_millis(50)).await?, 42);
/// assert_eq!(price.try_call(|price| price.of(3))?, 21);
/// # Ok(())
/// # }
/// ```
///
/// # On restart
///
/// The handle works on; callers enter the next incarnation once it has published.
pub struct Inline<V: ?Sized> {
    inner: Arc<Inner<V>>,
}

struct Inner<V: ?Sized> {
    name: Box<str>,
    published: ArcSwapOption<Snapshot<V>>,
    /// Something was published or withdrawn, or the owner's address has changed its state.
    changed: Notify,
    owner: Mutex<Owner>,
}

/// Who published last.
#[derive(Default)]
struct Owner {
    /// The incarnation that may withdraw.
    id: u64,
    slot: Option<Weak<Slot>>,
}

/// What one incarnation has published.
struct Snapshot<V: ?Sized> {
    /// `None` only while it is being dropped.
    view: Option<Arc<V>>,
    incarnation: Arc<Incarnation>,
    slot: Weak<Slot>,
}

impl<V: ?Sized> Drop for Snapshot<V> {
    /// On whichever thread lets go last, and under the fence of the incarnation that it belonged to.
    fn drop(&mut self) {
        let view = self.view.take();
        Scope::enter(Some(Arc::clone(&self.incarnation) as _), || panics::drop_quietly(view));
    }
}

/// What became of an attempt to enter.
enum Entry<R, F> {
    Done(R),
    Failed(InlineError),
    /// No incarnation is there to enter. The closure is handed back.
    NotNow(F),
}

impl<V: ?Sized + Send + Sync + 'static> Inline<V> {
    /// A view that nobody has published yet.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>) -> Self {
        let inner = Inner {
            name: name.into(),
            published: ArcSwapOption::empty(),
            changed: Notify::new(),
            owner: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Whether a call would enter now.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.inner.published.load().as_ref().is_some_and(|snapshot| !snapshot.incarnation.is_condemned())
    }

    /// Runs `f` on what the owner has published; waits for the next incarnation when there is none, but not
    /// longer than `within`.
    ///
    /// The deadline bounds the wait for an incarnation, not `f`, which runs without an await.
    ///
    /// # Errors
    ///
    /// See [`InlineError`]. It never panics: a panic inside is the owner's.
    ///
    /// # Cancel safety
    ///
    /// A dropped call has not run `f`.
    pub async fn call<R>(&self, f: impl FnOnce(&V) -> R, within: Duration) -> Result<R, InlineError> {
        match self.enter(f) {
            Entry::Done(result) => Ok(result),
            Entry::Failed(error) => Err(error),
            Entry::NotNow(f) => {
                let now = Instant::now();
                Box::pin(self.wait(f, now.checked_add(within).unwrap_or_else(|| now + NEVER))).await
            }
        }
    }

    /// Like [`call`](Self::call), until an instant.
    ///
    /// # Errors
    ///
    /// See [`InlineError`].
    pub async fn call_until<R>(&self, f: impl FnOnce(&V) -> R, deadline: Instant) -> Result<R, InlineError> {
        match self.enter(f) {
            Entry::Done(result) => Ok(result),
            Entry::Failed(error) => Err(error),
            // A wait is rare and large: in a box it is not carried along by every call.
            Entry::NotNow(f) => Box::pin(self.wait(f, deadline)).await,
        }
    }

    /// Like [`call`](Self::call), and never waits: for synchronous code, and for calls from inside another view.
    ///
    /// # Errors
    ///
    /// [`InlineError::Unavailable`] while there is no incarnation to enter; otherwise see [`InlineError`].
    pub fn try_call<R>(&self, f: impl FnOnce(&V) -> R) -> Result<R, InlineError> {
        match self.enter(f) {
            Entry::Done(result) => Ok(result),
            Entry::Failed(error) => Err(error),
            Entry::NotNow(_) => Err(self.refusal().unwrap_or(InlineError::Unavailable)),
        }
    }

    #[inline]
    fn enter<R, F: FnOnce(&V) -> R>(&self, f: F) -> Entry<R, F> {
        if Scope::current_is_replaced() {
            return Entry::Failed(InlineError::Gone);
        }
        let snapshot = self.inner.published.load();
        let Some(Snapshot { view: Some(view), incarnation, slot }) = snapshot.as_deref() else {
            return Entry::NotNow(f);
        };
        if incarnation.is_condemned() {
            return Entry::NotNow(f);
        }
        // Outside the catch: unwinding runs no destructor of ours.
        let calling = poll::calling(incarnation.owner);
        let caught = panics::catch(|| f(view));
        drop(calling);
        match caught {
            Ok(result) => Entry::Done(result),
            Err(caught) => Entry::Failed(condemn(slot, incarnation, caught)),
        }
    }

    #[cold]
    async fn wait<R, F: FnOnce(&V) -> R>(&self, mut f: F, deadline: Instant) -> Result<R, InlineError> {
        loop {
            let mut changed = pin!(self.inner.changed.notified());
            changed.as_mut().enable();
            match self.enter(f) {
                Entry::Done(result) => return Ok(result),
                Entry::Failed(error) => return Err(error),
                Entry::NotNow(again) => f = again,
            }
            if let Some(refused) = self.refusal() {
                return Err(refused);
            }
            if timeout_at(deadline, deferring(changed)).await.is_err() {
                return Err(InlineError::Timeout);
            }
        }
    }

    /// Why there is nobody, and nobody on the way: what the owner's address says.
    #[cold]
    fn refusal(&self) -> Option<InlineError> {
        let slot = self.inner.owner().slot.clone()?;
        let Some(slot) = slot.upgrade() else { return Some(InlineError::Gone) };
        let refusal = slot.queue().refusal();
        // With the last reference to the slot, code of a user is dropped.
        panics::drop_quietly(slot);
        match refusal? {
            Refusal::Degraded => Some(InlineError::Degraded),
            Refusal::Gone => Some(InlineError::Gone),
            // A draining child that crashed comes back to handle what waits.
            Refusal::Full | Refusal::Draining => None,
        }
    }

    pub(crate) fn publish(&self, incarnation: &Arc<Incarnation>, slot: &Arc<Slot>, view: Arc<V>) {
        incarnation.publish_with(
            |owner| {
                if self.inner.owner().id == owner {
                    return None;
                }
                slot.watched_by(Arc::downgrade(&self.inner) as Weak<dyn Watcher>);
                Some(Box::new(self.clone()))
            },
            |owner| {
                let snapshot =
                    Snapshot { view: Some(view), incarnation: Arc::clone(incarnation), slot: Arc::downgrade(slot) };
                *self.inner.owner() = Owner { id: owner, slot: Some(Arc::downgrade(slot)) };
                self.inner.published.swap(Some(Arc::new(snapshot)))
            },
        );
        self.inner.changed.notify_waiters();
    }
}

/// Condemns the incarnation whose handler has panicked, and says what its caller is told.
#[cold]
fn condemn(slot: &Weak<Slot>, incarnation: &Arc<Incarnation>, caught: Caught) -> InlineError {
    let reason = caught.reason.clone();
    if let Some(slot) = slot.upgrade() {
        slot.condemn(incarnation, caught);
    }
    InlineError::Died(reason)
}

impl<V: ?Sized> Inner<V> {
    fn owner(&self) -> MutexGuard<'_, Owner> {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Told when the state of an owner's address has changed: there may be nobody to wait for any more.
pub(crate) trait Watcher: Send + Sync {
    fn changed(&self);
}

impl<V: ?Sized + Send + Sync> Watcher for Inner<V> {
    fn changed(&self) {
        self.changed.notify_waiters();
    }
}

impl<V: ?Sized + Send + Sync + 'static> Withdraw for Inline<V> {
    fn withdraw(&self, owner: u64) {
        let current = self.inner.owner();
        let previous = if current.id == owner { self.inner.published.swap(None) } else { None };
        drop(current);
        if let Some(previous) = previous {
            later::drop_value(previous);
        }
    }
}

impl<V: ?Sized> Clone for Inline<V> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<V: ?Sized> fmt::Debug for Inline<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline").field("name", &self.inner.name).finish_non_exhaustive()
    }
}

/// What became of an inline call that has no result.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InlineError {
    /// It panicked in this very call. The owner's incarnation ends for that reason, unless another panic was
    /// first.
    #[error("the call panicked inside the view: {0}")]
    Died(ExitReason),
    /// No incarnation was there to enter within the deadline.
    #[error("nothing was published within the deadline")]
    Timeout,
    /// No incarnation is there to enter now: none has published yet, or it is being restarted.
    #[error("nothing is published now; the owner is starting or being restarted")]
    Unavailable,
    /// The owner's supervisor is degraded, and nothing stands in for the owner.
    #[error("the owner is degraded and nothing stands in for it")]
    Degraded,
    /// The owner has been terminated, or its tree has ended; or the caller's own incarnation has been replaced.
    #[error("the owner is gone")]
    Gone,
}
