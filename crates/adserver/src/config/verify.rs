//! What the types do not say: names that must be unique, numbers that must be in range, names
//! that must exist. The first fault is reported with its key.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use ledger::Retention;
use region::limits::BILLABLE_MAX;

use super::duration::show;
use super::error::Fault;
use super::place::Step::{Index, Key};
use crate::logging;

use super::settings::{AdserverConfig, BillingEvent, Dialect, ExchangeConfig, Intensity, RestoreBy};

/// Most threads of one exchange.
const THREADS_MAX: usize = 64;
/// Most exchanges and most regions: each is a subtree with its runtime or its leases.
const SUBTREES_MAX: usize = 64;
/// Longest name of an exchange or a region.
const NAME_CHARS_MAX: usize = 32;
/// By how much a notice is kept longer than its token opens: clocks are set.
const NOTICES_MARGIN_MIN: Duration = Duration::from_secs(3_600);
/// Longest period of an intensity.
const WITHIN_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Longest wait before a trial, and longest trial.
const TRIAL_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Smallest body limit: a plain request has about 1 KiB.
const BODY_BYTES_MIN: usize = 1_024;
/// Smallest head limit: the least that hyper works with.
const HEAD_BYTES_MIN: usize = 8_192;

pub(super) fn verify(config: &AdserverConfig) -> Result<(), Fault> {
    intensity(config.intensity, &[Key("intensity")])?;
    intensity(config.ledger.intensity, &[Key("ledger"), Key("intensity")])?;
    if config.ledger.lease_life.is_zero() {
        return Err(Fault::new([Key("ledger"), Key("lease_life")], "a lease lasts longer than 0; write \"60s\""));
    }
    if config.ledger.lease_grace < BILLABLE_MAX {
        let problem = format!(
            "bids may bill for {} after their lease has ended, and their money would be spent twice; write \"{}m\" or more",
            show(BILLABLE_MAX),
            BILLABLE_MAX.as_secs().div_ceil(60)
        );
        return Err(Fault::new([Key("ledger"), Key("lease_grace")], problem));
    }
    retention(config)?;
    intensity(config.notices.intensity, &[Key("notices"), Key("intensity")])?;
    if let Some(url) = &config.notices.public_url
        && !is_base(url)
    {
        let problem = format!(
            "`{url}` is not a URL that an exchange can call; write https:// or http:// and a host, such as https://notice.example.com"
        );
        return Err(Fault::new([Key("notices"), Key("public_url")], problem));
    }
    if config.notices.token_ttl < BILLABLE_MAX {
        let problem = format!(
            "bids may bill for {}, and a notice that comes later than this is never paid; write \"{}m\" or more",
            show(BILLABLE_MAX),
            BILLABLE_MAX.as_secs().div_ceil(60)
        );
        return Err(Fault::new([Key("notices"), Key("token_ttl")], problem));
    }
    if let Err(error) = logging::check(&config.telemetry.log) {
        let problem = format!("{error}; write \"info\", or a filter such as \"warn,exchange=debug\"");
        return Err(Fault::new([Key("telemetry"), Key("log")], problem));
    }
    if config.notices.public_url.is_none() && config.notices.listen.ip().is_unspecified() {
        let problem = "no exchange can call an unspecified address; set it to how exchanges reach this listener, such as https://notice.example.com";
        return Err(Fault::new([Key("notices"), Key("public_url")], problem));
    }
    if config.notices.forged_per_second_max == 0 {
        let problem = "at 0 no exchange could show that its notices are genuine; write at least 1";
        return Err(Fault::new([Key("notices"), Key("forged_per_second_max")], problem));
    }
    at_least(config.notices.connections_max, 1, &[Key("notices"), Key("connections_max")])?;
    regions(config)?;
    exchanges(config)?;
    addresses(config)
}

/// What is thrown away too early cannot be known again.
fn retention(config: &AdserverConfig) -> Result<(), Fault> {
    let least = config.notices.token_ttl.saturating_add(NOTICES_MARGIN_MIN);
    if config.ledger.keep_notices.is_some_and(|kept| kept < least) {
        let problem = format!(
            "a notice may come for {}, and one that is not known any more counts twice; write \"{}m\" or more",
            show(config.notices.token_ttl),
            least.as_secs().div_ceil(60)
        );
        return Err(Fault::new([Key("ledger"), Key("keep_notices")], problem));
    }
    if config.ledger.keep_billings.is_some_and(|kept| kept < Retention::BILLINGS_MIN) {
        let problem = "users' counts are compared with the billings of some days; write \"3d\" or more";
        return Err(Fault::new([Key("ledger"), Key("keep_billings")], problem));
    }
    Ok(())
}

