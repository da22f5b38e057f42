//! What can be monitored: the incarnation behind an address, and the run of a supervisor.
//!
//! Either is asked for once: what ends later is told, what has ended already is not found.

use std::sync::{Arc, Weak};

use crate::address::Address;
use crate::panics;
use crate::shell::incarnation::Incarnation;
use crate::shell::node::Node;
use crate::ties::Tie;
use crate::tree::SupervisorRef;

/// What [`Context::monitor`](crate::Context::monitor) can be told to watch: an [`Address`] or a [`SupervisorRef`].
pub trait Monitored: private::Sealed {}

pub(crate) mod private {
    /// Who runs there now. Public in name only: the module is private.
    #[allow(unreachable_pub, missing_debug_implementations)]
    pub struct Target {
        pub(crate) path: std::sync::Arc<str>,
        pub(crate) of: super::Of,
    }

    pub trait Sealed {
        #[doc(hidden)]
        fn target(&self) -> Target;
    }
}

pub(crate) use private::{Sealed, Target};

/// Where a monitor is set, to be taken back there. It keeps nothing alive.
#[derive(Clone)]
pub(crate) enum Of {
    Worker(Weak<Incarnation>),
    Supervisor(Weak<Node>),
}

impl Of {
    /// Remembers whom to tell of the end. False when nobody runs there.
    pub(crate) fn tie(&self, key: u64, tie: Tie) -> bool {
        match self {
            Self::Worker(incarnation) => {
                incarnation.upgrade().is_some_and(|incarnation| incarnation.tie(key, tie).is_ok())
            }
            Self::Supervisor(node) => {
                let Some(node) = node.upgrade() else { return false };
                let tied = node.tie(key, tie).is_ok();
                let_go(node);
                tied
            }
        }
    }

    /// Takes it back.
    pub(crate) fn untie(&self, key: u64) {
        match self {
            Self::Worker(incarnation) => {
                if let Some(incarnation) = incarnation.upgrade() {
                    drop(incarnation.untie(key));
                }
            }
            Self::Supervisor(node) => {
                if let Some(node) = node.upgrade() {
                    drop(node.untie(key));
                    let_go(node);
                }
            }
        }
    }
}

/// The last reference to a supervisor may be the last to what is a user's below it.
fn let_go(node: Arc<Node>) {
    panics::drop_quietly(node);
}

impl<M: Send + 'static> Monitored for Address<M> {}

impl<M: Send + 'static> Sealed for Address<M> {
    fn target(&self) -> Target {
        let mailbox = self.mailbox();
        let current = mailbox.lives().current();
        let of = Of::Worker(current.map_or_else(Weak::new, |current| Arc::downgrade(&current)));
        Target { path: Arc::clone(mailbox.path()), of }
    }
}

impl Monitored for SupervisorRef {}

impl Sealed for SupervisorRef {
    fn target(&self) -> Target {
        Target { path: Arc::clone(self.node().path()), of: Of::Supervisor(Arc::downgrade(self.node())) }
    }
}
