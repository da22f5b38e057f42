//! The balances in the database: those of now, and those that were carried forward in place of old events.
//!
//! Promises that both are written and read by the same code, row by row as the books say. Never decides what they are.

use std::collections::BTreeSet;

use campaign::CampaignId;
use money::Nanos;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::strange;
use crate::{Account, Books, EventKind, LastBids, LeaseId, LeaseTerm, OpenLease};

/// The statements for one set of tables.
pub(super) struct Balances {
    read_mark: &'static str,
    read_accounts: &'static str,
    read_account: &'static str,
    read_leases: &'static str,
    read_lease: &'static str,
    read_regions: &'static str,
    read_tally: &'static str,
    write_mark: &'static str,
    write_account: &'static str,
    write_lease: &'static str,
    drop_lease: &'static str,
    write_region: &'static str,
    write_tally: &'static str,
}

macro_rules! account_columns {
    () => {
        "campaign, budget, spent, leased, free, late"
    };
}

macro_rules! lease_columns {
    () => {
        "lease, campaign, region, granted, spent, left, expires_ms, closes_ms, open_until_ms, won_ttl_ms"
    };
}

macro_rules! balances {
    ($prefix:literal) => {
        Balances {
            read_mark: concat!("SELECT last_seq, last_lease FROM ", $prefix, "mark"),
            read_accounts: concat!("SELECT ", account_columns!(), " FROM ", $prefix, "account"),
            read_account: concat!("SELECT ", account_columns!(), " FROM ", $prefix, "account WHERE campaign = ?1"),
            read_leases: concat!("SELECT ", lease_columns!(), " FROM ", $prefix, "lease"),
            read_lease: concat!("SELECT ", lease_columns!(), " FROM ", $prefix, "lease WHERE lease = ?1"),
            read_regions: concat!("SELECT region, head FROM ", $prefix, "region"),
            read_tally: concat!("SELECT kind, count FROM ", $prefix, "tally"),
            write_mark: concat!("UPDATE ", $prefix, "mark SET last_seq = ?1, last_lease = ?2"),
            write_account: concat!(
                "INSERT INTO ",
                $prefix,
                "account (",
                account_columns!(),
                ") VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET budget = excluded.budget, \
                 spent = excluded.spent, leased = excluded.leased, free = excluded.free, late = excluded.late"
            ),
            write_lease: concat!(
                "INSERT OR REPLACE INTO ",
                $prefix,
                "lease (",
                lease_columns!(),
                ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
            ),
            drop_lease: concat!("DELETE FROM ", $prefix, "lease WHERE lease = ?1"),
            write_region: concat!("INSERT OR REPLACE INTO ", $prefix, "region VALUES (?1, ?2)"),
            write_tally: concat!(
                "INSERT INTO ",
                $prefix,
                "tally (kind, count) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET count = excluded.count"
            ),
        }
    };
}

/// The books after the last event.
pub(super) const NOW: Balances = balances!("");
/// The books after the last event that was folded.
pub(super) const CARRIED: Balances = balances!("carried_");

/// Whose rows a number of events touch.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub(super) campaigns: BTreeSet<CampaignId>,
    pub(super) leases: BTreeSet<LeaseId>,
}

