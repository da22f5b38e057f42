//! A thread for one child: its task is polled there and nowhere else, so that its handlers may block.
//!
//! The thread is made with the task and ends with it. It is no worker of the runtime and drives nothing of it; it is
//! only inside its context, so that timers and sockets work, and so does what Tokio lets nobody do on a worker.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Builder, Thread};

use tokio::runtime::Handle;

/// Polls `task` on a thread of its own, named after the child. When there can be no thread the task is dropped, which
/// is the end of its incarnation.
pub(crate) fn spawn(path: &str, on: &Handle, task: impl Future<Output = ()> + Send + 'static) {
    let on = on.clone();
    let spawned = Builder::new().name(path.replace('\0', "?")).spawn(move || {
        let _runtime = on.enter();
        wait_for(task);
    });
    if let Err(error) = spawned {
        tracing::error!(%path, %error, "a child has no thread");
    }
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
