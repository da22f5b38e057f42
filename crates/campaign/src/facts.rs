//! What a request says of itself, read once for all campaigns.
//!
//! Promises no allocation, and `None` for what a request does not say: absent, empty, a code for "unknown", a position of
//! zeros. Never decides whether a campaign fits.

use openrtb::{App, BidRequest, Content, Deal, Device as OpenrtbDevice, Geo, Inventory, Site};

use crate::targeting::{Channel, Language, Os, Region, Version, fold, host};
use crate::{Country, Size, category};

/// The only taxonomy that rules on content know; the default of OpenRTB.
const CATTAX_IAB_1: i64 = 1;
/// The known codes of `device.devicetype`.
const DEVICE_CODES: std::ops::RangeInclusive<i64> = 1..=8;
/// The known codes of `device.connectiontype`; 0 is "unknown".
const CONNECTION_CODES: std::ops::RangeInclusive<i64> = 1..=7;

/// Categories of one request's content, over all its lists. The most that was recorded is 8.
pub const CONTENT_CATEGORIES_MAX: usize = 256;
/// Segments of one request's user, over all providers.
pub const SEGMENTS_MAX: usize = 4_096;

/// Where and when a request is decided on.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The exchange's name in the configuration.
    pub exchange: &'a str,
    /// The country that the request counts for.
    pub country: Country,
    /// When the request came, in unix milliseconds.
    pub now_ms: i64,
}

/// One request's side of targeting.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub(crate) setting: Setting<'a>,
    pub(crate) request: &'a BidRequest<'a>,
    pub(crate) region: Option<Region>,
    pub(crate) channel: Option<Channel>,
    pub(crate) device: Option<i64>,
    pub(crate) os: Option<Os>,
    pub(crate) connection: Option<i64>,
    pub(crate) language: Option<Language>,
}

/// One imp's side of targeting.
#[derive(Debug, Clone, Copy)]
pub struct Want<'a> {
    /// What the whole request says.
    pub facts: &'a Facts<'a>,
    /// The sizes that the slot takes, in the order of preference. Without one there is no candidate.
    pub sizes: &'a [Size],
    /// Whether the markup must load over HTTPS.
    pub secure: bool,
    /// The deals that the imp offers.
    pub deals: &'a [Deal<'a>],
    /// The kinds of ad that the imp takes.
    pub formats: Formats,
}

/// Kinds of ad, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Formats(u8);

impl Formats {
    /// The kinds that an imp takes.
    #[must_use]
    pub fn of(imp: &openrtb::Imp<'_>) -> Self {
        use crate::targeting::Format;
        let taken = Format::ALL.iter().filter(|format| format.is_taken_by(imp));
        Self(taken.fold(0, |bits, format| bits | 1 << *format as u8))
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = crate::targeting::Format> {
        let all = crate::targeting::Format::ALL.iter().copied();
        all.filter(move |format| self.0 >> *format as u8 & 1 == 1)
    }
}

impl<'a> Facts<'a> {
    /// Reads a request.
    ///
    /// # Examples
    ///
    /// ```
    /// use campaign::{Country, Facts, Setting};
    ///
    /// let request = openrtb::parse_request(br#"{"id":"a","device":{"os":"iPadOS","osv":"17.4"}}"#)?;
    /// let setting = Setting { exchange: "xandr", country: Country::SG, now_ms: 1_795_305_600_000 };
    /// let facts = Facts::of(&request, setting);
    /// assert_eq!(facts.country(), Country::SG);
    /// # Ok::<(), openrtb::Malformed>(())
    /// ```
    #[must_use]
    pub fn of(request: &'a BidRequest<'a>, setting: Setting<'a>) -> Self {
        let device = request.device.as_ref();
        let geo = device.and_then(|device| device.geo.as_ref());
        Self {
            setting,
            request,
            region: geo.and_then(|geo| Region::parse(geo.region.as_deref()?, setting.country)),
            channel: Channel::of(request),
            device: device.and_then(|device| device.devicetype).filter(|code| DEVICE_CODES.contains(code)),
            os: device.and_then(|device| Os::parse(device.os.as_deref()?)),
            connection: device.and_then(|device| device.connectiontype).filter(|code| CONNECTION_CODES.contains(code)),
            language: device.and_then(language_of),
        }
    }

    /// Tells whether the request names more categories of its content or more segments than can be looked at for each of its
    /// imps in time: half of them would not tell what is excluded.
    #[must_use]
    pub fn are_too_many(&self) -> bool {
        let (own, content) = match self.request.inventory() {
            Some(Inventory::App(app)) => {
                (app.cat.len() + app.sectioncat.len() + app.pagecat.len(), app.content.as_ref())
            }
            Some(Inventory::Site(site)) => {
                (site.cat.len() + site.sectioncat.len() + site.pagecat.len(), site.content.as_ref())
            }
            _ => (0, None),
        };
        let categories = own + content.map_or(0, |content| content.cat.len());
        let data = self.request.user.as_ref().map_or(&[][..], |user| &user.data);
        let segments: usize = data.iter().map(|data| data.segment.len()).sum();
        categories > CONTENT_CATEGORIES_MAX || segments > SEGMENTS_MAX
    }