impl Balances {
    /// The whole books.
    pub(super) fn load(&self, conn: &Connection) -> rusqlite::Result<Books> {
        let mut books = self.load_heads(conn)?;
        let mut statement = conn.prepare(self.read_accounts)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (campaign, account) = account(row)?;
            books.accounts.insert(campaign, account);
        }
        let mut statement = conn.prepare(self.read_leases)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            books.load_lease(lease(row)?);
        }
        Ok(books)
    }

    /// A part of the books: these accounts and leases, and nobody else's.
    pub(super) fn load_part(&self, conn: &Connection, of: &Touched) -> rusqlite::Result<Books> {
        let mut books = self.load_heads(conn)?;
        let mut statement = conn.prepare_cached(self.read_account)?;
        for campaign in &of.campaigns {
            books.accounts.extend(statement.query_row([campaign.0], account).optional()?);
        }
        let mut statement = conn.prepare_cached(self.read_lease)?;
        for id in &of.leases {
            if let Some(lease) = statement.query_row([id.0], lease).optional()? {
                books.load_lease(lease);
            }
        }
        Ok(books)
    }

    /// What is not of one account or lease.
    pub(super) fn load_heads(&self, conn: &Connection) -> rusqlite::Result<Books> {
        let mut books = Books::default();
        (books.last_seq, books.last_lease) =
            conn.prepare_cached(self.read_mark)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut statement = conn.prepare_cached(self.read_regions)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            books.heads.insert(row.get::<_, String>(0)?.into(), row.get(1)?);
        }
        let mut statement = conn.prepare_cached(self.read_tally)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let kind: String = row.get(0)?;
            let kind = EventKind::from_name(&kind).ok_or_else(|| strange(0, format!("unknown kind {kind:?}")))?;
            books.tally.insert(kind, row.get(1)?);
        }
        Ok(books)
    }

    /// Writes the accounts and leases that were touched, as the books have them; a lease that they do not have is closed.
    pub(super) fn write(&self, conn: &Connection, books: &Books, touched: &Touched) -> rusqlite::Result<()> {
        let mut statement = conn.prepare_cached(self.write_account)?;
        for (campaign, account) in touched.campaigns.iter().filter_map(|id| Some((id, books.account(*id)?))) {
            statement.execute(params![
                campaign.0,
                account.budget().0,
                account.spent().0,
                account.leased().0,
                account.free().0,
                account.late().0,
            ])?;
        }
        for id in &touched.leases {
            let Some(lease) = books.lease(*id) else {
                conn.prepare_cached(self.drop_lease)?.execute([id.0])?;
                continue;
            };
            conn.prepare_cached(self.write_lease)?.execute(params![
                id.0,
                lease.campaign.0,
                &*lease.region,
                lease.granted.0,
                lease.spent.0,
                lease.left.0,
                lease.term.expires_ms,
                lease.term.closes_ms,
                lease.last.map(|last| last.open_until_ms),
                lease.last.map(|last| last.won_ttl_ms),
            ])?;
        }
        conn.prepare_cached(self.write_mark)?.execute(params![books.last_seq, books.last_lease])?;
        Ok(())
    }

    pub(super) fn write_head(&self, conn: &Connection, books: &Books, region: &str) -> rusqlite::Result<()> {
        conn.prepare_cached(self.write_region)?.execute(params![region, books.head(region)])?;
        Ok(())
    }

    pub(super) fn write_count(&self, conn: &Connection, books: &Books, kind: EventKind) -> rusqlite::Result<()> {
        conn.prepare_cached(self.write_tally)?.execute(params![kind.name(), books.count(kind)])?;
        Ok(())
    }
}

fn account(row: &Row<'_>) -> rusqlite::Result<(CampaignId, Account)> {
    let amount = |column| row.get(column).map(Nanos);
    let account = Account::stored(amount(1)?, amount(2)?, amount(3)?, amount(4)?, amount(5)?);
    Ok((CampaignId(row.get(0)?), account))
}

fn lease(row: &Row<'_>) -> rusqlite::Result<OpenLease> {
    Ok(OpenLease {
        lease: LeaseId(row.get(0)?),
        campaign: CampaignId(row.get(1)?),
        region: row.get::<_, String>(2)?.into(),
        granted: Nanos(row.get(3)?),
        spent: Nanos(row.get(4)?),
        left: Nanos(row.get(5)?),
        term: LeaseTerm { expires_ms: row.get(6)?, closes_ms: row.get(7)? },
        last: match (row.get(8)?, row.get(9)?) {
            (Some(open_until_ms), Some(won_ttl_ms)) => Some(LastBids { open_until_ms, won_ttl_ms }),
            (None, None) => None,
            _ => return Err(strange(8, "a lease that was left by half".into())),
        },
    })
}
