//! The runtime itself: made, replaced, left behind.
//!
//! It is never waited for: a thread that does not come back would never let go.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tembusu::Ground;
use tokio::runtime::{Handle, Runtime};

use super::beat::{LagGauge, OnBeat, beat};
use super::threads::LaneThreads;
use super::turn::Turns;

/// How many runtimes of one exchange are left behind at the most. Each takes what the others leave of a
/// processor: with more of them the process is better started anew.
pub const ABANDONED_MAX: u32 = 8;

/// Why there is no fresh runtime.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaneError {
    /// The operating system gives no thread.
    #[error("cannot make a fresh runtime: {0}; check the limit of threads")]
    Runtime(#[from] io::Error),
    /// As many were left behind as may be.
    #[error("{0} runtimes were left behind, as many as may be; restart the process, and look for an endless loop")]
    Abandoned(u32),
    /// The runtime is somebody else's, or was ended.
    #[error("the runtime was given or has been ended, and cannot be replaced")]
    Given,
}

type Make = dyn Fn(&LaneThreads) -> io::Result<Runtime> + Send + Sync;

/// One exchange's runtime. Cheap to clone; clones are the same lane. The last one [ends](Self::end) its runtime.
#[derive(Clone)]
pub struct Lane(Arc<Shared>);

struct Shared {
    ground: Ground,
    /// Absent where the runtime was given.
    make: Option<Box<Make>>,
    on_beat: OnceLock<Arc<OnBeat>>,
    running: Mutex<Running>,
}

struct Running {
    runtime: Option<Runtime>,
    threads: LaneThreads,
    gauge: Arc<LagGauge>,
    abandoned: u32,
}

impl Lane {
    /// A lane with a runtime of its own, made by `make`, which also makes those that replace it. Only threads that it lets
    /// [`LaneThreads`] follow give way when they are left behind. It serves who came first, and says truly how long the others
    /// wait, only if its `global_queue_interval` is 1.
    ///
    /// # Errors
    ///
    /// What `make` says.
    pub fn start(make: impl Fn(&LaneThreads) -> io::Result<Runtime> + Send + Sync + 'static) -> io::Result<Self> {
        let threads = LaneThreads::default();
        let runtime = make(&threads)?;
        let ground = Ground::new(runtime.handle().clone());
        Ok(Self::with(ground, Some(Box::new(make)), Some(runtime), threads))
    }

    /// A lane on a runtime that is somebody else's: it does not beat, and is never lost.
    #[must_use]
    pub fn given(runtime: Handle) -> Self {
        Self::with(Ground::new(runtime), None, None, LaneThreads::default())
    }

    fn with(ground: Ground, make: Option<Box<Make>>, runtime: Option<Runtime>, threads: LaneThreads) -> Self {
        let running = Running { runtime, threads, gauge: Arc::default(), abandoned: 0 };
        Self(Arc::new(Shared { ground, make, on_beat: OnceLock::new(), running: Mutex::new(running) }))
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets it beat from now on, on every runtime that it will have, and says who is told how late each beat came. Once.
    pub fn beat(&self, on_beat: impl Fn(Duration) + Send + Sync + 'static) {
        if self.0.make.is_some() && self.0.on_beat.set(Arc::new(on_beat)).is_ok() {
            self.spawn_beat(&self.running());
        }
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "beat and turns show how the runtime runs: they belong to it, and end with it"
    )]
    fn spawn_beat(&self, running: &Running) {
        let (Some(runtime), Some(on_beat)) = (&running.runtime, self.0.on_beat.get()) else { return };
        let turns = Arc::<Turns>::default();
        runtime.spawn(Arc::clone(&turns).ask());
        runtime.spawn(beat(Arc::clone(&running.gauge), turns, Arc::clone(on_beat)));
    }

    /// Where the exchange's children stand.
    #[must_use]
    pub fn ground(&self) -> &Ground {
        &self.0.ground
    }

    /// The runtime that it is now.
    #[must_use]
    pub fn runtime(&self) -> Handle {
        self.0.ground.runtime()
    }

    /// Whether it can be lost and replaced.
    #[must_use]
    pub fn beats(&self) -> bool {
        self.0.on_beat.get().is_some()
    }

    /// Ends the runtime, without waiting for what runs there.
    pub fn end(&self) {
        let runtime = self.running().runtime.take();
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }

    /// How late its runtime is.
    #[must_use]
    pub fn gauge(&self) -> Arc<LagGauge> {
        Arc::clone(&self.running().gauge)
    }

    /// What each of its runtime's threads has used of a processor, the least of them: all of them have used so much. Absent
    /// where it follows no threads, or the system does not say.
    #[must_use]
    pub fn burnt(&self) -> Option<Duration> {
        let threads = self.running().threads.clone();
        threads.burnt()
    }

    /// How many runtimes were left behind.
    #[must_use]
    pub fn abandoned(&self) -> u32 {
        self.running().abandoned
    }

    /// Gives a worker that is free something to do: one that was woken by the driver and is held up leaves nobody there.
    #[allow(clippy::disallowed_methods, reason = "an empty task, which is over when it begins")]
    pub fn nudge(&self) {
        if let Some(runtime) = &self.running().runtime {
            runtime.spawn(async {});
        }
    }

    /// Leaves the runtime behind and goes on with a fresh one. Its children are restarted there; its threads give way to all
    /// others.
    ///
    /// Should the old one come back, what is left on it ends.
    ///
    /// # Errors
    ///
    /// See [`LaneError`]; nothing has changed then.
    pub fn replace(&self) -> Result<LostRuntime, LaneError> {
        let (fresh, lost) = {
            let mut running = self.running();
            let Some(make) = &self.0.make else { return Err(LaneError::Given) };
            if running.runtime.is_none() {
                return Err(LaneError::Given);
            }
            if running.abandoned >= ABANDONED_MAX {
                return Err(LaneError::Abandoned(running.abandoned));
            }
            let threads = LaneThreads::default();
            let runtime = make(&threads)?;
            let fresh = runtime.handle().clone();
            let lost = running.runtime.replace(runtime);
            std::mem::replace(&mut running.threads, threads).give_way();
            running.gauge = Arc::default();
            running.abandoned += 1;
            self.spawn_beat(&running);
            (fresh, lost)
        };
        Ok(LostRuntime { children: self.0.ground.replace(fresh), runtime: lost })
    }
}

/// A runtime that was left behind. Dropping it lets it go, without waiting.
#[derive(Debug)]
pub struct LostRuntime {
    children: usize,
    runtime: Option<Runtime>,
}

impl LostRuntime {
    /// How many children were restarted elsewhere.
    #[must_use]
    pub fn children(&self) -> usize {
        self.children
    }
}

impl Drop for LostRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = running.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("ground", &self.0.ground).finish_non_exhaustive()
    }
}
