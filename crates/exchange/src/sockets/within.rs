//! A deadline that costs nothing where there is nothing to wait for.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokio::time::{Instant, sleep_until};

/// Awaits a future until an instant; `None` if it is not ready by then. A timer is made only if the first poll finds it pending.
///
/// It takes the future where it lies: a future that is handed on is copied, and takes its place twice.
///
/// The future is polled once whenever the task is: where it gives its thread away, the thread is given away.
///
/// # Cancel safety
///
/// That of the future.
pub(super) fn within<F: Future>(deadline: Instant, future: Pin<&mut F>) -> impl Future<Output = Option<F::Output>> {
    let (mut future, mut timer) = (future, None);
    poll_fn(move |cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timer.as_mut().poll(cx).map(|()| None)
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::pin::pin;
    use std::rc::Rc;
    use std::time::Duration;

    use tokio::task::{LocalSet, spawn_local, yield_now};

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test(start_paused = true)]
    async fn what_gives_its_thread_away_lets_others_run() {
        let others = LocalSet::new();
        let saw = others.run_until(async {
            let ran = Rc::new(Cell::new(false));
            let other = Rc::clone(&ran);
            spawn_local(async move { other.set(true) });
            let looks = pin!(async {
                yield_now().await;
                ran.get()
            });
            within(soon(), looks).await
        });
        assert_eq!(saw.await, Some(true), "the other task has run meanwhile");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_ready_by_then_is_given_up() {
        let deadline = soon();
        assert_eq!(within(deadline, pin!(std::future::pending::<()>())).await, None);
        assert!(deadline <= Instant::now(), "and not before");
        assert_eq!(within(deadline, pin!(async { 1 })).await, Some(1), "what is ready at once needs no time");
    }
}
