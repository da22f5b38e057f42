//! Recipients: addresses that accept another type than their actor receives, without saying which that is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::address::Address;
use crate::context::NEVER;
use crate::deadline;
use crate::error::{CallError, TellError};
use crate::lives::Lives;
use crate::mailbox::{Caller, Refusal};
use crate::reply::Reply;
use crate::scope::Scope;

/// Where an `N` can be sent, whatever the actor behind it makes of it. Made by [`Address::map`].
///
/// # Examples
///
/// ```
/// # use std::{convert::Infallible, time::Duration};
/// # use tembusu::{Actor, Context, Flow, Init, Recipient, Reply, Supervisor, child};
/// # struct Pacer(u64);
/// # impl Actor for Pacer {
/// #   type Message = Message; type Args = (); type Crash = Infallible;
/// #   async fn init(_: &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> { Ok(Init::Ready(Self(0))) }
/// #   async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow, Infallible> {
/// #       match message {
/// #           Message::Spent(Spent(nanos)) => self.0 += nanos,
/// #           Message::Total(Total(reply)) => drop(reply.send(self.0)),
/// #       }
/// #       Ok(Flow::Continue)
/// #   }
/// # }
/// struct Spent(u64);
/// struct Total(Reply<u64>);
///
/// /// What the pacer receives; others need not know all of it.
/// enum Message { Spent(Spent), Total(Total) }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let mut root = Supervisor::one_for_one("root");
/// let pacer = root.add(child::<Pacer>("pacer", ()));
/// let spent: Recipient<Spent> = pacer.map(Message::Spent);
/// let total: Recipient<Total> = pacer.map(Message::Total);
/// let tree = root.start().await?;
/// spent.tell(Spent(7)).map_err(|_| "refused")?;
/// assert_eq!(total.call(Total, Duration::from_secs(1)).await.map_err(|_| "no answer")?, 7);
/// # tree.shutdown().await;
/// # Ok(())
/// # }
/// ```
///
/// # On restart
///
/// As for the [`Address`] that it was made from.
pub struct Recipient<N> {
    to: Arc<dyn Receive<N>>,
}

/// How a message is offered.
#[derive(Clone, Copy)]
enum Offer {
    /// A full queue's overflow policy decides.
    AsPolicySays,
    /// A full queue refuses.
    IfThereIsRoom,
}

/// The address without its type.
trait Receive<N>: Send + Sync {
    /// Converts and sends, or hands back what was not converted.
    fn offer(&self, message: N, how: Offer, caller: Option<Caller>) -> Result<(), (Refusal, N)>;
    fn wait_for_room(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
    fn has_collector(&self) -> bool;
    fn lives(&self) -> &Lives;
    fn path(&self) -> &str;
}

struct Mapped<M, F> {
    address: Address<M>,
    convert: F,
}

impl<N, M, F> Receive<N> for Mapped<M, F>
where
    N: Send + 'static,
    M: Send + 'static,
    F: Fn(N) -> M + Send + Sync,
{
    fn offer(&self, message: N, how: Offer, caller: Option<Caller>) -> Result<(), (Refusal, N)> {
        let (mailbox, lane) = (self.address.mailbox(), self.address.lane());
        let place = match how {
            Offer::AsPolicySays => mailbox.reserve(lane),
            Offer::IfThereIsRoom => mailbox.reserve_if_room(lane),
        };
        match place {
            Ok(place) => place.fill((self.convert)(message), caller),
            Err(refusal) => return Err((refusal, message)),
        }
        Ok(())
    }

    fn wait_for_room(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.address.mailbox().wait_for_room(self.address.lane()))
    }

    fn has_collector(&self) -> bool {
        self.address.mailbox().has_collector()
    }

    fn lives(&self) -> &Lives {
        self.address.mailbox().lives()
    }

    fn path(&self) -> &str {
        self.address.path()
    }
}

impl<M: Send + 'static> Address<M> {
    /// The same actor for those who send `N`: `convert` makes its message of one.
    ///
    /// It converts when there is a place in the queue, which is kept free meanwhile, on the sender's thread and under
    /// no lock: what is refused is handed back as it was. A panic in it is the sender's, and the place is free again.
    #[must_use]
    pub fn map<N, F>(&self, convert: F) -> Recipient<N>
    where
        N: Send + 'static,
        F: Fn(N) -> M + Send + Sync + 'static,
    {
        Recipient { to: Arc::new(Mapped { address: self.clone(), convert }) }
    }
}

impl<N: Send + 'static> Recipient<N> {
    /// Sends a message without waiting. See [`Address::tell`].
    ///
    /// # Errors
    ///
    /// As there; it hands back what was not converted.
    pub fn tell(&self, message: N) -> Result<(), TellError<N>> {
        if Scope::current_is_replaced() {
            return Err(TellError::Gone(message));
        }
        self.to.offer(message, Offer::AsPolicySays, None).map_err(TellError::from_refusal)
    }

    /// Sends a message, waiting for room. See [`Address::send`].
    ///
    /// # Errors
    ///
    /// As there; it hands back what was not converted.
    ///
    /// # Cancel safety
    ///
    /// A dropped wait has sent nothing; the message is lost with it.
    pub async fn send(&self, message: N) -> Result<(), TellError<N>> {
        if Scope::current_is_replaced() {
            return Err(TellError::Gone(message));
        }
        let mut message = message;
        loop {
            match self.to.offer(message, Offer::IfThereIsRoom, None) {
                Err((Refusal::Full, unsent)) => message = unsent,
                result => return result.map_err(TellError::from_refusal),
            }
            self.to.wait_for_room().await;
        }
    }

    /// Sends the message that `make` builds around a [`Reply`], and waits for the answer. See [`Address::call`].
    ///
    /// # Errors
    ///
    /// As there; it hands back what was not converted.
    ///
    /// # Cancel safety
    ///
    /// A dropped call may still be handled; the actor can ask [`Reply::is_closed`].
    pub async fn call<T, F>(&self, make: F, within: Duration) -> Result<T, CallError<N>>
    where
        T: Send + 'static,
        F: FnOnce(Reply<T>) -> N,
    {
        let (reply, answer) = Reply::channel();
        let message = make(reply);
        if Scope::current_is_replaced() {
            return Err(CallError::Gone(Some(message)));
        }
        let now = Instant::now();
        let deadline = deadline::bounded(now.checked_add(within).unwrap_or_else(|| now + NEVER));
        if deadline <= now {
            return Err(CallError::Timeout { enqueued: false });
        }
        let settle = if self.to.has_collector() { answer.settle() } else { None };
        let caller = Caller { deadline, settle };
        self.to.offer(message, Offer::AsPolicySays, Some(caller)).map_err(CallError::from_refusal)?;
        answer.turn().await;
        match answer.until(now, deadline, self.to.lives()).await {
            Some(Ok(value)) => Ok(value),
            Some(Err(lost)) => Err(CallError::from_lost(lost)),
            None => Err(CallError::Timeout { enqueued: true }),
        }
    }

    /// The path of the child behind it, or its bare name before the tree has started.
    #[must_use]
    pub fn path(&self) -> &str {
        self.to.path()
    }
}

impl<N> Clone for Recipient<N> {
    fn clone(&self) -> Self {
        Self { to: Arc::clone(&self.to) }
    }
}

impl<N> fmt::Debug for Recipient<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.to.path())
    }
}
