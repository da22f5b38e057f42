//! The campaigns file as it was last read.
//!
//! Promises that what says the same as when it was read last is not read again. Never decides whether what it says counts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campaign::{Campaign, CampaignId, FileCampaign, TextKey, parse_campaigns_for, read_campaigns};

use super::BookError;
use super::entry::{Written, fingerprint};

/// What the file said when it was last read; it outlives the incarnations of the book.
#[derive(Debug, Clone)]
pub(crate) struct FileWords {
    path: PathBuf,
    exchanges: Arc<[String]>,
    said: Arc<Mutex<BTreeMap<CampaignId, Said>>>,
}

/// What it said of one campaign.
#[derive(Debug, Clone, Copy)]
struct Said {
    fingerprint: u64,
    /// By which words, if they are known.
    text: Option<TextKey>,
}

impl FileWords {
    /// The file at `path`, of which these campaigns were read; they may bid on these exchanges.
    pub(crate) fn new(path: &Path, exchanges: impl IntoIterator<Item = String>, campaigns: &[Campaign]) -> FileWords {
        let said = campaigns.iter().map(|campaign| {
            let fingerprint = fingerprint(campaign);
            (campaign.id, Said { fingerprint, text: None })
        });
        FileWords {
            path: path.to_owned(),
            exchanges: exchanges.into_iter().collect(),
            said: Arc::new(Mutex::new(said.collect())),
        }
    }

    /// Reads the file anew, without taking anything over. What it says by the same words as before is not read if that is
    /// current: by id and fingerprint.
    pub(super) fn read(
        &self,
        is_current: impl Fn(CampaignId, u64) -> bool,
    ) -> Result<Vec<FileCampaign<Written>>, BookError> {
        let unreadable = |source| BookError::FileUnreadable { file: self.path.clone(), source: Arc::new(source) };
        let text = std::fs::read_to_string(&self.path).map_err(unreadable)?;
        let known = |(id, said): (&CampaignId, &Said)| Some((said.text?, *id));
        let current = |(id, said): &(&CampaignId, &Said)| is_current(**id, said.fingerprint);
        let known: HashMap<TextKey, CampaignId> = self.said().iter().filter(current).filter_map(known).collect();
        let unknown = |campaign: &Campaign| campaign.unknown_exchanges(&self.exchanges);
        read_campaigns(&text, |text| known.get(&text).copied(), unknown, Written::of).map_err(invalid)
    }

    /// Remembers what it said: of those in the file what is new, and of the others nothing.
    pub(super) fn note(&self, in_file: &BTreeSet<CampaignId>, new: Vec<(CampaignId, Option<TextKey>, u64)>) {
        let mut said = self.said();
        said.retain(|id, _| in_file.contains(id));
        said.extend(new.into_iter().map(|(id, text, fingerprint)| (id, Said { fingerprint, text })));
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The exchanges that are configured.
    pub(crate) fn exchanges(&self) -> &[String] {
        &self.exchanges
    }

    /// Says how the file stands to a definition: it says the same, something else, or nothing.
    pub(crate) fn compare(&self, campaign: CampaignId, fingerprint: u64) -> &'static str {
        match self.said().get(&campaign) {
            Some(ours) if ours.fingerprint == fingerprint => "same",
            Some(_) => "differs",
            None => "absent",
        }
    }

    fn said(&self) -> MutexGuard<'_, BTreeMap<CampaignId, Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads definitions, and tells every flaw with its line.
pub(crate) fn read_campaigns_text(text: &str, exchanges: &[String]) -> Result<Vec<Campaign>, BookError> {
    parse_campaigns_for(text, exchanges).map_err(invalid)
}

fn invalid(errors: Vec<campaign::CampaignError>) -> BookError {
    BookError::Invalid(errors.iter().map(ToString::to_string).collect())
}
