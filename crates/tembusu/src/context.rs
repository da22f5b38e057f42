//! What an actor can do besides handling messages: know itself, set timers, publish, watch others.

mod others;
mod receive;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::actor::Actor;
use crate::address::Address;
use crate::exclusive::Exclusive;
use crate::extras::Extras;
use crate::inline::Inline;
use crate::mailbox::{Aside, Hand, Mailbox, NOBODY, Refusal};
use crate::shell::incarnation::Incarnation;
use crate::shell::slot::Slot;
use crate::table::Table;
use crate::timers::{Missed, TimerId};

pub(crate) use receive::Next;

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
    extras: Option<Box<Exclusive<Extras<A::Message>>>>,
    hand: Hand<A::Message>,
    /// Whether the incarnation's scope has been told a deadline.
    has_deadline: bool,
    handled_in_turn: u32,
}

impl<A: Actor> Context<A> {
    pub(crate) fn new(slot: Arc<Slot>, incarnation: Arc<Incarnation>, mailbox: Arc<Mailbox<A::Message>>) -> Self {
        let token = NOBODY;
        let hand = Hand::default();
        Self { slot, incarnation, mailbox, token, extras: None, hand, has_deadline: false, handled_in_turn: 0 }
    }

    /// Makes this incarnation the queue's receiver. One that its supervisor has given up before it came to this takes
    /// the queue away from nobody.
    pub(crate) fn attach(&mut self) {
        let Self { incarnation, mailbox, .. } = self;
        self.token = mailbox.attach_if(|| {
            let begins = !incarnation.scope.is_replaced();
            if begins {
                mailbox.lives().begin(incarnation);
            }
            begins
        });
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
        self.hand.deadline
    }

    pub(crate) fn mailbox(&self) -> &Mailbox<A::Message> {
        &self.mailbox
    }

    /// Puts the message at hand aside with what it came with.
    pub(crate) fn put_aside(&mut self, message: A::Message) -> Result<(), (Refusal, A::Message)> {
        let Self { mailbox, token, hand: Hand { deadline, extra, .. }, .. } = self;
        mailbox.stash(*token, message, Aside { deadline: *deadline, extra })?;
        // Another one of the same turn is not the message at hand: nobody waits for it.
        *deadline = None;
        Ok(())
    }

    /// What makes it the queue's receiver.
    pub(crate) fn token(&self) -> u64 {
        self.token
    }

    pub(crate) fn own(&self) -> &Arc<Incarnation> {
        &self.incarnation
    }

    pub(crate) fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    fn extras(&mut self) -> &mut Extras<A::Message> {
        self.extras.get_or_insert_default().get_mut()
    }

    /// Delivers `message` to this incarnation after `delay`.
    ///
    /// A delay of zero is due at once; one that no clock can hold never comes.
    ///
    /// # Ordering
    ///
    /// A timer that is due goes ahead of what waits in the queue, but never into the middle of a `handle`; timers
    /// come in the order of their instants, those of one instant in the order in which they were set. After 32 in
    /// a row one waiting message has its turn, so that no timer keeps the queue waiting for ever.
    ///
    /// # On restart
    ///
    /// Pending timers end with the incarnation that set them.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{convert::Infallible, time::Duration};
    /// # use tembusu::{Actor, Context, Flow, Init, Reply, Supervisor, TimerId, child};
    /// struct Session { idle: TimerId }
    ///
    /// enum Message { Request(Reply<&'static str>), Idle }
    ///
    /// const IDLE: Duration = Duration::from_secs(30);
    ///
    /// impl Actor for Session {
    ///     // …
    /// #   type Message = Message;
    /// #   type Args = ();
    /// #   type Crash = Infallible;
    /// #   async fn init(_: &(), cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
    /// #       Ok(Init::Ready(Self { idle: cx.after(IDLE, Message::Idle) }))
    /// #   }
    ///     async fn handle(&mut self, message: Message, cx: &mut Context<Self>) -> Result<Flow, Infallible> {
    ///         match message {
    ///             Message::Request(reply) => {
    ///                 cx.cancel(self.idle);
    ///                 self.idle = cx.after(IDLE, Message::Idle);
    ///                 let _ = reply.send("served");
    ///                 Ok(Flow::Continue)
    ///             }
    ///             Message::Idle => Ok(Flow::Stop),
    ///         }
    ///     }
    /// }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # tokio::time::pause();
    /// # let mut root = Supervisor::one_for_one("root");
    /// # let session = root.add(child::<Session>("session", ()).restart(tembusu::Restart::Transient));
    /// # let _tree = root.start().await.unwrap();
    /// # tokio::time::sleep(IDLE / 2).await;
    /// # let ended = session.ended();
    /// # assert_eq!(session.call(Message::Request, IDLE).await.unwrap(), "served");
    /// # let from = tokio::time::Instant::now();
    /// # assert!(matches!(ended.await.reason, tembusu::ExitReason::Normal));
    /// # assert!(from.elapsed() >= IDLE);
    /// # }
    /// ```
    pub fn after(&mut self, delay: Duration, message: A::Message) -> TimerId {
        self.extras().timers.once(delay, message)
    }

    /// Delivers what `make` makes to this incarnation every `period`, the first time after one period.
    ///
    /// `make` runs when a tick is delivered, as code of this actor. `missed` says what becomes of ticks that the
    /// actor was too busy for. The order against other messages is that of [`after`](Self::after).
    ///
    /// # Panics
    ///
    /// When the period is zero.
    ///
    /// # On restart
    ///
    /// Ends with the incarnation that set it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tembusu::{Actor, Context, Missed};
    /// # enum Message { Flush }
    /// # fn example<A: Actor<Message = Message>>(cx: &mut Context<A>) {
    /// let flush = cx.every(Duration::from_millis(100), Missed::Skip, || Message::Flush);
    /// // Later:
    /// assert!(cx.cancel(flush));
    /// assert!(!cx.cancel(flush), "it was cancelled before");
    /// # }
    /// ```
    #[track_caller]
    pub fn every<F>(&mut self, period: Duration, missed: Missed, make: F) -> TimerId
    where
        F: FnMut() -> A::Message + Send + 'static,
    {
        self.extras().timers.again(period, missed, Box::new(make))
    }

    /// Takes a timer back: it will not be delivered. False when it was already, or was cancelled before.
    pub fn cancel(&mut self, timer: TimerId) -> bool {
        self.extras.as_mut().is_some_and(|extras| extras.get_mut().timers.cancel(timer))
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
}

impl<A: Actor> fmt::Debug for Context<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("path", &self.path())
            .field("incarnation", &self.incarnation())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context as TaskContext, Poll, Waker};

    use super::*;
    use crate::mailbox::{Lane, Received};

    #[test]
    fn one_that_does_not_begin_takes_the_queue_away_from_nobody() {
        let mailbox = Mailbox::<u8>::new("a".into());
        let mut cx = TaskContext::from_waker(Waker::noop());
        let mut hand = Hand::default();
        let mut receive = |token| mailbox.poll_receive(token, &mut cx, &mut hand);
        let late = mailbox.attach_if(|| false);
        let receiver = mailbox.attach();
        assert_ne!(receiver, late);
        assert!(matches!(mailbox.push(Lane::Ordinary, 1, None), Ok(())));
        assert_eq!(mailbox.attach_if(|| false), late);
        assert!(matches!(receive(late), Poll::Ready(Received::Replaced)));
        assert!(matches!(receive(receiver), Poll::Ready(Received::Message)));
        assert_eq!((hand.take(), hand.deadline), (Some(1), None));
    }
}
