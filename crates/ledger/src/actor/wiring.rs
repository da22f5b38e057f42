//! The ledger's place in the tree.

use std::time::Duration;

use tembusu::{Address, Supervisor, child};

use super::{Ledger, LedgerArgs, LedgerMessage};

/// Restarts granted within [`PERIOD`]. A disk that fails again and again is not healed by more restarts.
const INTENSITY: u32 = 3;
const PERIOD: Duration = Duration::from_secs(10);
/// The back-off while the disk is out of order.
const RESTORE_FIRST: Duration = Duration::from_secs(1);
const RESTORE_MAX: Duration = Duration::from_secs(60);
/// Notices and leases that may wait; beyond it, callers learn `Full` and answer 503.
const MAILBOX: usize = 8_192;
/// A large ledger is checked when it is opened.
const INIT_TIMEOUT: Duration = Duration::from_secs(60);
/// The last group's commit.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Makes the ledger's supervisor and gives the ledger's address.
///
/// When its intensity is used up nothing runs in its place: the address answers
/// [`Degraded`](tembusu::CallError::Degraded), so that notices get 503 and bids stop when their leases end. It is
/// restored with back-off.
pub fn supervisor(args: LedgerArgs) -> (Supervisor, Address<LedgerMessage>) {
    let mut supervisor = Supervisor::one_for_one("ledger")
        .intensity(INTENSITY, PERIOD)
        .quarantine()
        .restore_after(RESTORE_FIRST, RESTORE_MAX);
    let runtime = args.runtime.clone();
    // It waits for the disk on a thread of its own: a slow one must not bring a second ledger beside the first.
    let address = supervisor.add(
        child::<Ledger>("event_log", args)
            .on(runtime)
            .mailbox(MAILBOX)
            .init_timeout(INIT_TIMEOUT)
            .shutdown(SHUTDOWN)
            .heartbeat(Duration::MAX),
    );
    (supervisor, address)
}
