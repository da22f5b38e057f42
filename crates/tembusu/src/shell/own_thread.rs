//! A thread for one child: its task is polled there and nowhere else, so that its handlers may block.
//!
//! The thread is made with the task and ends with it. It is no worker of the runtime and drives nothing of it; it is
//! only inside its context, so that timers and sockets work, and so does what Tokio lets nobody do on a worker.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Builder, Thread};

use tokio::runtime::Handle;

/// Why a child on a thread of its own did not start.
#[derive(Debug, thiserror::Error)]
#[error("no thread could be made for it: {0}")]
pub(crate) struct NoThread(#[source] io::Error);

/// Polls the task that `begin` makes of `start` on a thread of its own, named after the child.
///
/// # Errors
///
/// Hands `start` back when there can be no thread.
pub(crate) fn spawn<S, F>(
    path: &str,
    on: &Handle,
    start: S,
    begin: impl FnOnce(S) -> F + Send + 'static,
) -> Result<(), (NoThread, S)>
where
    S: Send + 'static,
    F: Future<Output = ()>,
{
    // Handed over when the thread is there: what a thread is made with is lost when it cannot be.
    let (hand_over, handed_over) = mpsc::channel();
    let on = on.clone();
    let body = move || {
        let Ok(start) = handed_over.recv() else { return };
        let _runtime = on.enter();
        wait_for(begin(start));
    };
    match thread_named(path, body) {
        Ok(()) => match hand_over.send(start) {
            Ok(()) => Ok(()),
            Err(mpsc::SendError(start)) => Err((NoThread(io::ErrorKind::BrokenPipe.into()), start)),
        },
        Err(error) => Err((NoThread(error), start)),
    }
}

#[cfg(test)]
thread_local! {
    /// How many threads this one does not get.
    pub(crate) static REFUSED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

fn thread_named(path: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    #[cfg(test)]
    if let Some(left) = REFUSED.get().checked_sub(1) {
        REFUSED.set(left);
        return Err(io::ErrorKind::WouldBlock.into());
    }
    Builder::new().name(path.replace('\0', "?")).spawn(body).map(drop)
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

fn wait_for(task: impl Future<Output = ()>) {
    let mut task = pin!(task);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    while task.as_mut().poll(&mut cx) == Poll::Pending {
        // A wake-up since the poll began makes this return at once.
        thread::park();
    }
}
