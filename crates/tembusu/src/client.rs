//! What the attribute `actor` builds on: a call that is ready to be made, and small conversions.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::actor::{Flow, Init};
use crate::address::Address;
use crate::error::CallError;
use crate::reply::Reply;

/// A call by a typed client: nothing is sent until it is said how long the caller waits.
#[must_use = "a call is made by `within` or `until`"]
pub struct Call<'a, M, T, F> {
    address: &'a Address<M>,
    make: F,
    answer: std::marker::PhantomData<fn() -> T>,
}

impl<'a, M, T, F> Call<'a, M, T, F>
where
    M: Send + 'static,
    T: Send + 'static,
    F: FnOnce(Reply<T>) -> M,
{
    #[doc(hidden)]
    pub fn new(address: &'a Address<M>, make: F) -> Self {
        Self { address, make, answer: std::marker::PhantomData }
    }

    /// Makes the call, see [`Address::call`].
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn within(self, wait: Duration) -> Result<T, CallError<M>> {
        self.address.call(self.make, wait).await
    }

    /// Makes the call, see [`Address::call_until`].
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn until(self, deadline: Instant) -> Result<T, CallError<M>> {
        self.address.call_until(self.make, deadline).await
    }
}

impl<M: Send + 'static, T, F> fmt::Debug for Call<'_, M, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("to", &self.address.path()).finish_non_exhaustive()
    }
}

/// Conversions that the attribute's code calls, so that functions may return the plain thing.
#[doc(hidden)]
pub mod macro_support {
    use super::{Flow, Init};

    #[diagnostic::on_unimplemented(
        message = "`init` makes `{A}` or `Init<{A}>`, not `{Self}`",
        label = "return `Result<Self, Crash>` or `Result<Init<Self>, Crash>`"
    )]
    pub trait IntoInit<A> {
        fn into_init(self) -> Init<A>;
    }

    impl<A> IntoInit<A> for A {
        fn into_init(self) -> Init<A> {
            Init::Ready(self)
        }
    }

    impl<A> IntoInit<A> for Init<A> {
        fn into_init(self) -> Self {
            self
        }
    }

    #[diagnostic::on_unimplemented(
        message = "a `#[tell]` function has no answer for anybody: `{Self}` would be lost",
        label = "return `Result<(), Crash>` or `Result<Flow, Crash>`, or mark the function `#[call]`"
    )]
    pub trait IntoFlow {
        fn into_flow(self) -> Flow;
    }

    impl IntoFlow for () {
        fn into_flow(self) -> Flow {
            Flow::Continue
        }
    }

    impl IntoFlow for Flow {
        fn into_flow(self) -> Flow {
            self
        }
    }

    pub fn init<A>(made: impl IntoInit<A>) -> Init<A> {
        made.into_init()
    }

    pub fn flow(handled: impl IntoFlow) -> Flow {
        handled.into_flow()
    }
}
