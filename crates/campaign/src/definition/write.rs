//! A campaign as TOML, as [`parse_campaigns`](super::parse_campaigns) reads it.
//!
//! Promises one text for one campaign, whatever it was read from: two definitions are the same when their texts are. Defaults
//! are left out. Never keeps comments.

use std::fmt::{self, Display, Formatter, Write};

use jiff::Timestamp;

use crate::targeting::{Dimension, Rules, Targeting};
use crate::technology::Technology;
use crate::{Advertised, Campaign, Caps, Creative, Flight, Pacing};

/// Most definitions are no longer.
const TEXT_BYTES: usize = 512;

impl Campaign {
    /// Writes the campaign as a `[[campaign]]` table.
    ///
    /// # Examples
    ///
    /// ```
    /// # let text = r#"
    /// # [[campaign]]
    /// # id = 1
    /// # name = "Kopi"
    /// # advertiser_domain = "kopi.example"
    /// # budget = "250.00"
    /// # bid_cpm = "1.20"
    /// # starts = 2026-09-01
    /// # ends = 2026-09-30
    /// # countries = ["SG"]
    /// # [[campaign.creative]]
    /// # id = 101
    /// # w = 300
    /// # h = 250
    /// # markup = "<a href='https://kopi.example'>kopi</a>"
    /// # "#;
    /// let campaign = campaign::parse_campaigns(text)?.remove(0);
    /// assert_eq!(campaign::parse_campaigns(&campaign.to_toml())?, [campaign]);
    /// # Ok::<(), campaign::CampaignError>(())
    /// ```
    #[must_use]
    pub fn to_toml(&self) -> String {
        // Without `..`: a key that is added is written too.
        let Self {
            id,
            name,
            budget,
            bid_cpm,
            flight: Flight { starts_ms, ends_ms },
            pacing,
            hour_weights,
            strict_budget,
            shading,
            bid_on_uncounted_users,
            countries,
            exchanges,
            targeting,
            categories,
            advertiser_domain,
            advertises,
            caps,
            creatives,
        } = self;
        let mut text = String::with_capacity(TEXT_BYTES);
        text.push_str("[[campaign]]\n");
        let out = &mut text;
        line(out, "id", id);
        line(out, "name", quoted(name));
        line(out, "advertiser_domain", quoted(advertiser_domain));
        if let Some(Advertised { app, language }) = advertises.as_deref() {
            app.iter().for_each(|app| line(out, "advertised_app", quoted(app)));
            language.iter().for_each(|language| line(out, "language", quoted(language)));
        }
        line(out, "budget", quoted(budget));
        line(out, "bid_cpm", quoted(bid_cpm));
        line(out, "starts", quoted(moment(*starts_ms)));
        line(out, "ends", quoted(moment(*ends_ms)));
        match (pacing, hour_weights.is_empty()) {
            (Pacing::Supply, true) | (Pacing::Even, false) => {}
            (Pacing::Supply, false) => line(out, "pacing", quoted("supply")),
            (Pacing::Even, true) => line(out, "pacing", quoted("even")),
            (Pacing::Asap, _) => line(out, "pacing", quoted("asap")),
        }
        list(out, "hour_weights", hour_weights);
        if *strict_budget {
            line(out, "strict_budget", true);
        }
        if !*shading {
            line(out, "shading", false);
        }
        if *bid_on_uncounted_users {
            line(out, "bid_on_uncounted_users", true);
        }
        list(out, "countries", countries);
        list(out, "exchanges", exchanges);
        list(out, "categories", categories);
        list(out, "caps", &each(caps));
        if let Some(targeting) = targeting {
            let Targeting { include, exclude, utc_offset } = &**targeting;
            if let Some(offset) = utc_offset {
                line(out, "utc_offset", quoted(offset));
            }
            rules(out, "include", include);
            rules(out, "exclude", exclude);
        }
        creatives.iter().for_each(|of| creative(out, of));
        text
    }
}

