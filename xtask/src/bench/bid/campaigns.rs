//! As many campaigns as asked for, always in flight, with budgets that no benchmark uses up.
//!
//! They are spread over countries and sizes so that of 10,000 about 60 fit an imp. The same number gives the same campaigns.

use std::fmt::Write as _;

use campaign::{Campaign, parse_campaigns};
use simulator::Dice;

/// The three that requests come from are as common as any other.
const COUNTRIES: [&str; 40] = [
    "SG", "ID", "TH", "MY", "PH", "VN", "KH", "LA", "MM", "BN", "JP", "KR", "TW", "HK", "IN", "BD", "LK", "NP", "PK",
    "AU", "NZ", "US", "CA", "MX", "BR", "AR", "CL", "CO", "PE", "GB", "FR", "DE", "ES", "IT", "NL", "SE", "PL", "TR",
    "AE", "ZA",
];

/// What the traffic asks for.
const SIZES: [&str; 10] =
    ["320x50", "300x250", "320x100", "320x480", "300x50", "728x90", "300x600", "970x250", "160x600", "336x280"];

const CATEGORIES: [&str; 6] = ["IAB2", "IAB7", "IAB8", "IAB13", "IAB18", "IAB20"];

/// Advertisers: each has ten campaigns of 10,000.
const ADVERTISERS: u64 = 1_000;

/// The definitions as a file.
pub(super) fn text(count: u32) -> String {
    let mut dice = Dice::new(u64::from(count));
    let mut text = String::with_capacity(count as usize * 512);
    for id in 1..=count {
        campaign(&mut text, id, &mut dice);
    }
    text
}

pub(super) fn parsed(count: u32) -> anyhow::Result<Vec<Campaign>> {
    Ok(parse_campaigns(&text(count))?)
}

fn campaign(text: &mut String, id: u32, dice: &mut Dice) {
    let advertiser = dice.below(ADVERTISERS);
    let cents = dice.between(30, 500);
    let (countries, sizes) = (some(&COUNTRIES, 2, dice), some(&SIZES, 3, dice));
    let category = CATEGORIES[dice.below(CATEGORIES.len() as u64) as usize];
    let cap = if dice.chance(300) { "cap_per_user_per_day = 1000\n" } else { "" };
    // Writing to memory does not fail.
    let _ = write!(
        text,
        r#"
[[campaign]]
id = {id}
name = "Campaign {id}"
advertiser_domain = "advertiser-{advertiser}.example"
budget = "5000000.00"
bid_cpm = "{}.{:02}"
starts = "2020-01-01"
ends = "2090-12-31"
pacing = "asap"
countries = [{countries}]
categories = ["{category}"]
{cap}
[[campaign.creative]]
id = {id}
sizes = [{sizes}]
secure = true
markup = '<a href="https://advertiser-{advertiser}.example/{id}"><img src="https://cdn.example/{id}.jpg" alt="{id}"></a>'
"#,
        cents / 100,
        cents % 100,
    );
}

/// From one to `most` different ones, quoted.
fn some(among: &[&str], most: u64, dice: &mut Dice) -> String {
    let first = dice.below(among.len() as u64) as usize;
    let count = 1 + dice.below(most) as usize;
    let quoted: Vec<String> = (0..count).map(|at| format!("\"{}\"", among[(first + at * 3) % among.len()])).collect();
    quoted.join(", ")
}
