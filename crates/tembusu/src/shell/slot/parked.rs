//! The slot's side of [`parking`](crate::shell::parking): whether its task waits for the group, and how it goes on.

use std::sync::Arc;

use super::{Control, Slot};
use crate::poll;
use crate::shell::incarnation::Incarnation;
use crate::shell::node::Node;

/// What a task that has waited for its group is to do.
pub(crate) enum AfterPause {
    GoOn(Arc<Incarnation>),
    Wait,
    End,
}

impl Control {
    /// Whether the task waits for its group, which has been counted then.
    pub(super) fn park(&mut self, node: &Node) -> bool {
        self.parked = !self.is_settled && node.parking.enter();
        self.parked
    }
}

impl Slot {
    /// Tells a task that waits for its group that there is nothing to wait for. It ends.
    pub(crate) fn unpark(&self) {
        let waker = {
            let mut control = self.lock();
            if !std::mem::take(&mut control.parked) {
                return;
            }
            control.task_alive = false;
            control.waker.take()
        };
        self.left_parking();
        if let Some(waker) = waker {
            poll::wake(waker);
        }
    }

    /// The child is not to be started again soon, whatever becomes of its group: its task does not wait.
    pub(crate) fn settle(&self) {
        self.lock().is_settled = true;
        self.unpark();
    }

    /// For a task that has waited.
    pub(crate) fn after_pause(&self, epoch: u64) -> AfterPause {
        let mut control = self.lock();
        if control.epoch != epoch {
            // It was told to go, or what it was ordered to run was given up.
            return AfterPause::End;
        }
        match control.take_order() {
            Some(order) => AfterPause::GoOn(order),
            None if control.parked => AfterPause::Wait,
            None => AfterPause::End,
        }
    }

    /// A task that waited was dropped by its runtime. Returns what it was to run, if anything.
    pub(crate) fn pause_dropped(&self, epoch: u64) -> Option<Arc<Incarnation>> {
        let mut control = self.lock();
        if control.epoch != epoch {
            return None;
        }
        let order = control.take_order();
        let was_parked = std::mem::take(&mut control.parked);
        if order.is_none() {
            control.task_alive = false;
            control.waker = None;
        }
        drop(control);
        if was_parked {
            self.left_parking();
        }
        order
    }

    fn left_parking(&self) {
        if let Some(node) = self.home().site.node.upgrade() {
            node.parking.leave();
        }
    }
}
