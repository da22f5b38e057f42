//! The campaigns file as it was last read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use campaign::{Campaign, CampaignId, parse_campaigns_for};

use super::{BookError, fingerprint};

/// What the file said when it was last read; it outlives the incarnations of the book.
#[derive(Debug, Clone)]
pub(crate) struct FileWords {
    path: PathBuf,
    exchanges: Arc<[String]>,
    said: Arc<Mutex<BTreeMap<CampaignId, u64>>>,
}

impl FileWords {
    /// The file at `path`, of which these campaigns were read; they may bid on these exchanges.
    pub(crate) fn new(path: &Path, exchanges: impl IntoIterator<Item = String>, campaigns: &[Campaign]) -> FileWords {
        let file =
            FileWords { path: path.to_owned(), exchanges: exchanges.into_iter().collect(), said: Arc::default() };
        file.note(campaigns);
        file
    }

    /// Reads the file anew, without taking anything over.
    pub(super) fn read(&self) -> Result<Vec<Campaign>, BookError> {
        let unreadable = |source| BookError::FileUnreadable { file: self.path.clone(), source: Arc::new(source) };
        let text = std::fs::read_to_string(&self.path).map_err(unreadable)?;
        read_campaigns_text(&text, &self.exchanges)
    }

    /// Remembers what it said.
    pub(super) fn note(&self, campaigns: &[Campaign]) {
        let said = campaigns.iter().map(|campaign| (campaign.id, fingerprint(campaign))).collect();
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }

    /// The exchanges that are configured.
    pub(crate) fn exchanges(&self) -> &[String] {
        &self.exchanges
    }

    /// Says how the file stands to a definition: it says the same, something else, or nothing.
    pub(crate) fn compare(&self, campaign: CampaignId, fingerprint: u64) -> &'static str {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match said.get(&campaign) {
            Some(ours) if *ours == fingerprint => "same",
            Some(_) => "differs",
            None => "absent",
        }
    }
}

/// Reads definitions, and tells every flaw with its line.
pub(crate) fn read_campaigns_text(text: &str, exchanges: &[String]) -> Result<Vec<Campaign>, BookError> {
    parse_campaigns_for(text, exchanges)
        .map_err(|errors| BookError::Invalid(errors.iter().map(ToString::to_string).collect()))
}
