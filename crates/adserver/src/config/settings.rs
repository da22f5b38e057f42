//! The settings themselves, with their defaults. What each does is said at its field.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ledger::Retention;
use money::{Currency, Rates};
use serde::{Deserialize, Deserializer, de};
use telemetry::Objective;

use super::duration;
use super::load::LoadConfig;

/// 99.95 %: 21.9 minutes of a month.
const ANSWERED_IN_TIME: Objective = Objective::of_millionths(999_500).expect("a share");
/// 99.9 %: 43.8 minutes of a month, trials and restarts of regions included.
const ABLE_TO_BID: Objective = Objective::of_millionths(999_000).expect("a share");

/// Everything that the ad server is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdserverConfig {
    /// The operators' API.
    pub admin: AdminConfig,
    /// The listener of win, billing and loss notices.
    pub notices: NoticesConfig,
    /// Money on disk.
    pub ledger: LedgerConfig,
    /// Exchange rates with their date.
    pub rates: Rates,
    /// What may be bid.
    pub campaigns: CampaignsConfig,
    /// Logs.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
    /// Crashes that the root grants before the process drains and exits.
    #[serde(default)]
    pub intensity: Intensity,
    /// The regions.
    #[serde(rename = "region", default)]
    pub regions: Vec<RegionConfig>,
    /// The exchanges.
    #[serde(rename = "exchange", default)]
    pub exchanges: Vec<ExchangeConfig>,
}

/// The operators' API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminConfig {
    /// Where it listens. It has no authentication: keep it on loopback or behind one.
    pub listen: SocketAddr,
}

/// The listener of win, billing and loss notices.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticesConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How exchanges reach it, such as `https://notice.example.com`. Default: `http://` and the
    /// address that it listens on.
    #[serde(default)]
    pub public_url: Option<String>,
    /// Forged notices of one peer that are checked in a second; what it sends beyond that is turned away unread. A
    /// peer that has sent a genuine notice is not limited. Behind a proxy all are one peer.
    #[serde(default = "forged_per_second_max")]
    pub forged_per_second_max: u32,
    /// How long after the bid a notice is taken.
    #[serde(default = "token_ttl", deserialize_with = "duration::deserialize")]
    pub token_ttl: Duration,
    /// Most open connections.
    #[serde(default = "connections_max")]
    pub connections_max: usize,
    /// Crashes granted.
    #[serde(default)]
    pub intensity: Intensity,
}

/// Money on disk.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerConfig {
    /// The database file; its folder must exist.
    pub path: PathBuf,
    /// The keys of notice tokens, current and previous; mode 0600. Made at the first start.
    pub key_file: PathBuf,
    /// The secret behind the keys by which users are counted; mode 0600. Made at the first start.
    /// Default: `cap.secret` beside the database.
    #[serde(default)]
    pub cap_secret_file: Option<PathBuf>,
    /// How long a region bids from one lease of a campaign's budget.
    #[serde(default = "lease_life", deserialize_with = "duration::deserialize")]
    pub lease_life: Duration,
    /// How long after that its bids may bill: at least as long as a region holds them. After a crash
    /// a region's money is away from its campaigns for as long as this. What is billed later still
    /// (a token opens for `token_ttl`) is booked as late and may overdraw its campaign.
    #[serde(default = "lease_grace", deserialize_with = "duration::deserialize")]
    pub lease_grace: Duration,
    /// How long every event is kept. Older ones are folded into balances, but for budgets and billings, and for other notices
    /// until `keep_notices`.
    #[serde(default = "keep_events", deserialize_with = "duration::deserialize")]
    pub keep_events: Duration,
    /// Beyond so many events the oldest are folded sooner: it bounds the database and the time of a start.
    #[serde(default = "keep_events_max")]
    pub keep_events_max: u64,
    /// How long wins, losses, and notices that moved nothing are kept: longer than `notices.token_ttl` by an hour at least, or a
    /// late one would count twice. Default: a day longer.
    #[serde(default, deserialize_with = "duration::deserialize_some")]
    pub keep_notices: Option<Duration>,
    /// How long billings are kept, three days at least. Default: for ever.
    #[serde(default, deserialize_with = "duration::deserialize_some")]
    pub keep_billings: Option<Duration>,
    /// Crashes granted before it is retried with back-off.
    #[serde(default)]
    pub intensity: Intensity,
}

