//! What a creative is made of, and what a banner slot takes: compared as sets of bits.
//!
//! Promises that a creative is sent only where its kind of banner, its content and its frameworks are taken. Never guesses beyond
//! the markup: a definition that says more counts for what it says.
//!
//! | key of a creative | values | compared with | without it |
//! |---|---|---|---|
//! | `banner_types` | `xhtml_text`, `xhtml_banner`, `javascript`, `iframe` | `banner.btype`, which blocks | by the markup: a script, an inner frame, else an image or text |
//! | `mimes` | `text/html`, `image/jpeg`, `image/png`, `image/gif`, `image/webp`, `image/svg+xml`, `application/javascript`, `video/mp4`, `video/webm` | `banner.mimes`, which must list all of them, or `text/html` for the markup as a whole; an empty list takes all | by the endings of what the markup loads, and its scripts |
//! | `apis` | `mraid_1`, `ormma`, `mraid_2`, `mraid_3`, `omid_1` | `banner.api`, which must list all of them; what it does not list is not supported; a later MRAID runs an earlier one's | `mraid_1` where the markup loads `mraid.js` |
//! | `attributes` | numbers of AdCOM's list *Creative Attributes* | `banner.battr`, which blocks | none |
//!
//! Sizes, `secure`, the campaign's `categories` (`bcat`, `acat`) `advertiser_domain` (`badv`), `advertised_app` (`bapp`) and `language` (`wlang`,
//! `wlangb`) are compared as well. There are no
//! creatives for video, audio or native, so an imp without a banner gets no bid.

use openrtb::Banner;

/// Kinds of banner (OpenRTB 2.6, list *Banner Ad Types*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BannerTypes(u8);

/// Content types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mimes(u16);

/// Frameworks (AdCOM, list *API Frameworks*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Apis(u8);

const XHTML_TEXT: BannerTypes = BannerTypes(1);
const XHTML_BANNER: BannerTypes = BannerTypes(1 << 1);
const JAVASCRIPT: BannerTypes = BannerTypes(1 << 2);
const IFRAME: BannerTypes = BannerTypes(1 << 3);
const HTML: Mimes = Mimes(1);
const SCRIPT: Mimes = Mimes(1 << 6);
const MRAID_1: Apis = Apis(1);

/// Each with its code; its place is its bit.
const BANNER_TYPES: [(&str, i64); 4] = [("xhtml_text", 1), ("xhtml_banner", 2), ("javascript", 3), ("iframe", 4)];
const APIS: [(&str, i64); 5] = [("mraid_1", 3), ("ormma", 4), ("mraid_2", 5), ("mraid_3", 6), ("omid_1", 7)];
/// What a framework runs besides its own.
const APIS_WITHIN: [(i64, Apis); 2] = [(5, MRAID_1), (6, Apis(MRAID_1.0 | 1 << 2))];
const MIMES: [&str; 9] = [
    "text/html",
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/svg+xml",
    "application/javascript",
    "video/mp4",
    "video/webm",
];
/// Other names that traffic has for them.
const MIMES_ALIKE: [(&str, &str); 5] = [
    ("image/jpg", "image/jpeg"),
    ("text/javascript", "application/javascript"),
    ("application/x-javascript", "application/javascript"),
    ("application/ecmascript", "application/javascript"),
    ("application/xhtml+xml", "text/html"),
];
/// Endings of what a markup loads.
const ENDINGS: [(&str, &str); 8] = [
    (".jpg", "image/jpeg"),
    (".jpeg", "image/jpeg"),
    (".png", "image/png"),
    (".gif", "image/gif"),
    (".webp", "image/webp"),
    (".svg", "image/svg+xml"),
    (".mp4", "video/mp4"),
    (".webm", "video/webm"),
];

impl BannerTypes {
    /// Adds a kind by its name; `None` if there is none of that name.
    #[must_use]
    pub fn with(self, name: &str) -> Option<Self> {
        let at = BANNER_TYPES.iter().position(|(known, _)| *known == name)?;
        Some(Self(self.0 | 1 << at))
    }

    /// Every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BANNER_TYPES.iter().map(|(name, _)| *name)
    }

    /// Its names.
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        Self::names().enumerate().filter(move |(at, _)| self.0 >> at & 1 == 1).map(|(_, name)| name)
    }

    fn of_codes(codes: &[i64]) -> Self {
        let bit = |code: &i64| BANNER_TYPES.iter().position(|(_, known)| known == code).map_or(0, |at| 1 << at);
        Self(codes.iter().fold(0, |bits, code| bits | bit(code)))
    }
}

