//! The campaigns of a day, drawn from a seed: what each wants, written once for the bidder and once for the judge.
//!
//! Promises every kind of campaign in every cast of ten and more. Never reads the bidder's own matching: whom a campaign is
//! for is decided here by [`Part::fits`] alone.

use campaign::{
    Campaign, CampaignId, CapWindow, Caps, Country as Code, Creative, CreativeId, Flight, HourWeight, Pacing,
};
use money::{Cpm, Nanos};
use simulator::Dice;

use super::calendar::{Calendar, MINUTE_MS};
use super::opportunity::Opportunity;
use super::places::{COUNTRIES, EXCHANGES, Format, PROPERTIES, property_share};
use super::traffic::RIVAL_MEAN;
use super::{Scenario, uniform};

/// What a campaign is in the cast for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Even, with far more supply than it needs in every hour.
    Ample,
    /// The same with a strict budget.
    AmpleStrict,
    /// Even, in some hours of the day only.
    DayPart,
    /// Even, with a cap that its users reach.
    Capped,
    /// As fast as it wins.
    Asap,
    /// The same with a strict budget.
    AsapStrict,
    /// As fast as it wins, for some dozen impressions.
    Tiny,
    /// Even, with about as much supply as it needs, or less.
    Scarce,
}

impl Kind {
    /// How ten campaigns are divided, over and over.
    const TEN: [Self; 10] = [
        Self::Ample,
        Self::AmpleStrict,
        Self::Ample,
        Self::Capped,
        Self::Asap,
        Self::Ample,
        Self::DayPart,
        Self::Scarce,
        Self::Ample,
        Self::Tiny,
    ];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ample => "ample",
            Self::AmpleStrict => "ample strict",
            Self::DayPart => "day-part",
            Self::Capped => "capped",
            Self::Asap => "asap",
            Self::AsapStrict => "asap strict",
            Self::Tiny => "tiny",
            Self::Scarce => "scarce",
        }
    }
}

/// So many impressions of one user in any time of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    /// How many.
    pub max: u32,
    /// As the definition names it.
    pub window: CapWindow,
}

impl Cap {
    /// The length of the window.
    pub fn window_ms(self) -> i64 {
        match self.window {
            CapWindow::Minute => MINUTE_MS,
            CapWindow::Hour => 60 * MINUTE_MS,
            _ => 24 * 60 * MINUTE_MS,
        }
    }
}

/// One campaign.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its number, from 1.
    pub id: u32,
    /// What it is for.
    pub kind: Kind,
    /// The budget in nano-USD.
    pub budget: i64,
    /// The price in micros of USD per thousand.
    pub price: i64,
    /// From when until when it bids.
    pub flight_ms: (i64, i64),
    /// Whether it is spread evenly.
    pub even: bool,
    /// Whether its budget is strict.
    pub strict: bool,
    /// By place in [`COUNTRIES`].
    pub countries: [bool; 3],
    /// By place in [`EXCHANGES`].
    pub exchanges: [bool; 3],
    /// The only site that it is for; all sites and apps without one.
    pub property: Option<usize>,
    /// The local hours of Singapore that it is for; all without any.
    pub hours: Option<(usize, usize)>,
    /// Local hours of Singapore that get more of the budget than others, and how much more.
    pub peak: Option<(usize, usize, u8)>,
    /// How often a user may see it.
    pub cap: Option<Cap>,
}

/// Draws the campaigns of a scenario.
pub fn cast(scenario: &Scenario) -> Vec<Part> {
    let mut parts: Vec<_> = (0..scenario.campaigns).map(|number| part(scenario, number)).collect();
    fit(scenario, &mut parts);
    parts
}

