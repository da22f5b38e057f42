//! The sites and apps that requests come from, the sizes they sell and what they block.

/// A site or app. The names are made up, under domains reserved for examples (RFC 2606).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) domain: &'static str,
    /// The bundle of the app; sites have none.
    pub(crate) bundle: &'static str,
    pub(crate) store_url: &'static str,
    /// Content Taxonomy 1.0.
    pub(crate) categories: &'static [&'static str],
}

pub(crate) const SITES: [Property; 4] = [
    Property {
        name: "Straits Morning",
        domain: "straits-morning.example",
        bundle: "",
        store_url: "",
        categories: &["IAB12", "IAB12-1"],
    },
    Property {
        name: "Kabar Harian",
        domain: "kabar-harian.example",
        bundle: "",
        store_url: "",
        categories: &["IAB12", "IAB1"],
    },
    Property {
        name: "Bangkok Table",
        domain: "bangkok-table.example",
        bundle: "",
        store_url: "",
        categories: &["IAB8", "IAB8-9"],
    },
    Property {
        name: "Hawker Guide",
        domain: "hawker-guide.example",
        bundle: "",
        store_url: "",
        categories: &["IAB8", "IAB20-19"],
    },
];

pub(crate) const APPS: [Property; 4] = [
    Property {
        name: "Ondel Runner",
        domain: "ondel-runner.example",
        bundle: "example.ondel.runner",
        store_url: "https://play.example/store/apps/details?id=example.ondel.runner",
        categories: &["IAB9", "IAB9-30"],
    },
    Property {
        name: "Kopi Match",
        domain: "kopi-match.example",
        bundle: "example.kopi.match",
        store_url: "https://play.example/store/apps/details?id=example.kopi.match",
        categories: &["IAB9", "IAB9-30"],
    },
    Property {
        name: "Tuk Tuk Taxi",
        domain: "tuktuk-taxi.example",
        bundle: "example.tuktuk.taxi",
        store_url: "https://play.example/store/apps/details?id=example.tuktuk.taxi",
        categories: &["IAB20"],
    },
    Property {
        name: "Cuaca Cerah",
        domain: "cuaca-cerah.example",
        bundle: "6448311069",
        store_url: "https://apps.example/id6448311069",
        categories: &["IAB15-10"],
    },
];

/// Banner sizes on phones, the commonest first.
pub(crate) const PHONE_SIZES: [(u16, u16); 5] = [(320, 50), (300, 250), (320, 100), (320, 480), (300, 50)];

/// Banner sizes on computers, the commonest first.
pub(crate) const COMPUTER_SIZES: [(u16, u16); 5] = [(300, 250), (728, 90), (300, 600), (970, 250), (160, 600)];

/// Categories that publishers commonly block.
pub(crate) const BLOCKED_CATEGORIES: [&str; 10] =
    ["IAB25", "IAB26", "IAB7-39", "IAB8-5", "IAB8-18", "IAB9-9", "IAB11", "IAB14-1", "IAB23", "IAB24"];

/// Advertisers that publishers commonly block: their rivals, and nobody that exists.
pub(crate) const BLOCKED_ADVERTISERS: [&str; 8] = [
    "rival-news.example",
    "other-taxi.example",
    "casino.example",
    "lender.example",
    "vape.example",
    "miracle-diet.example",
    "loot.example",
    "betting.example",
];
