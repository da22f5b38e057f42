//! Campaigns and requests as a bidder in Southeast Asia may have them.
//!
//! About one campaign in two hundred fits a request, as in published comparisons of such indexes. The same for the same seed.

use std::fmt::Write as _;

use campaign::targeting::{Channel, Connection, Device, Hours, OsRule, Rules, Targeting};
use campaign::{Campaign, CampaignId, Country, Creative, CreativeId, Flight, Pacing, Size};
use money::{Cpm, Nanos};

const COUNTRIES: [(&str, &str, u64); 3] = [("SG", "en", 30), ("ID", "id", 45), ("TH", "th", 25)];
const EXCHANGES: [&str; 6] = ["google_adx", "xandr", "index", "pubmatic", "openx", "magnite"];
const SIZES: [Size; 8] = [
    Size::new(300, 250),
    Size::new(320, 50),
    Size::new(728, 90),
    Size::new(320, 480),
    Size::new(160, 600),
    Size::new(300, 600),
    Size::new(970, 250),
    Size::new(336, 280),
];
const SEGMENTS: u64 = 1_019;
const DOMAINS: u64 = 2_000;
/// Block lists that several campaigns of an agency share.
const LISTS: u64 = 20;
const LIST_DOMAINS: u64 = 200;

pub(crate) struct Mix(u64);

impl Mix {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64 (public domain).
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn some<T: Clone + PartialEq>(&mut self, of: &[T], most: u64) -> Vec<T> {
        let mut found = Vec::new();
        for _ in 0..=self.below(most) {
            let one = &of[self.below(of.len() as u64) as usize];
            if !found.contains(one) {
                found.push(one.clone());
            }
        }
        found
    }

    fn numbered(&mut self, name: &str, of: u64, most: u64) -> Vec<String> {
        let numbers: Vec<u64> = (0..of).collect();
        self.some(&numbers, most).into_iter().map(|number| format!("{name}{number}")).collect()
    }

    fn domains(&mut self, most: u64) -> Vec<String> {
        self.numbered("", DOMAINS, most).into_iter().map(|number| format!("site{number}.example")).collect()
    }

    fn country(&mut self) -> (&'static str, &'static str) {
        let mut rest = self.below(100);
        let found = COUNTRIES.iter().find(|(_, _, weight)| {
            let is_it = rest < *weight;
            rest = rest.saturating_sub(*weight);
            is_it
        });
        found.map_or(("SG", "en"), |(country, language, _)| (country, language))
    }

