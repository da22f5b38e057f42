//! A runtime that can be replaced under the children that stand on it.
//!
//! The threads of a runtime may be lost: code that never returns holds them, and Rust cannot end it. Whoever owns the
//! runtime then makes a fresh one and says so here. It promises that no child stays behind: those of the old runtime
//! lose their slots at once, as stuck ones do, and their supervisors start them again on the fresh one. It never
//! makes, ends or waits for a runtime, and does not decide when one is lost.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::Handle;

use crate::core::Event;
use crate::panics;
use crate::shell::slot::Slot;

/// From how many children on, those that are gone are looked for.
const SWEPT_AT_MIN: usize = 64;

/// Where children run, so that it can be replaced. Cheap to clone; clones are the same ground.
///
/// ```
/// use std::time::Duration;
/// use tembusu::{Actor, Context, Flow, Ground, Init, Reply, Supervisor, child};
/// use tokio::runtime::Runtime;
///
/// struct Counts(u64);
///
/// impl Actor for Counts {
///     type Message = Reply<u64>;
///     type Args = ();
///     type Crash = std::convert::Infallible;
///
///     async fn init((): &(), cx: &mut Context<Self>) -> Result<Init<Self>, Self::Crash> {
///         Ok(Init::Ready(Self(cx.incarnation())))
///     }
///
///     async fn handle(&mut self, reply: Reply<u64>, _: &mut Context<Self>) -> Result<Flow, Self::Crash> {
///         let _ = reply.send(self.0);
///         Ok(Flow::Continue)
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (control, workers, fresh) = (Runtime::new()?, Runtime::new()?, Runtime::new()?);
/// let ground = Ground::new(workers.handle().clone());
/// let mut root = Supervisor::one_for_one("root");
/// let counts = root.add(child::<Counts>("counts", ()).on_ground(&ground));
/// let tree = control.block_on(root.start())?;
///
/// // Say that the workers do not come back.
/// assert_eq!(ground.replace(fresh.handle().clone()), 1);
/// let call = counts.call(|reply| reply, Duration::from_secs(5));
/// assert_eq!(control.block_on(call)?, 2, "the next incarnation runs on the fresh runtime");
/// # control.block_on(tree.shutdown());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Ground(Arc<Mutex<State>>);

struct State {
    runtime: Handle,
    /// Whose task was made for this runtime, by the slot's address.
    slots: HashMap<usize, Weak<Slot>>,
    swept_at: usize,
}

impl Ground {
    /// A ground that is this runtime for now. It needs timers enabled.
    #[must_use]
    pub fn new(runtime: Handle) -> Self {
        Self(Arc::new(Mutex::new(State { runtime, slots: HashMap::new(), swept_at: SWEPT_AT_MIN })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The runtime that it is now.
    #[must_use]
    pub fn runtime(&self) -> Handle {
        self.state().runtime.clone()
    }

    /// Makes `fresh` the runtime: whoever starts from now on starts there. Children that run, or were to run, on the
    /// one before lose their slots at once, and are charged and restarted as their supervisors' specifications say:
    /// with [`ExitReason::Unresponsive`](crate::ExitReason::Unresponsive), as one that is stuck. In a group, only the
    /// first is charged: the others are stopped with it. Returns how many there were.
    ///
    /// An incarnation that lost its slot so is counted as leaked
    /// ([`SupervisorRef::leaked`](crate::SupervisorRef::leaked)) until its runtime drops it; should it come back,
    /// what it does through the library has no effect.
    pub fn replace(&self, fresh: Handle) -> usize {
        let left = {
            let mut state = self.state();
            state.runtime = fresh;
            state.swept_at = SWEPT_AT_MIN;
            std::mem::take(&mut state.slots)
        };
        // In the order of their places in their supervisors: the first of a group takes the others with it.
        let mut left: Vec<_> = left.into_values().filter_map(|slot| slot.upgrade()).collect();
        left.sort_by_key(|slot| slot.key());
        let mut displaced = 0;
        for slot in &left {
            let address = Arc::as_ptr(slot).addr();
            // One that has been started anew meanwhile stands on the fresh runtime.
            if self.state().slots.contains_key(&address) {
                continue;
            }
            let Some(generation) = slot.has_task() else { continue };
            displaced += 1;
            slot.tell_supervisor(|key| Event::Stranded { key, generation });
            slot.flush_events();
        }
        // With the last reference to a slot, code of a user is dropped.
        panics::drop_quietly(left);
        displaced
    }

    /// Notes that a task of that slot is made, and says where.
    fn take_in(&self, slot: &Arc<Slot>) -> Handle {
        let mut state = self.state();
        if state.slots.len() >= state.swept_at {
            state.slots.retain(|_, slot| slot.strong_count() > 0);
            state.swept_at = (2 * state.slots.len()).max(SWEPT_AT_MIN);
        }
        state.slots.insert(Arc::as_ptr(slot).addr(), Arc::downgrade(slot));
        state.runtime.clone()
    }
}

impl fmt::Debug for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Ground").field("runtime", &state.runtime.id()).field("children", &state.slots.len()).finish()
    }
}

/// Where children run: for good, or until it is replaced.
#[derive(Clone)]
pub(crate) enum On {
    Runtime(Handle),
    Ground(Ground),
}

impl On {
    /// The runtime that it is now.
    pub(crate) fn runtime(&self) -> Handle {
        match self {
            Self::Runtime(runtime) => runtime.clone(),
            Self::Ground(ground) => ground.runtime(),
        }
    }

    /// Hands out the runtime for a task of that slot.
    pub(crate) fn with_runtime_for(&self, slot: &Arc<Slot>, make: impl FnOnce(&Handle)) {
        match self {
            Self::Runtime(runtime) => make(runtime),
            Self::Ground(ground) => make(&ground.take_in(slot)),
        }
    }
}
