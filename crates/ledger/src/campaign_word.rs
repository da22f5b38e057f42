//! What operators have said of campaigns: which version of which definition counts, and whether it may bid.
//!
//! Promises plain data. Money is not in it, but for the budget that a definition brings along.

use campaign::CampaignId;
use money::Nanos;

/// Who keeps a campaign's definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DefinitionSource {
    /// The campaigns file: what it says counts when it is read.
    File,
    /// The operators' API: what was said there counts, whatever the file says, until the file is taken again.
    Api,
}

impl DefinitionSource {
    /// The name in the database and on pages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Api => "api",
        }
    }

    /// The source of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::File, Self::Api].into_iter().find(|source| source.name() == name)
    }
}

/// What was said of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CampaignAction {
    /// It was added or changed.
    Define,
    /// It was taken out for good, but for its money.
    Remove,
    /// It does not bid until it is resumed.
    Pause,
    /// It bids again.
    Resume,
    /// It does not bid until it is revived, whatever becomes of its actors.
    Kill,
    /// The kill is taken back.
    Revive,
}

impl CampaignAction {
    const ALL: [Self; 6] = [Self::Define, Self::Remove, Self::Pause, Self::Resume, Self::Kill, Self::Revive];

    /// The name in the database and on pages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Define => "define",
            Self::Remove => "remove",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Kill => "kill",
            Self::Revive => "revive",
        }
    }

    /// The action of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// The last word on a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignWord {
    /// Which campaign.
    pub campaign: CampaignId,
    /// The version of its definition that counts, from 1; it only goes up, over a removal too.
    pub version: u32,
    /// Who keeps the definition.
    pub source: DefinitionSource,
    /// A number that differs if the definition does.
    pub fingerprint: u64,
    /// Whether it was taken out.
    pub removed: bool,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether it is killed.
    pub killed: bool,
    /// What was said last.
    pub action: CampaignAction,
    /// Who said it.
    pub who: String,
    /// Why; may be empty.
    pub why: String,
    /// When the ledger recorded it. Unix milliseconds.
    pub at_ms: i64,
}

/// A definition as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionText {
    /// As the loader of campaigns reads it.
    pub text: String,
    /// The budget in it.
    pub budget: Nanos,
}

/// One word to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignEntry {
    /// The last word after it; the ledger sets its time.
    pub word: CampaignWord,
    /// The definition of that version, if it is a new one.
    pub definition: Option<DefinitionText>,
}

/// A budget that is below what is gone already: nothing of the set was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "campaign {campaign}: budget {budget} USD is below the {spent} USD that are spent and the {leased} USD that are out \
     with its regions: write {least} or more, or pause it and wait until its bids are settled"
)]
pub struct BudgetTooLow {
    /// Whose.
    pub campaign: CampaignId,
    /// What was asked for.
    pub budget: Nanos,
    /// What is spent.
    pub spent: Nanos,
    /// What open leases hold.
    pub leased: Nanos,
    /// The sum of both.
    pub least: Nanos,
}
