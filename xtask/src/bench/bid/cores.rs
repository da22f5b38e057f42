//! Which core does what, and what a thread or a process has used of one.
//!
//! A process inherits the affinity of the thread that starts it, so a server is started by a pinned thread.

use std::fs;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use core_affinity::CoreId;

/// One core for the server, another for the load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cores {
    pub(super) server: CoreId,
    pub(super) load: CoreId,
}

/// What `/proc` counts process time in: 100 a second on every Linux (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// The first two cores that this process may use.
pub(super) fn pair() -> anyhow::Result<Cores> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let [server, load, ..] = cores[..] else {
        bail!("this benchmark needs two cores, one for the server and one for the load; {} may be used", cores.len());
    };
    Ok(Cores { server, load })
}

/// Runs `work` on a thread of its own that stays on `core`.
pub(super) fn on<T: Send>(core: CoreId, work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
    std::thread::scope(|scope| {
        let pinned = scope.spawn(|| {
            ensure!(core_affinity::set_for_current(core), "this thread cannot be pinned to core {}", core.id);
            work()
        });
        pinned.join().unwrap_or_else(|_| bail!("the pinned thread panicked"))
    })
}

/// What the calling thread has used of its core.
pub(super) fn thread_time() -> anyhow::Result<Duration> {
    schedstat(0)
}

/// How long the calling thread could have run and did not, since others had its core.
pub(super) fn thread_held_up() -> anyhow::Result<Duration> {
    schedstat(1)
}

/// One of the numbers of the calling thread's `schedstat` (`sched-stats.rst` in the kernel's documentation).
fn schedstat(place: usize) -> anyhow::Result<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").context("reading /proc/thread-self/schedstat")?;
    let nanos = text.split_ascii_whitespace().nth(place).context("schedstat is short")?.parse()?;
    Ok(Duration::from_nanos(nanos))
}

/// What a process has used, its threads and the kernel on its behalf, to 10 ms.
pub(super) fn process_time(pid: u32) -> anyhow::Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}: has the server ended?"))?;
    // The command in parentheses may hold anything; utime and stime are the 12th and 13th after it.
    let (_, rest) = text.rsplit_once(')').context("no command in stat")?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut ticks = || -> anyhow::Result<u32> { Ok(fields.next().context("stat is short")?.parse()?) };
    Ok(TICK * (ticks()? + ticks()?))
}
