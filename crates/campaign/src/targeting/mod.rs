//! Whom and what a campaign is for, beyond its countries.
//!
//! [`Targeting`] has two lists of rules, `include` and `exclude`, over the same dimensions. Within a dimension the values of
//! a list are alternatives; all dimensions must hold.
//!
//! | the request | `include` names values | `exclude` names values | neither |
//! |---|---|---|---|
//! | has one of them | fits | does not fit | fits |
//! | has others | does not fit | fits | fits |
//! | does not say | **does not fit** | **fits** | fits |
//!
//! What does not say: a field that is absent, empty or unreadable, a code for "unknown", a position of zeros, a category in
//! another taxonomy than IAB 1.0, and the segments of a user who objects to being recognised (`coppa`, `lmt`, `dnt`).
//!
//! | key | values | compared with |
//! |---|---|---|
//! | `exchanges` (`exclude` only: beside it stands the campaign's own `exchanges`) | `xandr` | the exchange's name in the configuration |
//! | `regions` | `ID-JK` (ISO 3166-2) | `device.geo.region`, with or without its country |
//! | `cities` | `Jakarta` | `device.geo.city`, in any case |
//! | `within` | `1.3521, 103.8198, 5 km` | `device.geo.lat` and `lon`; to be included, `accuracy` must not exceed the radius |
//! | `inventory` | `app`, `site`, `dooh` | which of them the request has |
//! | `domains`, `bundles`, `sites`, `apps`, `publishers`: together one dimension | `kopi.example` (and all below it), bundle and ids | domain of the inventory (else the host of `site.page`), `app.bundle`, the ids |
//! | `content_categories` | `IAB17`, which covers `IAB17-5` | `cat`, `sectioncat`, `pagecat` of site or app, and its content's `cat` |
//! | `devices` | `mobile` (covers the next two and "mobile, not told which"), `phone`, `tablet`, `desktop`, `tv`, `connected_device`, `set_top_box`, `ooh` | `device.devicetype` |
//! | `os` | `android`, `ios >= 15.1` | `device.os`, `device.osv` |
//! | `connections` | `ethernet`, `wifi`, `cellular` (covers the rest), `2g`, `3g`, `4g`, `5g` | `device.connectiontype` |
//! | `carriers` | `Singtel`, `525-01` | `device.carrier` in any case, `device.mccmnc` |
//! | `languages` | `id` | the language of `device.language`, else of `device.langb` |
//! | `formats` | `banner`, `video`, `audio`, `native` | the kinds of ad that the imp takes. There are creatives for banners only, so an imp without one gets no bid whatever stands here |
//! | `deals` (`include` only) | `D-1` | `imp.pmp.deals`; the campaign then bids on these deals and not in the open auction |
//! | `segments` | `s1`, or `dmp:s1` of one provider | `user.data[].segment[].id`, with the id or name of its `data` |
//! | `hours` | `mon-fri 7-10` | the hour of the week at the campaign's `utc_offset`: from 7:00 to 9:59 |
//!
//! Size needs no rule: a campaign fits the sizes that it has creatives for.

mod hours;
mod place;
mod rules;
mod system;
mod text;
mod texts;

pub use hours::{Hours, ParseHoursError, UtcOffset};
pub(crate) use place::{Ball, Point};
pub use place::{Circle, ParseCircleError, ParseRegionError, Region};
pub(crate) use rules::segment_rule;
pub use rules::{Dimension, RULE_BYTES_MAX, RULE_VALUES_MAX, Rules, Side, Targeting};
pub use system::{Channel, Connection, Device, Format, Language, Os, OsRule, ParseRuleError, Version};
pub(crate) use text::{Folded, TEXT_BYTES_MAX, bundle, fold, host};
pub use texts::Texts;
