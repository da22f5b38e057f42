//! What an actor can do besides handling messages: know itself, set timers, publish, watch others.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::actor::Actor;
use crate::address::Address;
use crate::exclusive::Exclusive;
use crate::extras::{AHEAD_MAX, Extras};
use crate::inline::Inline;
use crate::link::{self, Exit};
use crate::mailbox::{Aside, Hand, Mailbox, NOBODY, Received, Refusal};
use crate::monitor::{Down, MonitorId};
use crate::monitored::Monitored;
use crate::panics::{self, Caught};
use crate::shell::incarnation::{Incarnation, Signals};
use crate::shell::slot::Slot;
use crate::table::Table;
use crate::timers::{Missed, TimerId};

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
    extras: Option<Box<Exclusive<Extras<A::Message>>>>,
    hand: Hand<A::Message>,
    /// Whether the incarnation's scope has been told a deadline.
    has_deadline: bool,
    handled_in_turn: u32,
}

pub(crate) enum Next {
    /// It is at hand.
    Message,
    Stop,
    /// Somebody wants the state described.
    Describe,
    /// It was killed, or its queue has another receiver.
    Killed,
    /// Code of the actor that makes a message has panicked. Boxed: what comes next is asked for each message.
    Panicked(Box<Caught>),
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

    /// Asks to be told, by the message that `make` makes, when the incarnation that serves an address now has
    /// ended, and why; or that of a supervisor.
    ///
    /// The notice comes once, whatever the reason. If no incarnation runs (before its `init` has begun, after its
    /// end) it comes at once, with [`ExitReason::NotRunning`](crate::ExitReason::NotRunning). To hear of the next incarnation as well, monitor it
    /// from the notice, or a while later if it was not running yet.
    ///
    /// A supervisor runs from the moment it is started, its children's `init`s included, until everything below it is
    /// down: for what is told of it see [`SupervisorRef::ended`](crate::SupervisorRef::ended).
    ///
    /// # Ordering
    ///
    /// Notices have a lane of their own, ahead of timers and of the queue: they need no room and none is lost. What
    /// the ended incarnation had published or registered has been withdrawn by then.
    ///
    /// # On restart
    ///
    /// The monitor ends with this incarnation.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{convert::Infallible, time::Duration};
    /// # use tembusu::{Actor, Address, Context, Down, Flow, Init, Reply, Supervisor, child};
    /// # struct Worker;
    /// # impl Actor for Worker {
    /// #   type Message = (); type Args = (); type Crash = std::fmt::Error;
    /// #   async fn init(_: &(), _: &mut Context<Self>) -> Result<Init<Self>, std::fmt::Error> { Ok(Init::Ready(Self)) }
    /// #   async fn handle(&mut self, _: (), _: &mut Context<Self>) -> Result<Flow, std::fmt::Error> { Err(std::fmt::Error) }
    /// # }
    /// struct Watcher { ends: Vec<Down> }
    ///
    /// enum Message { Down(Down), Ends(Reply<usize>) }
    ///
    /// impl Actor for Watcher {
    ///     type Message = Message;
    ///     type Args = Address<()>;
    ///     type Crash = Infallible;
    ///
    ///     async fn init(worker: &Address<()>, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
    ///         cx.monitor(worker, Message::Down);
    ///         Ok(Init::Ready(Self { ends: Vec::new() }))
    ///     }
    ///
    ///     async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow, Infallible> {
    ///         match message {
    ///             Message::Down(down) => self.ends.push(down),
    ///             Message::Ends(reply) => drop(reply.send(self.ends.len())),
    ///         }
    ///         Ok(Flow::Continue)
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut root = Supervisor::one_for_one("root").intensity(5, Duration::from_secs(10));
    /// let worker = root.add(child::<Worker>("worker", ()));
    /// let watcher = root.add(child::<Watcher>("watcher", worker.clone()));
    /// let tree = root.start().await.unwrap();
    /// let ended = worker.ended();
    /// worker.tell(()).unwrap(); // It crashes at that.
    /// assert_eq!(ended.await.incarnation, 1);
    /// assert_eq!(watcher.call(Message::Ends, Duration::from_secs(1)).await.unwrap(), 1);
    /// # }
    /// ```
    pub fn monitor<W, F>(&mut self, of: &W, make: F) -> MonitorId
    where
        W: Monitored + ?Sized,
        F: FnOnce(Down) -> A::Message + Send + 'static,
    {
        let own = Arc::clone(&self.incarnation);
        self.extras().monitor(&own, of.target(), Box::new(make))
    }

    /// Takes a monitor back: its notice will not come, also when it is on its way already. False when it has come,
    /// or was taken back before.
    pub fn demonitor(&mut self, monitor: MonitorId) -> bool {
        let Self { extras, incarnation, .. } = self;
        extras.as_mut().is_some_and(|extras| extras.get_mut().demonitor(incarnation, monitor))
    }