impl Mimes {
    /// Adds a content type, by any of its names; `None` if it is not known.
    #[must_use]
    pub fn with(self, name: &str) -> Option<Self> {
        // As nearly all exchanges write it.
        if let Some(at) = MIMES.iter().position(|known| *known == name) {
            return Some(Self(self.0 | 1 << at));
        }
        let alike = MIMES_ALIKE.iter().find(|(alike, _)| name.eq_ignore_ascii_case(alike));
        let name = alike.map_or(name, |(_, name)| *name);
        let at = MIMES.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        Some(Self(self.0 | 1 << at))
    }

    /// Every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        MIMES.into_iter()
    }

    /// Its names.
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        Self::names().enumerate().filter(move |(at, _)| self.0 >> at & 1 == 1).map(|(_, name)| name)
    }
}

impl Apis {
    /// Adds a framework by its name; `None` if there is none of that name.
    #[must_use]
    pub fn with(self, name: &str) -> Option<Self> {
        let at = APIS.iter().position(|(known, _)| *known == name)?;
        Some(Self(self.0 | 1 << at))
    }

    /// Every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        APIS.iter().map(|(name, _)| *name)
    }

    /// Its names.
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        Self::names().enumerate().filter(move |(at, _)| self.0 >> at & 1 == 1).map(|(_, name)| name)
    }

    /// Its codes: the `apis` of a bid.
    pub fn codes(self) -> impl Iterator<Item = i64> {
        APIS.iter().enumerate().filter(move |(at, _)| self.0 >> at & 1 == 1).map(|(_, (_, code))| *code)
    }

    fn of_codes(codes: &[i64]) -> Self {
        let own = |code: &i64| APIS.iter().position(|(_, known)| known == code).map_or(0, |at| 1 << at);
        let within = |code: &i64| APIS_WITHIN.iter().find(|(of, _)| of == code).map_or(0, |(_, within)| within.0);
        Self(codes.iter().fold(0, |bits, code| bits | own(code) | within(code)))
    }
}

/// What a creative is made of, as far as its definition says; an empty set says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Technology {
    /// The kinds of banner that it is.
    pub banner_types: BannerTypes,
    /// The content types of what it loads.
    pub mimes: Mimes,
    /// The frameworks that it cannot do without.
    pub apis: Apis,
}

impl Technology {
    /// The same, with what the markup tells where the definition does not.
    pub(crate) fn completed(self, markup: &str) -> Self {
        let lower = markup.to_ascii_lowercase();
        let has = |text: &str| lower.contains(text);
        let or = |said: u8, found: u8| if said == 0 { found } else { said };
        let kinds = [(has("<script"), JAVASCRIPT), (has("<iframe"), IFRAME)];
        let active = kinds.iter().filter(|(is, _)| *is).fold(0, |bits, (_, kind)| bits | kind.0);
        let still = if has("<img") { XHTML_BANNER } else { XHTML_TEXT };
        let loads = ENDINGS.iter().filter(|(ending, _)| has(ending)).map(|(_, name)| *name);
        let loaded = loads.fold(Mimes::default(), |mimes, name| mimes.with(name).unwrap_or(mimes));
        let mimes = Mimes(loaded.0 | if has("<script") { SCRIPT.0 } else { 0 });
        Self {
            banner_types: BannerTypes(or(self.banner_types.0, or(active, still.0))),
            mimes: if self.mimes == Mimes::default() { mimes } else { self.mimes },
            apis: Apis(or(self.apis.0, if has("mraid.js") { MRAID_1.0 } else { 0 })),
        }
    }
}

/// What a slot for a banner takes, read once for all campaigns.
///
/// # Examples
///
/// ```
/// use campaign::technology::{BannerSlot, Misfit, Technology};
///
/// let banner = openrtb::Banner { btype: vec![4], mimes: vec!["image/png".into()], ..Default::default() };
/// let slot = BannerSlot::of(&banner);
/// let png = Technology { mimes: Default::default(), ..Default::default() };
/// assert_eq!(slot.misfit(png, &[]), Some(Misfit::Mime), "nothing is known of what it loads");
/// let png = Technology { mimes: png.mimes.with("image/png").unwrap(), ..png };
/// assert_eq!(slot.misfit(png, &[]), None);
/// let framed = Technology { banner_types: png.banner_types.with("iframe").unwrap(), ..png };
/// assert_eq!(slot.misfit(framed, &[]), Some(Misfit::BannerType));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BannerSlot<'a> {
    blocked_attributes: &'a [i64],
    blocked: BannerTypes,
    /// Absent if it takes all.
    mimes: Option<Mimes>,
    apis: Apis,
}

/// Why a creative does not fit a slot of its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Misfit {
    /// `battr` blocks an attribute of it.
    Attribute,
    /// `btype` blocks its kind.
    BannerType,
    /// `mimes` does not list its content.
    Mime,
    /// `api` does not list a framework that it needs.
    Api,
}

