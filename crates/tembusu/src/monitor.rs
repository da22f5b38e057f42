//! Monitors: being told, once, that an incarnation of an actor or of a supervisor has ended and why (Erlang,
//! `erlang:monitor/2`).
//!
//! A monitor is for one incarnation: the one that runs when it is set. Whoever wants to know about the next one
//! as well sets another. An actor is told by a message of its own type, which never waits for room and is never
//! lost; code that is no actor awaits [`Address::ended`](crate::Address::ended) or
//! [`SupervisorRef::ended`](crate::SupervisorRef::ended).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::exit::ExitReason;
use crate::monitored::{Of, Target};
use crate::ties::{Tie, new_key};

/// Which incarnation has ended, and why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Down {
    /// The path of the child or of the supervisor.
    pub path: Arc<str>,
    /// Which incarnation it was; 0 when none was running.
    pub incarnation: u64,
    /// Why it ended; [`ExitReason::NotRunning`] when none was running.
    pub reason: ExitReason,
}

impl Down {
    pub(crate) fn not_running(path: &Arc<str>) -> Self {
        Self { path: Arc::clone(path), incarnation: 0, reason: ExitReason::NotRunning }
    }
}

/// A monitor that was set with [`Context::monitor`](crate::Context::monitor).
///
/// It means something to the incarnation that set it, and to no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MonitorId(pub(crate) u64);

/// Waits for the end of one incarnation. See [`Address::ended`](crate::Address::ended) and
/// [`SupervisorRef::ended`](crate::SupervisorRef::ended).
#[must_use = "it does nothing unless it is awaited"]
pub struct Ended(State);

enum State {
    NotRunning(Option<Down>),
    Waiting { end: oneshot::Receiver<Down>, of: Of, key: u64, path: Arc<str> },
}

impl Ended {
    pub(crate) fn of(Target { path, of }: Target) -> Self {
        let (told, end) = oneshot::channel();
        let key = new_key();
        if of.tie(key, Tie::Waiter(told)) {
            Self(State::Waiting { end, of, key, path })
        } else {
            Self(State::NotRunning(Some(Down::not_running(&path))))
        }
    }
}

impl Future for Ended {
    type Output = Down;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Down> {
        match &mut self.0 {
            State::NotRunning(down) => down.take().map_or(Poll::Pending, Poll::Ready),
            State::Waiting { end, path, .. } => {
                // It is told before it is let go of, unless the whole process of telling was dropped.
                let waker = crate::poll::later(cx.waker());
                let told = Pin::new(end).poll(&mut Context::from_waker(&waker));
                told.map(|told| told.unwrap_or_else(|_| Down::not_running(path)))
            }
        }
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        if let State::Waiting { of, key, .. } = &self.0 {
            of.untie(*key);
        }
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended").finish_non_exhaustive()
    }
}
