//! Configuration: one TOML file, checked as a whole before anything starts.
//!
//! A file that is read without error can be started, short of what only the machine knows (ports
//! in use, files that vanish). Nothing here opens a socket or writes a file.

mod campaigns;
pub(crate) mod duration;
mod error;
mod explain;
mod load;
mod place;
mod price_keys;
mod settings;
mod verify;

pub use error::ConfigError;
pub use explain::explain;
pub use load::LoadConfig;
pub use settings::{
    AdminConfig, AdserverConfig, BillingEvent, CampaignsConfig, Dialect, ExchangeConfig, Intensity, LedgerConfig,
    LimitsConfig, NoticesConfig, ProbeConfig, RegionConfig, RestoreBy, ServiceLevelsConfig, TelemetryConfig,
};

use std::path::Path;

use openrtb::price::PriceCodec;

impl AdserverConfig {
    /// Reads and checks a configuration file. Paths in it are taken relative to its folder.
    ///
    /// # Errors
    ///
    /// Names the file, the line and the key that is wrong, and what to do about it.
    pub fn load(path: &Path) -> Result<AdserverConfig, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { file: path.to_owned(), source })?;
        AdserverConfig::parse(&text, path)
    }

    /// Checks configuration text; `path` is where it came from, for messages and relative paths.
    ///
    /// # Errors
    ///
    /// As [`AdserverConfig::load`].
    pub fn parse(text: &str, path: &Path) -> Result<AdserverConfig, ConfigError> {
        let mut config: AdserverConfig =
            toml::from_str(text).map_err(|error| ConfigError::syntax(path, text, &error))?;
        verify::verify(&config).map_err(|fault| fault.at(path, text))?;
        config.resolve_paths(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }
}

impl ExchangeConfig {
    /// Reads how the exchange writes prices into notices.
    ///
    /// # Errors
    ///
    /// The key file cannot be read, or its line that is no key.
    pub fn read_price_codec(&self) -> Result<PriceCodec, ConfigError> {
        self.price_key_file.as_deref().map_or(Ok(PriceCodec::Plain), price_keys::read)
    }
}
