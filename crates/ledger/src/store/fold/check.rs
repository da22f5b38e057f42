//! What must agree when events are folded, and of what was folded before.
//!
//! Promises to add up in the database, by another way than the books do. Never writes.

use std::path::Path;

use campaign::CampaignId;
use money::Nanos;
use rusqlite::{Connection, Row, params};

use crate::store::StoreError;
use crate::store::open::unreadable;
use crate::{Account, Books, EventKind};

const SUMS: &str = "SELECT campaign, \
    sum(CASE WHEN kind = 'lease_granted' THEN amount ELSE 0 END), \
    sum(CASE WHEN kind IN ('lease_returned', 'lease_expired') THEN amount ELSE 0 END), \
    sum(CASE WHEN kind = 'billing' THEN amount ELSE 0 END), sum(late), count(*) \
    FROM event WHERE seq > ?1 AND seq <= ?2 GROUP BY campaign";

/// What moved in one account, added up by the database.
struct Sums {
    campaign: CampaignId,
    granted: Nanos,
    released: Nanos,
    billed: Nanos,
    late: Nanos,
    events: u64,
}

impl Sums {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let amount = |column| row.get(column).map(Nanos);
        Ok(Self {
            campaign: CampaignId(row.get(0)?),
            granted: amount(1)?,
            released: amount(2)?,
            billed: amount(3)?,
            late: amount(4)?,
            events: row.get(5)?,
        })
    }

    /// `spent`, `leased` and `late` of the account after what moved; `None` beyond what an amount can hold.
    fn after(&self, account: Account) -> Option<[Nanos; 3]> {
        let covered = self.billed.checked_sub(self.late)?;
        let leased = account.leased().checked_add(self.granted)?.checked_sub(self.released)?.checked_sub(covered)?;
        Some([account.spent().checked_add(self.billed)?, leased, account.late().checked_add(self.late)?])
    }
}

/// The accounts and leases that were touched differ by what the events between say in sum.
pub(super) fn compare_with_sums(
    conn: &Connection,
    path: &Path,
    before: &Books,
    after: &Books,
) -> Result<(), StoreError> {
    let differs = |detail| Err(StoreError::ReplayDiffers { path: path.into(), detail });
    let read = || {
        let mut statement = conn.prepare_cached(SUMS)?;
        let sums = statement.query_map(params![before.last_seq(), after.last_seq()], Sums::of)?;
        sums.collect::<rusqlite::Result<Vec<_>>>()
    };
    let sums = read().map_err(|error| unreadable(path, error))?;
    let mut events = 0;
    for sum in &sums {
        let account = |books: &Books| books.account(sum.campaign).copied().unwrap_or_default();
        let found = account(after);
        let found = [found.spent(), found.leased(), found.late()];
        if sum.after(account(before)) != Some(found) {
            let detail = format!(
                "campaign {}: events {} to {} in sum do not lead from {:?} to {:?}",
                sum.campaign,
                before.last_seq() + 1,
                after.last_seq(),
                account(before),
                account(after)
            );
            return differs(detail);
        }
        events += sum.events;
    }
    let leases = |books: &Books| Nanos::checked_sum(books.leases().map(|lease| lease.left));
    let accounts = |books: &Books| Nanos::checked_sum(books.accounts().map(|(_, account)| account.leased()));
    let moved = |of: &dyn Fn(&Books) -> Option<Nanos>| of(after)?.checked_sub(of(before)?);
    if events != after.last_seq() - before.last_seq() {
        return differs(format!("{events} events stand between {} and {}", before.last_seq(), after.last_seq()));
    }
    match (moved(&leases), moved(&accounts)) {
        (Some(leases), Some(accounts)) if leases == accounts => Ok(()),
        (leases, accounts) => differs(format!("folded leases moved {leases:?}, folded accounts {accounts:?}")),
    }
}

/// Of the folded events, those that should be kept are there, and add up with the balances; the first disagreement.
pub(in crate::store) fn listed_rows_agree(conn: &Connection) -> rusqlite::Result<Option<String>> {
    let queries = [
        (
            "kept events",
            "WITH kept AS (SELECT kind, count(*) AS count FROM event \
                           WHERE seq <= (SELECT last_seq FROM carried_mark) GROUP BY kind) \
             SELECT kind, listed, coalesce((SELECT count FROM kept WHERE kept.kind = carried_tally.kind), 0) \
             FROM carried_tally \
             WHERE listed <> coalesce((SELECT count FROM kept WHERE kept.kind = carried_tally.kind), 0) \
             UNION ALL SELECT kind, 0, count FROM kept WHERE kind NOT IN (SELECT kind FROM carried_tally) LIMIT 1",
        ),
        (
            "kept billings of campaign",
            "WITH billed AS (SELECT campaign, sum(amount) AS amount FROM event \
                             WHERE kind = 'billing' AND seq <= (SELECT last_seq FROM carried_mark) GROUP BY campaign) \
             SELECT carried_account.campaign, spent - unlisted, coalesce(amount, 0) FROM carried_account \
             LEFT JOIN billed USING (campaign) WHERE spent - unlisted <> coalesce(amount, 0) LIMIT 1",
        ),
        (
            "last budget of campaign",
            "WITH said AS (SELECT campaign, max(seq), amount FROM event \
                           WHERE kind = 'budget' AND seq <= (SELECT last_seq FROM carried_mark) GROUP BY campaign) \
             SELECT carried_account.campaign, budget, coalesce(amount, 0) FROM carried_account \
             LEFT JOIN said USING (campaign) WHERE budget <> coalesce(amount, 0) LIMIT 1",
        ),
    ];
    for (what, query) in queries {
        let mut statement = conn.prepare(query)?;
        let mut rows = statement.query([])?;
        if let Some(row) = rows.next()? {
            let name: String = match row.get_ref(0)? {
                rusqlite::types::ValueRef::Integer(id) => id.to_string(),
                other => other.as_str().unwrap_or("?").to_owned(),
            };
            let (carried, found): (i64, i64) = (row.get(1)?, row.get(2)?);
            return Ok(Some(format!(
                "{what} {name}: carried forward {carried}, the events that are kept give {found}"
            )));
        }
    }
    debug_assert!(EventKind::ALL.len() == 10, "a new kind is removed, kept or pruned");
    Ok(None)
}
