//! How memory and disk come to agree: at a start of the book, and after something that the ledger has not confirmed.
//!
//! Promises that what the ledger says counts, and that what the campaigns file brings anew is recorded. Never guesses what
//! became of a change: it asks.

use std::collections::BTreeSet;
use std::sync::Arc;

use campaign::actors::{CampaignView, Changes};
use campaign::{Campaign, CampaignId};
use ledger::{CampaignWord, DefinitionSource, LedgerMessage};

use super::entry::{Written, defined, removed};
use super::record::{LEDGER_WITHIN, RECORDED_AT_ONCE, unconfirmed};
use super::start::definition;
use super::{BookError, CampaignBook, Change};

/// Who changed a campaign whose file was edited.
const BY_FILE: &str = "campaigns file";

impl CampaignBook {
    /// Takes over from the ledger what is not known, and makes the campaigns what it says.
    pub(super) async fn agree(&mut self) -> Result<(), BookError> {
        if !self.is_stale {
            return Ok(());
        }
        self.agree_on_words().await?;
        let (mut new, mut entries, mut changes) = (Vec::new(), Vec::new(), Changes::default());
        let by = Change { who: BY_FILE.to_owned(), why: "at the start".to_owned() };
        let mut running = BTreeSet::new();
        for view in self.args.campaigns.views() {
            let id = view.definition.id;
            running.insert(id);
            match self.words.get(&id) {
                Some(word) if word.removed && view.version <= word.version => changes.remove.push(id),
                Some(word) if view.version < word.version => changes.define.extend(self.kept(word).await?),
                Some(word) if view.version == word.version => {}
                _ => new.push(view),
            }
        }
        for word in self.words.values().filter(|word| !word.removed && !running.contains(&word.campaign)) {
            match word.source {
                DefinitionSource::Api => changes.define.extend(self.kept(word).await?),
                // It is no longer in the file.
                DefinitionSource::File => entries.push(removed(word, DefinitionSource::File, &by)),
            }
        }
        // What of it is not on disk when the process ends is found again at the next start.
        for views in new.chunks(RECORDED_AT_ONCE) {
            let entry = |view: &CampaignView| {
                let word = self.words.get(&view.definition.id);
                let written = Written::of(&view.definition);
                let mut entry = defined(&view.definition, written, word, DefinitionSource::File, &by);
                entry.word.version = view.version;
                entry
            };
            self.record(views.iter().map(entry).collect()).await?;
        }
        if !entries.is_empty() {
            tracing::warn!(
                gone = entries.len(),
                "campaigns are no longer in the campaigns file, and do not bid any more"
            );
            self.record(entries).await?;
        }
        if !(changes.define.is_empty() && changes.remove.is_empty())
            && let Err(refusals) = self.args.campaigns.apply(changes).await
        {
            tracing::error!(?refusals, "campaigns that are recorded were refused: they are not as the ledger has them");
        }
        let ids: Vec<CampaignId> = self.words.keys().copied().collect();
        ids.into_iter().for_each(|id| self.follow(id));
        self.is_stale = false;
        Ok(())
    }

    /// Reads the words anew if they may not be what is on disk.
    pub(super) async fn agree_on_words(&mut self) -> Result<(), BookError> {
        if self.is_stale {
            let words = self.args.ledger.call(|reply| LedgerMessage::CampaignWords { reply }, LEDGER_WITHIN).await;
            let words = words.map_err(|error| unconfirmed(&error))?;
            self.words = words.into_iter().map(|word| (word.campaign, word)).collect();
        }
        Ok(())
    }

    /// The definition that the ledger keeps.
    async fn kept(&self, word: &CampaignWord) -> Result<Option<(Arc<Campaign>, u32)>, BookError> {
        let (campaign, version) = (word.campaign, word.version);
        let text =
            self.args.ledger.call(|reply| LedgerMessage::CampaignText { campaign, version, reply }, LEDGER_WITHIN);
        let text = text.await.map_err(|error| unconfirmed(&error))?;
        Ok(text.and_then(|text| definition(&text)).map(|campaign| (Arc::new(campaign), version)))
    }
}
