//! How long after its bid a notice came.

use ledger::LedgerEvent;

use crate::day::millis;
use crate::limits::BILLABLE_MAX;

/// How long after its bid a notice was recorded: a token begins with its time. `None` if that makes no sense.
pub(crate) fn delay_ms(event: &LedgerEvent) -> Option<i64> {
    let token = event.bid.as_ref()?.token.0;
    let issued_ms = token[..6].iter().fold(0, |time, byte| time << 8 | i64::from(*byte));
    let delay_ms = event.at_ms.checked_sub(issued_ms)?;
    (0..=millis(BILLABLE_MAX)).contains(&delay_ms).then_some(delay_ms)
}
