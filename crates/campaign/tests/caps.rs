//! Frequency caps in a definition: what is read, what it is remembered for, and how each flaw is reported.

use campaign::{CapMemory, CapWindow, Caps, compile, parse_campaigns};

fn text(campaign: &str, creative: &str) -> String {
    format!(
        r#"[[campaign]]
id = 7
name = "Kopi"
advertiser_domain = "kopi.example"
budget = "250.00"
bid_cpm = "1.20"
starts = 2026-09-01
ends = 2026-09-30
countries = ["SG"]
{campaign}
[[campaign.creative]]
id = 701
w = 300
h = 250
markup = "<img src='https://cdn.kopi.example/1.png'>"
{creative}
"#
    )
}

fn caps(campaign: &str, creative: &str) -> (Caps, Caps) {
    let campaigns = parse_campaigns(&text(campaign, creative)).expect("sound");
    (campaigns[0].caps, campaigns[0].creatives[0].caps)
}

#[track_caller]
fn assert_flaw(campaign: &str, creative: &str, line: usize, says: &str) {
    let error = parse_campaigns(&text(campaign, creative)).expect_err("a flawed cap is refused");
    assert!(error.to_string().contains(says), "{error}");
    assert_eq!(error.line(), line, "{error}");
}

#[test]
fn a_campaign_and_each_creative_may_have_a_cap_for_every_window() {
    let (campaign, creative) = caps(
        r#"caps = ["1 per minute", "3 per hour", "10 per day", "20 per week", "40 per month", "50 per lifetime"]"#,
        r#"caps = ["2 per day"]"#,
    );
    let read: Vec<_> = campaign.iter().collect();
    let all = CapWindow::ALL.into_iter().zip([1, 3, 10, 20, 40, 50]).collect::<Vec<_>>();
    assert_eq!(read, all);
    assert_eq!(creative, Caps::NONE.with(CapWindow::Day, 2));
    assert_eq!(caps("", ""), (Caps::NONE, Caps::NONE));
}

#[test]
fn the_short_form_is_a_cap_per_day_beside_the_list() {
    let (campaign, _) = caps("cap_per_user_per_day = 4\ncaps = [\"2 per hour\"]", "");
    assert_eq!(campaign.to_string(), "2 per hour, 4 per day");
}

#[test]
fn users_are_remembered_for_the_widest_window_of_the_campaign_and_its_creatives() {
    let memory = |campaign: &str, creative: &str| {
        let campaigns = parse_campaigns(&text(campaign, creative)).expect("sound");
        let compiled = compile(&campaigns[0]).expect("sound");
        (compiled.cap_memory(), compiled.counts_creatives())
    };
    assert_eq!(memory("", ""), (None, false));
    assert_eq!(memory("caps = [\"1 per minute\", \"2 per day\"]", ""), (Some(CapMemory::Day), false));
    assert_eq!(memory("caps = [\"2 per day\"]", "caps = [\"1 per week\"]"), (Some(CapMemory::Month), true));
    assert_eq!(memory("caps = [\"9 per lifetime\"]", "caps = [\"1 per hour\"]"), (Some(CapMemory::Lifetime), true));
}

#[test]
fn a_cap_that_makes_no_sense_names_its_line_and_what_to_do() {
    assert_flaw("caps = [\"3 per hour\", \"3 a day\"]", "", 10, "write how often per minute, hour, day, week");
    assert_flaw("caps = [\"3 per fortnight\"]", "", 10, "is no cap");
    assert_flaw("caps = [\"-3 per day\"]", "", 10, "is no cap");
    assert_flaw("caps = [\"0 per day\"]", "", 10, "shows it to nobody");
    assert_flaw("caps = [\"10001 per day\"]", "", 10, "limits nobody: 10000 is the most");
    assert_flaw("caps = [\"4294967297 per day\"]", "", 10, "limits nobody");
    assert_flaw("caps = [\"3 per day\",\n\"4 per day\"]", "", 11, "how often per day stands twice");
    assert_flaw("caps = [\"3 per day\"]\ncap_per_user_per_day = 3", "", 11, "remove one of the two");
    assert_flaw("caps = [\"3 per hour\", \"2 per day\"]", "", 10, "3 per hour says nothing beside 2 per day");
    assert_flaw("caps = \"3 per hour\"", "", 10, "");
    assert_flaw("", "caps = [\"1 per day\", \"2 per dya\"]", 16, "creative 1: caps: \"2 per dya\" is no cap");
    assert_flaw("", "caps = [\"2 per day\", \"2 per week\"]", 16, "says nothing beside");
}

#[test]
fn a_flight_longer_than_users_are_remembered_has_no_lifetime_cap() {
    let long = |cap: &str| text(cap, "").replace("ends = 2026-09-30", "ends = 2027-09-30");
    let error = parse_campaigns(&long("caps = [\"5 per lifetime\"]")).expect_err("too long");
    assert!(error.to_string().contains("remembered for 366 days"), "{error}");
    assert!(parse_campaigns(&long("caps = [\"5 per month\"]")).is_ok());
}
