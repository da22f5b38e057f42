//! Between rows and values.
//!
//! Promises that a row that no version of this program writes is an error and not a guess.

use std::error::Error as StdError;
use std::sync::Arc;

use campaign::{CampaignId, CreativeId};
use money::{Cpm, Nanos};
use rusqlite::types::Type;
use rusqlite::{CachedStatement, Connection, Row, params};

use crate::{BidFacts, CapKey, EventKind, Flags, LeaseId, LeaseTerm, LedgerEvent, TokenId};

/// Every column of `event`, in the order of [`event`]; a macro, so that the statements are constants.
macro_rules! columns {
    () => {
        "seq, at_ms, kind, region, region_seq, campaign, lease, amount, late, flags, expires_ms, closes_ms, token, \
         exchange, auction, imp, bid, creative, bid_price, price, currency, cap_key, definition"
    };
}

pub(super) const SELECT_AFTER: &str =
    concat!("SELECT ", columns!(), " FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2");
pub(super) const SELECT_SINCE: &str =
    concat!("SELECT ", columns!(), " FROM event WHERE region = ?1 AND region_seq > ?2 ORDER BY region_seq LIMIT ?3");
const INSERT: &str = concat!(
    "INSERT INTO event (",
    columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)"
);

pub(super) fn event(row: &Row<'_>) -> rusqlite::Result<LedgerEvent> {
    let kind: String = row.get(2)?;
    let kind = EventKind::from_name(&kind).ok_or_else(|| strange(2, format!("unknown kind {kind:?}")))?;
    let region: Option<String> = row.get(3)?;
    let term = match (row.get(10)?, row.get(11)?) {
        (Some(expires_ms), Some(closes_ms)) => Some(LeaseTerm { expires_ms, closes_ms }),
        (None, None) => None,
        _ => return Err(strange(10, "a lease with half an end".into())),
    };
    let token: Option<[u8; TokenId::BYTES]> = row.get(12)?;
    Ok(LedgerEvent {
        seq: row.get(0)?,
        at_ms: row.get(1)?,
        kind,
        region: region.map(Arc::from),
        region_seq: row.get::<_, Option<u64>>(4)?.unwrap_or(0),
        campaign: CampaignId(row.get(5)?),
        lease: row.get::<_, Option<u64>>(6)?.map(LeaseId),
        amount: Nanos(row.get(7)?),
        late: Nanos(row.get(8)?),
        flags: Flags::from_bits(row.get(9)?),
        term,
        bid: token.map(|token| facts(TokenId(token), row)).transpose()?.map(Box::new),
    })
}

fn facts(token: TokenId, row: &Row<'_>) -> rusqlite::Result<BidFacts> {
    let currency: String = row.get(20)?;
    Ok(BidFacts {
        token,
        exchange: row.get::<_, String>(13)?.into(),
        auction: row.get(14)?,
        imp: row.get(15)?,
        bid: row.get(16)?,
        creative: CreativeId(row.get(17)?),
        bid_price: Cpm(row.get(18)?),
        price: row.get::<_, Option<i64>>(19)?.map(Cpm),
        currency: currency.parse().map_err(|_| strange(20, format!("unknown currency {currency:?}")))?,
        cap_key: row.get::<_, Option<_>>(21)?.map(CapKey),
        definition: row.get(22)?,
    })
}

pub(super) fn insert(conn: &Connection, event: &LedgerEvent) -> rusqlite::Result<()> {
    let mut statement: CachedStatement<'_> = conn.prepare_cached(INSERT)?;
    let bid = event.bid.as_deref();
    statement.execute(params![
        event.seq,
        event.at_ms,
        event.kind.name(),
        event.region.as_deref(),
        event.region.is_some().then_some(event.region_seq),
        event.campaign.0,
        event.lease.map(|lease| lease.0),
        event.amount.0,
        event.late.0,
        event.flags.bits(),
        event.term.map(|term| term.expires_ms),
        event.term.map(|term| term.closes_ms),
        bid.map(|bid| bid.token.0),
        bid.map(|bid| &*bid.exchange),
        bid.map(|bid| &*bid.auction),
        bid.map(|bid| &*bid.imp),
        bid.map(|bid| &*bid.bid),
        bid.map(|bid| bid.creative.0),
        bid.map(|bid| bid.bid_price.0),
        bid.and_then(|bid| bid.price).map(|price| price.0),
        bid.map(|bid| bid.currency.as_str()),
        bid.and_then(|bid| bid.cap_key).map(|key| key.0),
        bid.and_then(|bid| bid.definition),
    ])?;
    Ok(())
}

pub(super) fn strange(column: usize, what: String) -> rusqlite::Error {
    let what: Box<dyn StdError + Send + Sync> = what.into();
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, what)
}
