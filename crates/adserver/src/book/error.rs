//! Why the book refuses, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use campaign::CampaignId;

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
    /// The ledger did not confirm.
    #[error(
        "the ledger does not confirm ({0}): whether it is recorded is not known, and a pause or a kill holds until this process ends; ask again"
    )]
    Unconfirmed(String),
}

fn stands(current: Option<u32>) -> String {
    current.map_or_else(|| "is not there".to_owned(), |version| format!("is in version {version} now"))
}
