//! The rules of one campaign.
//!
//! Promises plain data; whether it makes sense says [`Campaign::check`](crate::Campaign::check).

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;

use super::{Channel, Circle, Connection, Device, Format, Hours, Language, OsRule, Region, Texts, UtcOffset};
use crate::check::{ensure, flaw};
use crate::{Campaign, Flaw, Place, category, domain};

/// The most values that one list of rules may have: block lists of agencies have some thousands.
pub const RULE_VALUES_MAX: usize = 20_000;
/// The longest value of a rule, in bytes: a domain may have as many.
pub const RULE_BYTES_MAX: usize = 253;

/// Whom and what a campaign is for, and whom and what not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Targeting {
    /// The rules of which each must hold.
    pub include: Rules,
    /// The rules of which none may hold.
    pub exclude: Rules,
    /// The clock by which `hours` are meant.
    pub utc_offset: Option<UtcOffset>,
}

/// One list of values for each dimension; an empty one is no rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "each is the key of the definition; the module's table says what it means")]
pub struct Rules {
    pub exchanges: Vec<String>,
    pub regions: Vec<Region>,
    pub cities: Vec<String>,
    pub within: Vec<Circle>,
    pub inventory: Vec<Channel>,
    pub domains: Texts,
    pub bundles: Texts,
    pub sites: Vec<String>,
    pub apps: Vec<String>,
    pub publishers: Vec<String>,
    pub content_categories: Vec<String>,
    pub devices: Vec<Device>,
    pub os: Vec<OsRule>,
    pub connections: Vec<Connection>,
    pub carriers: Vec<String>,
    pub languages: Vec<Language>,
    pub formats: Vec<Format>,
    pub deals: Vec<String>,
    pub segments: Vec<String>,
    pub hours: Vec<Hours>,
}

/// A key of [`Rules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the key of the definition")]
#[non_exhaustive]
pub enum Dimension {
    Exchanges,
    Regions,
    Cities,
    Within,
    Inventory,
    Domains,
    Bundles,
    Sites,
    Apps,
    Publishers,
    ContentCategories,
    Devices,
    Os,
    Connections,
    Carriers,
    Languages,
    Formats,
    Deals,
    Segments,
    Hours,
}

/// Which of the two lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `include`.
    Include,
    /// `exclude`.
    Exclude,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Include => "include",
            Self::Exclude => "exclude",
        })
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exchanges => "exchanges",
            Self::Regions => "regions",
            Self::Cities => "cities",
            Self::Within => "within",
            Self::Inventory => "inventory",
            Self::Domains => "domains",
            Self::Bundles => "bundles",
            Self::Sites => "sites",
            Self::Apps => "apps",
            Self::Publishers => "publishers",
            Self::ContentCategories => "content_categories",
            Self::Devices => "devices",
            Self::Os => "os",
            Self::Connections => "connections",
            Self::Carriers => "carriers",
            Self::Languages => "languages",
            Self::Formats => "formats",
            Self::Deals => "deals",
            Self::Segments => "segments",
            Self::Hours => "hours",
        })
    }
}

/// The provider of a segment's rule, if it names one, and the segment's id.
pub(crate) fn segment_rule(text: &str) -> (Option<&str>, &str) {
    match text.split_once(':') {
        Some((provider, id)) => (Some(provider), id),
        None => (None, text),
    }
}

impl Targeting {
    /// Finds the first flaw of what a campaign includes.
    pub(crate) fn check_include(&self, campaign: &Campaign) -> Result<(), Flaw> {
        self.include.check(Side::Include, campaign)?;
        ensure(self.include.exchanges.is_empty(), Place::Rule(Side::Include, Dimension::Exchanges, 0), || {
            "write them as the campaign's own exchanges = [..], beside its countries".into()
        })
    }

    /// Finds the first flaw of what it excludes.
    pub(crate) fn check_exclude(&self, campaign: &Campaign) -> Result<(), Flaw> {
        self.exclude.check(Side::Exclude, campaign)?;
        ensure(self.exclude.deals.is_empty(), Place::Rule(Side::Exclude, Dimension::Deals, 0), || {
            "a deal is only bid on if it is included, or if it is open to all: remove the line".into()
        })?;
        if let Some(at) = self.exclude.os.iter().position(|rule| rule.at_least.is_some()) {
            let advice = "name the versions that you want under include, such as \"android >= 10\"";
            return flaw(Place::Rule(Side::Exclude, Dimension::Os, at), advice.into());
        }
        Ok(())
    }

    /// Tells whether its hours have a clock.
    pub(crate) fn check_clock(&self, _: &Campaign) -> Result<(), Flaw> {
        let timed = [(Side::Include, &self.include), (Side::Exclude, &self.exclude)];
        for (side, _) in timed.into_iter().filter(|(_, rules)| !rules.hours.is_empty()) {
            ensure(self.utc_offset.is_some(), Place::Rule(side, Dimension::Hours, 0), || {
                "of which clock: add utc_offset = \"+08:00\" to the campaign".into()
            })?;
        }
        Ok(())
    }
}

