//! Folding: old events are replaced by the balances that they led to, so that a ledger lives for as long as its campaigns.
//!
//! Promises
//! - **Nothing that still counts is forgotten.** The balances after the last folded event are carried forward, account by account
//!   and lease by lease; replay starts from them and still checks every event after it. Of the folded events budgets and
//!   billings stay, and all other notices for as long as one of them may come again ([`Retention`]).
//! - **Checked before it counts.** Each folded event passes the checks of replay once more; the balances must be what the sums of
//!   the folded events say, by another way of adding; what was written is read back and compared: all of it in the
//!   transaction that removes the events.
//! - **Small steps.** A step takes so many events and no more, so that no notice waits for long, and is one transaction: killed at
//!   any moment, the ledger is as it was before the step or after it.
//!
//! Never repairs: events that contradict the balances stop the ledger, and stay. Never shrinks the file: what is freed is written
//! to again.

mod check;
mod events;
mod prune;
mod retention;

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::balances::CARRIED;
use super::write::database;
use super::{Store, StoreError};
use crate::chaos::FOLD_STEPS;

pub use retention::Retention;

pub(super) use check::listed_rows_agree;

/// What a step of folding has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Folding {
    /// Events that are now carried forward in the balances.
    pub events: usize,
    /// Rows that are not kept any more: of these events or of earlier ones.
    pub rows: usize,
    /// There may be more that is due: go on soon.
    pub is_more: bool,
}

/// Up to where what was folded.
#[derive(Debug, Clone, Default)]
pub(super) struct Folded {
    /// The last event that is carried forward.
    pub(super) last_seq: u64,
    /// The same in each region.
    pub(super) heads: BTreeMap<Arc<str>, u64>,
    /// Up to this event only budgets and billings are kept.
    pub(super) notices_seq: u64,
    /// Up to this event only budgets are kept.
    pub(super) billings_seq: u64,
}

impl Folded {
    pub(super) fn load(conn: &Connection) -> rusqlite::Result<Self> {
        let heads = CARRIED.load_heads(conn)?.heads;
        conn.prepare_cached("SELECT last_seq, notices_seq, billings_seq FROM carried_mark")?.query_row([], |row| {
            Ok(Self { last_seq: row.get(0)?, heads, notices_seq: row.get(1)?, billings_seq: row.get(2)? })
        })
    }
}

impl Store {
    /// Folds the oldest events if so many are due by the [`Retention`], and removes notices and billings that are kept no longer,
    /// each at most so many rows at a time and durable when it returns. Does nothing, and writes nothing, while fewer are due:
    /// their time comes with the next ones.
    ///
    /// # Errors
    /// [`StoreError::Uncommitted`]; [`StoreError::DoesNotBalance`] and [`StoreError::ReplayDiffers`] if the events do not lead from the
    /// balances that were carried forward to the next: nothing is removed then; all others as [`commit`](Self::commit).
    ///
    /// # Examples
    /// ```
    /// use ledger::{LeaseAsk, Retention, Store, StoreOptions};
    /// use campaign::CampaignId;
    /// use money::Nanos;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let retention = Retention { events_max: 0, ..Retention::default() };
    /// let options = StoreOptions { retention, ..StoreOptions::new(folder.path().join("ledger.db")) };
    /// let mut store = Store::open(options)?;
    /// store.set_budget(CampaignId(7), "250.00".parse()?, 0)?;
    /// let ask = LeaseAsk { region: "sg".into(), campaign: CampaignId(7), want: Nanos(1_000), least: Nanos(10) };
    /// store.grant(&ask, 0)?.expect("the budget is there");
    /// store.commit()?;
    /// let before = store.totals()?;
    /// assert_eq!(store.fold(0, 2)?.events, 2);
    /// assert_eq!(store.totals()?, before);     // not a nano is elsewhere
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fold(&mut self, now_ms: i64, rows_max: usize) -> Result<Folding, StoreError> {
        self.check_readable()?;
        let rows_max = rows_max.max(1);
        self.poisoned = true;
        let events = self.events_due(now_ms, rows_max)?;
        let retention = &self.options.retention;
        let due = |upto, of: prune::Bounds| {
            prune::due(&self.conn, of, upto, rows_max).map_err(database("look for old notices"))
        };
        let Folded { last_seq, notices_seq, billings_seq, .. } = self.folded;
        let notices = due(retention.notices_until_ms(now_ms), prune::Bounds { after: notices_seq, last: last_seq })?;
        let billings = match retention.billings_until_ms(now_ms) {
            Some(until_ms) => due(until_ms, prune::Bounds { after: billings_seq, last: notices_seq })?,
            None => None,
        };
        if events.is_empty() && notices.is_none() && billings.is_none() {
            self.poisoned = false;
            return Ok(Folding::default());
        }

        let mut folding = Folding { events: events.len(), rows: 0, is_more: true };
        // Rolled back when it is dropped.
        let transaction = Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate)
            .map_err(database("begin a transaction"))?;
        if !events.is_empty() {
            folding.rows += events::fold(&transaction, &self.options.path, &events)?;
        }
        if let Some(upto) = notices {
            let bounds = prune::Bounds { after: notices_seq, last: upto };
            folding.rows += prune::notices(&transaction, bounds).map_err(database("remove old notices"))?;
        }
        strike(2)?;
        if let Some(upto) = billings {
            let bounds = prune::Bounds { after: billings_seq, last: upto };
            folding.rows += prune::billings(&transaction, bounds).map_err(database("remove old billings"))?;
        }
        strike(3)?;
        let folded = Folded::load(&transaction).map_err(database("read what was folded"))?;
        transaction.commit().map_err(database("commit what was folded"))?;
        strike(4)?;
        self.folded = folded;
        self.log_events += folding.rows;
        self.write_back()?;
        self.poisoned = false;
        Ok(folding)
    }

    /// The last event that is carried forward in the balances; replay starts after it.
    #[must_use]
    pub fn folded_seq(&self) -> u64 {
        self.folded.last_seq
    }
}

/// Stops at a step of folding if a test asked for it.
fn strike(step: usize) -> Result<(), StoreError> {
    let point = &FOLD_STEPS[step];
    if point.take() { Err(StoreError::Chaos(point.name())) } else { Ok(()) }
}
