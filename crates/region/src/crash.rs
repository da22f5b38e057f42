//! Why an actor of a region crashes.
//!
//! Infrastructure only: a refusal of the ledger or of a bid is a value and never gets here.

use thiserror::Error;

/// An infrastructure failure in a region; its supervisor restarts the whole region.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegionCrash {
    /// The ledger did not give what an incarnation needs to start.
    #[error("region {region} cannot start without the ledger: {doing}: {cause}")]
    Ledger {
        /// Which region.
        region: String,
        /// What was asked for.
        doing: &'static str,
        /// What became of the call.
        cause: String,
    },
    /// An actor started although `bidding_state` had not: the children are in the wrong order.
    #[error("region {region} has no epoch: bidding_state must start first")]
    NoEpoch {
        /// Which region.
        region: String,
    },
    /// The kept counts of users are not what the ledger said.
    #[error(
        "kept counts of users have changed in memory (block {block}): they are read again from the ledger; check the machine's memory if it happens twice"
    )]
    CorruptCaps {
        /// Which block of rows.
        block: usize,
    },
    /// The ledger keeps the events no more that an actor has missed.
    #[error("region {region} has missed events that the ledger keeps no more: it starts anew from a snapshot")]
    Behind {
        /// Which region.
        region: String,
    },
    /// A chaos point was armed.
    #[error("chaos point {0}")]
    Injected(&'static str),
}

/// Crashes if a chaos point is armed.
pub(crate) fn strike(point: &tembusu::chaos::Point) -> Result<(), RegionCrash> {
    if point.take() { Err(RegionCrash::Injected(point.name())) } else { Ok(()) }
}