fn part(scenario: &Scenario, number: usize) -> Part {
    let mut dice = Dice::derive(scenario.seed ^ 0xCA57, number as u64);
    let mut kind = Kind::TEN[number % 10];
    if kind == Kind::Asap && number / 10 % 2 == 1 {
        kind = Kind::AsapStrict;
    }
    let broad = matches!(kind, Kind::Ample | Kind::AmpleStrict) && number % 20 < 16;
    let mut countries = [true; 3];
    if dice.chance(350) {
        countries = [false; 3];
        countries[dice.below(3) as usize] = true;
    }
    let mut exchanges = [true; 3];
    if dice.chance(200) {
        // Never the only one that goes away.
        exchanges[dice.below(3) as usize] = false;
    }
    let property = match kind {
        Kind::Scarce => Some(dice.between(8, PROPERTIES as i64 - 1) as usize),
        Kind::Ample | Kind::AmpleStrict if !broad => Some(dice.below(3) as usize),
        _ => None,
    };
    let hours = (kind == Kind::DayPart).then(|| {
        let from = dice.between(6, 10) as usize;
        (from, from + dice.between(8, 12) as usize)
    });
    // In whole cents, which is what the coarsest exchange takes.
    let price = 10_000 * dice.between(40, 250);
    let (starts_ms, ends_ms) = (scenario.starts_ms, scenario.ends_ms());
    let flight_ms = if kind == Kind::Ample && dice.chance(150) {
        // Shorter than the day.
        let length = (ends_ms - starts_ms) / 2;
        let from = starts_ms + dice.between(0, length / MINUTE_MS) * MINUTE_MS;
        (from, from + length)
    } else if matches!(kind, Kind::Asap | Kind::AsapStrict) {
        // Not all at midnight: for as long as they bid on everything, hardly anything is left to others.
        (starts_ms + dice.between(0, (ends_ms - starts_ms) / MINUTE_MS * 3 / 4) * MINUTE_MS, ends_ms)
    } else {
        (starts_ms, ends_ms)
    };
    Part {
        id: u32::try_from(number + 1).expect("some hundred campaigns"),
        kind,
        budget: 0,
        price,
        flight_ms,
        even: !matches!(kind, Kind::Asap | Kind::AsapStrict | Kind::Tiny),
        strict: matches!(kind, Kind::AmpleStrict | Kind::AsapStrict),
        countries,
        exchanges,
        property,
        hours,
        peak: (kind == Kind::Ample && dice.chance(250)).then(|| {
            let from = dice.between(0, 18) as usize;
            (from, from + dice.between(2, 6) as usize, u8::try_from(dice.between(2, 4)).expect("small"))
        }),
        cap: (kind == Kind::Capped).then(|| Cap {
            max: u32::try_from(dice.between(1, 4)).expect("small"),
            window: *dice.pick(&[CapWindow::Day, CapWindow::Day, CapWindow::Hour, CapWindow::Minute]),
        }),
    }
}

/// Gives each a budget: all together want some part of what they could win, those who are scarce about all of it.
fn fit(scenario: &Scenario, parts: &mut [Part]) {
    let seconds = (scenario.ends_ms() - scenario.starts_ms) as f64 / 1_000.0;
    let requests = scenario.requests_per_second * seconds;
    let wanting = parts.iter().filter(|part| part.kind != Kind::Tiny).count().max(1) as f64;
    for part in parts {
        let mut dice = Dice::derive(scenario.seed ^ 0xB0D6, u64::from(part.id));
        let wins = 1.0 - (-(part.price as f64) / RIVAL_MEAN).exp();
        let flight = (part.flight_ms.1 - part.flight_ms.0) as f64 / 1_000.0 / seconds;
        let winnable = requests * wins * flight * part.reach();
        // So many of all requests get a bid of ours, and as many of these win as the price does.
        let share = requests * scenario.taken / wanting * wins;
        let impressions = match part.kind {
            Kind::Tiny => 20.0 + 80.0 * uniform(&mut dice),
            Kind::Scarce => winnable * (0.3 + 0.9 * uniform(&mut dice)),
            Kind::Asap | Kind::AsapStrict => (share / 2.0 * (0.5 + uniform(&mut dice))).min(winnable / 6.0),
            _ => (share * (0.5 + uniform(&mut dice))).min(winnable / 6.0),
        };
        part.budget = (impressions.max(5.0) * part.price as f64) as i64;
    }
}

impl Part {
    /// Its part of all requests, in its flight.
    fn reach(&self) -> f64 {
        let percent = |shares: Vec<(bool, u32)>| {
            f64::from(shares.iter().filter(|(on, _)| *on).map(|(_, share)| share).sum::<u32>()) / 100.0
        };
        let countries = percent(self.countries.into_iter().zip(COUNTRIES.iter().map(|at| at.share)).collect());
        let exchanges = percent(self.exchanges.into_iter().zip(EXCHANGES.iter().map(|at| at.share)).collect());
        let hours = self.hours.map_or(1.0, |(from, to)| Calendar::part_of_day(from..to));
        let web = f64::from(Format::Web.share()) / 100.0;
        countries * exchanges * hours * self.property.map_or(1.0, |property| property_share(property) * web)
    }

