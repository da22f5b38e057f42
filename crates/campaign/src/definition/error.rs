//! What can be wrong with a file of campaigns.
//!
//! Promises the line and an advice in every message. Never shows bytes beyond the flawed line.

use crate::CampaignId;

/// A file of campaigns that cannot be used; lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CampaignError {
    /// The text is no TOML, or a key is missing, unknown or of another type.
    #[error("line {line}: {advice}")]
    Shape {
        /// Where the flaw begins.
        line: usize,
        /// What is wrong, and what to do.
        advice: String,
    },
    /// A campaign reads well and makes no sense.
    #[error("line {line}: campaign {campaign}: {advice}")]
    Flawed {
        /// Where the flaw begins.
        line: usize,
        /// The campaign that is flawed.
        campaign: CampaignId,
        /// What is wrong, and what to do.
        advice: String,
    },
}

/// Something in a file of campaigns that is sound and hardly meant; lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: campaign {campaign}: {advice}")]
pub struct CampaignWarning {
    /// Where it begins.
    pub line: usize,
    /// Whose it is.
    pub campaign: CampaignId,
    /// What is odd, and what to do.
    pub advice: String,
}

impl CampaignError {
    /// The line that is wrong, counted from 1.
    pub fn line(&self) -> usize {
        match self {
            Self::Shape { line, .. } | Self::Flawed { line, .. } => *line,
        }
    }
}
