//! What operators have said of campaigns, on disk.
//!
//! Promises that a set of words and the budgets that they bring are recorded as a whole or not at all, and durable with
//! [`Store::commit`]. Never judges a definition: it is text here.

use std::collections::BTreeSet;

use campaign::CampaignId;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::write::database;
use super::{Store, StoreError};
use crate::campaign_word::{BudgetTooLow, CampaignAction, CampaignEntry, CampaignWord, DefinitionSource};

const SCHEMA: &str = include_str!("campaigns.sql");
/// Lines of one campaign's history that are read at once.
pub(super) const LOG_LINES_MAX: usize = 256;

const SELECT_WORDS: &str = "SELECT campaign, version, source, fingerprint, removed, paused, killed, action, who, why, at_ms \
                            FROM campaign ORDER BY campaign";

impl Store {
    /// Records what was said of campaigns, and sets the budgets of new definitions; or says which of these are too low. It
    /// counts when [`commit`](Self::commit) has returned.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn record_campaigns(
        &mut self,
        entries: &[CampaignEntry],
        now_ms: i64,
    ) -> Result<Result<(), Vec<BudgetTooLow>>, StoreError> {
        self.check_usable()?;
        let too_low: Vec<_> = entries.iter().filter_map(|entry| self.too_low(entry)).collect();
        if !too_low.is_empty() {
            return Ok(Err(too_low));
        }
        for entry in entries {
            if let Some(definition) = &entry.definition {
                self.set_budget(entry.word.campaign, definition.budget, now_ms)?;
            }
        }
        self.poisoned = true;
        if self.conn.is_autocommit() {
            self.conn.execute_batch("BEGIN IMMEDIATE").map_err(database("begin a transaction"))?;
        }
        for entry in entries {
            insert(&self.conn, entry, now_ms).map_err(database("record a word on a campaign"))?;
        }
        self.words += entries.len();
        self.poisoned = false;
        Ok(Ok(()))
    }

    /// A budget may not be cut below what is spent or out; one that is below already may stay or grow.
    fn too_low(&self, entry: &CampaignEntry) -> Option<BudgetTooLow> {
        let budget = entry.definition.as_ref()?.budget;
        let account = self.books.account(entry.word.campaign)?;
        let (spent, leased) = (account.spent(), account.leased());
        let least = spent.saturating_add(leased);
        let is_cut = budget < account.budget() && budget < least;
        is_cut.then_some(BudgetTooLow { campaign: entry.word.campaign, budget, spent, leased, least })
    }

    /// The last word on every campaign that was ever defined, by campaign.
    ///
    /// # Errors
    /// As [`commit`](Self::commit), and [`StoreError::Uncommitted`].
    pub fn campaign_words(&self) -> Result<Vec<CampaignWord>, StoreError> {
        self.check_readable()?;
        words(&self.conn).map_err(database("read the words on campaigns"))
    }

    /// The text of one version of a campaign's definition.
    ///
    /// # Errors
    /// As [`campaign_words`](Self::campaign_words).
    pub fn campaign_text(&self, campaign: CampaignId, version: u32) -> Result<Option<String>, StoreError> {
        self.check_readable()?;
        text(&self.conn, campaign, version).map_err(database("read a definition"))
    }

    /// The newest words on a campaign, the last one first: each with what was the version then.
    ///
    /// # Errors
    /// As [`campaign_words`](Self::campaign_words).
    pub fn campaign_log(&self, campaign: CampaignId) -> Result<Vec<CampaignLine>, StoreError> {
        self.check_readable()?;
        log(&self.conn, campaign).map_err(database("read the history of a campaign"))
    }

    /// Campaigns whose definition the operators' API keeps: the budget of the file is not theirs.
    pub(crate) fn kept_by_api(&self) -> Result<BTreeSet<CampaignId>, StoreError> {
        let words = self.campaign_words()?;
        Ok(words.iter().filter(|word| word.source == DefinitionSource::Api).map(|word| word.campaign).collect())
    }
}

/// One line of a campaign's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignLine {
    /// When. Unix milliseconds.
    pub at_ms: i64,
    /// What was said.
    pub action: CampaignAction,
    /// The version of the definition from then on.
    pub version: u32,
    /// Who kept the definition from then on.
    pub source: DefinitionSource,
    /// Who said it.
    pub who: String,
    /// Why; may be empty.
    pub why: String,
}

