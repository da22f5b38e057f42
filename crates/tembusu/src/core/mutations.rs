//! Seeded faults of the core, to prove that the comparison with Erlang/OTP finds such faults.
//!
//! Without the feature `mutations`, `is` is constant and nothing of this is left in the program.

// Public with the feature only.
#![cfg_attr(not(feature = "mutations"), allow(unreachable_pub))]

#[cfg(feature = "mutations")]
use std::sync::atomic::{AtomicU8, Ordering};

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mutation {
    /// One restart more than the intensity is granted.
    GrantsOneMore = 1,
    /// One restart less than the intensity is granted.
    GrantsOneLess,
    /// A failure is charged twice.
    ChargesTwice,
    /// A failed start is tried again without a charge.
    FailedStartsAreFree,
    /// A death while the group is being stopped is charged as well.
    ChargesEachOfAGroup,
    /// What was charged to the incarnation before still counts after a restart of the supervisor.
    RemembersItsFormerLife,
    /// A group restart brings temporary children back.
    RevivesTemporaries,
    /// An ended temporary child keeps its specification.
    KeepsTemporaries,
    /// A transient child is restarted after `shutdown`.
    RestartsAfterShutdown,
    /// A transient supervisor is restarted when its intensity is used up.
    RestartsTheExhausted,
    /// A permanent child is not restarted after a normal end.
    NormalEndIsFinal,
    /// `rest_for_one` restarts earlier siblings as well.
    RestartsTheEarlier,
    /// `one_for_all` leaves earlier siblings running.
    LeavesSiblingsRunning,
    /// A group restart does not start who was terminated or had ended.
    LeavesTheDownDown,
    /// A supervisor that ends stops its children in start order.
    StopsInStartOrder,
    /// `all_significant` is taken for `any_significant`.
    AnyIsAll,
    /// The end of a significant child ends nobody.
    NobodyIsSignificant,
}

#[cfg(feature = "mutations")]
impl Mutation {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::GrantsOneMore,
        Self::GrantsOneLess,
        Self::ChargesTwice,
        Self::FailedStartsAreFree,
        Self::ChargesEachOfAGroup,
        Self::RemembersItsFormerLife,
        Self::RevivesTemporaries,
        Self::KeepsTemporaries,
        Self::RestartsAfterShutdown,
        Self::RestartsTheExhausted,
        Self::NormalEndIsFinal,
        Self::RestartsTheEarlier,
        Self::LeavesSiblingsRunning,
        Self::LeavesTheDownDown,
        Self::StopsInStartOrder,
        Self::AnyIsAll,
        Self::NobodyIsSignificant,
    ];
}

#[cfg(feature = "mutations")]
static ACTIVE: AtomicU8 = AtomicU8::new(0);

/// Makes every supervisor of this process faulty, or none.
#[cfg(feature = "mutations")]
pub fn activate(mutation: Option<Mutation>) {
    ACTIVE.store(mutation.map_or(0, |mutation| mutation as u8), Ordering::Relaxed);
}

/// Whether that fault is wanted.
#[cfg(feature = "mutations")]
pub(super) fn is(mutation: Mutation) -> bool {
    ACTIVE.load(Ordering::Relaxed) == mutation as u8
}

/// Whether that fault is wanted: never.
#[cfg(not(feature = "mutations"))]
pub(super) const fn is(_: Mutation) -> bool {
    false
}
