//! What an actor has to do with others: monitors and links.

use std::sync::Arc;

use super::Context;
use crate::actor::Actor;
use crate::address::Address;
use crate::link::{self, Exit};
use crate::monitor::{Down, MonitorId};
use crate::monitored::Monitored;

impl<A: Actor> Context<A> {
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
}
