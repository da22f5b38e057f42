//! Campaigns from TOML: what is read, and how each flaw is reported with its line.

use campaign::{CampaignError, CampaignId, CreativeId, HourPlan, Pacing, Size, campaign_warnings, parse_campaigns};
use money::{Cpm, Nanos};

/// One sound campaign; the comments count the lines.
const SOUND: &str = r#"[[campaign]]
id = 7
name = "Kopi"
advertiser_domain = "kopi.example"
budget = "250.00"
bid_cpm = "1.20"
starts = 2026-09-01
ends = 2026-09-30
countries = ["SG", "IDN"]
exchanges = ["google_adx"]
categories = ["IAB8-5"]
cap_per_user_per_day = 3

[[campaign.creative]]
id = 701
w = 300
h = 250
markup = "<img src='https://cdn.kopi.example/1.png'>"

[[campaign.creative]]
id = 702
sizes = ["320x50", "728x90"]
markup = "<img src='http://cdn.kopi.example/1.png'>"
secure = false
attributes = [1, 6]
"#;

#[track_caller]
fn flaw(from: &str, to: &str) -> CampaignError {
    assert!(SOUND.contains(from), "the sound definition holds {from:?}");
    parse_campaigns(&SOUND.replacen(from, to, 1)).expect_err("a flawed definition is refused")
}

#[track_caller]
fn assert_flaw(from: &str, to: &str, line: usize, says: &str) {
    let error = flaw(from, to);
    let text = error.to_string();
    assert_eq!(error.line(), line, "{text}");
    assert!(text.starts_with(&format!("line {line}: ")), "{text}");
    assert!(text.contains(says), "{text:?} says {says:?}");
    assert!(!text.contains('\n'), "one line: {text:?}");
}

#[test]
fn every_key_is_read() {
    let campaigns = parse_campaigns(SOUND).expect("sound");
    let [campaign] = campaigns.as_slice() else { panic!("one campaign") };
    assert_eq!(campaign.id, CampaignId(7));
    assert_eq!(campaign.name, "Kopi");
    assert_eq!(campaign.budget, Nanos(250_000_000_000));
    assert_eq!(campaign.bid_cpm, Cpm(1_200_000));
    // 2026-09-01T00:00:00Z to 2026-10-01T00:00:00Z: the last day is part of the flight.
    assert_eq!(campaign.flight.starts_ms, 1_788_220_800_000);
    assert_eq!(campaign.flight.ends_ms, 1_790_812_800_000);
    assert_eq!(campaign.pacing, Pacing::Supply);
    assert!(!campaign.strict_budget, "only where it is asked for");
    let countries: Vec<_> = campaign.countries.iter().map(|country| country.as_str()).collect();
    assert_eq!(countries, ["SG", "ID"]);
    assert_eq!(campaign.exchanges, ["google_adx"]);
    assert_eq!(campaign.categories, ["IAB8-5"]);
    assert_eq!(campaign.caps.to_string(), "3 per day");
    let [banner, adaptive] = campaign.creatives.as_slice() else { panic!("two creatives") };
    assert_eq!((banner.id, banner.sizes.as_slice()), (CreativeId(701), [Size::new(300, 250)].as_slice()));
    assert!(banner.secure, "secure unless said otherwise");
    assert_eq!(adaptive.sizes, [Size::new(320, 50), Size::new(728, 90)]);
    assert!(!adaptive.secure);
    assert_eq!(adaptive.attributes, [1, 6]);
}

