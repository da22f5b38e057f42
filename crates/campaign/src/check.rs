//! What makes a definition sound.
//!
//! Promises the first flaw of a campaign, where it is and what to do about it. Never mends a definition silently.

use std::collections::{HashMap, HashSet};
use std::fmt;

use foldhash::fast::RandomState;
use money::{Cpm, Nanos};

use crate::advertised::APP_BYTES_MAX;
use crate::cap::contradiction;
use crate::targeting::{Dimension, Side, Targeting};
use crate::{
    Campaign, CampaignId, CapWindow, Caps, Creative, CreativeId, HOUR_WEIGHTS_MAX, HourPlan, Pacing, SIDE_MAX,
    category, domain,
};

/// The most creatives that a campaign may have.
pub const CREATIVES_PER_CAMPAIGN_MAX: usize = 256;
/// The most sizes that a creative may fit.
pub const SIZES_PER_CREATIVE_MAX: usize = 1024;
/// The longest markup, in bytes: exchanges refuse longer responses.
pub const MARKUP_BYTES_MAX: usize = 64 * 1024;
/// The longest name of a campaign, in bytes: it stands in every line about it.
pub const NAME_BYTES_MAX: usize = 200;
/// The highest price, in USD per 1,000 impressions: above it the decimal point has slipped.
pub const BID_CPM_MAX: Cpm = Cpm(1_000_000_000);

/// A flaw of one campaign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {advice}")]
pub struct Flaw {
    /// What is flawed.
    pub place: Place,
    /// What is wrong, and what to do.
    pub advice: String,
}

/// A place in a campaign's definition; lists are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each names the key of the definition")]
#[non_exhaustive]
pub enum Place {
    Id,
    Name,
    Budget,
    BidCpm,
    Starts,
    Ends,
    Pacing,
    HourWeights,
    HourWeight(usize),
    BidOnUncountedUsers,
    Countries,
    Country(usize),
    Exchange(usize),
    Category(usize),
    AdvertiserDomain,
    AdvertisedApp,
    Language,
    CapPerUserPerDay,
    Caps,
    Cap(usize),
    UtcOffset,
    Rule(Side, Dimension, usize),
    Creatives,
    CreativeId(usize),
    CreativeSizes(usize),
    CreativeSize(usize, usize),
    CreativeMarkup(usize),
    CreativeSecure(usize),
    CreativeAttribute(usize, usize),
    CreativeBannerType(usize, usize),
    CreativeMime(usize, usize),
    CreativeApi(usize, usize),
    CreativeCaps(usize),
    CreativeCap(usize, usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match self {
            Self::Id | Self::CreativeId(_) => "id",
            Self::Name => "name",
            Self::Budget => "budget",
            Self::BidCpm => "bid_cpm",
            Self::Starts => "starts",
            Self::Ends => "ends",
            Self::Pacing => "pacing",
            Self::HourWeights | Self::HourWeight(_) => "hour_weights",
            Self::BidOnUncountedUsers => "bid_on_uncounted_users",
            Self::Countries | Self::Country(_) => "countries",
            Self::Exchange(_) => "exchanges",
            Self::Category(_) => "categories",
            Self::AdvertiserDomain => "advertiser_domain",
            Self::AdvertisedApp => "advertised_app",
            Self::Language => "language",
            Self::CapPerUserPerDay => "cap_per_user_per_day",
            Self::Caps | Self::Cap(_) | Self::CreativeCaps(_) | Self::CreativeCap(..) => "caps",
            Self::UtcOffset => "utc_offset",
            Self::Rule(side, dimension, _) => return write!(f, "{side}: {dimension}"),
            Self::Creatives => "creative",
            Self::CreativeSizes(_) | Self::CreativeSize(..) => "sizes",
            Self::CreativeMarkup(_) => "markup",
            Self::CreativeSecure(_) => "secure",
            Self::CreativeAttribute(..) => "attributes",
            Self::CreativeBannerType(..) => "banner_types",
            Self::CreativeMime(..) => "mimes",
            Self::CreativeApi(..) => "apis",
        };
        match self {
            Self::CreativeId(creative)
            | Self::CreativeSizes(creative)
            | Self::CreativeSize(creative, _)
            | Self::CreativeMarkup(creative)
            | Self::CreativeSecure(creative)
            | Self::CreativeCaps(creative)
            | Self::CreativeCap(creative, _)
            | Self::CreativeBannerType(creative, _)
            | Self::CreativeMime(creative, _)
            | Self::CreativeApi(creative, _)
            | Self::CreativeAttribute(creative, _) => write!(f, "creative {}: {key}", creative + 1),
            _ => f.write_str(key),
        }
    }
}

/// Looks at one part of a campaign.
type Check = fn(&Campaign) -> Result<(), Flaw>;

