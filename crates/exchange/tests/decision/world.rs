//! A request, two campaigns and a purse, each changed as a test wants, and what is decided of them.

use std::sync::Arc;
use std::time::Duration;

use campaign::{Country, Index, compile, parse_campaigns};
use exchange::decision::{Bid, DecisionView, handle_bid_request};
use exchange::{Dialect, NoBidReason};
use money::{Currency, Rates};
use region::{CapKeys, CapSecret, Refusal};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::common::purse::{Held1, Wallet};

/// 2026-11-22, within the campaigns' flight.
pub(crate) const NOW_MS: i64 = 1_795_305_600_000;

pub(crate) const CAMPAIGNS: &str = r#"
[[campaign]]
id = 1
name = "Kopi"
advertiser_domain = "kopi.example"
budget = "250.00"
bid_cpm = "2.00"
starts = 2026-11-01
ends = 2026-12-31
countries = ["SG"]
categories = ["IAB8-6"]

[[campaign.creative]]
id = 101
w = 300
h = 250
secure = false
attributes = [1]
markup = "<a>kopi</a>"

[[campaign.creative]]
id = 102
w = 320
h = 50
secure = true
markup = "<a>small kopi</a>"

[[campaign]]
id = 2
name = "Teh"
advertiser_domain = "shop.teh.example"
budget = "100.00"
bid_cpm = "1.00"
starts = 2026-11-01
ends = 2026-12-31
countries = ["SG", "TH"]
categories = ["IAB9"]
cap_per_user_per_day = 3

[[campaign.creative]]
id = 201
w = 300
h = 250
secure = true
markup = "<a>teh</a>"
"#;

pub(crate) struct World {
    pub(crate) dialect: Dialect,
    pub(crate) country: &'static str,
    pub(crate) wallet: Wallet,
    pub(crate) campaigns: String,
    pub(crate) deadline: Instant,
}

impl Default for World {
    fn default() -> Self {
        let dialect = Dialect::openrtb("seat-1");
        let deadline = Instant::now() + Duration::from_secs(3_600);
        Self { dialect, country: "SG", wallet: Wallet::default(), campaigns: CAMPAIGNS.to_owned(), deadline }
    }
}

impl World {
    pub(crate) fn refusing(refusals: &[(u32, Refusal)]) -> Self {
        Self { wallet: Wallet { refusals: refusals.to_vec(), ..Wallet::default() }, ..Self::default() }
    }

    pub(crate) fn decide(&self, request: &Value) -> Result<Bid<Held1>, NoBidReason> {
        let body = request.to_string();
        let request = openrtb::parse_request(body.as_bytes()).expect("a request");
        let validity = openrtb::validity(&request).expect("a valid request");
        let campaigns = parse_campaigns(&self.campaigns).expect("campaigns");
        let index = Index::of(campaigns.iter().map(|campaign| Arc::new(compile(campaign).expect("compiles"))));
        let rates = rates();
        let view = DecisionView {
            exchange: "xandr",
            dialect: &self.dialect,
            index: &index,
            rates: &rates,
            country: Country::parse(self.country).expect("a country"),
            region: 0,
            purse: &self.wallet,
            cap_keys: &CapKeys::new(CapSecret::new(20_000, [7; 32])),
            now_ms: NOW_MS,
            deadline: self.deadline,
        };
        handle_bid_request(&request, &validity, &view).map_err(|no_bid| {
            assert_eq!(no_bid.region, Some(0));
            no_bid.reason
        })
    }
}

pub(crate) fn rates() -> Rates {
    let units = [(Currency::SGD, "0.75"), (Currency::THB, "0.03")];
    let units = units.map(|(currency, rate)| (currency, rate.parse().expect("a rate")));
    Rates::new("2026-11-01".parse().expect("a date"), units).expect("rates")
}

/// A plain request, changed by `change`.
pub(crate) fn request(change: impl FnOnce(&mut Value)) -> Value {
    let mut request = json!({
        "id": "auction-1", "at": 1, "cur": ["USD"],
        "imp": [{ "id": "1", "bidfloor": 0.5, "banner": { "w": 300, "h": 250 } }],
        "device": { "geo": { "country": "SGP" }, "ifa": "6f1b5a9e-0000-4000-8000-000000000001" },
    });
    change(&mut request);
    request
}

/// Kopi with rules of its own; Teh takes what it leaves.
pub(crate) fn kopi_for(rules: &str) -> World {
    let campaigns = CAMPAIGNS.replacen("\n[[campaign.creative]]", &format!("{rules}\n\n[[campaign.creative]]"), 1);
    World { campaigns, ..World::default() }
}
