//! Why a campaign does not fit an imp: the first reason, found by looking at its definition.
//!
//! Promises to be what the index is compared with: a linear scan by [`explain`] finds the same campaigns. It shares no
//! structure with the index, allocates as it likes, and is never called on the bid path.

use std::fmt;

use openrtb::{BidRequest, Imp, Inventory};

use crate::targeting::{
    Channel, Dimension, Language, Os, RULE_BYTES_MAX, Region, Rules, TEXT_BYTES_MAX, Version, bundle, host,
    segment_rule,
};
use crate::{Campaign, Setting, Size, category};

/// The first thing about a campaign that does not fit, in the order in which they are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DropReason {
    /// Outside of its flight.
    Flight,
    /// Another exchange.
    Exchange,
    /// Another country.
    Country,
    /// The imp takes no banner.
    NoBanner,
    /// No creative of any size that the imp takes.
    Size,
    /// Creatives of its sizes, but not over HTTPS.
    Secure,
    /// A rule on formats.
    Format,
    /// A rule on app, site or out-of-home.
    Inventory,
    /// A list of domains, bundles or ids.
    InventoryList,
    /// A rule on the content's categories.
    Category,
    /// A rule on regions.
    Region,
    /// A rule on cities.
    City,
    /// A rule on circles.
    Radius,
    /// A rule on devices.
    Device,
    /// A rule on operating systems or their versions.
    Os,
    /// A rule on connections.
    Connection,
    /// A rule on carriers.
    Carrier,
    /// A rule on languages.
    Language,
    /// None of its deals is offered.
    Deal,
    /// A rule on segments.
    Segment,
    /// A rule on hours.
    Hour,
}

impl DropReason {
    /// The name that is counted and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flight => "flight",
            Self::Exchange => "exchange",
            Self::Country => "country",
            Self::NoBanner => "no_banner",
            Self::Size => "size",
            Self::Secure => "secure",
            Self::Format => "format",
            Self::Inventory => "inventory",
            Self::InventoryList => "inventory_list",
            Self::Category => "content_category",
            Self::Region => "region",
            Self::City => "city",
            Self::Radius => "radius",
            Self::Device => "device",
            Self::Os => "os",
            Self::Connection => "connection",
            Self::Carrier => "carrier",
            Self::Language => "language",
            Self::Deal => "deal",
            Self::Segment => "segment",
            Self::Hour => "hour",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Finds the first reason why a campaign does not fit an imp; `None` if it does.
///
/// Whether the campaign is paused, has money, or pays the floor is not asked here.
#[must_use]
pub fn explain(
    campaign: &Campaign,
    request: &BidRequest<'_>,
    imp: &Imp<'_>,
    setting: &Setting<'_>,
) -> Option<DropReason> {
    let basics = explain_basics(campaign, imp, setting);
    basics.or_else(|| explain_rules(campaign, request, imp, setting))
}

fn explain_basics(campaign: &Campaign, imp: &Imp<'_>, setting: &Setting<'_>) -> Option<DropReason> {
    if !campaign.flight.contains(setting.now_ms) {
        return Some(DropReason::Flight);
    }
    let named = campaign.exchanges.is_empty() || campaign.exchanges.iter().any(|ours| ours == setting.exchange);
    if !named || campaign.exclude().exchanges.iter().any(|theirs| theirs == setting.exchange) {
        return Some(DropReason::Exchange);
    }
    if !campaign.countries.contains(&setting.country) {
        return Some(DropReason::Country);
    }
    let Some(banner) = &imp.banner else { return Some(DropReason::NoBanner) };
    let fits = |size: &Size| banner.sizes().any(|(w, h)| Size::new(w, h) == *size);
    let mut fitting = campaign.creatives.iter().filter(|creative| creative.sizes.iter().any(fits)).peekable();
    if fitting.peek().is_none() {
        return Some(DropReason::Size);
    }
    (imp.is_secure() && !fitting.any(|creative| creative.secure)).then_some(DropReason::Secure)
}

fn explain_rules(
    campaign: &Campaign,
    request: &BidRequest<'_>,
    imp: &Imp<'_>,
    setting: &Setting<'_>,
) -> Option<DropReason> {
    use Dimension as D;
    let said = Said { request, imp, setting, campaign };
    let (include, exclude) = (campaign.include(), campaign.exclude());
    let one = |dimension| -> bool {
        let wanted = !is_named(include, dimension) || said.meets(include, dimension, true);
        wanted && !said.meets(exclude, dimension, false)
    };
    let list = [D::Domains, D::Bundles, D::Sites, D::Apps, D::Publishers];
    let listed = || {
        let named = list.iter().any(|dimension| is_named(include, *dimension));
        let wanted = !named || list.iter().any(|dimension| said.meets(include, *dimension, true));
        wanted && !list.iter().any(|dimension| said.meets(exclude, *dimension, false))
    };
    let reasons = [
        (D::Formats, DropReason::Format),
        (D::Inventory, DropReason::Inventory),
        (D::Domains, DropReason::InventoryList),
        (D::ContentCategories, DropReason::Category),
        (D::Regions, DropReason::Region),
        (D::Cities, DropReason::City),
        (D::Within, DropReason::Radius),
        (D::Devices, DropReason::Device),
        (D::Os, DropReason::Os),
        (D::Connections, DropReason::Connection),
        (D::Carriers, DropReason::Carrier),
        (D::Languages, DropReason::Language),
        (D::Deals, DropReason::Deal),
        (D::Segments, DropReason::Segment),
        (D::Hours, DropReason::Hour),
    ];
    let fits = |dimension| if dimension == D::Domains { listed() } else { one(dimension) };
    reasons.into_iter().find_map(|(dimension, reason)| (!fits(dimension)).then_some(reason))
}

fn is_named(rules: &Rules, dimension: Dimension) -> bool {
    use Dimension as D;
    !match dimension {
        D::Exchanges => rules.exchanges.is_empty(),
        D::Regions => rules.regions.is_empty(),
        D::Cities => rules.cities.is_empty(),
        D::Within => rules.within.is_empty(),
        D::Inventory => rules.inventory.is_empty(),
        D::Domains => rules.domains.is_empty(),
        D::Bundles => rules.bundles.is_empty(),
        D::Sites => rules.sites.is_empty(),
        D::Apps => rules.apps.is_empty(),
        D::Publishers => rules.publishers.is_empty(),
        D::ContentCategories => rules.content_categories.is_empty(),
        D::Devices => rules.devices.is_empty(),
        D::Os => rules.os.is_empty(),
        D::Connections => rules.connections.is_empty(),
        D::Carriers => rules.carriers.is_empty(),
        D::Languages => rules.languages.is_empty(),
        D::Formats => rules.formats.is_empty(),
        D::Deals => rules.deals.is_empty(),
        D::Segments => rules.segments.is_empty(),
        D::Hours => rules.hours.is_empty(),
    }
}

/// What is said, to be compared with rules.
struct Said<'a> {
    request: &'a BidRequest<'a>,
    imp: &'a Imp<'a>,
    setting: &'a Setting<'a>,
    campaign: &'a Campaign,
}

