//! Following the campaigns file.
//!
//! Promises that a file with one flaw changes nothing, that one with most campaigns gone (cut off, empty, the wrong one) changes
//! nothing either unless that is said to be meant, and that what has not changed in it is not even read. What the API keeps
//! stays the API's unless it is taken. Says how long each step took and whether the bids know of it.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use campaign::CampaignId;
use campaign::actors::Changes;
use ledger::{CampaignWord, DefinitionSource};

use super::entry::{defined, removed};
use super::{BookError, CampaignBook, Change};

/// Campaigns of each kind that a line of the log names: the answer names all.
const NAMED_MAX: usize = 20;

/// Which campaigns the file is to keep again.
#[derive(Debug, Clone, Default)]
pub(crate) enum Take {
    /// Those that it keeps already.
    #[default]
    Own,
    /// These, too.
    These(BTreeSet<CampaignId>),
    /// All.
    All,
}

impl Take {
    fn includes(&self, campaign: CampaignId) -> bool {
        match self {
            Take::Own => false,
            Take::These(ids) => ids.contains(&campaign),
            Take::All => true,
        }
    }
}

/// How a reload is to go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Orders {
    pub(crate) take: Take,
    /// So many campaigns may go; by default half of those that the file keeps.
    pub(crate) may_remove: Option<usize>,
}

/// What a reload has come to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reloaded {
    pub(crate) added: Vec<CampaignId>,
    pub(crate) changed: Vec<CampaignId>,
    pub(crate) removed: Vec<CampaignId>,
    /// Those that the API keeps and of which the file says something else.
    pub(crate) kept: Vec<CampaignId>,
    pub(crate) unchanged: usize,
    /// Whether the bids know of it; else they will when the index is published.
    pub(crate) effective: bool,
    pub(crate) took: Took,
}

/// How long the steps of a change took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Took {
    /// Reading the file.
    pub(crate) read: Duration,
    /// Comparing it with what is, checking and compiling what has changed.
    pub(crate) check: Duration,
    /// Making it durable.
    pub(crate) record: Duration,
    /// Publishing it to the bids.
    pub(crate) publish: Duration,
}

impl CampaignBook {
    pub(super) async fn reload(&mut self, orders: &Orders, by: &Change) -> Result<Reloaded, BookError> {
        let Orders { take, may_remove } = orders;
        self.agree().await?;
        let began = Instant::now();
        let words = &self.words;
        let is_current = |id: CampaignId, fingerprint: u64| {
            let word = words.get(&id).filter(|word| word.source == DefinitionSource::File);
            word.is_some_and(|word| is_same(word, fingerprint))
        };
        let file = self.args.file.read(is_current)?;
        let read = began.elapsed();
        let mut reloaded = Reloaded::default();
        let (mut entries, mut changes) = (Vec::new(), Changes::default());
        let mut in_file = BTreeSet::new();
        let mut said = Vec::with_capacity(file.len());
        for campaign in file {
            let id = campaign.id;
            in_file.insert(id);
            let Some((definition, written)) = campaign.read else {
                reloaded.unchanged += 1;
                continue;
            };
            said.push((id, campaign.text, written.fingerprint));
            let word = self.words.get(&id);
            let is_same = |word: &CampaignWord| is_same(word, written.fingerprint);
            match word {
                Some(word) if word.source == DefinitionSource::Api && !take.includes(id) => {
                    if is_same(word) {
                        reloaded.unchanged += 1
                    } else {
                        reloaded.kept.push(id)
                    }
                    continue;
                }
                Some(word) if is_same(word) && word.source == DefinitionSource::File => {
                    reloaded.unchanged += 1;
                    continue;
                }
                Some(word) if !word.removed => reloaded.changed.push(id),
                _ => reloaded.added.push(id),
            }
            let entry = defined(&definition, written, word, DefinitionSource::File, by);
            changes.define.push((definition, entry.word.version));
            entries.push(entry);
        }
        let is_the_files = |word: &CampaignWord| word.source == DefinitionSource::File || take.includes(word.campaign);
        for word in self.words.values().filter(|word| !word.removed && !in_file.contains(&word.campaign)) {
            if is_the_files(word) {
                reloaded.removed.push(word.campaign);
                changes.remove.push(word.campaign);
                entries.push(removed(word, DefinitionSource::File, by));
            } else {
                reloaded.kept.push(word.campaign);
            }
        }
        let kept = self.words.values().filter(|word| !word.removed && is_the_files(word)).count();
        if may_remove.unwrap_or(kept / 2) < reloaded.removed.len() {
            return Err(BookError::TooManyGone {
                file: self.args.file.path().to_owned(),
                gone: reloaded.removed,
                kept,
            });
        }
        let compared = began.elapsed() - read;
        let made = self.make(entries, changes).await?;
        self.args.file.note(&in_file, said);
        reloaded.effective = made.effective;
        reloaded.took = Took { read, check: compared + made.took.check, ..made.took };
        Ok(reloaded)
    }
}

fn is_same(word: &CampaignWord, fingerprint: u64) -> bool {
    !word.removed && word.fingerprint == fingerprint
}

/// For the log.
impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds =
            [("added", &self.added), ("changed", &self.changed), ("removed", &self.removed), ("kept", &self.kept)];
        for (kind, ids) in kinds.into_iter().filter(|(_, ids)| !ids.is_empty()) {
            let named: Vec<String> = ids.iter().take(NAMED_MAX).map(ToString::to_string).collect();
            let more = if ids.len() > NAMED_MAX { " .." } else { "" };
            write!(f, "{} {kind} ({}{more}), ", ids.len(), named.join(" "))?;
        }
        let Took { read, check, record, publish } = self.took;
        let effective = if self.effective { "" } else { ", and the bids do not know of it yet" };
        write!(
            f,
            "{} unchanged; read in {read:.0?}, checked in {check:.0?}, on disk in {record:.0?}, published in {publish:.0?}{effective}",
            self.unchanged
        )
    }
}