    /// The country that the request counts for.
    #[must_use]
    pub fn country(&self) -> Country {
        self.setting.country
    }

    pub(crate) fn device(&self) -> Option<&'a OpenrtbDevice<'a>> {
        self.request.device.as_ref()
    }

    pub(crate) fn geo(&self) -> Option<&'a Geo<'a>> {
        self.device()?.geo.as_ref()
    }

    pub(crate) fn os_version(&self) -> Option<Version> {
        Version::parse(self.device()?.osv.as_deref()?)
    }

    /// Hands over the inventory's names, each with the tag of its kind at its end: see [`Tag`].
    pub(crate) fn inventory_names(&self, mut name: impl FnMut(&str)) {
        let mut tagged = |text: Option<&str>, tag: Tag| {
            if let Some(key) = text.and_then(|text| fold_tagged(text, tag)) {
                name(key.as_str());
            }
        };
        let Some(inventory) = self.request.inventory() else { return };
        let (domain, page) = match inventory {
            Inventory::App(app) => {
                tagged(app.bundle.as_deref().map(crate::targeting::bundle), Tag::Bundle);
                tagged(app.id.as_deref(), Tag::App);
                (app.domain.as_deref(), None)
            }
            Inventory::Site(site) => {
                tagged(site.id.as_deref(), Tag::Site);
                (site.domain.as_deref(), site.page.as_deref())
            }
            Inventory::Dooh(dooh) => (dooh.domain.as_deref(), None),
        };
        let publisher = self.request.publisher();
        tagged(publisher.and_then(|publisher| publisher.id.as_deref()), Tag::Publisher);
        if let Some(key) = domain.or(page).and_then(|text| fold_tagged(host(text), Tag::Domain)) {
            // The domain, and each above it.
            let mut rest = key.as_str();
            while !rest.is_empty() {
                name(rest);
                rest = rest.split_once('.').map_or("", |(_, above)| above);
            }
        }
    }

    /// Hands over the categories of the content, those of the first tier for those below them; one may come twice.
    pub(crate) fn categories(&self, mut code: impl FnMut(u16)) {
        let mut list = |taxonomy: Option<i64>, lists: &[&[std::borrow::Cow<'_, str>]]| {
            if taxonomy.unwrap_or(CATTAX_IAB_1) == CATTAX_IAB_1 {
                let texts = lists.iter().copied().flatten();
                for found in texts.filter_map(|text| category::code(text.trim())) {
                    code(found);
                    let above = category::first_tier(found);
                    if above != found {
                        code(above);
                    }
                }
            }
        };
        let content = match self.request.inventory() {
            Some(Inventory::App(App { cattax, cat, sectioncat, pagecat, content, .. }))
            | Some(Inventory::Site(Site { cattax, cat, sectioncat, pagecat, content, .. })) => {
                list(*cattax, &[cat, sectioncat, pagecat]);
                content.as_ref()
            }
            _ => None,
        };
        if let Some(Content { cattax, cat, .. }) = content {
            list(*cattax, &[cat]);
        }
    }

    /// Tells whether the user may not be recognised: then nothing is known of segments.
    pub(crate) fn objects(&self) -> bool {
        let device = self.device();
        let said = |flag: fn(&OpenrtbDevice<'_>) -> Option<bool>| device.and_then(flag).unwrap_or(false);
        self.request.coppa() || said(|device| device.lmt) || said(|device| device.dnt)
    }
}

fn language_of(device: &OpenrtbDevice<'_>) -> Option<Language> {
    let read = |tag: &Option<std::borrow::Cow<'_, str>>| Language::parse(tag.as_deref()?);
    read(&device.language).or_else(|| read(&device.langb))
}

/// What a name of the inventory names: the last letter of its key, so that the keys of one domain are ends of each other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tag {
    Domain,
    Bundle,
    Site,
    App,
    Publisher,
}

impl Tag {
    /// What the key of such a name ends with.
    pub(crate) const fn letter(self) -> &'static str {
        match self {
            Self::Domain => "\nd",
            Self::Bundle => "\nb",
            Self::Site => "\ns",
            Self::App => "\na",
            Self::Publisher => "\np",
        }
    }
}

/// The key under which a name is listed.
pub(crate) fn fold_tagged(text: &str, tag: Tag) -> Option<crate::targeting::Folded> {
    fold(text).and_then(|folded| folded.with(tag.letter()))
}