/// A day is written as its moment: which of its ends was meant is no longer known.
fn moment(ms: i64) -> Timestamp {
    let nearest = if ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(ms).unwrap_or(nearest)
}

fn rules(out: &mut String, side: &str, of: &Rules) {
    use Dimension as D;
    let Rules {
        exchanges,
        regions,
        cities,
        within,
        inventory,
        domains,
        bundles,
        sites,
        apps,
        publishers,
        content_categories,
        devices,
        os,
        connections,
        carriers,
        languages,
        formats,
        deals,
        segments,
        hours,
    } = of;
    let _ = write!(out, "\n[campaign.{side}]\n");
    list(out, D::Exchanges, exchanges);
    list(out, D::Regions, regions);
    list(out, D::Cities, cities);
    list(out, D::Within, within);
    list(out, D::Inventory, inventory);
    list(out, D::Domains, &domains.iter().collect::<Vec<_>>());
    list(out, D::Bundles, &bundles.iter().collect::<Vec<_>>());
    list(out, D::Sites, sites);
    list(out, D::Apps, apps);
    list(out, D::Publishers, publishers);
    list(out, D::ContentCategories, content_categories);
    list(out, D::Devices, devices);
    list(out, D::Os, os);
    list(out, D::Connections, connections);
    list(out, D::Carriers, carriers);
    list(out, D::Languages, languages);
    list(out, D::Formats, formats);
    list(out, D::Deals, deals);
    list(out, D::Segments, segments);
    list(out, D::Hours, hours);
}

fn creative(out: &mut String, of: &Creative) {
    let Creative { id, sizes, markup, secure, caps, attributes, technology } = of;
    let Technology { banner_types, mimes, apis } = *technology;
    out.push_str("\n[[campaign.creative]]\n");
    line(out, "id", id);
    list(out, "sizes", sizes);
    line(out, "markup", quoted(markup));
    if !secure {
        line(out, "secure", false);
    }
    list(out, "caps", &each(caps));
    if !attributes.is_empty() {
        line(out, "attributes", format_args!("{attributes:?}"));
    }
    list(out, "banner_types", &banner_types.iter().collect::<Vec<_>>());
    list(out, "mimes", &mimes.iter().collect::<Vec<_>>());
    list(out, "apis", &apis.iter().collect::<Vec<_>>());
}

fn each(caps: &Caps) -> Vec<String> {
    caps.iter().map(|(window, max)| format!("{max} per {window}")).collect()
}

fn line(out: &mut String, key: &str, value: impl Display) {
    let _ = writeln!(out, "{key} = {value}");
}

fn list<T: Display>(out: &mut String, key: impl Display, values: &[T]) {
    let Some((last, others)) = values.split_last() else { return };
    let _ = write!(out, "{key} = [");
    others.iter().for_each(|value| {
        let _ = write!(out, "{}, ", quoted(value));
    });
    let _ = writeln!(out, "{}]", quoted(last));
}

/// A basic string of TOML.
fn quoted(value: impl Display) -> Quoted<impl Display> {
    Quoted(value)
}

struct Quoted<T>(T);

impl<T: Display> Display for Quoted<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        write!(Escaped(f), "{}", self.0)?;
        f.write_char('"')
    }
}

/// Passes on what it is given, escaped.
struct Escaped<'a, 'b>(&'a mut Formatter<'b>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(|letter: char| letter == '"' || letter == '\\' || letter.is_control()) {
            let (plain, from) = rest.split_at(at);
            self.0.write_str(plain)?;
            let mut letters = from.chars();
            match letters.next() {
                Some('\n') => self.0.write_str("\\n")?,
                Some(letter @ ('"' | '\\')) => write!(self.0, "\\{letter}")?,
                Some(letter) => write!(self.0, "\\u{:04X}", u32::from(letter))?,
                None => {}
            }
            rest = letters.as_str();
        }
        self.0.write_str(rest)
    }
}
