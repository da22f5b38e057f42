//! The gate of one compiled campaign: open until an evaluation of it panics.
//!
//! Promises that it closes once, for good, and that the incarnation behind it is charged exactly once. Never opens again:
//! the next incarnation's campaign is a new one with a gate of its own.

use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};

use tembusu::Address;

use crate::actors::{Condemnation, DefinitionMessage, Slot};

/// Open at first.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    closed: AtomicBool,
    owner: Owner,
}

/// Who is charged for a panic.
#[derive(Debug, Default)]
enum Owner {
    /// Nobody: it has no place in a tree.
    #[default]
    None,
    /// An incarnation of a definition.
    Incarnation(Address<DefinitionMessage>, u64),
    /// The subtree that the campaign gets then.
    Resting(Weak<Slot>),
}

impl Gate {
    /// An open gate whose closing is charged to an incarnation.
    pub(crate) fn owned_by(address: Address<DefinitionMessage>, incarnation: u64) -> Self {
        Self { closed: AtomicBool::new(false), owner: Owner::Incarnation(address, incarnation) }
    }

    /// An open gate whose closing wakes a campaign.
    pub(crate) fn resting_in(slot: Weak<Slot>) -> Self {
        Self { closed: AtomicBool::new(false), owner: Owner::Resting(slot) }
    }

    /// Tells whether the campaign may still be evaluated.
    pub(crate) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Acquire)
    }

    /// Closes it for the reason that a panic gave. Calls that are inside at the same moment may panic too: the first counts.
    pub(crate) fn close(&self, message: &str) {
        let first = !self.closed.swap(true, Ordering::AcqRel);
        match &self.owner {
            _ if !first => {}
            Owner::None => {}
            Owner::Incarnation(address, incarnation) => {
                let charge = Condemnation { incarnation: Some(*incarnation), message: message.to_owned() };
                // Refused only if the definition is down already, and then this campaign is out of every index.
                let _ = address.tell(DefinitionMessage::Condemned(charge));
            }
            // One that is gone has been removed.
            Owner::Resting(slot) => slot.upgrade().iter().for_each(|slot| slot.charge(message)),
        }
    }
}