impl Rules {
    /// No rule at all.
    pub(crate) const NONE: &Self = &Self {
        exchanges: Vec::new(),
        regions: Vec::new(),
        cities: Vec::new(),
        within: Vec::new(),
        inventory: Vec::new(),
        domains: Texts::NONE,
        bundles: Texts::NONE,
        sites: Vec::new(),
        apps: Vec::new(),
        publishers: Vec::new(),
        content_categories: Vec::new(),
        devices: Vec::new(),
        os: Vec::new(),
        connections: Vec::new(),
        carriers: Vec::new(),
        languages: Vec::new(),
        formats: Vec::new(),
        deals: Vec::new(),
        segments: Vec::new(),
        hours: Vec::new(),
    };

    fn check(&self, side: Side, campaign: &Campaign) -> Result<(), Flaw> {
        use Dimension as D;
        let texts = [
            (D::Exchanges, &self.exchanges),
            (D::Cities, &self.cities),
            (D::Sites, &self.sites),
            (D::Apps, &self.apps),
            (D::Publishers, &self.publishers),
            (D::ContentCategories, &self.content_categories),
            (D::Carriers, &self.carriers),
            (D::Deals, &self.deals),
            (D::Segments, &self.segments),
        ];
        for (dimension, values) in texts {
            check_texts(values.iter().map(String::as_str), side, dimension)?;
        }
        check_texts(self.domains.iter(), side, D::Domains)?;
        check_texts(self.bundles.iter(), side, D::Bundles)?;
        unique(&self.regions, side, D::Regions)?;
        unique(&self.within, side, D::Within)?;
        unique(&self.inventory, side, D::Inventory)?;
        unique(&self.devices, side, D::Devices)?;
        unique(&self.os, side, D::Os)?;
        unique(&self.connections, side, D::Connections)?;
        unique(&self.languages, side, D::Languages)?;
        unique(&self.formats, side, D::Formats)?;

        let places = |dimension| move |at| Place::Rule(side, dimension, at);
        each(self.domains.iter(), places(D::Domains), |found| {
            let advice = "is no bare domain: write it in lower case without scheme or path, such as \"news.example\"";
            (!domain::is_bare(found)).then(|| format!("{found:?} {advice}"))
        })?;
        each(&self.content_categories, places(D::ContentCategories), |found| {
            let advice = "is not in IAB taxonomy 1.0: write one such as \"IAB17\" or \"IAB17-5\"";
            (!category::is_known(found)).then(|| format!("{found:?} {advice}"))
        })?;
        each(&self.segments, places(D::Segments), |found| {
            let (provider, id) = segment_rule(found);
            let advice = "is no segment: write its id, or provider:id";
            (id.is_empty() || provider == Some("")).then(|| format!("{found:?} {advice}"))
        })?;
        each(&self.regions, places(D::Regions), |found| {
            let known = campaign.countries.iter().any(|country| found.is_in(*country));
            (!known).then(|| format!("{found} is in none of the campaign's countries: correct one of the two"))
        })
    }
}

fn each<T>(
    values: impl IntoIterator<Item = T>,
    place: impl Fn(usize) -> Place,
    advice: impl Fn(T) -> Option<String>,
) -> Result<(), Flaw> {
    let found = values.into_iter().enumerate().find_map(|(at, value)| Some((at, advice(value)?)));
    found.map_or(Ok(()), |(at, advice)| flaw(place(at), advice))
}

fn check_texts<'a>(
    values: impl ExactSizeIterator<Item = &'a str> + Clone,
    side: Side,
    dimension: Dimension,
) -> Result<(), Flaw> {
    unique(values.clone(), side, dimension)?;
    for (at, value) in values.enumerate() {
        check_text(value, Place::Rule(side, dimension, at))?;
    }
    Ok(())
}

fn check_text(value: &str, place: Place) -> Result<(), Flaw> {
    ensure(!value.is_empty() && value.trim() == value, place, || {
        format!("{value:?} is empty or has blanks around it: remove them")
    })?;
    ensure(value.len() <= RULE_BYTES_MAX, place, || {
        format!("{} bytes long: {RULE_BYTES_MAX} are the most", value.len())
    })?;
    ensure(!value.contains(char::is_control), place, || "holds a control character: remove it".into())
}

fn unique<T: Eq + Hash + fmt::Debug>(
    values: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    side: Side,
    dimension: Dimension,
) -> Result<(), Flaw> {
    let values = values.into_iter();
    let count = values.len();
    ensure(count <= RULE_VALUES_MAX, Place::Rule(side, dimension, RULE_VALUES_MAX), || {
        format!("{count} values: {RULE_VALUES_MAX} are the most")
    })?;
    let mut seen = HashSet::with_capacity_and_hasher(count, foldhash::fast::RandomState::default());
    for (at, value) in values.enumerate() {
        if let Some(value) = seen.replace(value) {
            return flaw(Place::Rule(side, dimension, at), format!("{value:?} stands twice: remove one"));
        }
    }
    Ok(())
}
