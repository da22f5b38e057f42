//! Where requests come from: countries, exchanges, formats, and the sites and apps in them.
//!
//! Plain facts of the simulated market. Never read by the bidder: it is told in requests.

/// A country, which is a region of the bidder's as well.
#[derive(Debug)]
pub struct Country {
    /// The region that serves it.
    pub region: &'static str,
    /// ISO 3166-1 alpha-2.
    pub alpha2: &'static str,
    /// ISO 3166-1 alpha-3, as requests have it.
    pub alpha3: &'static str,
    /// Its part of all traffic, in percent.
    pub share: u32,
    /// How far its clocks are ahead of UTC, in hours.
    pub ahead_h: i64,
}

/// The countries. The shares are far from even: a region's share of a plan is not a third.
pub const COUNTRIES: [Country; 3] = [
    Country { region: "sg", alpha2: "SG", alpha3: "SGP", share: 25, ahead_h: 8 },
    Country { region: "id", alpha2: "ID", alpha3: "IDN", share: 45, ahead_h: 7 },
    Country { region: "th", alpha2: "TH", alpha3: "THA", share: 30, ahead_h: 7 },
];

/// How an exchange behaves.
#[derive(Debug)]
pub struct Exchange {
    /// Its name in the configuration.
    pub name: &'static str,
    /// Its part of all traffic, in percent.
    pub share: u32,
    /// Whether the winner pays its own price.
    pub first_price: bool,
    /// Losses of 1000 that it reports.
    pub losses_per_mille: u32,
    /// Wins of 1000 that it reports.
    pub wins_per_mille: u32,
    /// The smallest step of its prices, in micros.
    pub price_step: i64,
}

/// The exchanges.
pub const EXCHANGES: [Exchange; 3] = [
    Exchange {
        name: "google_adx",
        share: 50,
        first_price: true,
        losses_per_mille: 0,
        wins_per_mille: 980,
        price_step: 1,
    },
    Exchange {
        name: "xandr",
        share: 30,
        first_price: false,
        losses_per_mille: 900,
        wins_per_mille: 950,
        price_step: 100,
    },
    Exchange {
        name: "index",
        share: 20,
        first_price: true,
        losses_per_mille: 300,
        wins_per_mille: 0,
        price_step: 10_000,
    },
];

/// What an impression is shown in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// A banner in a page.
    Web,
    /// A banner in an app.
    App,
    /// Over the whole screen of an app, often prepared long before it is shown.
    FullScreen,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Web, Self::App, Self::FullScreen];

    /// Its part of all traffic, in percent.
    pub const fn share(self) -> u32 {
        match self {
            Self::Web => 45,
            Self::App => 45,
            Self::FullScreen => 10,
        }
    }

    /// The slot.
    pub const fn size(self) -> (u32, u32) {
        match self {
            Self::Web => (300, 250),
            Self::App => (320, 50),
            Self::FullScreen => (320, 480),
        }
    }

    /// For how long a bid stands from auction to impression, where nothing else is said (OpenRTB implementation guide), and
    /// a minute for the notice.
    pub const fn window_ms(self) -> i64 {
        let expiry_s = match self {
            Self::Web => 60,
            Self::App => 300,
            Self::FullScreen => 1_800,
        };
        (expiry_s + 60) * 1_000
    }

    /// How long after the auction impressions are shown and reported, on average.
    pub const fn billing_mean_s(self) -> u32 {
        match self {
            Self::Web => 8,
            Self::App => 40,
            Self::FullScreen => 240,
        }
    }

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::App => "app",
            Self::FullScreen => "full screen",
        }
    }
}

/// Sites, and as many apps.
pub const PROPERTIES: usize = 32;

/// The part of its format's traffic that a property has: the first is the largest, by Zipf's law.
pub fn property_share(property: usize) -> f64 {
    let harmonic: f64 = (1..=PROPERTIES).map(|rank| 1.0 / rank as f64).sum();
    1.0 / (property + 1) as f64 / harmonic
}
