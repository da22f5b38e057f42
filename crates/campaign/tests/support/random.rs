//! Random campaigns and requests over small vocabularies, so that rules are met and missed alike.
//!
//! Promises the same for the same seed.

use campaign::targeting::{
    Channel, Connection, Device, Format, Hours, Language, OsRule, Region, Rules, Targeting, UtcOffset,
};
use campaign::{Campaign, Flight, Size};
use money::Cpm;
use serde_json::{Map, Value, json};

use super::{NOW_MS, country, creative, sound};

pub(crate) const COUNTRIES: [&str; 4] = ["SG", "ID", "TH", "MY"];
pub(crate) const EXCHANGES: [&str; 3] = ["google_adx", "xandr", "index"];
pub(crate) const SIZES: [Size; 5] =
    [Size::new(300, 250), Size::new(320, 50), Size::new(728, 90), Size::new(160, 600), Size::new(970, 250)];

/// SplitMix64 (public domain).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.roll() % bound as u64) as usize
    }

    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Up to `most` different ones.
    pub(crate) fn some<T: Clone + PartialEq>(&mut self, of: &[T], most: usize) -> Vec<T> {
        let mut found = Vec::new();
        for _ in 0..=self.below(most) {
            let one = self.pick(of);
            if !found.contains(one) {
                found.push(one.clone());
            }
        }
        found
    }
}

/// What both sides name.
pub(crate) struct Words {
    pub(crate) regions: Vec<Region>,
    pub(crate) cities: Vec<String>,
    pub(crate) domains: Vec<String>,
    pub(crate) bundles: Vec<String>,
    pub(crate) ids: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) carriers: Vec<String>,
    pub(crate) languages: Vec<Language>,
    pub(crate) deals: Vec<String>,
    pub(crate) segments: Vec<String>,
}

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|text| (*text).to_owned()).collect()
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(of: &[&str]) -> Vec<T> {
    of.iter().map(|text| text.parse().expect("a value of the tests")).collect()
}

impl Words {
    pub(crate) fn few() -> Self {
        Self {
            regions: parsed(&["SG-01", "ID-JK", "ID-JB", "TH-10", "MY-14"]),
            cities: texts(&["Singapore", "Jakarta", "Bandung", "Krung Thep"]),
            domains: texts(&["example.com", "news.example.com", "kopi.example", "b.kopi.example", "a.b.kopi.example"]),
            bundles: texts(&["com.example.kopi", "com.example.makan", "284882215", "id324684580"]),
            ids: texts(&["1", "2", "site-3", "Site-4"]),
            categories: texts(&["IAB1", "IAB1-2", "IAB17", "IAB17-5", "IAB24", "IAB26-1"]),
            carriers: texts(&["Singtel", "Telkomsel", "525-01", "510-10"]),
            languages: parsed(&["en", "id", "th", "zh", "fil"]),
            deals: texts(&["D-1", "D-2", "d-1"]),
            segments: texts(&["s1", "s2", "s3", "s4", "dmp:s1", "dmp:s2", "other:s1", "DMP:s5", "s6"]),
        }
    }

    fn rules(&self, dice: &mut Dice, rarity: usize) -> Rules {
        let mut rules = Rules::default();
        let d = dice;
        macro_rules! maybe {
            ($field:ident, $of:expr, $most:expr) => {
                if d.one_in(rarity) {
                    rules.$field = d.some($of, $most).into_iter().collect();
                }
            };
        }
        maybe!(regions, &self.regions, 3);
        maybe!(cities, &self.cities, 2);
        maybe!(
            within,
            &parsed(&["1.3521, 103.8198, 5 km", "1.35, 103.9, 20 km", "-6.2, 106.8, 100 km", "0, 180, 300 m"]),
            2
        );
        maybe!(inventory, Channel::ALL, 2);
        maybe!(domains, &self.domains, 3);
        maybe!(bundles, &self.bundles, 2);
        maybe!(sites, &self.ids, 2);
        maybe!(apps, &self.ids, 2);
        maybe!(publishers, &self.ids, 2);
        maybe!(content_categories, &self.categories, 2);
        maybe!(devices, Device::ALL, 2);
        maybe!(
            os,
            &parsed::<OsRule>(&["android", "android >= 10", "android >= 12.1", "ios >= 15.1", "ios", "windows"]),
            3
        );
        maybe!(connections, Connection::ALL, 2);
        maybe!(carriers, &self.carriers, 2);
        maybe!(languages, &self.languages, 2);
        maybe!(formats, Format::ALL, 2);
        maybe!(segments, &self.segments, 4);
        maybe!(hours, &parsed::<Hours>(&["mon-fri 0-12", "thu 0-1", "sat-mon 9-24", "mon-sun 12-24"]), 2);
        rules
    }

