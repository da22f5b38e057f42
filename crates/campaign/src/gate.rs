//! The gate of one compiled campaign: open until an evaluation of it panics.
//!
//! Promises that it closes once, for good, and that the incarnation behind it is charged exactly once. Never opens again:
//! the next incarnation's campaign is a new one with a gate of its own.

use std::sync::atomic::{AtomicBool, Ordering};

use tembusu::Address;

use crate::actors::{Condemnation, DefinitionMessage};

/// Open at first.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    closed: AtomicBool,
    owner: Option<Owner>,
}

/// The incarnation of a definition that is charged for a panic.
#[derive(Debug)]
struct Owner {
    address: Address<DefinitionMessage>,
    incarnation: u64,
}

impl Gate {
    /// An open gate whose closing is charged to an incarnation.
    pub(crate) fn owned_by(address: Address<DefinitionMessage>, incarnation: u64) -> Self {
        Self { closed: AtomicBool::new(false), owner: Some(Owner { address, incarnation }) }
    }

    /// Tells whether the campaign may still be evaluated.
    pub(crate) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Acquire)
    }

    /// Closes it for the reason that a panic gave. Calls that are inside at the same moment may panic too: the first counts.
    pub(crate) fn close(&self, message: &str) {
        let first = !self.closed.swap(true, Ordering::AcqRel);
        if let (true, Some(owner)) = (first, &self.owner) {
            let charge = Condemnation { incarnation: owner.incarnation, message: message.to_owned() };
            // Refused only if the definition is down already, and then this campaign is out of every index.
            let _ = owner.address.tell(DefinitionMessage::Condemned(charge));
        }
    }
}