/// What may be bid.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignsConfig {
    /// The campaigns file.
    pub file: PathBuf,
}

/// Logs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// A filter as `tracing-subscriber` reads it: `info`, `warn,exchange=debug`.
    pub log: String,
    /// One request in so many is asked afterwards why each campaign dropped out; zero for none. All campaigns are asked, some
    /// microseconds each, on a thread of its own, and at most four requests a second of an exchange.
    pub drop_reasons_one_in: u32,
}

impl Default for TelemetryConfig {
    fn default() -> TelemetryConfig {
        TelemetryConfig { log: "info".to_owned(), drop_reasons_one_in: 10_000 }
    }
}

/// How many restarts are granted within a period; the next crash is fatal to the subtree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intensity {
    /// Restarts granted.
    pub restarts: u32,
    /// The period.
    #[serde(deserialize_with = "duration::deserialize")]
    pub within: Duration,
}

impl Default for Intensity {
    fn default() -> Intensity {
        Intensity { restarts: 5, within: Duration::from_secs(10) }
    }
}

/// One region: which countries' requests it serves.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionConfig {
    /// Its name in the tree, such as `sg`.
    pub name: String,
    /// Countries that it serves, as ISO 3166-1 codes of two or three letters.
    pub countries: Vec<String>,
    /// Users that are counted for caps at once, each for a campaign or creative, in memory: 40 to 240 bytes each. Beyond it
    /// campaigns with caps do not bid on users that have no count yet.
    #[serde(default = "cap_pairs_max")]
    pub cap_pairs_max: usize,
    /// Crashes granted before the region is down and its money frozen.
    #[serde(default)]
    pub intensity: Intensity,
}

/// How an exchange's details differ from the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// OpenRTB as it stands.
    Openrtb,
    /// Google Authorized Buyers: prices in notices are encrypted.
    GoogleAdx,
    /// Microsoft Monetize: prices have four decimals, `adid` is sent.
    Xandr,
    /// Index Exchange: prices have two decimals.
    Index,
}

/// Which notice of an exchange moves money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillingEvent {
    /// The billing notice.
    Burl,
    /// The win notice.
    Nurl,
    /// The impression: the billing notice stands as a tracker in the markup, and no `burl` is sent.
    Impression,
}

/// One exchange.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeConfig {
    /// Its name in the tree, in metrics and in tokens.
    pub name: String,
    /// How its details differ from the standard.
    #[serde(default = "dialect")]
    pub dialect: Dialect,
    /// Our name at the exchange: `seatbid.seat`, compared with `wseat` and `bseat`.
    #[serde(default = "seat")]
    pub seat: String,
    /// Where its bid requests arrive.
    pub listen: SocketAddr,
    /// The path of bid requests.
    #[serde(default = "path")]
    pub path: String,
    /// The path of its ready polls: a `GET` there is answered 200 with the body `1`, also while the exchange is degraded.
    /// Default: for xandr the path of bid requests, for others none.
    #[serde(default)]
    pub ready_path: Option<String>,
    /// The currency of requests that name none.
    #[serde(default = "currency")]
    pub currency: Currency,
    /// The deadline of requests that name none.
    #[serde(default = "tmax", deserialize_with = "duration::deserialize")]
    pub tmax: Duration,
    /// How much of the deadline is left to the network.
    #[serde(default = "margin", deserialize_with = "duration::deserialize")]
    pub margin: Duration,
    /// The region of requests whose country is not known or served by none; without one they get no bid.
    #[serde(default)]
    pub default_region: Option<String>,
    /// Which notice moves money.
    #[serde(default = "billing_event")]
    pub billing_event: BillingEvent,
    /// Whether bids in its first-price auctions are lower than the campaign's price where lower prices win, as soon as it has
    /// told enough of them (`${AUCTION_MIN_TO_WIN}` in win and loss notices).
    #[serde(default = "shading")]
    pub shading: bool,
    /// The keys of encrypted prices (google_adx): two lines, encryption and integrity key, as
    /// web-safe base64; mode 0600.
    #[serde(default)]
    pub price_key_file: Option<PathBuf>,
    /// Threads of its runtime.
    #[serde(default = "threads")]
    pub threads: usize,
    /// Crashes granted before it is degraded.
    #[serde(default)]
    pub intensity: Intensity,
    /// How it comes back when it is degraded.
    #[serde(default = "restore")]
    pub restore: RestoreBy,
    /// How it is tried, with `restore = "probe"`.
    #[serde(default)]
    pub probe: Option<ProbeConfig>,
    /// What it is promised.
    #[serde(default)]
    pub service_levels: ServiceLevelsConfig,
    /// How much it may ask of this process.
    #[serde(default)]
    pub load: LoadConfig,
    /// Limits of its listener.
    #[serde(default)]
    pub limits: LimitsConfig,
}