/// What notice URLs can begin with: scheme, host and perhaps a path.
fn is_base(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = |letter: char| letter.is_ascii_graphic() && !"\"'<>?#\\".contains(letter);
    rest.is_some_and(|rest| {
        rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[') && rest.chars().all(plain)
    })
}

fn regions(config: &AdserverConfig) -> Result<(), Fault> {
    if config.regions.is_empty() {
        return Err(Fault::new([Key("region")], "no region is configured; add at least one [[region]]"));
    }
    if SUBTREES_MAX < config.regions.len() {
        return Err(Fault::new([Key("region")], format!("more than {SUBTREES_MAX} regions")));
    }
    let mut names = HashSet::new();
    let mut served = HashMap::new();
    for (index, region) in config.regions.iter().enumerate() {
        let at = |key| [Key("region"), Index(index), Key(key)];
        at_least(region.cap_pairs_max, 1, &at("cap_pairs_max"))?;
        name(&region.name, &mut names, &at("name"))?;
        intensity(region.intensity, &at("intensity"))?;
        if region.countries.is_empty() {
            return Err(Fault::new(at("countries"), "a region serves at least one country; list codes such as \"SG\""));
        }
        for country in &region.countries {
            let Some(code) = openrtb::Country::parse(country) else {
                let problem =
                    format!("`{country}` is not a country; write an ISO 3166-1 code such as \"SG\" or \"SGP\"");
                return Err(Fault::new(at("countries"), problem));
            };
            if let Some(other) = served.insert(code, &region.name) {
                let problem =
                    format!("`{country}` is served by region `{other}` already; a country belongs to one region");
                return Err(Fault::new(at("countries"), problem));
            }
        }
    }
    Ok(())
}

fn exchanges(config: &AdserverConfig) -> Result<(), Fault> {
    if config.exchanges.is_empty() {
        return Err(Fault::new([Key("exchange")], "no exchange is configured; add at least one [[exchange]]"));
    }
    if SUBTREES_MAX < config.exchanges.len() {
        return Err(Fault::new([Key("exchange")], format!("more than {SUBTREES_MAX} exchanges")));
    }
    let mut names = HashSet::new();
    for (index, exchange) in config.exchanges.iter().enumerate() {
        name(&exchange.name, &mut names, &[Key("exchange"), Index(index), Key("name")])?;
        one_exchange(config, index, exchange)?;
    }
    Ok(())
}

fn one_exchange(config: &AdserverConfig, index: usize, exchange: &ExchangeConfig) -> Result<(), Fault> {
    let at = |key| [Key("exchange"), Index(index), Key(key)];
    let limit = |key| [Key("exchange"), Index(index), Key("limits"), Key(key)];
    intensity(exchange.intensity, &at("intensity"))?;
    trials(index, exchange)?;
    exchange.load.verify(index)?;
    path(&exchange.path, &at("path"))?;
    exchange.ready_path.iter().try_for_each(|polled| path(polled, &at("ready_path")))?;
    if exchange.seat.trim().is_empty() {
        return Err(Fault::new(at("seat"), "an exchange drops bids without a seat; write our name or number there"));
    }
    let tmax_max = exchange::sockets::Deadlines::default().tmax_max;
    if exchange.tmax.is_zero() || tmax_max < exchange.tmax {
        let problem = format!("a deadline lies above 0 and up to {}; exchanges grant 80ms to 1s", show(tmax_max));
        return Err(Fault::new(at("tmax"), problem));
    }
    if exchange.tmax <= exchange.margin {
        return Err(Fault::new(at("margin"), "the margin uses up the whole of `tmax`; nothing could be bid in time"));
    }
    if let Some(region) = &exchange.default_region
        && !config.regions.iter().any(|known| known.name == *region)
    {
        let problem = format!("there is no region `{region}`; name a configured one or leave the key out");
        return Err(Fault::new(at("default_region"), problem));
    }
    let secure = config.notices.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    if exchange.billing_event == BillingEvent::Impression && !secure {
        let problem = "the tracker in the markup must be HTTPS; set `notices.public_url` to an https:// address";
        return Err(Fault::new(at("billing_event"), problem));
    }
    if exchange.dialect == Dialect::GoogleAdx && exchange.price_key_file.is_none() {
        let problem = "google_adx encrypts prices; set `price_key_file` to the file with its two keys";
        return Err(Fault::new(at("dialect"), problem));
    }
    if config.rates.rate(exchange.currency).is_none() {
        let problem = format!("no rate is known for {}; add it under [rates.usd_per_unit]", exchange.currency);
        return Err(Fault::new(at("currency"), problem));
    }
    at_least(exchange.threads, 1, &at("threads"))?;
    if THREADS_MAX < exchange.threads {
        return Err(Fault::new(at("threads"), format!("more than {THREADS_MAX} threads for one exchange")));
    }
    at_least(exchange.limits.connections_max, 1, &limit("connections_max"))?;
    at_least(exchange.limits.in_flight_max, 1, &limit("in_flight_max"))?;
    at_least(exchange.limits.body_bytes_max, BODY_BYTES_MIN, &limit("body_bytes_max"))?;
    at_least(exchange.limits.inflated_bytes_max, exchange.limits.body_bytes_max, &limit("inflated_bytes_max"))?;
    at_least(exchange.limits.head_bytes_max, HEAD_BYTES_MIN, &limit("head_bytes_max"))
}

fn path(path: &str, at: &[super::place::Step]) -> Result<(), Fault> {
    if !path.starts_with('/') {
        return Err(Fault::new(at.to_vec(), format!("`{path}` is not a path; begin it with /")));
    }
    if path.contains(|letter: char| !letter.is_ascii_graphic() || "?#".contains(letter)) {
        let problem = format!("`{path}` is never asked for; leave out the query, and escape what is no ASCII");
        return Err(Fault::new(at.to_vec(), problem));
    }
    Ok(())
}

fn trials(index: usize, exchange: &ExchangeConfig) -> Result<(), Fault> {
    let at = |key| [Key("exchange"), Index(index), Key("probe"), Key(key)];
    if exchange.restore == RestoreBy::Operator && exchange.probe.is_some() {
        let problem = "nothing is tried where an operator restores; write `restore = \"probe\"` or leave `probe` out";
        return Err(Fault::new([Key("exchange"), Index(index), Key("probe")], problem));
    }
    let Some(probe) = exchange.trials() else { return Ok(()) };
    if probe.first.is_zero() || probe.max < probe.first || TRIAL_MAX < probe.max {
        let problem = format!(
            "the waits between trials grow from `first`, above 0, to `max`, up to {}; they are {} and {}",
            show(TRIAL_MAX),
            show(probe.first),
            show(probe.max)
        );
        return Err(Fault::new(at(if probe.first.is_zero() { "first" } else { "max" }), problem));
    }
    if probe.intervals == 0 {
        return Err(Fault::new(at("intervals"), "it shows at least 1 healthy interval before it is restored"));
    }
    if probe.interval.is_zero() || TRIAL_MAX < probe.interval.saturating_mul(probe.intervals) {
        let problem = format!("a trial lasts longer than 0 and up to {}; write \"10s\"", show(TRIAL_MAX));
        return Err(Fault::new(at("interval"), problem));
    }
    Ok(())
}

/// Two listeners cannot share an address; port 0 is always free.
fn addresses(config: &AdserverConfig) -> Result<(), Fault> {
    let mut taken = HashMap::<SocketAddr, String>::new();
    let mut take = |address: SocketAddr, owner: String, steps: Vec<_>| {
        if address.port() == 0 {
            return Ok(());
        }
        match taken.insert(address, owner) {
            None => Ok(()),
            Some(other) => Err(Fault::new(steps, format!("{address} is taken by {other}; give each listener its own"))),
        }
    };
    take(config.admin.listen, "admin".to_owned(), vec![Key("admin"), Key("listen")])?;
    take(config.notices.listen, "notices".to_owned(), vec![Key("notices"), Key("listen")])?;
    for (index, exchange) in config.exchanges.iter().enumerate() {
        let steps = vec![Key("exchange"), Index(index), Key("listen")];
        take(exchange.listen, format!("exchange {}", exchange.name), steps)?;
    }
    Ok(())
}

fn name<'a>(name: &'a str, taken: &mut HashSet<&'a str>, at: &[super::place::Step]) -> Result<(), Fault> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || NAME_CHARS_MAX < name.len() || !name.chars().all(plain) {
        let problem = format!("`{name}` is not a name; use up to {NAME_CHARS_MAX} of a-z, 0-9 and _");
        return Err(Fault::new(at.to_vec(), problem));
    }
    if !taken.insert(name) {
        return Err(Fault::new(at.to_vec(), format!("`{name}` stands twice; names are unique")));
    }
    Ok(())
}

fn intensity(intensity: Intensity, at: &[super::place::Step]) -> Result<(), Fault> {
    if intensity.within.is_zero() || WITHIN_MAX < intensity.within {
        let at = at.iter().cloned().chain([Key("within")]);
        return Err(Fault::new(at, "the period of an intensity lies above 0 and up to 24h, such as \"10s\""));
    }
    Ok(())
}

fn at_least(value: usize, least: usize, at: &[super::place::Step]) -> Result<(), Fault> {
    if least <= value {
        return Ok(());
    }
    Err(Fault::new(at.to_vec(), format!("{value} is too small; write at least {least}")))
}
