//! Reads the campaigns file that the configuration names.

use campaign::{Campaign, CampaignWarning, campaign_warnings, parse_campaigns};

use super::error::ConfigError;
use super::settings::AdserverConfig;

impl AdserverConfig {
    /// Reads and checks the campaigns.
    ///
    /// # Errors
    ///
    /// Names the campaigns file, the line and what is wrong there, also if a campaign names an
    /// exchange that is not configured.
    pub fn read_campaigns(&self) -> Result<Vec<Campaign>, ConfigError> {
        let file = &self.campaigns.file;
        let text =
            std::fs::read_to_string(file).map_err(|source| ConfigError::Unreadable { file: file.clone(), source })?;
        let wrong = |line, key: String, problem| ConfigError::Wrong { file: file.clone(), line, key, problem };
        let campaigns = parse_campaigns(&text).map_err(|error| {
            let message = error.to_string();
            let without_line = message.strip_prefix(&format!("line {}: ", error.line())).unwrap_or(&message);
            wrong(error.line(), String::new(), without_line.to_owned())
        })?;
        for campaign in &campaigns {
            let unknown =
                campaign.exchanges.iter().find(|name| !self.exchanges.iter().any(|known| known.name == **name));
            if let Some(name) = unknown {
                let line = text.lines().position(|row| row.contains(&format!("\"{name}\""))).map_or(1, |row| row + 1);
                let problem = format!("campaign {} names exchange `{name}`, which is not configured", campaign.id);
                return Err(wrong(line, "exchanges".to_owned(), problem));
            }
        }
        Ok(campaigns)
    }

    /// Finds what is sound in the campaigns file and hardly meant, each with its line; nothing of a file that is wrong.
    #[must_use]
    pub fn campaign_warnings(&self) -> Vec<CampaignWarning> {
        std::fs::read_to_string(&self.campaigns.file).map(|text| campaign_warnings(&text)).unwrap_or_default()
    }
}