    /// Links this incarnation with the one that serves `address` now: when either ends for any reason but
    /// [`Normal`](crate::ExitReason::Normal), the other is crashed with [`ExitReason::Linked`](crate::ExitReason::Linked).
    ///
    /// As in OTP a supervisor's stop counts: an actor that is linked to one that is stopped ends too, and is
    /// restarted if it is permanent. Linking the same two twice is one link; a link to oneself does nothing. If no
    /// incarnation serves the address this one is crashed, with [`ExitReason::NotRunning`](crate::ExitReason::NotRunning) in the reason.
    ///
    /// A crashed actor ends at its next await, or when its `handle` returns; of its state nothing runs but `Drop`.
    ///
    /// Linked siblings count as OTP counts them: the supervisor hears of each end, and charges each that it has not
    /// caused itself. Two that take each other down are *two* failures of a `one_for_one` supervisor's
    /// [intensity](crate::Supervisor::intensity). In a group the second is one that the restart for the first stops
    /// anyway, and is free, but for a `rest_for_one` whose *later* child fails first: for that one alone the earlier is
    /// not stopped. Where two children stand and fall together, `one_for_all` says so without links; to only learn
    /// of an end, [monitor](Self::monitor) it.
    ///
    /// # On restart
    ///
    /// The link is between two incarnations and ends with either. The next ones are not linked.
    pub fn link<N: Send + 'static>(&mut self, address: &Address<N>) {
        let other = address.mailbox().lives().current();
        if !other.is_some_and(|other| link::link(&self.incarnation, &other)) {
            let Down { path, incarnation, reason } = Down::not_running(address.mailbox().path());
            link::deliver(&self.incarnation, Exit { path, incarnation, reason });
        }
    }

    /// Takes the link with the incarnation that serves `address` now back. False when there was none.
    pub fn unlink<N: Send + 'static>(&mut self, address: &Address<N>) -> bool {
        address.mailbox().lives().current().is_some_and(|other| link::unlink(&self.incarnation, &other))
    }

    /// From now on the end of a linked incarnation is a message to this one instead of a crash, also when that end
    /// was normal (OTP, `process_flag(trap_exit, true)`). The messages come in the lane of
    /// [monitors](Self::monitor).
    ///
    /// # On restart
    ///
    /// The next incarnation does not trap unless it says so itself.
    pub fn trap_exits<F>(&mut self, make: F)
    where
        F: FnMut(Exit) -> A::Message + Send + 'static,
    {
        self.extras().trap_exits(Box::new(make));
        self.incarnation.trap_exits();
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

    pub(crate) fn next(&mut self) -> impl Future<Output = Next> {
        Following(self)
    }

    #[inline(always)]
    fn poll_next(&mut self, cx: &mut TaskContext<'_>) -> Poll<Next> {
        let signals = self.incarnation.signals();
        if !signals.none()
            && let Some(next) = self.obey(signals)
        {
            return next;
        }
        let first = self.extras.as_mut().is_none_or(|extras| extras.get_mut().ahead < AHEAD_MAX);
        if first && let Poll::Ready(next) = self.poll_ahead(cx) {
            return Poll::Ready(next);
        }
        match self.mailbox.poll_receive(self.token, cx, &mut self.hand) {
            Poll::Ready(Received::Message) => {
                if let Some(extras) = &mut self.extras {
                    extras.get_mut().ahead = 0;
                }
                self.turn_to();
                Poll::Ready(Next::Message)
            }
            Poll::Ready(Received::Replaced) => Poll::Ready(Next::Killed),
            Poll::Pending => {
                if !first && let Poll::Ready(next) = self.poll_ahead(cx) {
                    return Poll::Ready(next);
                }
                self.handled_in_turn = 0;
                Poll::Pending
            }
        }
    }

    /// What a supervisor or an operator wants comes before every message.
    fn obey(&mut self, signals: Signals) -> Option<Poll<Next>> {
        if signals.kill() {
            return Some(Poll::Ready(Next::Killed));
        }
        if signals.stop() {
            return Some(Poll::Ready(Next::Stop));
        }
        if signals.asked() {
            return Some(Poll::Ready(Next::Describe));
        }
        signals.suspended().then_some(Poll::Pending)
    }

    /// What makes its messages is code of the actor: a panic there is one of its handler's.
    fn poll_ahead(&mut self, cx: &mut TaskContext<'_>) -> Poll<Next> {
        let Some(extras) = &mut self.extras else { return Poll::Pending };
        let extras = extras.get_mut();
        let message = match panics::catch(|| extras.poll_ahead(&self.incarnation, cx)) {
            Ok(Poll::Ready(message)) => message,
            Ok(Poll::Pending) => return Poll::Pending,
            Err(caught) => return Poll::Ready(Next::Panicked(Box::new(caught))),
        };
        extras.ahead += 1;
        self.hand.take_up_alone(message);
        self.turn_to();
        Poll::Ready(Next::Message)
    }

    /// Begins with the message at hand.
    #[inline(always)]
    fn turn_to(&mut self) {
        self.handled_in_turn += 1;
        self.incarnation.begins();
        if self.has_deadline || self.hand.deadline.is_some() {
            self.has_deadline = self.hand.deadline.is_some();
            self.incarnation.scope.set_deadline(self.hand.deadline);
        }
    }

    /// The message at hand, for its handler.
    #[inline(always)]
    pub(crate) fn take_message(&mut self) -> Option<A::Message> {
        self.hand.take()
    }
}

/// What comes next. Not a `poll_fn`, which the compiler does not inline: each move of a message through memory costs
/// as much as a lock.
struct Following<'a, A: Actor>(&'a mut Context<A>);

impl<A: Actor> Future for Following<'_, A> {
    type Output = Next;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        if self.0.handled_in_turn >= MESSAGES_PER_TURN {
            self.0.handled_in_turn = 0;
            let _ = pin!(tokio::task::yield_now()).poll(cx);
            return Poll::Pending;
        }
        self.0.poll_next(cx)
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
    use std::task::Waker;

    use super::*;
    use crate::mailbox::Lane;

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