    pub(crate) fn campaign(&self, dice: &mut Dice, id: u32, rarity: usize) -> Campaign {
        let mut campaign = sound(id);
        campaign.bid_cpm = Cpm((1 + dice.below(20) as i64) * 10_000);
        campaign.countries = dice.some(&COUNTRIES, 3).into_iter().map(country).collect();
        if dice.one_in(2) {
            campaign.exchanges = dice.some(&EXCHANGES, 2).into_iter().map(str::to_owned).collect();
        }
        let starts = dice.below(3) as i64;
        campaign.flight = Flight { starts_ms: starts * NOW_MS, ends_ms: (starts + 1 + dice.below(4) as i64) * NOW_MS };
        campaign.creatives = (0..=dice.below(3) as u32)
            .map(|at| {
                let mut creative = creative(id * 10 + at, &dice.some(&SIZES, 3));
                creative.secure = !dice.one_in(4);
                creative
            })
            .collect();
        let mut include = self.rules(dice, rarity);
        if dice.one_in(rarity * 2) {
            include.deals = dice.some(&self.deals, 2);
        }
        let mut exclude = self.rules(dice, rarity * 2);
        if dice.one_in(rarity * 2) {
            exclude.exchanges = vec![(*dice.pick(&EXCHANGES)).to_owned()];
        }
        exclude.os.iter_mut().for_each(|rule| rule.at_least = None);
        let mut seen = Vec::new();
        exclude.os.retain(|rule| {
            !seen.contains(rule) && {
                seen.push(*rule);
                true
            }
        });
        // A region must be in a country of the campaign.
        for rules in [&mut include, &mut exclude] {
            rules.regions.retain(|region| campaign.countries.iter().any(|country| region.is_in(*country)));
        }
        let utc_offset: Option<UtcOffset> =
            Some((*dice.pick(&["+08:00", "+07:00", "-03:30"])).parse().expect("an offset"));
        if !dice.one_in(8) {
            campaign.targeting = Some(Box::new(Targeting { include, exclude, utc_offset }));
        }
        campaign
    }

