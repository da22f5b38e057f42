//! What an actor can do besides handling messages: know itself, set timers, publish.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::actor::Actor;
use crate::address::Address;
use crate::inline::Inline;
use crate::mailbox::{Envelope, Mailbox, Received};
use crate::shell::incarnation::Incarnation;
use crate::shell::slot::Slot;
use crate::table::Table;

/// After how many messages in a row an actor lets other tasks have the thread.
const MESSAGES_PER_TURN: u32 = 128;

/// Stands for a delay that no clock can hold.
pub(crate) const NEVER: Duration = Duration::from_secs(30 * 365 * 86_400);

/// An incarnation's side of the library.
///
/// Everything done through it ends with the incarnation: its timers are dropped and what it has published is
/// withdrawn.
pub struct Context<A: Actor> {
    slot: Arc<Slot>,
    incarnation: Arc<Incarnation>,
    mailbox: Arc<Mailbox<A::Message>>,
    token: u64,
    timers: Timers<A::Message>,
    deadline: Option<Instant>,
    handled_in_turn: u32,
}

pub(crate) enum Next<M> {
    Message(M),
    Stop,
    /// It was killed, or its queue has another receiver.
    Killed,
}

impl<A: Actor> Context<A> {
    pub(crate) fn new(slot: Arc<Slot>, incarnation: Arc<Incarnation>, mailbox: Arc<Mailbox<A::Message>>) -> Self {
        let token = mailbox.attach();
        Self { slot, incarnation, mailbox, token, timers: Timers::default(), deadline: None, handled_in_turn: 0 }
    }

    /// The actor's own address. For a stand-in, the address that it took over.
    #[must_use]
    pub fn address(&self) -> Address<A::Message> {
        Address::new(Arc::clone(&self.mailbox))
    }

    /// The child's path from the root.
    #[must_use]
    pub fn path(&self) -> &str {
        self.slot.path()
    }

    /// Which incarnation this is; the first is 1.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.incarnation.generation
    }

    /// How long the caller of the message at hand waits, if it is a call.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Delivers `message` to this incarnation after `delay`, ahead of what waits in the queue.
    ///
    /// # On restart
    ///
    /// Pending timers end with the incarnation that set them.
    pub fn after(&mut self, delay: Duration, message: A::Message) {
        let now = Instant::now();
        self.timers.add(now.checked_add(delay).unwrap_or_else(|| now + NEVER), message);
    }

    /// Publishes a value under a table that this actor owns, in place of what was there.
    ///
    /// # On restart
    ///
    /// Withdrawn when this incarnation ends; readers see nothing until its successor has published.
    pub fn publish<T: Send + Sync + 'static>(&mut self, table: &Table<T>, value: T) -> Arc<T> {
        let value = Arc::new(value);
        self.incarnation.publish(table, Arc::clone(&value));
        value
    }

    /// Publishes the handlers of a view that this actor owns, in place of what was there. They run on the threads of
    /// their callers, also before `init` has returned.
    ///
    /// # On restart
    ///
    /// Withdrawn when this incarnation ends; callers wait for its successor. A panic inside ends this incarnation,
    /// at its next await.
    pub fn publish_view<V: ?Sized + Send + Sync + 'static>(&mut self, view: &Inline<V>, handlers: Arc<V>) {
        view.publish(&self.incarnation, &self.slot, handlers);
    }

    pub(crate) async fn next(&mut self) -> Next<A::Message> {
        if self.handled_in_turn >= MESSAGES_PER_TURN {
            self.handled_in_turn = 0;
            tokio::task::yield_now().await;
        }
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut TaskContext<'_>) -> Poll<Next<A::Message>> {
        if self.incarnation.is_killed() {
            return Poll::Ready(Next::Killed);
        }
        if self.incarnation.should_stop() {
            return Poll::Ready(Next::Stop);
        }
        if let Poll::Ready(message) = self.timers.poll_due(cx) {
            self.deadline = None;
            self.handled_in_turn += 1;
            return Poll::Ready(Next::Message(message));
        }
        match self.mailbox.poll_receive(self.token, cx) {
            Poll::Ready(Received::Message(Envelope { message, deadline })) => {
                self.deadline = deadline;
                self.handled_in_turn += 1;
                Poll::Ready(Next::Message(message))
            }
            Poll::Ready(Received::Replaced) => Poll::Ready(Next::Killed),
            Poll::Pending => {
                self.handled_in_turn = 0;
                Poll::Pending
            }
        }
    }
}

impl<A: Actor> fmt::Debug for Context<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("path", &self.path())
            .field("incarnation", &self.incarnation())
            .finish_non_exhaustive()
    }
}

/// Messages that are due later, the earliest first; equal instants in the order in which they were set.
struct Timers<M> {
    heap: BinaryHeap<Reverse<Timer<M>>>,
    set: u64,
    /// Made with the first timer.
    sleep: Option<Pin<Box<Sleep>>>,
}

struct Timer<M> {
    at: Instant,
    order: u64,
    message: M,
}

impl<M> Default for Timers<M> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), set: 0, sleep: None }
    }
}

impl<M> Timers<M> {
    fn add(&mut self, at: Instant, message: M) {
        self.set += 1;
        self.heap.push(Reverse(Timer { at, order: self.set, message }));
    }

    fn poll_due(&mut self, cx: &mut TaskContext<'_>) -> Poll<M> {
        let Some(Reverse(earliest)) = self.heap.peek() else { return Poll::Pending };
        let at = earliest.at;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        match self.heap.pop() {
            Some(Reverse(timer)) => Poll::Ready(timer.message),
            None => Poll::Pending,
        }
    }
}

impl<M> PartialEq for Timer<M> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<M> Eq for Timer<M> {}

impl<M> PartialOrd for Timer<M> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<M> Ord for Timer<M> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}
