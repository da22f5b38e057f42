//! What only some actors use of their context: timers, monitors, links. Made with the first of them, so that an
//! actor that uses none pays for none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::link::Exit;
use crate::monitor::{Down, MonitorId};
use crate::monitored::{Of, Target};
use crate::shell::incarnation::Incarnation;
use crate::ties::{Notice, Tie, new_key};
use crate::timers::Timers;

/// How many notices and timers in a row may go ahead of a message that waits: a timer that is always due, and an
/// actor that keeps asking after one that does not run, must not keep its queue waiting for ever.
pub(crate) const AHEAD_MAX: u32 = 32;

pub(crate) struct Extras<M> {
    pub(crate) timers: Timers<M>,
    /// How many notices and timers in a row have gone ahead.
    pub(crate) ahead: u32,
    monitors: BTreeMap<u64, Monitor<M>>,
    on_exit: Option<Box<dyn FnMut(Exit) -> M + Send>>,
}

struct Monitor<M> {
    of: Of,
    make: Box<dyn FnOnce(Down) -> M + Send>,
}

impl<M> Default for Extras<M> {
    fn default() -> Self {
        Self { timers: Timers::default(), ahead: 0, monitors: BTreeMap::new(), on_exit: None }
    }
}

impl<M> Extras<M> {
    pub(crate) fn monitor(
        &mut self,
        own: &Arc<Incarnation>,
        Target { path, of }: Target,
        make: Box<dyn FnOnce(Down) -> M + Send>,
    ) -> MonitorId {
        let key = new_key();
        // The fence: a replaced incarnation leaves nothing with others.
        let tied = !own.scope.is_replaced() && of.tie(key, Tie::Monitor(Arc::downgrade(own)));
        self.monitors.insert(key, Monitor { of, make });
        if !tied {
            own.notify(Notice::Down { monitor: key, down: Down::not_running(&path) });
        }
        MonitorId(key)
    }

    pub(crate) fn demonitor(&mut self, own: &Incarnation, MonitorId(key): MonitorId) -> bool {
        let Some(monitor) = self.monitors.remove(&key) else { return false };
        monitor.of.untie(key);
        own.forget_notice_of(key);
        true
    }

    pub(crate) fn trap_exits(&mut self, make: Box<dyn FnMut(Exit) -> M + Send>) {
        self.on_exit = Some(make);
    }

    /// The next message that goes ahead of the queue.
    pub(crate) fn poll_ahead(&mut self, own: &Incarnation, cx: &mut Context<'_>) -> Poll<M> {
        while own.signals().notice() {
            match own.take_notice() {
                Some(Notice::Down { monitor, down }) => {
                    if let Some(monitor) = self.monitors.remove(&monitor) {
                        return Poll::Ready((monitor.make)(down));
                    }
                }
                Some(Notice::Exit(exit)) => {
                    if let Some(make) = &mut self.on_exit {
                        return Poll::Ready(make(exit));
                    }
                }
                None => break,
            }
        }
        self.timers.poll_due(cx)
    }
}

impl<M> Drop for Extras<M> {
    /// Nobody is left to be told.
    fn drop(&mut self) {
        for (key, monitor) in &self.monitors {
            monitor.of.untie(*key);
        }
    }
}