    /// How much of its budget an hour gets, beside the others: by the local hour of Singapore.
    pub fn weight(&self, hour: usize) -> u8 {
        if self.hours.is_some_and(|(from, to)| !(from..to).contains(&hour)) {
            return 0;
        }
        self.peak.filter(|(from, to, _)| (*from..*to).contains(&hour)).map_or(1, |(.., weight)| weight)
    }

    /// Whether an impression is one that it is for.
    pub fn fits(&self, opportunity: &Opportunity) -> bool {
        (self.flight_ms.0..self.flight_ms.1).contains(&opportunity.at_ms)
            && self.countries[opportunity.country]
            && self.exchanges[opportunity.exchange]
            && self
                .property
                .is_none_or(|property| property == opportunity.property && opportunity.format == Format::Web)
            && self
                .hours
                .is_none_or(|(from, to)| (from..to).contains(&Calendar::hour(&COUNTRIES[0], opportunity.at_ms)))
            && (self.cap.is_none() || opportunity.counted_user().is_some())
            && opportunity.floor <= self.offer(opportunity.exchange)
    }

    /// What it offers at an exchange: its price, in that exchange's steps.
    pub fn offer(&self, exchange: usize) -> i64 {
        let step = EXCHANGES[exchange].price_step;
        self.price - self.price.rem_euclid(step)
    }

    /// The definition that the bidder gets.
    pub fn definition(&self) -> Campaign {
        let mut include = campaign::targeting::Rules::default();
        if let Some(property) = self.property {
            include.domains = [Opportunity::property_name(Format::Web, property)].into_iter().collect();
        }
        if let Some((from, to)) = self.hours {
            include.hours = vec![format!("mon-sun {from}-{to}").parse().expect("hours of the week")];
        }
        let hours = |from: usize, to: usize| format!("mon-sun {from}-{to}").parse().expect("hours of the week");
        let hour_weights = self.peak.iter();
        let hour_weights =
            hour_weights.map(|(from, to, weight)| HourWeight { hours: hours(*from, *to), weight: *weight });
        let codes = self.countries.iter().zip(&COUNTRIES).filter(|(on, _)| **on);
        let exchanges = self.exchanges.iter().zip(&EXCHANGES).filter(|(on, _)| **on);
        let creative = Creative {
            id: CreativeId(self.id),
            sizes: Format::ALL.iter().map(|format| format.size()).map(|(w, h)| campaign::Size::new(w, h)).collect(),
            markup: format!("<a href=\"https://c{0}.example\">{0}</a>", self.id),
            secure: true,
            attributes: Vec::new(),
            technology: Default::default(),
            caps: Caps::NONE,
        };
        Campaign {
            id: CampaignId(self.id),
            name: format!("{} {}", self.kind.name(), self.id),
            budget: Nanos(self.budget),
            bid_cpm: Cpm(self.price),
            flight: Flight { starts_ms: self.flight_ms.0, ends_ms: self.flight_ms.1 },
            pacing: if self.even { Pacing::Even } else { Pacing::Asap },
            hour_weights: hour_weights.collect(),
            strict_budget: self.strict,
            bid_on_uncounted_users: false,
            // The notices of this world do not say what would have won.
            shading: false,
            countries: codes.map(|(_, at)| Code::parse(at.alpha2).expect("a country")).collect(),
            exchanges: exchanges.map(|(_, at)| at.name.to_owned()).collect(),
            targeting: Some(Box::new(campaign::targeting::Targeting {
                include,
                exclude: campaign::targeting::Rules::default(),
                utc_offset: Some("+08:00".parse().expect("an offset")),
            })),
            categories: Vec::new(),
            advertiser_domain: format!("c{}.example", self.id),
            advertises: None,
            caps: self.cap.map_or(Caps::NONE, |cap| Caps::NONE.with(cap.window, cap.max)),
            creatives: vec![creative],
        }
    }
}