/// What an exchange is promised, as shares of its requests. Failures that come too fast for them raise an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceLevelsConfig {
    /// Answered before the deadline, of all requests whose head was read.
    #[serde(deserialize_with = "objective")]
    pub answered_in_time: Objective,
    /// Decided on the merits, of all well-formed requests: not turned away because something of ours was degraded, down or too
    /// slow.
    #[serde(deserialize_with = "objective")]
    pub able_to_bid: Objective,
}

impl Default for ServiceLevelsConfig {
    fn default() -> ServiceLevelsConfig {
        ServiceLevelsConfig { answered_in_time: ANSWERED_IN_TIME, able_to_bid: ABLE_TO_BID }
    }
}

/// How a degraded exchange comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreBy {
    /// Only by an operator.
    Operator,
    /// By itself: on trial with a share of its requests, until it has been healthy for long enough. An operator may still be
    /// faster.
    Probe,
}

/// How a degraded exchange is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProbeConfig {
    /// One request in so many meets the engine on trial: 100 is 1 %.
    pub one_in: NonZeroU32,
    /// The wait before the first trial.
    #[serde(deserialize_with = "duration::deserialize")]
    pub first: Duration,
    /// The longest wait: each trial that fails doubles it up to this.
    #[serde(deserialize_with = "duration::deserialize")]
    pub max: Duration,
    /// Healthy intervals in a row after which it is restored.
    pub intervals: u32,
    /// How long each is.
    #[serde(deserialize_with = "duration::deserialize")]
    pub interval: Duration,
}

impl Default for ProbeConfig {
    fn default() -> ProbeConfig {
        let exchange::Trials { one_in, first, max, intervals, interval } = exchange::Trials::default();
        ProbeConfig { one_in, first, max, intervals, interval }
    }
}

impl ExchangeConfig {
    /// Returns where it asks whether we are ready, if it does.
    pub fn ready_path(&self) -> Option<&str> {
        let of_dialect = || (self.dialect == Dialect::Xandr).then_some(&*self.path);
        self.ready_path.as_deref().or_else(of_dialect)
    }

    /// Returns how it is tried when it is degraded; `None` if an operator alone restores it.
    pub fn trials(&self) -> Option<ProbeConfig> {
        match self.restore {
            RestoreBy::Operator => None,
            RestoreBy::Probe => Some(self.probe.unwrap_or_default()),
        }
    }
}

/// Limits of an exchange's listener.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Most open connections; further ones wait in the accept queue.
    pub connections_max: usize,
    /// Most bytes of a request's head.
    pub head_bytes_max: usize,
    /// Most bytes of a body as sent.
    pub body_bytes_max: usize,
    /// Most bytes of a body after inflation.
    pub inflated_bytes_max: usize,
    /// How long a request's head may take.
    #[serde(deserialize_with = "duration::deserialize")]
    pub head_timeout: Duration,
    /// How long an idle connection is kept.
    #[serde(deserialize_with = "duration::deserialize")]
    pub idle_timeout: Duration,
    /// Most requests in hand; what comes above is answered 204 at once.
    pub in_flight_max: usize,
}

