//! What the ledger is to record of a campaign.
//!
//! Pure: promises the next version of what is known, and that a removed campaign which comes back is neither paused nor killed.

use campaign::Campaign;
use ledger::{CampaignAction, CampaignEntry, CampaignWord, DefinitionSource, DefinitionText};

use super::Change;

/// A definition as it is recorded.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) text: String,
    /// The same for the same definition, in every process of one version of this program.
    pub(super) fingerprint: u64,
}

impl Written {
    pub(super) fn of(campaign: &Campaign) -> Self {
        let text = campaign.to_toml();
        Self { fingerprint: fnv_1a(&text), text }
    }
}

/// The fingerprint of a definition.
pub(super) fn fingerprint(campaign: &Campaign) -> u64 {
    Written::of(campaign).fingerprint
}

/// FNV-1a.
fn fnv_1a(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |bits, byte| (bits ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

/// The next version of a campaign.
pub(super) fn defined(
    campaign: &Campaign,
    written: Written,
    known: Option<&CampaignWord>,
    source: DefinitionSource,
    by: &Change,
) -> CampaignEntry {
    let alive = known.filter(|word| !word.removed);
    let word = CampaignWord {
        campaign: campaign.id,
        version: known.map_or(1, |word| word.version + 1),
        source,
        fingerprint: written.fingerprint,
        removed: false,
        paused: alive.is_some_and(|word| word.paused),
        killed: alive.is_some_and(|word| word.killed),
        action: CampaignAction::Define,
        who: by.who.clone(),
        why: by.why.clone(),
        at_ms: 0,
    };
    CampaignEntry { word, definition: Some(DefinitionText { text: written.text, budget: campaign.budget }) }
}

pub(super) fn removed(word: &CampaignWord, source: DefinitionSource, by: &Change) -> CampaignEntry {
    let (who, why) = (by.who.clone(), by.why.clone());
    let word = CampaignWord { removed: true, source, action: CampaignAction::Remove, who, why, ..word.clone() };
    CampaignEntry { word, definition: None }
}
