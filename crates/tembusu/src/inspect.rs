//! Looking into a running child, and letting its messages wait (OTP, `sys`): for operators and tests, between two
//! messages of the child, without code of its own except [`Actor::describe`](crate::Actor::describe).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::AdminError;
use crate::shell::incarnation::Incarnation;
use crate::shell::member::Member;
use crate::shell::slot::Slot;
use crate::tree::SupervisorRef;

/// What a child has before it, at one instant. See [`SupervisorRef::inspect_child`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// Which incarnation runs.
    pub incarnation: u64,
    /// Whether it is suspended.
    pub suspended: bool,
    /// How many messages wait in the ordinary lane.
    pub ordinary: usize,
    /// How many messages wait in the priority lane.
    pub priority: usize,
    /// How many messages it has put aside.
    pub stashed: usize,
    /// How many notices of monitors and links wait.
    pub notices: usize,
    /// For how long the message at hand has been handled, at least: counted from the first inspection that saw it at
    /// hand, which says zero. `None` when none is. Whoever inspects now and then sees it grow. (`init` is the first.)
    pub at_hand: Option<Duration>,
    /// How long the first of the ordinary lane has waited. Known only where messages are
    /// [shed by age](crate::Overflow::ShedOlderThan): elsewhere no clock is read for a message.
    pub oldest_waits: Option<Duration>,
}

impl SupervisorRef {
    /// Counts what waits for a child. It costs nothing until it is asked.
    ///
    /// # Errors
    ///
    /// As [`suspend_child`](Self::suspend_child).
    pub fn inspect_child(&self, name: &str) -> Result<Inspection, AdminError> {
        let (slot, incarnation) = self.running(name)?;
        let lengths = slot.queue().lengths();
        Ok(Inspection {
            incarnation: incarnation.generation,
            suspended: incarnation.signals().suspended(),
            ordinary: lengths.ordinary,
            priority: lengths.priority,
            stashed: lengths.stashed,
            notices: incarnation.notices(),
            at_hand: incarnation.handles_for(Instant::now()),
            oldest_waits: lengths.since.map(|since| since.elapsed()),
        })
    }

    /// Lets the messages of a child wait, from the next one on (OTP, `sys:suspend/1`). The one at hand is finished.
    ///
    /// Calls go on waiting until their deadlines, timers and notices wait as well; stopping, killing and
    /// [describing](Self::describe_child) it are served. Its snapshot says [`State::Suspended`](crate::State::Suspended).
    ///
    /// # On restart
    ///
    /// As in OTP a new incarnation is not suspended.
    ///
    /// # Errors
    ///
    /// [`AdminError::NotFound`], [`AdminError::NotAWorker`], [`AdminError::NotRunning`], [`AdminError::Stopping`].
    pub fn suspend_child(&self, name: &str) -> Result<(), AdminError> {
        self.running(name)?.1.suspend(true);
        Ok(())
    }

    /// Lets a suspended child go on. No error if it was not suspended.
    ///
    /// # Errors
    ///
    /// As [`suspend_child`](Self::suspend_child).
    pub fn resume_child(&self, name: &str) -> Result<(), AdminError> {
        self.running(name)?.1.suspend(false);
        Ok(())
    }

    /// Asks a child to [describe](crate::Actor::describe) its state, between two messages and ahead of those that
    /// wait (OTP, `sys:get_status/2`).
    ///
    /// # Errors
    ///
    /// [`AdminError::Busy`] when it does not come to it in time, [`AdminError::NotRunning`] also when it ends
    /// meanwhile, and those of [`suspend_child`](Self::suspend_child).
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait changes nothing.
    pub async fn describe_child(&self, name: &str, within: Duration) -> Result<String, AdminError> {
        let (answer, description) = oneshot::channel();
        self.running(name)?.1.ask(answer);
        match tokio::time::timeout(within, crate::poll::deferring(description)).await {
            Ok(Ok(description)) => Ok(description),
            Ok(Err(_)) => Err(AdminError::NotRunning { path: self.path_of(name) }),
            Err(_) => Err(AdminError::Busy { path: self.path_of(name) }),
        }
    }

    fn running(&self, name: &str) -> Result<(Arc<Slot>, Arc<Incarnation>), AdminError> {
        let member = self.node.with_members(|members| {
            let key = members.key(name)?;
            members.get(key).cloned()
        });
        let member = member.ok_or_else(|| self.without(name))?;
        let Member::Worker(slot) = &member else { return Err(AdminError::NotAWorker { path: self.path_of(name) }) };
        let current = slot.current().filter(|current| !current.scope.is_replaced());
        Ok((Arc::clone(slot), current.ok_or_else(|| AdminError::NotRunning { path: self.path_of(name) })?))
    }
}
