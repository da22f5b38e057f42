//! Which campaigns a process starts with: those of the file, and what operators have said of them since.
//!
//! Pure. The book compares again when the ledger is open; what this gets wrong it corrects before anybody bids.

use std::collections::BTreeMap;

use campaign::{Campaign, CampaignId, parse_campaigns};
use ledger::{CampaignWord, DefinitionSource};

use super::entry::fingerprint;

/// The campaigns with their versions.
pub(crate) fn start_with(file: Vec<Campaign>, words: Vec<(CampaignWord, Option<String>)>) -> Vec<(Campaign, u32)> {
    let mut words: BTreeMap<CampaignId, _> =
        words.into_iter().map(|(word, text)| (word.campaign, (word, text))).collect();
    let mut campaigns = Vec::with_capacity(file.len());
    for campaign in file {
        match words.remove(&campaign.id) {
            None => campaigns.push((campaign, 1)),
            Some((word, text)) if word.source == DefinitionSource::Api => campaigns.extend(kept(&word, text)),
            Some((word, _)) => {
                let is_same = !word.removed && word.fingerprint == fingerprint(&campaign);
                campaigns.push((campaign, if is_same { word.version } else { word.version + 1 }));
            }
        }
    }
    campaigns.extend(words.into_values().filter_map(|(word, text)| kept(&word, text)));
    campaigns
}

/// A campaign whose definition the API keeps, unless it was removed there.
fn kept(word: &CampaignWord, text: Option<String>) -> Option<(Campaign, u32)> {
    if word.removed || word.source != DefinitionSource::Api {
        return None;
    }
    let campaign = definition(&text?)?;
    (campaign.id == word.campaign).then_some((campaign, word.version))
}

/// The one campaign of a text that this program wrote. One of another version of it may no longer be sound.
pub(super) fn definition(text: &str) -> Option<Campaign> {
    match parse_campaigns(text) {
        Ok(mut campaigns) => campaigns.pop(),
        Err(error) => {
            tracing::error!(%error, "a definition in the ledger is not sound any more: its campaign does not bid");
            None
        }
    }
}
