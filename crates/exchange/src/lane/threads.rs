//! The threads of a runtime, as the operating system numbers them.
//!
//! A thread that never comes back cannot be ended, but it can be made to give way: when its runtime is left behind it gets
//! the lowest priority, so that it has what the others leave of a processor (Linux alone has priorities of threads; elsewhere
//! nothing changes). Never touches a thread that has ended.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Builder;

use self::system::{Thread, lower, this_thread, used};

/// Who runs one runtime. Cheap to clone; clones are the same threads.
#[derive(Clone, Default)]
pub struct LaneThreads(Arc<Mutex<Vec<Thread>>>);

impl LaneThreads {
    /// Notes the threads of the runtime that this builder makes, as they start and end.
    ///
    /// It takes the builder's `on_thread_start` and `on_thread_stop`.
    pub fn follow(&self, builder: &mut Builder) {
        let (started, ended) = (self.clone(), self.clone());
        builder.on_thread_start(move || started.running().push(this_thread()));
        builder.on_thread_stop(move || ended.running().retain(|thread| *thread != this_thread()));
    }

    fn running(&self) -> MutexGuard<'_, Vec<Thread>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the one of them has used of a processor that has used least; none where the system does not say.
    pub(super) fn burnt(&self) -> Option<Duration> {
        // Held meanwhile, as below.
        let running = self.running();
        let each: Option<Vec<Duration>> = running.iter().map(|thread| used(*thread)).collect();
        each?.into_iter().min()
    }

    /// Lets all other threads go first from now on. Says how many there are that do.
    pub(super) fn give_way(&self) -> usize {
        // Held meanwhile: none of them can end, and its number go to somebody else.
        let running = self.running();
        running.iter().filter(|thread| lower(**thread)).count()
    }
}

impl fmt::Debug for LaneThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LaneThreads").field(&*self.running()).finish()
    }
}

#[cfg(target_os = "linux")]
mod system {
    pub(super) use rustix::process::Pid as Thread;
    pub(super) use rustix::thread::gettid as this_thread;

    /// The first number of `schedstat`: nanoseconds on a processor (`sched-stats.rst` in the kernel's documentation).
    pub(super) fn used(thread: Thread) -> Option<std::time::Duration> {
        let file = format!("/proc/self/task/{}/schedstat", thread.as_raw_nonzero());
        let text = std::fs::read_to_string(file).ok()?;
        Some(std::time::Duration::from_nanos(text.split_ascii_whitespace().next()?.parse().ok()?))
    }

    /// The lowest priority that there is: 15 parts of a processor's time to 1,024 of a thread that wants it too (`sched(7)`).
    const LOWEST: i32 = 19;

    /// Says whether it could: it is our own thread, so nothing speaks against it but a filter of system calls.
    pub(super) fn lower(thread: Thread) -> bool {
        rustix::process::setpriority_process(Some(thread), LOWEST).is_ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) use std::thread::ThreadId as Thread;

    pub(super) fn this_thread() -> Thread {
        std::thread::current().id()
    }

    pub(super) fn used(_: Thread) -> Option<std::time::Duration> {
        None
    }

    pub(super) fn lower(_: Thread) -> bool {
        false
    }
}