    /// A request as an exchange may send it, every field there or not or odd.
    pub(crate) fn request(&self, dice: &mut Dice) -> String {
        let d = dice;
        let mut geo = Map::new();
        let mut device = Map::new();
        macro_rules! maybe {
            ($object:ident, $key:literal, $value:expr) => {
                if !d.one_in(4) {
                    let value = $value;
                    $object.insert($key.into(), if d.one_in(30) { odd(d) } else { value });
                }
            };
        }
        let region = d.pick(&self.regions).to_string();
        maybe!(geo, "region", json!(if d.one_in(2) { region.clone() } else { region[3..].to_lowercase() }));
        maybe!(geo, "city", json!(cased(d, &self.cities)));
        let (lat, lon) =
            *d.pick(&[(1.3521, 103.8198), (1.36, 103.82), (1.35, 104.05), (-6.9, 107.6), (0.0, -179.999), (0.0, 0.0)]);
        maybe!(geo, "lat", json!(lat));
        maybe!(geo, "lon", json!(lon));
        if d.one_in(3) {
            geo.insert("accuracy".into(), json!(d.pick(&[5, 6_000, 50_000])));
        }
        maybe!(device, "geo", Value::Object(geo));
        maybe!(device, "devicetype", json!(d.below(10)));
        maybe!(
            device,
            "os",
            json!(d.pick(&["Android", "ANDROID", "iOS", "iPadOS", "Windows 10", "Mac OS X", "Symbian", "tizen"]))
        );
        maybe!(
            device,
            "osv",
            json!(d.pick(&["9", "10", "12.1", "12.0.9", "15.1", "15.0", "16_2", "beta", "99999999"]))
        );
        maybe!(device, "connectiontype", json!(d.below(9)));
        maybe!(device, "carrier", json!(cased(d, &self.carriers)));
        maybe!(device, "mccmnc", json!(d.pick(&self.carriers)));
        let language = d.pick(&self.languages).to_string();
        maybe!(
            device,
            "language",
            json!(if d.one_in(3) { format!("{}-XX", language.to_uppercase()) } else { language.clone() })
        );
        maybe!(device, "langb", json!(format!("{language}-Latn")));
        for flag in ["lmt", "dnt"] {
            if d.one_in(8) {
                device.insert(flag.into(), json!(1));
            }
        }

        let mut inventory = Map::new();
        let domain = d.pick(&self.domains).clone();
        let written =
            [domain.clone(), format!("www.{domain}"), format!("https://deep.{domain}/x?y"), domain.to_uppercase()];
        maybe!(inventory, "domain", json!(d.pick(&written)));
        maybe!(inventory, "page", json!(format!("http://user@{domain}:80/path")));
        maybe!(inventory, "bundle", json!(cased(d, &self.bundles)));
        maybe!(inventory, "id", json!(cased(d, &self.ids)));
        maybe!(inventory, "publisher", json!({ "id": cased(d, &self.ids) }));
        maybe!(inventory, "cat", json!(d.some(&self.categories, 3)));
        maybe!(inventory, "pagecat", json!(d.some(&texts(&["iab1-2", "IAB99", "IAB17-5 ", "", "news"]), 2)));
        maybe!(
            inventory,
            "content",
            json!({ "cat": d.some(&self.categories, 2), "cattax": if d.one_in(3) { 6 } else { 1 } })
        );
        if d.one_in(5) {
            inventory.insert("cattax".into(), json!(d.pick(&[1, 2, 6])));
        }

        let data = |d: &mut Dice| {
            let provider = *d.pick(&["dmp", "DMP", "other", "third"]);
            let ids: Vec<Value> =
                d.some(&["s1", "s2", "s3", "s4", "s5", "s6", "s7"], 4).iter().map(|id| json!({ "id": id })).collect();
            if d.one_in(2) {
                json!({ "id": provider, "segment": ids })
            } else {
                json!({ "name": provider, "segment": ids })
            }
        };
        let mut user = Map::new();
        maybe!(user, "data", json!([data(d), data(d)]));

        let mut imp = json!({ "id": "1", "secure": d.below(2) });
        let formats: Vec<Value> = d.some(&SIZES, 3).iter().map(|size| json!({ "w": size.w, "h": size.h })).collect();
        if !d.one_in(12) {
            imp["banner"] = json!({ "format": formats });
        }
        for kind in ["video", "native", "audio"] {
            if d.one_in(4) {
                imp[kind] = json!({});
            }
        }
        if d.one_in(2) {
            let deals: Vec<Value> = d.some(&self.deals, 3).iter().map(|id| json!({ "id": id })).collect();
            imp["pmp"] = json!({ "deals": deals });
        }
        let mut request = json!({ "id": "r", "imp": [imp], "device": device, "user": user });
        if d.one_in(10) {
            request["regs"] = json!({ "coppa": 1 });
        }
        if !d.one_in(10) {
            request[*d.pick(&["app", "site", "dooh"])] = Value::Object(inventory);
        }
        request.to_string()
    }
}

fn cased(d: &mut Dice, of: &[String]) -> String {
    let text = d.pick(of);
    match d.below(3) {
        0 => text.to_uppercase(),
        1 => format!(" {text} "),
        _ => text.clone(),
    }
}

fn odd(d: &mut Dice) -> Value {
    match d.below(6) {
        0 => json!(null),
        1 => json!(""),
        2 => json!("  "),
        3 => json!([1, "2"]),
        4 => json!("x".repeat(400)),
        _ => json!(-7),
    }
}
