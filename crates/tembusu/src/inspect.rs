//! Looking into a running child, and letting its messages wait (OTP, `sys`): for operators and tests, between two
//! messages of the child, without code of its own except [`Actor::describe`](crate::Actor::describe).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::AdminError;
use crate::shell::incarnation::Incarnation;
use crate::shell::member::Member;
use crate::snapshot::State;
use crate::tree::SupervisorRef;

impl SupervisorRef {
    /// Lets the messages of a child wait, from the next one on (OTP, `sys:suspend/1`). The one at hand is finished.
    ///
    /// Calls go on waiting until their deadlines, timers and notices wait as well; stopping, killing and
    /// [describing](Self::describe_child) it are served. Its snapshot says [`State::Suspended`].
    ///
    /// # On restart
    ///
    /// As in OTP a new incarnation is not suspended.
    ///
    /// # Errors
    ///
    /// [`AdminError::NotFound`], [`AdminError::NotAWorker`], [`AdminError::NotRunning`], [`AdminError::Stopping`].
    pub fn suspend_child(&self, name: &str) -> Result<(), AdminError> {
        self.incarnation_of(name)?.suspend(true);
        Ok(())
    }

    /// Lets a suspended child go on. No error if it was not suspended.
    ///
    /// # Errors
    ///
    /// As [`suspend_child`](Self::suspend_child).
    pub fn resume_child(&self, name: &str) -> Result<(), AdminError> {
        self.incarnation_of(name)?.suspend(false);
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
        self.incarnation_of(name)?.ask(answer);
        match tokio::time::timeout(within, description).await {
            Ok(Ok(description)) => Ok(description),
            Ok(Err(_)) => Err(AdminError::NotRunning),
            Err(_) => Err(AdminError::Busy),
        }
    }

    fn incarnation_of(&self, name: &str) -> Result<Arc<Incarnation>, AdminError> {
        let member = self.node.with_members(|members| {
            let key = members.key(name)?;
            members.get(key).cloned()
        });
        let member = member.ok_or_else(|| match self.node.own_state() {
            // When a tree has ended it lets go of its children.
            State::Stopped => AdminError::Stopping,
            _ => AdminError::NotFound,
        })?;
        let Member::Worker(slot) = &*member else { return Err(AdminError::NotAWorker) };
        slot.current().filter(|current| !current.scope.is_replaced()).ok_or(AdminError::NotRunning)
    }
}