impl Campaign {
    /// Finds the first flaw.
    ///
    /// # Errors
    ///
    /// The flaw, with its place and advice.
    pub fn check(&self) -> Result<(), Flaw> {
        self.checks().find_map(Result::err).map_or(Ok(()), Err)
    }

    /// Finds a flaw of each value, of each side of the targeting and of each creative.
    #[must_use]
    pub fn flaws(&self) -> Vec<Flaw> {
        self.checks().filter_map(Result::err).collect()
    }

    /// The exchanges that it bids on or keeps away from and that are not among these, as flaws.
    #[must_use]
    pub fn unknown_exchanges(&self, exchanges: &[String]) -> Vec<Flaw> {
        let excluded = |at| Place::Rule(Side::Exclude, Dimension::Exchanges, at);
        let named = self.exchanges.iter().enumerate().map(|(at, name)| (Place::Exchange(at), name));
        let named = named.chain(self.exclude().exchanges.iter().enumerate().map(|(at, name)| (excluded(at), name)));
        let unknown = named.filter(|(_, name)| !exchanges.contains(name));
        let flaw = |(place, name): (Place, &String)| Flaw {
            place,
            advice: format!("`{name}` is not configured: write one of {}", exchanges.join(", ")),
        };
        unknown.map(flaw).collect()
    }

    fn checks(&self) -> impl Iterator<Item = Result<(), Flaw>> {
        let parts: [Check; 13] = [
            Self::check_id,
            Self::check_name,
            Self::check_advertiser,
            Self::check_advertised,
            Self::check_bid,
            Self::check_budget,
            Self::check_cap,
            Self::check_flight,
            Self::check_countries,
            Self::check_exchanges,
            Self::check_categories,
            Self::check_hours,
            Self::check_creative_ids,
        ];
        let sides = [Targeting::check_include, Targeting::check_exclude, Targeting::check_clock];
        let targeting = self.targeting.as_ref();
        let rules = sides.into_iter().map(move |check| targeting.map_or(Ok(()), |targeting| check(targeting, self)));
        let creatives = self.creatives.iter().enumerate().map(|(index, creative)| {
            self.check_caps(&creative.caps, Place::CreativeCaps(index))?;
            creative.check(index)
        });
        parts.into_iter().map(move |check| check(self)).chain(rules).chain(creatives)
    }

    fn check_id(&self) -> Result<(), Flaw> {
        ensure(self.id.0 > 0, Place::Id, || "0 is no id: number campaigns from 1".into())
    }

    fn check_name(&self) -> Result<(), Flaw> {
        ensure(!self.name.trim().is_empty(), Place::Name, || "empty: write what operators call the campaign".into())?;
        ensure(self.name.len() <= NAME_BYTES_MAX, Place::Name, || {
            format!("{} bytes long: shorten it to {NAME_BYTES_MAX}", self.name.len())
        })?;
        ensure(!self.name.contains(char::is_control), Place::Name, || "holds a control character: remove it".into())
    }

    fn check_advertiser(&self) -> Result<(), Flaw> {
        ensure(domain::is_bare(&self.advertiser_domain), Place::AdvertiserDomain, || {
            let found = &self.advertiser_domain;
            format!(
                "{found:?} is no bare domain: write it in lower case without scheme or path, such as \"shop.example\""
            )
        })
    }

    fn check_advertised(&self) -> Result<(), Flaw> {
        let app = self.advertises.as_ref().and_then(|advertised| advertised.app.as_deref());
        let is_id =
            |app: &str| !app.is_empty() && app.len() <= APP_BYTES_MAX && app.bytes().all(|b| b.is_ascii_graphic());
        ensure(app.is_none_or(is_id), Place::AdvertisedApp, || {
            let found = app.unwrap_or_default();
            format!(
                "{found:?} is no id of an app: write it as its store does, such as \"com.kopi.app\" or \"284882215\""
            )
        })
    }

    fn check_bid(&self) -> Result<(), Flaw> {
        let Self { bid_cpm, .. } = self;
        ensure(*bid_cpm > Cpm(0), Place::BidCpm, || {
            format!("{bid_cpm} is not above 0: write USD per 1000 impressions, such as \"1.20\"")
        })?;
        ensure(*bid_cpm <= BID_CPM_MAX, Place::BidCpm, || {
            format!("{bid_cpm} is above {BID_CPM_MAX} USD per 1000 impressions: check the decimal point")
        })
    }

    fn check_budget(&self) -> Result<(), Flaw> {
        let Self { budget, bid_cpm, .. } = self;
        ensure(*budget > Nanos(0), Place::Budget, || {
            format!("{budget} is not above 0: write what the flight may cost in USD, such as \"250.00\"")
        })?;
        let sane = *bid_cpm <= Cpm(0) || BID_CPM_MAX < *bid_cpm || bid_cpm.cost_in_usd() <= *budget;
        ensure(sane, Place::Budget, || {
            format!("{budget} USD does not pay for one impression at bid_cpm {bid_cpm}: raise it or lower the bid")
        })
    }

