//! Where the demonstration takes place: its configuration, campaigns, keys and folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use campaign::{Campaign, Flight, parse_campaigns};
use openrtb::price::adx;
use tempfile::TempDir;

use crate::config::AdserverConfig;
use crate::secret_file;

const CONFIG: &str = include_str!("demo.toml");
const CAMPAIGNS: &str = include_str!("campaigns.toml");
/// The keys of Google's own published examples: the simulator encrypts with them.
const PRICE_KEYS: [&str; 2] =
    ["skU7Ax_NL5pPAFyKdkfZjZz2-VhIN8bjj1rVFOaJ_5o=", "arO23ykdNqUQ5LEoQ0FVmPkBd7xB5CO89PDZlSjpFxo="];

const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// Days of a flight before and after today.
const FLIGHT_DAYS: (i64, i64) = (1, 1);

/// A configuration that can be started, in a folder of its own.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) config: AdserverConfig,
    pub(crate) campaigns: Vec<Campaign>,
    /// Kept until the end, then removed with what is in it.
    temporary: Option<TempDir>,
}

impl Scene {
    /// Prepares the folder. `port` is the first of the ports; without one, free ones are taken.
    pub(crate) fn set(folder: Option<&Path>, port: Option<u16>) -> anyhow::Result<Scene> {
        let temporary = match folder {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("adserver-demo-").tempdir().context("no temporary folder")?),
        };
        let folder: PathBuf = folder.or(temporary.as_ref().map(TempDir::path)).map(Path::to_owned).unwrap_or_default();
        fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let keys = folder.join("adx-price.keys");
        secret_file::write(&keys, &PRICE_KEYS.join("\n"))
            .with_context(|| format!("cannot write {}", keys.display()))?;

        let mut config = AdserverConfig::parse(CONFIG, &folder.join("demo.toml"))?;
        if let Some(first) = port {
            let listeners = config.exchanges.iter_mut().map(|exchange| &mut exchange.listen);
            let listeners = listeners.chain([&mut config.notices.listen, &mut config.admin.listen]);
            for (listen, offset) in listeners.zip(0_u16..) {
                listen.set_port(first.checked_add(offset).context("the ports go beyond 65535; begin lower")?);
            }
        }
        let mut campaigns = parse_campaigns(CAMPAIGNS)?;
        let flight = flight(now_ms());
        campaigns.iter_mut().for_each(|campaign| campaign.flight = flight);
        Ok(Scene { config, campaigns, temporary })
    }

    /// The keys that google_adx encrypts prices with.
    pub(crate) fn price_keys() -> anyhow::Result<adx::Keys> {
        Ok(adx::Keys::from_base64(PRICE_KEYS[0], PRICE_KEYS[1])?)
    }

    /// Whether what is here is removed at the end.
    pub(crate) fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }
}

fn flight(now_ms: i64) -> Flight {
    Flight { starts_ms: now_ms - FLIGHT_DAYS.0 * DAY_MS, ends_ms: now_ms + FLIGHT_DAYS.1 * DAY_MS }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
