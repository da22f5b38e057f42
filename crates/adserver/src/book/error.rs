//! Why the book refuses, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use campaign::CampaignId;

/// Campaigns that an error names.
const NAMED_MAX: usize = 10;

/// Why nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum BookError {
    /// Definitions are flawed; each line says where, and what to do.
    #[error("nothing was changed: {}", .0.join("; "))]
    Invalid(Vec<String>),
    /// A budget is below what is gone.
    #[error("nothing was changed: {}", .0.join("; "))]
    Refused(Vec<String>),
    /// The campaign is not as the caller expected.
    #[error("campaign {campaign} {}: read it again, and repeat the change on what it is now", stands(*current))]
    Conflict {
        /// Which.
        campaign: CampaignId,
        /// Its version; `None` if there is no such campaign.
        current: Option<u32>,
    },
    /// A change must say which version it is a change of.
    #[error(
        "campaign {campaign} is there, in version {current}: say which version you have changed, with `If-Match: \"{current}\"` \
         or ?expected_version={current}"
    )]
    Unguarded {
        /// Which.
        campaign: CampaignId,
        /// Its version.
        current: u32,
    },
    /// There is no such campaign.
    #[error("there is no campaign {0}: see GET /campaigns")]
    Unknown(CampaignId),
    /// The campaigns file cannot be read.
    #[error("{}: cannot be read: {source}; check the path and its permissions", file.display())]
    FileUnreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        source: Arc<io::Error>,
    },
    /// Most of what the file kept is no longer in it, and nobody has said that it is meant.
    #[error(
        "nothing was changed: {} of the {kept} campaigns that {} keeps are no longer in it ({}): look whether the file is whole; \
         if it is, say so with POST /campaigns/reload?may_remove={}",
        gone.len(), file.display(), named(gone), gone.len()
    )]
    TooManyGone {
        /// The campaigns file.
        file: PathBuf,
        /// Those that are not in it.
        gone: Vec<CampaignId>,
        /// How many campaigns it keeps.
        kept: usize,
    },
    /// The ledger did not confirm.
    #[error(
        "the ledger does not confirm ({0}): whether it is recorded is not known, and a pause or a kill holds until this process ends; ask again"
    )]
    Unconfirmed(String),
}

/// The first of them.
fn named(campaigns: &[CampaignId]) -> String {
    let named: Vec<_> = campaigns.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let more = if NAMED_MAX < campaigns.len() { " .." } else { "" };
    format!("{}{more}", named.join(" "))
}

fn stands(current: Option<u32>) -> String {
    current.map_or_else(|| "is not there".to_owned(), |version| format!("is in version {version} now"))
}
