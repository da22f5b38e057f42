//! A deadline that costs nothing where there is nothing to wait for.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio::time::{Instant, timeout_at};

/// Awaits a future until an instant; `None` if it is not ready by then. A timer is made only if the first poll finds it pending.
///
/// # Cancel safety
///
/// That of the future.
pub(super) async fn within<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        return Some(output);
    }
    timeout_at(deadline, future).await.ok()
}
