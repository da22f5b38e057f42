//! Changes of one campaign: what a caller asks for, what it expects to be changing, and what becomes of it.
//!
//! Promises that what is changed counts when it is on disk; a pause and a kill hold already when the book hears of them. Never changes a campaign of another version than the caller has seen.

use std::sync::Arc;

use campaign::actors::Changes;
use campaign::{Campaign, CampaignId};
use ledger::{CampaignAction, CampaignEntry, CampaignWord, DefinitionSource};

use super::entry::{Written, defined, removed};
use super::{BookError, CampaignBook, Said};

/// What a caller expects to be changing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It does not say.
    Unsaid,
    /// Whatever is there.
    Any,
    /// Nothing: the campaign is new.
    Absent,
    /// This version.
    Version(u32),
}

/// Who changes something, and why.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) who: String,
    pub(crate) why: String,
}

/// What a change has come to.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    /// The campaign's last word.
    pub(crate) word: CampaignWord,
    /// Whether it was not there before.
    pub(crate) is_new: bool,
    /// Whether the bids know of it; else they will when the index is published.
    pub(crate) effective: bool,
    /// What is sound in its definition and hardly meant.
    pub(crate) warnings: Vec<String>,
}

impl CampaignBook {
    pub(super) async fn define(
        &mut self,
        campaign: Campaign,
        expected: Expected,
        by: &Change,
    ) -> Result<Done, BookError> {
        self.agree().await?;
        let id = campaign.id;
        let known = self.words.get(&id).cloned();
        let current = self.check(id, expected)?;
        let (written, warnings) = (Written::of(&campaign), warnings(&campaign));
        if let Some(word) = known.as_ref().filter(|word| !word.removed && word.fingerprint == written.fingerprint) {
            return Ok(Done { word: word.clone(), is_new: false, effective: true, warnings });
        }
        let entry = defined(&campaign, written, known.as_ref(), DefinitionSource::Api, by);
        let version = entry.word.version;
        let changes = Changes { define: vec![(Arc::new(campaign), version)], remove: Vec::new() };
        let effective = self.make(vec![entry], changes).await?.effective;
        Ok(Done { effective, warnings, ..self.done(id, current.is_none())? })
    }

    pub(super) async fn remove(&mut self, id: CampaignId, expected: Expected, by: &Change) -> Result<Done, BookError> {
        self.agree().await?;
        let word = self.word(id)?.clone();
        self.check(id, expected)?;
        let entry = removed(&word, DefinitionSource::Api, by);
        let made = self.make(vec![entry], Changes { define: Vec::new(), remove: vec![id] }).await?;
        Ok(Done { effective: made.effective, ..self.done(id, false)? })
    }

    pub(super) async fn say(
        &mut self,
        id: CampaignId,
        (action, said): (CampaignAction, Said),
        by: &Change,
    ) -> Result<Done, BookError> {
        self.agree_on_words().await?;
        let (who, why) = (by.who.clone(), by.why.clone());
        let mut word = CampaignWord { action, who, why, ..self.word(id)?.clone() };
        match action {
            CampaignAction::Pause => word.paused = true,
            CampaignAction::Resume => word.paused = false,
            CampaignAction::Kill => word.killed = true,
            CampaignAction::Revive => word.killed = false,
            _ => {}
        }
        self.record(vec![CampaignEntry { word, definition: None }]).await?;
        self.args.outs.is_recorded(id, action, said);
        self.follow(id);
        self.done(id, false)
    }

    /// Compares a campaign with what a caller expects, and gives its version if it is there.
    fn check(&self, campaign: CampaignId, expected: Expected) -> Result<Option<u32>, BookError> {
        let current = self.words.get(&campaign).filter(|word| !word.removed).map(|word| word.version);
        match (expected, current) {
            (Expected::Unsaid, Some(current)) => Err(BookError::Unguarded { campaign, current }),
            (Expected::Absent, Some(_)) | (Expected::Any | Expected::Version(_), None) => {
                Err(BookError::Conflict { campaign, current })
            }
            (Expected::Version(version), Some(found)) if version != found => {
                Err(BookError::Conflict { campaign, current })
            }
            _ => Ok(current),
        }
    }

    fn word(&self, id: CampaignId) -> Result<&CampaignWord, BookError> {
        self.words.get(&id).filter(|word| !word.removed).ok_or(BookError::Unknown(id))
    }

    fn done(&self, id: CampaignId, is_new: bool) -> Result<Done, BookError> {
        let word = self.words.get(&id).cloned().ok_or(BookError::Unknown(id))?;
        Ok(Done { word, is_new, effective: true, warnings: Vec::new() })
    }
}

/// By their keys: no line of the definition is known.
fn warnings(campaign: &Campaign) -> Vec<String> {
    campaign.remarks().iter().map(ToString::to_string).collect()
}