impl Said<'_> {
    /// Tells whether the request has one of the values that the rules name; never if it does not say.
    fn meets(&self, rules: &Rules, dimension: Dimension, include: bool) -> bool {
        use Dimension as D;
        let device = self.request.device.as_ref();
        let geo = device.and_then(|device| device.geo.as_ref());
        let text_is = |text: Option<&str>, values: &[String]| {
            let short = text.filter(|text| text.len() <= TEXT_BYTES_MAX);
            short.is_some_and(|text| values.iter().any(|value| value.eq_ignore_ascii_case(text.trim())))
        };
        match dimension {
            D::Exchanges => rules.exchanges.iter().any(|exchange| exchange == self.setting.exchange),
            D::Regions => {
                let said = geo.and_then(|geo| Region::parse(geo.region.as_deref()?, self.setting.country));
                said.is_some_and(|region| rules.regions.contains(&region))
            }
            D::Cities => text_is(geo.and_then(|geo| geo.city.as_deref()), &rules.cities),
            D::Within => {
                let Some((lat, lon)) = geo.and_then(|geo| geo.position()) else { return false };
                let error = geo.and_then(|geo| geo.accuracy).unwrap_or(0);
                let circles = rules.within.iter().filter(|circle| !include || error <= circle.metres);
                circles.into_iter().any(|circle| circle.contains(lat, lon))
            }
            D::Inventory => Channel::of(self.request).is_some_and(|channel| rules.inventory.contains(&channel)),
            D::Domains => self.domain().is_some_and(|domain| {
                rules.domains.iter().any(|ours| {
                    let domain = domain.to_ascii_lowercase();
                    domain == ours || domain.ends_with(&format!(".{ours}"))
                })
            }),
            D::Bundles => {
                let said = self.app().and_then(|app| app.bundle.as_deref());
                let said = said.filter(|said| said.len() <= TEXT_BYTES_MAX).map(bundle);
                said.is_some_and(|said| rules.bundles.iter().any(|ours| bundle(ours).eq_ignore_ascii_case(said.trim())))
            }
            D::Sites => text_is(self.site().and_then(|site| site.id.as_deref()), &rules.sites),
            D::Apps => text_is(self.app().and_then(|app| app.id.as_deref()), &rules.apps),
            D::Publishers => {
                text_is(self.request.publisher().and_then(|publisher| publisher.id.as_deref()), &rules.publishers)
            }
            D::ContentCategories => {
                let said = self.categories();
                rules.content_categories.iter().any(|ours| said.iter().any(|said| category::covers(ours, said)))
            }
            D::Devices => {
                let code = device.and_then(|device| device.devicetype);
                code.is_some_and(|code| rules.devices.iter().any(|device| device.codes().contains(&code)))
            }
            D::Os => {
                let Some(os) = device.and_then(|device| Os::parse(device.os.as_deref()?)) else { return false };
                let version = device.and_then(|device| Version::parse(device.osv.as_deref()?));
                let recent =
                    |least: Option<Version>| least.is_none_or(|least| version.is_some_and(|version| least <= version));
                rules.os.iter().any(|rule| rule.os == os && recent(rule.at_least))
            }
            D::Connections => {
                let code = device.and_then(|device| device.connectiontype);
                code.is_some_and(|code| rules.connections.iter().any(|connection| connection.codes().contains(&code)))
            }
            D::Carriers => {
                text_is(device.and_then(|device| device.carrier.as_deref()), &rules.carriers)
                    || text_is(device.and_then(|device| device.mccmnc.as_deref()), &rules.carriers)
            }
            D::Languages => {
                let read = |tag: Option<&str>| tag.and_then(Language::parse);
                let said = device
                    .and_then(|device| read(device.language.as_deref()).or_else(|| read(device.langb.as_deref())));
                said.is_some_and(|language| rules.languages.contains(&language))
            }
            D::Formats => rules.formats.iter().any(|format| format.is_taken_by(self.imp)),
            D::Deals => {
                let offered = self.imp.pmp.iter().flat_map(|pmp| &pmp.deals);
                offered.into_iter().any(|deal| rules.deals.iter().any(|ours| *ours == deal.id))
            }
            D::Segments => rules.segments.iter().any(|rule| self.has_segment(rule)),
            D::Hours => {
                let offset = self.campaign.targeting.as_ref().and_then(|targeting| targeting.utc_offset);
                let hour = offset.unwrap_or_default().hour_of_week(self.setting.now_ms);
                rules.hours.iter().any(|hours| hours.contains(hour))
            }
        }
    }

    fn app(&self) -> Option<&openrtb::App<'_>> {
        match self.request.inventory() {
            Some(Inventory::App(app)) => Some(app),
            _ => None,
        }
    }

    fn site(&self) -> Option<&openrtb::Site<'_>> {
        match self.request.inventory() {
            Some(Inventory::Site(site)) => Some(site),
            _ => None,
        }
    }

    fn domain(&self) -> Option<&str> {
        let said = match self.request.inventory()? {
            Inventory::App(app) => app.domain.as_deref(),
            Inventory::Site(site) => site.domain.as_deref().or(site.page.as_deref()),
            Inventory::Dooh(dooh) => dooh.domain.as_deref(),
        };
        said.map(host).filter(|host| host.len() <= RULE_BYTES_MAX)
    }

    /// The categories of the content that are in the taxonomy.
    fn categories(&self) -> Vec<String> {
        let (own, content) = match self.request.inventory() {
            Some(Inventory::App(app)) => {
                (Some((app.cattax, [&app.cat, &app.sectioncat, &app.pagecat])), app.content.as_ref())
            }
            Some(Inventory::Site(site)) => {
                (Some((site.cattax, [&site.cat, &site.sectioncat, &site.pagecat])), site.content.as_ref())
            }
            _ => (None, None),
        };
        let own = own.filter(|(taxonomy, _)| taxonomy.unwrap_or(1) == 1).into_iter().flat_map(|(_, lists)| lists);
        let content = content.filter(|content| content.cattax.unwrap_or(1) == 1).map(|content| &content.cat);
        let texts = own.chain(content).flatten().map(|text| text.trim().to_ascii_uppercase());
        texts.filter(|text| category::is_known(text)).collect()
    }

    fn has_segment(&self, rule: &str) -> bool {
        let device = self.request.device.as_ref();
        let flag = |flag: Option<bool>| flag.unwrap_or(false);
        let objects = device.is_some_and(|device| flag(device.lmt) || flag(device.dnt));
        if objects || self.request.coppa() {
            return false;
        }
        let (provider, wanted) = segment_rule(rule);
        self.request.segments().any(|(data, id)| {
            let named = [&data.id, &data.name].into_iter().flatten();
            id == wanted && provider.is_none_or(|provider| named.into_iter().any(|name| name == provider))
        })
    }
}
