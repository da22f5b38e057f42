//! What an actor is: state that only `init` makes, and a handler for one concrete message type.

use std::error::Error;
use std::future::Future;

use crate::context::Context;
use crate::exit::ExitReason;

/// A supervised actor. `Self` is the state.
///
/// Business outcomes are values in replies; infrastructure failures are [`Crash`](Self::Crash)es, returned from
/// `init` or `handle` or raised as a panic, and are the supervisor's business. There is no conversion from one
/// to the other.
///
/// # On restart
///
/// The state is dropped and made anew by [`init`](Self::init) from the same arguments. The queue, the address
/// and the arguments survive; the message that was being handled does not.
pub trait Actor: Sized + Send + 'static {
    /// The one message type. Replies are fields of it ([`Reply`](crate::Reply)).
    type Message: Send + 'static;
    /// What every incarnation is made from.
    type Args: Send + Sync + 'static;
    /// What an infrastructure failure looks like. Concrete, so that `?` on a business outcome does not compile.
    type Crash: Error + Send + Sync + 'static;

    /// Makes the state, or says that there is nothing to do.
    ///
    /// The supervisor waits for it, up to the child's init time-out, before it starts the next sibling.
    ///
    /// # Errors
    ///
    /// A failed start: at first start it fails the supervisor's start, at a restart it is charged and tried again.
    fn init(args: &Self::Args, cx: &mut Context<Self>) -> impl Future<Output = Result<Init<Self>, Self::Crash>> + Send;

    /// Handles one message.
    ///
    /// # Errors
    ///
    /// A crash: the incarnation ends without [`stop`](Self::stop), callers waiting for a reply to this message
    /// get [`Died`](crate::CallError::Died), and the supervisor decides.
    ///
    /// # Cancel safety
    ///
    /// When the child is killed the future is dropped at an await, with the state.
    fn handle(
        &mut self,
        message: Self::Message,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = Result<Flow, Self::Crash>> + Send;

    /// Describes the state for whoever [asks](crate::SupervisorRef::describe_child): the type's name unless it says
    /// more. Asked between two messages; a panic is a crash like any other.
    fn describe(&self) -> String {
        std::any::type_name::<Self>().to_owned()
    }

    /// Runs at orderly ends only: after [`Flow::Stop`] and when the supervisor asks. After a crash nothing of
    /// the state runs but `Drop`.
    fn stop(self, reason: &ExitReason) -> impl Future<Output = ()> + Send {
        let _ = reason;
        async move { drop(self) }
    }
}

/// What `init` made.
#[derive(Debug)]
pub enum Init<A> {
    /// The state: the child has started.
    Ready(A),
    /// There is nothing to run. The child counts as started; a temporary one is forgotten.
    Ignore,
}

/// What to do after a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Wait for the next message.
    Continue,
    /// End normally: a transient child is not restarted.
    Stop,
    /// End like [`Stop`](Self::Stop), with a text for those who look.
    Shutdown(String),
}