    fn check_cap(&self) -> Result<(), Flaw> {
        self.check_caps(&self.caps, Place::Caps)
    }

    /// Caps that say what they seem to say, and a flight that is remembered to its end.
    fn check_caps(&self, caps: &Caps, place: Place) -> Result<(), Flaw> {
        if let Some(advice) = contradiction(caps) {
            return flaw(place, advice);
        }
        let lifetime = caps.max_per(CapWindow::Lifetime).is_some();
        let length_ms = self.flight.ends_ms.saturating_sub(self.flight.starts_ms);
        ensure(!lifetime || length_ms <= CapWindow::Lifetime.millis(), place, || {
            "users are remembered for 366 days and the flight is longer: shorten it, or cap per month".into()
        })
    }

    fn check_flight(&self) -> Result<(), Flaw> {
        ensure(self.flight.starts_ms < self.flight.ends_ms, Place::Ends, || {
            "not after starts: a campaign without a moment to bid in is a slip, so correct one of the two".into()
        })
    }

    fn check_hours(&self) -> Result<(), Flaw> {
        let lines = self.hour_weights.len();
        if lines > 0 {
            ensure(lines <= HOUR_WEIGHTS_MAX, Place::HourWeights, || {
                format!("{lines} lines: {HOUR_WEIGHTS_MAX} are the most, one for each hour of the week")
            })?;
            ensure(self.pacing != Pacing::Asap, Place::HourWeights, || {
                "pacing is \"asap\", which spends without a plan: remove one of the two".into()
            })?;
            ensure(self.pacing != Pacing::Supply, Place::HourWeights, || {
                "pacing is \"supply\", which learns how the hours differ: remove one of the two".into()
            })?;
            let offset = self.targeting.as_ref().and_then(|targeting| targeting.utc_offset);
            ensure(offset.is_some(), Place::HourWeights, || {
                "of which clock: add utc_offset = \"+08:00\" to the campaign".into()
            })?;
        }
        let Some(plan) = HourPlan::of(self).filter(|_| lines > 0 && self.check_flight().is_ok()) else { return Ok(()) };
        ensure(plan.between(self.flight.starts_ms, self.flight.ends_ms) > 0, Place::HourWeights, || {
            "no hour of the flight is left to spend in: give one in which the campaign bids a weight above 0".into()
        })
    }

    fn check_countries(&self) -> Result<(), Flaw> {
        ensure(!self.countries.is_empty(), Place::Countries, || {
            "empty: name at least one country, such as [\"SG\", \"ID\", \"TH\"]".into()
        })?;
        if let Some(index) = first_twice(&self.countries) {
            return flaw(Place::Country(index), format!("{} stands twice: remove one", self.countries[index]));
        }
        Ok(())
    }

    fn check_exchanges(&self) -> Result<(), Flaw> {
        for (index, exchange) in self.exchanges.iter().enumerate() {
            let letters = exchange.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
            ensure(letters && !exchange.is_empty(), Place::Exchange(index), || {
                format!("{exchange:?} is no exchange: use its name in the configuration, such as \"google_adx\"")
            })?;
        }
        Ok(())
    }

    fn check_categories(&self) -> Result<(), Flaw> {
        for (index, found) in self.categories.iter().enumerate() {
            ensure(category::is_known(found), Place::Category(index), || {
                format!("{found:?} is not in IAB taxonomy 1.0: write one such as \"IAB7\" or \"IAB7-39\"")
            })?;
        }
        Ok(())
    }

    fn check_creative_ids(&self) -> Result<(), Flaw> {
        let count = self.creatives.len();
        ensure(count > 0, Place::Creatives, || "none: add a [[campaign.creative]] with something to show".into())?;
        ensure(count <= CREATIVES_PER_CAMPAIGN_MAX, Place::Creatives, || {
            format!("{count} of them: split the campaign, {CREATIVES_PER_CAMPAIGN_MAX} are the most")
        })?;
        let ids: Vec<CreativeId> = self.creatives.iter().map(|creative| creative.id).collect();
        if let Some(index) = first_twice(&ids) {
            return flaw(
                Place::CreativeId(index),
                format!("{} is taken: give each creative its own number", ids[index]),
            );
        }
        Ok(())
    }
}