    pub(crate) fn exchange(&mut self) -> &'static str {
        EXCHANGES[self.below(6) as usize]
    }

    pub(crate) fn campaign(&mut self, id: u32) -> Campaign {
        let (country, language) = self.country();
        let mut countries = vec![country];
        if self.percent(25) {
            countries.push(COUNTRIES[self.below(3) as usize].0);
        }
        countries.dedup();
        let targeting = Targeting {
            include: self.include(country, language),
            exclude: self.exclude(),
            utc_offset: Some("+07:00".parse().expect("an offset")),
        };
        let exchanges = if self.percent(50) { Vec::new() } else { self.some(&EXCHANGES, 3) };
        Campaign {
            id: CampaignId(id),
            name: format!("campaign {id} of the benchmark"),
            budget: Nanos(250_000_000_000),
            bid_cpm: Cpm(100_000 + self.below(50_000) as i64 * 100),
            flight: Flight { starts_ms: 0, ends_ms: i64::MAX },
            pacing: Pacing::Even,
            hour_weights: Vec::new(),
            strict_budget: false,
            bid_on_uncounted_users: false,
            shading: true,
            countries: countries.into_iter().filter_map(Country::parse).collect(),
            exchanges: exchanges.into_iter().map(str::to_owned).collect(),
            targeting: Some(Box::new(targeting)),
            categories: vec!["IAB8-5".into()],
            advertiser_domain: "kopi.example".into(),
            advertises: None,
            caps: campaign::Caps::NONE.with(campaign::CapWindow::Day, 3),
            creatives: vec![Creative {
                id: CreativeId(id),
                sizes: self.some(&SIZES, 3),
                markup: format!(
                    "<a href='https://kopi.example/{id}'><img src='https://cdn.kopi.example/{id}.png'></a>"
                ),
                secure: true,
                caps: campaign::Caps::NONE,
                attributes: Vec::new(),
                technology: Default::default(),
            }],
        }
    }

    fn include(&mut self, country: &str, language: &str) -> Rules {
        let mut rules = Rules::default();
        if self.percent(60) {
            rules.devices =
                vec![[Device::Mobile, Device::Mobile, Device::Phone, Device::Desktop][self.below(4) as usize]];
        }
        if self.percent(50) {
            let systems = ["android", "android", "android >= 10", "ios", "ios >= 15", "windows"];
            rules.os = vec![systems[self.below(6) as usize].parse::<OsRule>().expect("a system")];
        }
        if self.percent(40) {
            rules.connections = vec![[Connection::Wifi, Connection::Cellular, Connection::G4][self.below(3) as usize]];
        }
        if self.percent(55) {
            let tag = if self.percent(70) { language } else { "en" };
            rules.languages = vec![tag.parse().expect("a language")];
        }
        if self.percent(15) {
            let region = format!("{country}-{:02}", 1 + self.below(10));
            rules.regions = vec![region.parse().expect("a region")];
        }
        if self.percent(8) {
            rules.cities = self.numbered("City ", 40, 3);
        }
        if self.percent(12) {
            rules.carriers = self.numbered("Carrier ", 12, 2);
        }
        if self.percent(60) {
            rules.inventory = vec![Channel::ALL[self.below(2) as usize]];
        }
        if self.percent(15) {
            rules.content_categories =
                self.numbered("IAB", 23, 3).into_iter().map(|text| text.replace("IAB0", "IAB23")).collect();
            rules.content_categories.dedup();
        }
        if self.percent(10) {
            rules.domains = self.domains(50).into_iter().collect();
        }
        if self.percent(5) {
            rules.bundles = self.numbered("com.example.app", 500, 20).into_iter().collect();
        }
        if self.percent(35) {
            rules.segments = self.numbered("seg", SEGMENTS, 10);
        }
        if self.percent(5) {
            rules.deals = self.numbered("deal-", 50, 3);
        }
        if self.percent(20) {
            let hours = ["mon-fri 7-22", "mon-sun 18-24", "sat,sun", "mon-sun 6-23"];
            rules.hours = vec![hours[self.below(4) as usize].parse::<Hours>().expect("hours")];
        }
        if self.percent(3) {
            rules.within = vec!["1.3521, 103.8198, 10 km".parse().expect("a circle")];
        }
        rules
    }

    fn exclude(&mut self) -> Rules {
        let mut rules = Rules::default();
        if self.percent(40) {
            let list = self.below(LISTS);
            let own = self.domains(10);
            let mut all: Vec<String> =
                (0..LIST_DOMAINS).map(|at| format!("site{}.example", (list * 97 + at * 7) % DOMAINS)).collect();
            all.extend(own);
            all.sort_unstable();
            all.dedup();
            rules.domains = all.into_iter().collect();
        }
        if self.percent(30) {
            rules.content_categories = vec!["IAB25".into(), "IAB26".into()];
        }
        if self.percent(20) {
            rules.segments = self.numbered("seg", SEGMENTS, 5);
        }
        rules
    }

    /// A request with 50 to 200 segments.
    pub(crate) fn request(&mut self) -> String {
        let (country, language) = self.country();
        let mut segments = String::new();
        for _ in 0..50 + self.below(151) {
            let _ = write!(segments, r#"{{"id":"seg{}"}},"#, self.below(SEGMENTS));
        }
        segments.pop();
        let size = SIZES[self.below(8) as usize];
        let (os, osv, device) = [("android", "13", 4), ("android", "9", 4), ("ios", "17.1", 4), ("windows", "10", 2)]
            [self.below(4) as usize];
        let categories = format!(r#""cat":["IAB{}","IAB{}-2"]"#, 1 + self.below(23), 1 + self.below(20));
        let inventory = if self.percent(55) {
            let app = self.below(500);
            format!(
                r#""app":{{"id":"{app}","bundle":"com.example.app{app}",{categories},"publisher":{{"id":"p{}"}}}}"#,
                app % 50
            )
        } else {
            let site = self.below(DOMAINS);
            format!(
                r#""site":{{"id":"{site}","domain":"www.site{site}.example","page":"https://www.site{site}.example/news",{categories}}}"#
            )
        };
        let deals = if self.percent(10) {
            format!(r#","pmp":{{"deals":[{{"id":"deal-{}"}}]}}"#, self.below(50))
        } else {
            String::new()
        };
        format!(
            r#"{{"id":"{:016x}","imp":[{{"id":"1","secure":1,"bidfloor":0.4,"banner":{{"w":{},"h":{},"format":[{{"w":{},"h":{}}},{{"w":300,"h":250}}]}}{deals}}}],{inventory},"device":{{"devicetype":{device},"os":"{os}","osv":"{osv}","connectiontype":{},"carrier":"Carrier {}","language":"{language}","geo":{{"country":"{country}","region":"{:02}","city":"City {}","lat":1.3{:02},"lon":103.8{:02}}}}},"user":{{"id":"u","data":[{{"id":"dmp","segment":[{segments}]}}]}},"at":1,"tmax":120,"cur":["USD"]}}"#,
            self.roll(),
            size.w,
            size.h,
            size.w,
            size.h,
            2 + self.below(6),
            self.below(12),
            1 + self.below(10),
            self.below(40),
            self.below(100),
            self.below(100),
        )
    }
}