#[test]
fn hours_are_weighed_and_the_flaws_of_weights_name_their_lines() {
    let weighed = |lines: &str| format!("utc_offset = \"+08:00\"\nhour_weights = {lines}\ncountries = ");
    let sound = SOUND.replacen("countries = ", &weighed(r#"["mon-sun 18-23: 3", "sat,sun: 2"]"#), 1);
    let campaign = &parse_campaigns(&sound).expect("sound")[0];
    let plan = HourPlan::of(campaign).expect("hours differ");
    let hour_ms = 60 * 60 * 1_000;
    // 2026-09-04 is a Friday; its evening in Singapore begins at 10:00 UTC.
    let friday = "2026-09-04T17:00:00+08:00".parse::<jiff::Timestamp>().unwrap().as_millisecond();
    assert_eq!(plan.between(friday, friday + 2 * hour_ms), i128::from(hour_ms + 3 * hour_ms));
    let saturday = friday + 25 * hour_ms;
    assert_eq!(plan.between(saturday, saturday + hour_ms), i128::from(2 * hour_ms), "the last line counts");
    assert_eq!(HourPlan::of(&parse_campaigns(SOUND).unwrap()[0]), None, "all hours are alike");

    let flawed = |lines: &str| weighed(lines);
    assert_flaw("countries = ", &flawed(r#"["mon-sun 18-23"]"#), 10, "weighs no hours");
    assert_flaw("countries = ", &flawed(r#"["mon-sun 18-23: 101"]"#), 10, "from 0 to 100");
    assert_flaw("countries = ", &flawed(r#"["mon-sun: 0"]"#), 10, "no hour of the flight is left");
    assert_flaw("countries = ", "hour_weights = [\"sat: 2\"]\ncountries = ", 9, "add utc_offset");
    let asap = format!("pacing = \"asap\"\n{}", flawed(r#"["sat: 2"]"#));
    assert_flaw("countries = ", &asap, 11, "remove one of the two");
    let supply = format!("pacing = \"supply\"\n{}", flawed(r#"["sat: 2"]"#));
    assert_flaw("countries = ", &supply, 11, "remove one of the two");
    let numbers = SOUND.replacen("countries = ", &flawed("[1, 2, 3]"), 1);
    let error = parse_campaigns(&numbers).expect_err("no numbers").to_string();
    assert!(error.contains("line 10") && error.contains("write hour_weights = [\"mon-fri 18-23: 3\""), "{error}");
}

#[test]
fn who_weighs_hours_plans_by_them_and_everybody_else_by_supply() {
    let pacing = |keys: &str| parse_campaigns(&SOUND.replacen("countries = ", keys, 1)).expect("sound")[0].pacing;
    assert_eq!(pacing("countries = "), Pacing::Supply);
    assert_eq!(pacing("pacing = \"supply\"\ncountries = "), Pacing::Supply);
    assert_eq!(pacing("pacing = \"even\"\ncountries = "), Pacing::Even);
    assert_eq!(pacing("utc_offset = \"+08:00\"\nhour_weights = [\"sat: 2\"]\ncountries = "), Pacing::Even);
}

/// Each with the line of the weights and what is to be said of it.
#[test]
fn weights_that_have_no_effect_are_remarked_on_with_line_and_advice() {
    let remarks = |keys: &str| {
        let text = SOUND.replacen("countries = ", &format!("utc_offset = \"+08:00\"\n{keys}\ncountries = "), 1);
        parse_campaigns(&text).expect("sound");
        campaign_warnings(&text).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let one = |keys: &str, line: usize, say: &str| {
        let found = remarks(keys);
        let starts = format!("line {line}: campaign 7: ");
        let is_said = matches!(&found[..], [said] if said.starts_with(&starts) && said.contains(say));
        assert!(is_said, "{keys}: {found:?}");
    };
    assert_eq!(remarks("hour_weights = [\"mon-fri 18-23: 3\", \"sat,sun: 2\"]"), [] as [&str; 0]);
    one("hour_weights = [\n\"sat 8-9: 3\",\n\"sat,sun: 2\"]", 11, "\"sat 8-9: 3\" has no effect: later lines");
    one(
        "hour_weights = [\"mon-sun 0-24: 4\"]",
        10,
        "every hour in which the campaign bids weighs 4, which is an even plan",
    );
    let short = "hour_weights = [\n\"tue 8-9: 2\",\n\"sat 8-9: 3\"]\nstarts = 2026-09-01\nends = 2026-09-02\n#";
    let flight = SOUND.lines().filter(|line| !line.starts_with("starts") && !line.starts_with("ends"));
    let text = flight.collect::<Vec<_>>().join("\n").replacen(
        "countries = ",
        &format!("utc_offset = \"+08:00\"\n{short}\ncountries = "),
        1,
    );
    let found = campaign_warnings(&text);
    assert!(
        matches!(&found[..], [said] if said.advice.contains("the first sat 8-9, comes between starts and ends")),
        "{found:?}"
    );
}

#[test]
fn weights_outside_the_day_part_are_remarked_on() {
    let text = SOUND.replacen(
        "countries = ",
        "utc_offset = \"+08:00\"\nhour_weights = [\"mon-fri 9-12: 2\",\n\"mon-fri 17-20: 3\",\n\"sat 9-12: 5\", \"sun: 0\"]\ncountries = ",
        1,
    );
    let text = text.replacen(
        "[[campaign.creative]]",
        "[campaign.include]\nhours = [\"mon-fri 8-18\"]\n[[campaign.creative]]",
        1,
    );
    parse_campaigns(&text).expect("sound");
    let found: Vec<String> = campaign_warnings(&text).iter().map(ToString::to_string).collect();
    let [evening, saturday] = &found[..] else { panic!("two of the four lines: {found:?}") };
    assert!(
        evening.starts_with("line 11: ") && evening.contains("10 of its 15 hours, the first mon 18-19"),
        "{evening}"
    );
    assert!(saturday.starts_with("line 12: ") && saturday.contains("its hours, the first sat 9-10"), "{saturday}");
    // A day-part that leaves the flight nothing: three days from a Tuesday on, and Saturdays only.
    let text = SOUND
        .replacen("countries = ", "utc_offset = \"+08:00\"\ncountries = ", 1)
        .replacen("ends = 2026-09-30", "ends = 2026-09-03", 1)
        .replacen("[[campaign.creative]]", "[campaign.include]\nhours = [\"sun\"]\n[[campaign.creative]]", 1);
    let found = campaign_warnings(&text);
    assert!(matches!(&found[..], [said] if said.advice.contains("it never bids")), "{found:?}");
}

#[test]
fn bids_for_users_who_cannot_be_counted_are_asked_for() {
    assert!(!parse_campaigns(SOUND).expect("sound")[0].bid_on_uncounted_users, "only where it is asked for");
    let anyway = SOUND.replacen("\ncountries", "\nbid_on_uncounted_users = true\ncountries", 1);
    assert!(parse_campaigns(&anyway).expect("sound")[0].bid_on_uncounted_users);
    assert_eq!(campaign_warnings(&anyway), []);
    let uncapped = anyway.replacen("cap_per_user_per_day = 3\n", "", 1);
    let idle = campaign_warnings(&uncapped);
    assert!(matches!(&idle[..], [said] if said.to_string().contains("has no effect without caps")), "{idle:?}");
    let neither = SOUND.replacen("\ncountries", "\nbid_on_uncounted_users = \"yes\"\ncountries", 1);
    assert!(parse_campaigns(&neither).is_err());
}

#[test]
fn a_strict_budget_is_asked_for() {
    let strict = SOUND.replacen("\ncountries", "\nstrict_budget = true\ncountries", 1);
    assert!(parse_campaigns(&strict).expect("sound")[0].strict_budget);
}

#[test]
fn a_file_without_campaigns_is_empty() {
    assert_eq!(parse_campaigns("# nothing yet\n"), Ok(vec![]));
}

#[test]
fn moments_are_read_in_quotes_and_bare_with_their_offset() {
    for starts in ["2026-09-01T08:00:00+08:00", "\"2026-09-01T00:00:00Z\"", "\"2026-09-01\""] {
        let text = SOUND.replacen("starts = 2026-09-01", &format!("starts = {starts}"), 1);
        let campaigns = parse_campaigns(&text).expect("sound");
        assert_eq!(campaigns[0].flight.starts_ms, 1_788_220_800_000, "{starts}");
    }
}

#[test]
fn whole_dollars_need_no_quotes_and_fractions_do() {
    let text = SOUND.replacen("budget = \"250.00\"", "budget = 250", 1);
    assert_eq!(parse_campaigns(&text).expect("sound")[0].budget, Nanos(250_000_000_000));
    assert_flaw("\"250.00\"", "250.00", 5, "an amount of USD in quotes, such as \"250.00\"");
}

#[test]
fn a_missing_or_misspelt_key_names_its_line() {
    assert_flaw("budget = \"250.00\"\n", "", 1, "add a line such as budget = \"250.00\"");
    assert_flaw("budget =", "budgte =", 5, "unknown field `budgte`");
    assert_flaw("markup = \"<img src='https", "markap = \"<img src='https", 18, "unknown field `markap`");
    assert_flaw("id = 701\n", "", 14, "add a line such as id = 7");
    assert_flaw("[\"SG\", \"IDN\"]", "[\"SG\"", 10, "");
    assert_flaw("id = 7\n", "id = \"seven\"\n", 2, "invalid type");
}

#[test]
fn a_value_that_makes_no_sense_names_its_line_and_what_to_do() {
    assert_flaw("id = 7\n", "id = 0\n", 2, "number campaigns from 1");
    assert_flaw("\"Kopi\"", "\" \"", 3, "name: empty");
    assert_flaw("\"kopi.example\"", "\"https://kopi.example/\"", 4, "no bare domain");
    assert_flaw("\"kopi.example\"", "\"Kopi.example\"", 4, "lower case");
    let advertised = |line: &str| format!("\"kopi.example\"\n{line}");
    assert_flaw("\"kopi.example\"", &advertised("advertised_app = \"com kopi\""), 5, "no id of an app");
    assert_flaw("\"kopi.example\"", &advertised("advertised_app = \"\""), 5, "no id of an app");
    assert_flaw("\"kopi.example\"", &advertised("language = \"EN\""), 5, "in lower case, such as \"id\"");
    assert_flaw("\"250.00\"", "\"-3\"", 5, "not above 0");
    assert_flaw("\"250.00\"", "\"0\"", 5, "not above 0");
    assert_flaw("\"250.00\"", "\"0.001\"", 5, "does not pay for one impression");
    assert_flaw("\"250.00\"", "\"1,000\"", 5, "not a decimal number");
    assert_flaw("\"250.00\"", "\"99999999999\"", 5, "too large");
    assert_flaw("\"1.20\"", "\"0\"", 6, "not above 0");
    assert_flaw("\"1.20\"", "\"1200\"", 6, "check the decimal point");
    assert_flaw("\"1.20\"", "\"0.0000001\"", 6, "more than 6 decimals");
    assert_flaw("starts = 2026-09-01", "starts = \"1 September\"", 7, "neither a day");
    assert_flaw("starts = 2026-09-01", "starts = 2026-09-01T00:00:00", 7, "with offset");
    assert_flaw("starts = 2026-09-01", "starts = 1788220800", 7, "expected a day");
    assert_flaw("ends = 2026-09-30", "ends = 2026-08-30", 8, "not after starts");
    assert_flaw("\"IDN\"", "\"Indonesia\"", 9, "is no country");
    assert_flaw("\"IDN\"", "\"SGP\"", 9, "SG stands twice");
    assert_flaw("[\"SG\", \"IDN\"]", "[]", 9, "at least one country");
    assert_flaw("\"google_adx\"", "\"Google AdX\"", 10, "its name in the configuration");
    assert_flaw("\"IAB8-5\"", "\"IAB8-19\"", 11, "not in IAB taxonomy 1.0");
    assert_flaw("per_day = 3", "per_day = 0", 12, "remove the line for no cap");
    assert_flaw("per_day = 3", "per_day = -1", 12, "");
}

#[test]
fn a_creative_that_makes_no_sense_names_its_line_and_what_to_do() {
    assert_flaw("w = 300", "w = 0", 16, "width and height go from 1");
    assert_flaw("h = 250\n", "", 16, "either w and h, or sizes");
    assert_flaw("\"320x50\"", "\"320*50\"", 22, "is no size");
    assert_flaw("\"320x50\"", "\"728x90\"", 22, "stands twice");
    assert_flaw("[\"320x50\", \"728x90\"]", "[]", 22, "0 sizes");
    assert_flaw("id = 702", "id = 701", 21, "701 is taken");
    assert_flaw("\"<img src='https://cdn.kopi.example/1.png'>\"", "\"\"", 18, "write the HTML to show");
    assert_flaw("secure = false", "secure = true", 24, "loads from http://");
    assert_flaw("secure = false\n", "", 23, "loads from http://");
    assert_flaw("[1, 6]", "[1, 600]", 25, "");
    let said = |line: &str| format!("attributes = [1, 6]\n{line}");
    assert_flaw(
        "attributes = [1, 6]",
        &said("banner_types = [\"iframe\", \"flash\"]"),
        26,
        "one of xhtml_text, xhtml_banner",
    );
    assert_flaw("attributes = [1, 6]", &said("mimes = [\"image/jpg\", \"image/jpeg\"]"), 26, "stands twice");
    assert_flaw(
        "attributes = [1, 6]",
        &said("mimes = [\"flash\"]"),
        26,
        "creative 2: mimes: \"flash\" is no known content type",
    );
    assert_flaw(
        "attributes = [1, 6]",
        &said("apis = [\"vpaid_2\"]"),
        26,
        "no framework for banners: write one of mraid_1",
    );
    assert_flaw("attributes = [1, 6]", &said("apis = [5]"), 26, "expected a string");
}

const RULES: &str = r#"utc_offset = "+08:00"

[campaign.include]
regions = ["SG-01", "ID-JK"]
within = ["1.3521, 103.8198, 5 km"]
os = ["android >= 10", "ios"]
segments = ["dmp:cars"]
hours = ["mon-fri 7-10"]

[campaign.exclude]
domains = ["gambling.example"]
content_categories = ["IAB25"]
"#;

#[test]
fn rules_are_read_and_their_flaws_name_their_lines() {
    // Before the creatives: from line 13 on.
    let text = SOUND.replacen("\n[[campaign.creative]]", &format!("{RULES}\n[[campaign.creative]]"), 1);
    let campaigns = parse_campaigns(&text).expect("sound");
    let rules = campaigns[0].targeting.as_ref().expect("rules");
    assert_eq!(rules.include.regions.len(), 2);
    assert_eq!(rules.include.within[0].metres, 5_000);
    assert_eq!(rules.exclude.domains, ["gambling.example"]);
    assert!(rules.include.domains.is_empty());

    let assert_flaw = |from: &str, to: &str, line: usize, says: &str| {
        assert!(text.contains(from), "{from:?}");
        let error = parse_campaigns(&text.replacen(from, to, 1)).expect_err("a flaw");
        assert!(error.to_string().contains(says), "{error} says {says:?}");
        assert_eq!(error.line(), line, "{error}");
    };
    assert_flaw("+08:00", "+8", 13, "is no offset from UTC");
    assert_flaw("utc_offset = \"+08:00\"\n", "", 19, "of which clock");
    assert_flaw("\"ID-JK\"", "\"Jakarta\"", 16, "write its ISO 3166-2 code");
    assert_flaw("\"ID-JK\"", "\"TH-10\"", 16, "none of the campaign's countries");
    assert_flaw("\"ID-JK\"", "\"SG-01\"", 16, "stands twice");
    assert_flaw("5 km", "5", 17, "is no circle");
    assert_flaw("1.3521,", "91,", 17, "is no circle");
    assert_flaw("\"ios\"", "\"iphone\"", 18, "one of android, ios");
    assert_flaw(">= 10", ">= ten", 18, "is no least version");
    assert_flaw("dmp:cars", "dmp:", 19, "is no segment");
    assert_flaw("dmp:cars", " cars", 19, "blanks around it");
    assert_flaw("mon-fri 7-10", "mon-fri 10-7", 20, "names no hours");
    assert_flaw("\"gambling.example\"", "\"https://gambling.example\"", 23, "no bare domain");
    assert_flaw("IAB25", "IAB99", 24, "not in IAB taxonomy 1.0");
    assert_flaw("domains =", "domain =", 23, "unknown field `domain`");
    assert_flaw("domains = [\"gambling.example\"]", "deals = [\"D-1\"]", 23, "remove the line");
    assert_flaw("domains = [\"gambling.example\"]", "os = [\"android >= 10\"]", 23, "under include");
    assert_flaw("os = [\"android >= 10\", \"ios\"]", "exchanges = [\"xandr\"]", 18, "beside its countries");
}

#[test]
fn ids_are_unique_over_the_file() {
    let twice = format!("{SOUND}\n{SOUND}");
    let error = parse_campaigns(&twice).expect_err("taken");
    assert_eq!((error.line(), error.to_string().contains("7 is taken")), (28, true), "{error}");
    let second = SOUND.replacen("id = 7\n", "id = 8\n", 1);
    let error = parse_campaigns(&format!("{SOUND}\n{second}")).expect_err("taken");
    assert_eq!((error.line(), error.to_string().contains("701 is taken")), (41, true), "{error}");
}

#[test]
fn the_sample_is_sound_and_covers_the_usual_sizes_in_each_country() {
    let campaigns = parse_campaigns(include_str!("../samples/campaigns.toml")).expect("sound");
    assert!(campaigns.len() >= 12);
    let sizes = ["300x250", "320x50", "728x90", "160x600", "320x480", "300x600", "970x250"];
    for country in ["SG", "ID", "TH"] {
        for size in sizes {
            let size: Size = size.parse().expect("a size");
            let covered = campaigns.iter().any(|campaign| {
                campaign.countries.iter().any(|ours| ours.as_str() == country)
                    && campaign.creatives.iter().any(|creative| creative.sizes.contains(&size))
            });
            assert!(covered, "{size} in {country}");
        }
    }
    assert!(campaigns.iter().any(|campaign| !campaign.caps.is_empty()));
    assert!(campaigns.iter().any(|campaign| campaign.caps.is_empty()));
}

#[test]
fn every_flaw_is_told_at_once_with_its_line() {
    let text = r#"
[[campaign]]
id = 1
name = ""
advertiser_domain = "https://kopi.example"
budget = "-1"
bid_cpm = "1.20"
starts = 2026-09-30
ends = 2026-09-01
countries = ["SG"]

[[campaign.creative]]
id = 101
w = 300
h = 250
markup = ""

[[campaign]]
id = 2
name = "no price"
advertiser_domain = "kopi.example"
budget = "250.00"
bid_cpm = "1,20"
starts = 2026-09-01
ends = 2026-09-30
countries = ["SG"]

[[campaign]]
id = 1
name = "taken"
advertiser_domain = "kopi.example"
budget = "250.00"
bid_cpm = "1.20"
starts = 2026-09-01
ends = 2026-09-30
countries = ["SG"]

[[campaign.creative]]
id = 101
w = 300
h = 250
markup = "<b>kopi</b>"
"#;
    let errors = campaign::parse_every_campaign(text).expect_err("flawed");
    let lines: Vec<usize> = errors.iter().map(campaign::CampaignError::line).collect();
    assert_eq!(lines, [4, 5, 6, 9, 16, 23, 29], "{errors:#?}");
    assert_eq!(campaign::parse_campaigns(text).expect_err("flawed"), errors[0]);
}

#[test]
fn an_exchange_that_is_not_there_is_told_where_it_stands() {
    let one = |id: u32, more: &str| {
        format!(
            "[[campaign]]\nid = {id}\nname = \"{id}\"\nadvertiser_domain = \"a.example\"\nbudget = \"9\"\nbid_cpm = \"1\"\n\
             starts = 2026-09-01\nends = 2026-09-30\ncountries = [\"SG\"]\n{more}\n[[campaign.creative]]\nid = {id}\n\
             sizes = [\"300x250\"]\nmarkup = \"<b>x</b>\"\n\n"
        )
    };
    let there = ["xandr".to_owned(), "index".to_owned()];
    let text = ["# of \"pubmatic\" we know nothing\n\n".to_owned()]
        .into_iter()
        .chain([one(1, "exchanges = [\"xandr\"]"), one(2, "exchanges = [\n\"index\",\n\"pubmatic\"]")])
        .chain([one(3, "exchanges = [\"pubmatic\"]\n[campaign.exclude]\nexchanges = [\"indx\"]")])
        .collect::<String>();
    let told: Vec<String> =
        campaign::parse_campaigns_for(&text, &there).expect_err("unknown").iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 29: campaign 2: exchanges: `pubmatic` is not configured: write one of xandr, index",
            "line 44: campaign 3: exchanges: `pubmatic` is not configured: write one of xandr, index",
            "line 46: campaign 3: exclude: exchanges: `indx` is not configured: write one of xandr, index",
        ]
    );
    assert_eq!(campaign::parse_campaigns_for(&one(1, "exchanges = [\"xandr\"]"), &there).map(|all| all.len()), Ok(1));
}