/// Makes the tables if they are missing, and the place for definitions in the history of one from before.
pub(super) fn ensure_tables(conn: &Connection) -> Result<(), StoreError> {
    let looking = || database("look for the words on campaigns");
    if !has_tables(conn).map_err(looking())? {
        let schema = format!("BEGIN IMMEDIATE; {SCHEMA} COMMIT;");
        return conn.execute_batch(&schema).map_err(database("make the tables of campaigns"));
    }
    if !logs_texts(conn).map_err(looking())? {
        conn.execute_batch("ALTER TABLE campaign_log ADD COLUMN text TEXT")
            .map_err(database("make room for definitions in the history of campaigns"))?;
    }
    Ok(())
}

pub(super) fn has_tables(conn: &Connection) -> rusqlite::Result<bool> {
    has_table(conn, "campaign_log")
}

fn has_table(conn: &Connection, name: &str) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = ?1")?.exists([name])
}

/// Whether the history holds the definitions; one from before does not.
fn logs_texts(conn: &Connection) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT 1 FROM pragma_table_info('campaign_log') WHERE name = 'text'")?.exists([])
}

pub(super) fn words(conn: &Connection) -> rusqlite::Result<Vec<CampaignWord>> {
    let mut statement = conn.prepare_cached(SELECT_WORDS)?;
    let words = statement.query_map([], |row| {
        Ok(CampaignWord {
            campaign: CampaignId(row.get(0)?),
            version: row.get(1)?,
            source: named(row, 2, DefinitionSource::from_name)?,
            fingerprint: row.get::<_, i64>(3)?.cast_unsigned(),
            removed: row.get(4)?,
            paused: row.get(5)?,
            killed: row.get(6)?,
            action: named(row, 7, CampaignAction::from_name)?,
            who: row.get(8)?,
            why: row.get(9)?,
            at_ms: row.get(10)?,
        })
    })?;
    words.collect()
}

pub(super) fn text(conn: &Connection, campaign: CampaignId, version: u32) -> rusqlite::Result<Option<String>> {
    let read = |sql| conn.prepare_cached(sql)?.query_row(params![campaign.0, version], |row| row.get(0)).optional();
    let newest = "SELECT text FROM campaign_log WHERE campaign = ?1 AND version = ?2 AND text IS NOT NULL \
                  ORDER BY entry DESC LIMIT 1";
    let logged = if logs_texts(conn)? { read(newest)? } else { None };
    if logged.is_some() || !has_table(conn, "campaign_definition")? {
        return Ok(logged);
    }
    read("SELECT text FROM campaign_definition WHERE campaign = ?1 AND version = ?2")
}

fn log(conn: &Connection, campaign: CampaignId) -> rusqlite::Result<Vec<CampaignLine>> {
    let mut statement = conn.prepare_cached(
        "SELECT at_ms, action, version, source, who, why FROM campaign_log WHERE campaign = ?1 ORDER BY entry DESC LIMIT ?2",
    )?;
    let lines = statement.query_map(params![campaign.0, LOG_LINES_MAX], |row| {
        Ok(CampaignLine {
            at_ms: row.get(0)?,
            action: named(row, 1, CampaignAction::from_name)?,
            version: row.get(2)?,
            source: named(row, 3, DefinitionSource::from_name)?,
            who: row.get(4)?,
            why: row.get(5)?,
        })
    })?;
    lines.collect()
}

fn insert(conn: &Connection, entry: &CampaignEntry, now_ms: i64) -> rusqlite::Result<()> {
    let word = &entry.word;
    let (source, action) = (word.source.name(), word.action.name());
    conn.prepare_cached("INSERT OR REPLACE INTO campaign VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?
        .execute(params![
            word.campaign.0,
            word.version,
            source,
            word.fingerprint.cast_signed(),
            word.removed,
            word.paused,
            word.killed,
            action,
            word.who,
            word.why,
            now_ms,
        ])?;
    let text = entry.definition.as_ref().map(|definition| &definition.text);
    conn.prepare_cached(
        "INSERT INTO campaign_log (at_ms, campaign, action, version, source, who, why, text) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![now_ms, word.campaign.0, action, word.version, source, word.who, word.why, text])?;
    Ok(())
}

fn named<T>(row: &Row<'_>, column: usize, from_name: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let name: String = row.get(column)?;
    let unknown = || format!("unknown name {name:?}").into();
    from_name(&name).ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, unknown()))
}
