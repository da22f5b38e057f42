//! Putting messages aside, to handle them later: while connecting, while a transaction is open.

use crate::actor::Actor;
use crate::context::Context;
use crate::error::TellError;

impl<A: Actor> Context<A> {
    /// Puts the message at hand aside, until [`unstash_all`](Self::unstash_all).
    ///
    /// A call goes on waiting, until its deadline; if that has passed when the message is back it is not handled, and
    /// counted, like any other. At most as many messages can be aside as the mailbox holds.
    ///
    /// It is for the message at hand. The first one that is put aside while a message is handled is taken for that one,
    /// and its caller and deadline travel with it; an actor that puts aside another one, which it has kept or made,
    /// does that after it, and nobody's deadline is that one's.
    ///
    /// # Errors
    ///
    /// Hands the message back as [`Full`](TellError::Full) when too many are aside already: to answer it, or to drop
    /// it. As [`Gone`](TellError::Gone) when this incarnation has been replaced.
    ///
    /// # On restart
    ///
    /// Nothing that is aside is lost: it belongs to the queue, and is at its front for the next incarnation. With a
    /// [fresh queue](crate::ChildSpec::fresh_queue) it ends with the rest of the queue.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{convert::Infallible, time::Duration};
    /// # use tembusu::{Actor, Context, Flow, Init, Reply, Supervisor, child};
    /// /// Answers once it is connected.
    /// struct Client { connected: bool }
    ///
    /// enum Message { Connected, Get(Reply<&'static str>) }
    ///
    /// impl Actor for Client {
    ///     // …
    /// #   type Message = Message;
    /// #   type Args = ();
    /// #   type Crash = Infallible;
    /// #   async fn init(_: &(), cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
    /// #       cx.after(Duration::from_millis(50), Message::Connected);
    /// #       Ok(Init::Ready(Self { connected: false }))
    /// #   }
    ///     async fn handle(&mut self, message: Message, cx: &mut Context<Self>) -> Result<Flow, Infallible> {
    ///         match message {
    ///             Message::Connected => {
    ///                 self.connected = true;
    ///                 cx.unstash_all();
    ///             }
    ///             // What cannot be put aside is dropped here: its caller is told that it is unanswered.
    ///             early if !self.connected => drop(cx.stash(early)),
    ///             Message::Get(reply) => drop(reply.send("value")),
    ///         }
    ///         Ok(Flow::Continue)
    ///     }
    /// }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # let mut root = Supervisor::one_for_one("root");
    /// # let client = root.add(child::<Client>("client", ()));
    /// # let _tree = root.start().await.unwrap();
    /// assert_eq!(client.call(Message::Get, Duration::from_secs(1)).await.unwrap(), "value");
    /// # }
    /// ```
    pub fn stash(&mut self, message: A::Message) -> Result<(), TellError<A::Message>> {
        self.put_aside(message).map_err(TellError::from_refusal)
    }

    /// Puts everything that is aside back to the front of the queue, in the order in which it was put aside, and
    /// returns how many messages that were. They come before all that waits, except the priority lane, timers and
    /// notices; while they wait the queue may hold more than its capacity, and accepts nothing more.
    pub fn unstash_all(&mut self) -> usize {
        self.mailbox().unstash(self.token())
    }
}