impl Default for LimitsConfig {
    fn default() -> LimitsConfig {
        let sockets = exchange::sockets::Limits::default();
        LimitsConfig {
            connections_max: sockets.connections_max,
            head_bytes_max: sockets.head_bytes_max,
            body_bytes_max: sockets.body_bytes_max,
            inflated_bytes_max: sockets.inflated_bytes_max,
            head_timeout: sockets.head_timeout,
            idle_timeout: sockets.idle_timeout,
            in_flight_max: 1_024,
        }
    }
}

impl LedgerConfig {
    /// Returns where the secret of cap keys is kept.
    pub fn cap_secret_path(&self) -> PathBuf {
        self.cap_secret_file.clone().unwrap_or_else(|| self.path.with_file_name("cap.secret"))
    }

    /// Returns where it is kept what was learnt of supply.
    pub fn supply_path(&self) -> PathBuf {
        self.path.with_file_name("supply.txt")
    }

    /// Returns where a region writes down the caps of the bids that are out: beside the ledger.
    pub fn cap_journal_path(&self, region: &str) -> PathBuf {
        self.path.with_extension(format!("open-caps-{region}"))
    }
}

impl AdserverConfig {
    /// Returns how long the ledger keeps what.
    pub fn retention(&self) -> Retention {
        let LedgerConfig { keep_events, keep_events_max, keep_notices, keep_billings, .. } = self.ledger;
        let notices = keep_notices.unwrap_or(self.notices.token_ttl.saturating_add(Retention::NOTICES_MARGIN));
        Retention { events: keep_events, events_max: keep_events_max, notices, billings: keep_billings }
    }

    /// Takes relative paths from `folder`.
    pub(super) fn resolve_paths(&mut self, folder: &Path) {
        let mut paths = vec![&mut self.ledger.path, &mut self.ledger.key_file, &mut self.campaigns.file];
        paths.extend(self.ledger.cap_secret_file.as_mut());
        paths.extend(self.exchanges.iter_mut().filter_map(|exchange| exchange.price_key_file.as_mut()));
        for path in paths {
            *path = folder.join(&*path);
        }
    }
}

fn forged_per_second_max() -> u32 {
    100
}

fn token_ttl() -> Duration {
    ledger::TOKEN_LIFE
}

fn connections_max() -> usize {
    1_024
}

fn lease_life() -> Duration {
    Duration::from_secs(60)
}

fn lease_grace() -> Duration {
    ledger::LEASE_GRACE
}

fn keep_events() -> Duration {
    Retention::EVENTS
}

fn keep_events_max() -> u64 {
    Retention::EVENTS_MAX
}

fn cap_pairs_max() -> usize {
    region::limits::CAP_PAIRS_MAX
}

fn dialect() -> Dialect {
    Dialect::Openrtb
}

fn seat() -> String {
    "tembusu".to_owned()
}

fn path() -> String {
    "/openrtb2/bid".to_owned()
}

fn shading() -> bool {
    true
}

fn currency() -> Currency {
    Currency::USD
}

fn tmax() -> Duration {
    Duration::from_millis(100)
}

fn margin() -> Duration {
    Duration::from_millis(10)
}

fn objective<'de, D: Deserializer<'de>>(from: D) -> Result<Objective, D::Error> {
    let text = String::deserialize(from)?;
    Objective::parse(&text).ok_or_else(|| {
        de::Error::custom(format!(
            "`{text}` is not a share that can be promised; write a percentage from 50% to 99.9999%, such as \"99.95%\""
        ))
    })
}

fn restore() -> RestoreBy {
    RestoreBy::Probe
}

fn billing_event() -> BillingEvent {
    BillingEvent::Burl
}

fn threads() -> usize {
    1
}