impl Creative {
    fn check(&self, index: usize) -> Result<(), Flaw> {
        ensure(self.id.0 > 0, Place::CreativeId(index), || "0 is no id: number creatives from 1".into())?;
        let sizes = self.sizes.len();
        ensure((1..=SIZES_PER_CREATIVE_MAX).contains(&sizes), Place::CreativeSizes(index), || {
            format!("{sizes} sizes: name from 1 to {SIZES_PER_CREATIVE_MAX}, such as sizes = [\"300x250\"]")
        })?;
        for (at, size) in self.sizes.iter().enumerate() {
            let sane = |side: u32| (1..=SIDE_MAX).contains(&side);
            ensure(sane(size.w) && sane(size.h), Place::CreativeSize(index, at), || {
                format!("{size} is no size: width and height go from 1 to {SIDE_MAX} pixels")
            })?;
        }
        if let Some(at) = first_twice(&self.sizes) {
            return flaw(Place::CreativeSize(index, at), format!("{} stands twice: remove one", self.sizes[at]));
        }
        let place = Place::CreativeMarkup(index);
        ensure(!self.markup.trim().is_empty(), place, || "empty: write the HTML to show".into())?;
        ensure(self.markup.len() <= MARKUP_BYTES_MAX, place, || {
            format!(
                "{} bytes long: load the large parts from a server, {MARKUP_BYTES_MAX} are the most",
                self.markup.len()
            )
        })?;
        ensure(!self.secure || !loads_over_http(&self.markup), Place::CreativeSecure(index), || {
            "the markup loads from http://: change that to https://, or write secure = false".into()
        })
    }
}

/// The ids that the campaigns of a list have taken.
#[derive(Debug, Default)]
pub(crate) struct TakenIds {
    campaigns: HashSet<CampaignId, RandomState>,
    /// Each with its campaign.
    creatives: HashMap<CreativeId, CampaignId, RandomState>,
}

impl TakenIds {
    /// Takes the ids of one campaign and of its creatives, all or none.
    pub(crate) fn take(&mut self, campaign: &Campaign) -> Result<(), Flaw> {
        self.check_id(campaign.id)?;
        self.check_creatives(campaign, |_| false)?;
        self.hold(campaign);
        Ok(())
    }

    /// Takes the id of a campaign whose creatives are looked at elsewhere.
    pub(crate) fn take_id(&mut self, campaign: CampaignId) -> Result<(), Flaw> {
        self.check_id(campaign)?;
        self.campaigns.insert(campaign);
        Ok(())
    }

    fn check_id(&self, campaign: CampaignId) -> Result<(), Flaw> {
        ensure(!self.campaigns.contains(&campaign), Place::Id, || {
            format!("{campaign} is taken by another campaign: give each its own number")
        })
    }

    /// Finds a creative that is taken by a campaign that does not give up its own.
    pub(crate) fn check_creatives(
        &self,
        campaign: &Campaign,
        gives_up: impl Fn(CampaignId) -> bool,
    ) -> Result<(), Flaw> {
        for (index, creative) in campaign.creatives.iter().enumerate() {
            let owner = self.creatives.get(&creative.id).filter(|owner| !gives_up(**owner));
            if let Some(owner) = owner {
                let advice = format!(
                    "{} is taken by campaign {owner}: exchanges audit by this number, so give each creative its own",
                    creative.id
                );
                return flaw(Place::CreativeId(index), advice);
            }
        }
        Ok(())
    }

    /// Takes the ids, whoever has had them.
    pub(crate) fn hold(&mut self, campaign: &Campaign) {
        self.campaigns.insert(campaign.id);
        self.creatives.extend(campaign.creatives.iter().map(|creative| (creative.id, campaign.id)));
    }

    /// Gives the ids of a campaign back.
    pub(crate) fn release(&mut self, campaign: &Campaign) {
        self.campaigns.remove(&campaign.id);
        for creative in &campaign.creatives {
            if self.creatives.get(&creative.id) == Some(&campaign.id) {
                self.creatives.remove(&creative.id);
            }
        }
    }
}

/// Looks for resources over plain HTTP, which a browser blocks on a secure page. Links may lead there.
fn loads_over_http(markup: &str) -> bool {
    let lower = markup.to_ascii_lowercase();
    ["src=\"http:", "src='http:", "src=http:", "url(http:", "url('http:", "url(\"http:"]
        .iter()
        .any(|insecure| lower.contains(insecure))
}

fn first_twice<T: Eq + std::hash::Hash>(items: &[T]) -> Option<usize> {
    let mut seen = HashSet::with_capacity_and_hasher(items.len(), RandomState::default());
    items.iter().position(|item| !seen.insert(item))
}

pub(crate) fn ensure(sound: bool, place: Place, advice: impl FnOnce() -> String) -> Result<(), Flaw> {
    if sound { Ok(()) } else { flaw(place, advice()) }
}

pub(crate) fn flaw<T>(place: Place, advice: String) -> Result<T, Flaw> {
    Err(Flaw { place, advice })
}