impl<'a> BannerSlot<'a> {
    /// Reads a banner.
    #[must_use]
    pub fn of(banner: &'a Banner<'_>) -> Self {
        let taken = banner.mimes.iter().fold(Mimes::default(), |mimes, name| {
            mimes.with(name).or_else(|| mimes.with(name.trim())).unwrap_or(mimes)
        });
        Self {
            blocked_attributes: &banner.battr,
            blocked: BannerTypes::of_codes(&banner.btype),
            mimes: (!banner.mimes.is_empty()).then_some(taken),
            apis: Apis::of_codes(&banner.api),
        }
    }

    /// The first reason why a creative of this making, with these attributes, does not fit.
    #[inline]
    #[must_use]
    pub fn misfit(&self, creative: Technology, attributes: &[u8]) -> Option<Misfit> {
        let Technology { banner_types, mimes, apis } = creative;
        let takes = |taken: Mimes| taken.0 & HTML.0 != 0 || mimes.0 != 0 && mimes.0 & !taken.0 == 0;
        if attributes.iter().any(|ours| self.blocked_attributes.contains(&i64::from(*ours))) {
            Some(Misfit::Attribute)
        } else if banner_types.0 & self.blocked.0 != 0 {
            Some(Misfit::BannerType)
        } else if !self.mimes.is_none_or(takes) {
            Some(Misfit::Mime)
        } else if apis.0 & !self.apis.0 != 0 {
            Some(Misfit::Api)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(markup: &str) -> (Vec<&'static str>, Vec<&'static str>, Vec<&'static str>) {
        let found = Technology::default().completed(markup);
        (found.banner_types.iter().collect(), found.mimes.iter().collect(), found.apis.iter().collect())
    }

    #[test]
    fn the_markup_tells_what_the_definition_does_not() {
        assert_eq!(of("<a href='x'>kopi</a>"), (vec!["xhtml_text"], vec![], vec![]));
        assert_eq!(of("<IMG src='a.JPG'>"), (vec!["xhtml_banner"], vec!["image/jpeg"], vec![]));
        assert_eq!(
            of("<script src='mraid.js'></script><img src='a.png'>"),
            (vec!["javascript"], vec!["image/png", "application/javascript"], vec!["mraid_1"])
        );
        assert_eq!(of("<iframe src='x'></iframe><script></script>").0, ["javascript", "iframe"]);
        let said = Technology { banner_types: IFRAME, mimes: HTML, apis: Apis(1 << 4) };
        assert_eq!(said.completed("<script src='mraid.js'>"), said);
    }

    #[test]
    fn a_later_mraid_runs_what_an_earlier_one_does_and_nothing_is_supported_unsaid() {
        let banner = |api: &[i64]| Banner { api: api.to_vec(), ..Default::default() };
        let needs = |name| Technology { apis: Apis::default().with(name).expect("known"), ..Default::default() };
        for (api, fitting) in [
            (&[][..], &[][..]),
            (&[3], &["mraid_1"]),
            (&[5], &["mraid_1", "mraid_2"]),
            (&[6, 99, -1], &["mraid_1", "mraid_2", "mraid_3"]),
            (&[7, 4], &["ormma", "omid_1"]),
        ] {
            for name in Apis::names() {
                let misfit = (!fitting.contains(&name)).then_some(Misfit::Api);
                assert_eq!(BannerSlot::of(&banner(api)).misfit(needs(name), &[]), misfit, "{name} in {api:?}");
            }
        }
    }

    #[test]
    fn a_list_of_contents_takes_what_it_lists_or_all_markup() {
        let banner = |mimes: &[&'static str]| Banner {
            mimes: mimes.iter().map(|name| (*name).into()).collect(),
            ..Default::default()
        };
        let loads = |names: &[&str]| Technology {
            mimes: names.iter().fold(Mimes::default(), |mimes, name| mimes.with(name).expect("known")),
            ..Default::default()
        };
        let fits =
            |list: &[&'static str], names: &[&str]| BannerSlot::of(&banner(list)).misfit(loads(names), &[]).is_none();
        assert!(fits(&[], &["image/png"]) && fits(&[], &[]));
        assert!(fits(&["text/html"], &["image/png", "video/mp4"]) && fits(&["TEXT/HTML "], &[]));
        assert!(fits(&["image/jpg", "image/png"], &["image/jpeg"]));
        assert!(!fits(&["image/jpg"], &["image/jpeg", "image/png"]));
        assert!(!fits(&["image/jpg"], &[]), "nothing is known of it");
        assert!(!fits(&["application/x-shockwave-flash"], &["image/png"]));
    }
}
