//! Ending gracefully: nothing more is accepted, what waits is handled, then the child ends.
//!
//! Draining decides nothing about supervision: the end of it is an ordinary termination by the supervisor, and a
//! crash on the way is an ordinary crash. Every wait is bounded by the deadline that the caller gives.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::context::NEVER;
use crate::error::AdminError;
use crate::exit::ExitReason;
use crate::shell::member::{Member, Nested};
use crate::shell::node::Node;
use crate::shell::slot::Slot;
use crate::tree::{SupervisorRef, Tree};

/// How draining went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Drained {
    /// Everything that had been accepted was handled.
    Empty,
    /// The time was over first.
    TimedOut {
        /// How many messages still waited; they are dead letters.
        left: usize,
    },
}

impl SupervisorRef {
    /// Drains a child, then terminates it as [`terminate_child`](Self::terminate_child) does. From now on senders get
    /// [`Draining`](crate::TellError::Draining) with their message; what waits is handled; the child ends once it
    /// comes back for more and there is nothing, or when `within` is over.
    ///
    /// A supervisor is drained child by child in reverse start order: who depends on others comes first.
    ///
    /// Whatever its restart type, the child is not restarted when it has been drained: that is an end by request, and
    /// its specification stays, except of a temporary child. [`restart_child`](Self::restart_child) opens the queue
    /// again. A message that the child sends to itself while it drains is refused; its timers and replies work.
    ///
    /// # On restart
    ///
    /// A child that crashes while it drains is restarted by its supervisor as ever, keeps its queue and goes on
    /// draining.
    ///
    /// # Errors
    ///
    /// [`AdminError::NotFound`], and those of [`terminate_child`](Self::terminate_child); then the child goes on
    /// refusing messages, and draining can be asked for again.
    ///
    /// # Cancel safety
    ///
    /// A dropped wait leaves the child running, handling what waits and refusing what comes.
    pub async fn drain_child(&self, name: &str, within: Duration) -> Result<Drained, AdminError> {
        let member = self.node().with_members(|members| {
            let key = members.key(name)?;
            members.get(key).cloned()
        });
        let member = member.ok_or_else(|| AdminError::NotFound { path: self.path_of(name) })?;
        let mut slots = Vec::new();
        collect(&member, &mut slots);
        drop(member);
        let drained = drain(&slots, deadline(within)).await;
        drop(slots);
        self.terminate_child(name).await?;
        Ok(drained)
    }
}

impl Tree {
    /// Drains the children in reverse start order, so that those that later ones depend on serve them to the end,
    /// then [shuts down](Self::shutdown) and waits for it. Whatever still waits after `within` becomes dead letters;
    /// the shutdown itself is bounded by the children's budgets.
    pub async fn drain(&self, within: Duration) -> ExitReason {
        let mut slots = Vec::new();
        collect_below(self.handle().node(), &mut slots);
        drain(&slots, deadline(within)).await;
        drop(slots);
        self.shutdown().await
    }
}

fn deadline(within: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(within).unwrap_or_else(|| now + NEVER)
}

async fn drain(slots: &[Arc<Slot>], deadline: Instant) -> Drained {
    let mut left = 0;
    for slot in slots {
        slot.queue().drain();
        if timeout_at(deadline, slot.queue().drained()).await.is_err() {
            let lengths = slot.queue().lengths();
            left += lengths.ordinary + lengths.priority + lengths.stashed;
        }
    }
    if left == 0 { Drained::Empty } else { Drained::TimedOut { left } }
}

/// The workers of a member, the last one started first.
fn collect(member: &Member, slots: &mut Vec<Arc<Slot>>) {
    match member {
        // The queue of a stand-in is that of the child whose place it takes.
        Member::Worker(slot) if slot.used.is_stand_in => {}
        Member::Worker(slot) => slots.push(Arc::clone(slot)),
        Member::Supervisor(nested) => {
            let Nested { normal, fallback, .. } = &**nested;
            if let Some(fallback) = fallback {
                collect_below(fallback, slots);
            }
            collect_below(normal, slots);
        }
    }
}

fn collect_below(node: &Arc<Node>, slots: &mut Vec<Arc<Slot>>) {
    for (_, member) in node.with_members(|members| members.all()).iter().rev() {
        collect(member, slots);
    }
}
