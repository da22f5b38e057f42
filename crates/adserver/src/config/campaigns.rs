//! Reads the campaigns file that the configuration names.

use campaign::{Campaign, CampaignWarning, campaign_warnings, parse_campaigns_for};

use super::error::ConfigError;
use super::settings::AdserverConfig;

impl AdserverConfig {
    /// Reads and checks the campaigns.
    ///
    /// # Errors
    ///
    /// Names the campaigns file, the line and what is wrong there, also if a campaign names an
    /// exchange that is not configured; of several flaws the first, and how many there are.
    pub fn read_campaigns(&self) -> Result<Vec<Campaign>, ConfigError> {
        let file = &self.campaigns.file;
        let text =
            std::fs::read_to_string(file).map_err(|source| ConfigError::Unreadable { file: file.clone(), source })?;
        let exchanges: Vec<String> = self.exchanges.iter().map(|exchange| exchange.name.clone()).collect();
        parse_campaigns_for(&text, &exchanges).map_err(|errors| {
            let (error, others) = (&errors[0], errors.len() - 1);
            let message = error.to_string();
            let without_line = message.strip_prefix(&format!("line {}: ", error.line())).unwrap_or(&message);
            let problem = match others {
                0 => without_line.to_owned(),
                1 => format!("{without_line}; one more flaw follows"),
                _ => format!("{without_line}; {others} more flaws follow"),
            };
            ConfigError::Wrong { file: file.clone(), line: error.line(), key: String::new(), problem }
        })
    }

    /// Finds what is sound in the campaigns file and hardly meant, each with its line; nothing of a file that is wrong.
    #[must_use]
    pub fn campaign_warnings(&self) -> Vec<CampaignWarning> {
        std::fs::read_to_string(&self.campaigns.file).map(|text| campaign_warnings(&text)).unwrap_or_default()
    }
}
