//! What is written of a campaign reads as the same campaign.

mod support;

use campaign::{Advertised, CapWindow, Caps, HourWeight, Pacing, parse_campaigns};
use support::random::{Dice, Words};
use support::sound;

/// Campaigns that are written and read.
const ROUNDS: u32 = 400;

#[test]
fn a_random_campaign_is_read_as_it_was_written() {
    let words = Words::few();
    for seed in 1..=ROUNDS {
        let mut dice = Dice(u64::from(seed));
        let mut campaign = words.campaign(&mut dice, seed, 2);
        campaign.strict_budget = dice.one_in(2);
        campaign.bid_on_uncounted_users = dice.one_in(2);
        if dice.one_in(2) {
            campaign.caps = Caps::NONE.with(CapWindow::Hour, seed).with(CapWindow::Month, seed + 1);
            campaign.creatives[0].caps = Caps::NONE.with(CapWindow::Minute, seed);
        }
        if dice.one_in(2) {
            let app = dice.one_in(2).then(|| "com.kopi.app".into());
            let language = (app.is_none() || dice.one_in(2)).then(|| "fil".parse().expect("a language"));
            campaign.advertises = Some(Box::new(Advertised { app, language }));
        }
        campaign.name = "\"Kopi\" \\ kaya – トースト".to_owned();
        campaign.creatives[0].markup = "<b title='\"'>\n\tkopi\\n\r\n\u{7f}</b>".to_owned();
        campaign.creatives[0].attributes = vec![1, 7];
        let technology = &mut campaign.creatives[0].technology;
        technology.banner_types = technology.banner_types.with("iframe").expect("known");
        technology.mimes =
            ["image/svg+xml", "text/html"].iter().fold(technology.mimes, |of, name| of.with(name).expect("known"));
        technology.apis = technology.apis.with("mraid_3").and_then(|apis| apis.with("omid_1")).expect("known");
        if campaign.targeting.is_some() && dice.one_in(2) {
            let weights = ["mon-fri 18-23: 3", "sat,sun: 2", "sun-mon 0-24: 100"];
            campaign.hour_weights = weights.map(|text| text.parse::<HourWeight>().expect("a weight")).to_vec();
        }
        if campaign.check().is_err() {
            // None of the hours that are weighed may be left.
            campaign.hour_weights.clear();
        }
        if campaign.hour_weights.is_empty() && dice.one_in(2) {
            campaign.pacing = Pacing::Supply;
        }
        campaign.check().unwrap_or_else(|flaw| panic!("seed {seed}: {flaw}"));
        let text = campaign.to_toml();
        let read = parse_campaigns(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        assert_eq!(read, [campaign], "seed {seed}\n{text}");
    }
}

#[test]
fn the_text_of_a_campaign_is_the_same_whatever_it_was_read_from() {
    let text = sound(7).to_toml();
    let with_defaults = text.replace("countries =", "# Singapore\nstrict_budget = false\ncountries =");
    assert_eq!(parse_campaigns(&with_defaults).expect("sound")[0].to_toml(), text);
}
