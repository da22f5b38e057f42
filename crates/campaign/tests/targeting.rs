//! What each rule means: on a request that has the value, on one that has another, on one that does not say.
//!
//! How: each campaign is written as an operator writes it, each request as an exchange sends it; index and explanation must
//! agree on every case.

mod support;

use std::sync::Arc;

use campaign::{DropReason, Facts, Formats, Index, Scratch, Setting, Size, Want, compile, explain, parse_campaigns};
use support::country;

/// 2026-11-23 is a Monday; 08:30 in Singapore.
const MONDAY_MS: i64 = 1_795_393_800_000;

fn definition(rules: &str) -> String {
    format!(
        r#"
[[campaign]]
id = 1
name = "Kopi"
advertiser_domain = "kopi.example"
budget = "250.00"
bid_cpm = "1.20"
starts = 2026-09-01
ends = 2026-12-31
countries = ["SG", "ID"]
{rules}
[[campaign.creative]]
id = 101
w = 300
h = 250
markup = "<b>kopi</b>"
"#
    )
}

/// Why the campaign with these rules does not fit a request with these members; `None` if it does.
#[track_caller]
fn verdict_at(rules: &str, members: &str, now_ms: i64) -> Option<DropReason> {
    let campaigns = parse_campaigns(&definition(rules)).unwrap_or_else(|error| panic!("{error}: {rules}"));
    let text = format!(r#"{{"id":"r",{members}"x":0}}"#);
    let text = match text.contains(r#""imp""#) {
        true => text,
        false => text.replace(r#""x":0"#, r#""imp":[{"id":"1","banner":{"w":300,"h":250}}]"#),
    };
    let request = openrtb::parse_request(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let imp = &request.imp[0];
    let setting = Setting { country: country("SG"), exchange: "xandr", now_ms };
    let explained = explain(&campaigns[0], &request, imp, &setting);

    let index = Index::of([Arc::new(compile(&campaigns[0]).expect("compiles"))]);
    let facts = Facts::of(&request, setting);
    let sizes: Vec<Size> = imp.banner.iter().flat_map(|banner| banner.sizes()).map(|(w, h)| Size::new(w, h)).collect();
    let deals = imp.pmp.as_ref().map_or(&[][..], |pmp| &pmp.deals);
    let want = Want { facts: &facts, sizes: &sizes, secure: imp.is_secure(), deals, formats: Formats::of(imp) };
    let found = index.candidates(&want, &mut Scratch::new()).count();
    assert_eq!(found == 1, explained.is_none(), "index and explanation agree: {rules} {text} {explained:?}");
    explained
}

#[track_caller]
fn verdict(rules: &str, members: &str) -> Option<DropReason> {
    verdict_at(rules, members, MONDAY_MS)
}

/// Checks a dimension by the table: included values, requests that have one, that have others, that do not say.
#[track_caller]
fn check(rule: &str, reason: DropReason, have: &[&str], others: &[&str], silent: &[&str]) {
    let (include, exclude) = (format!("[campaign.include]\n{rule}"), format!("[campaign.exclude]\n{rule}"));
    for members in have {
        assert_eq!(verdict(&include, members), None, "{include} {members}");
        assert_eq!(verdict(&exclude, members), Some(reason), "{exclude} {members}");
    }
    for members in others.iter().chain(silent).chain(&[""]) {
        assert_eq!(verdict(&include, members), Some(reason), "{include} {members}");
        assert_eq!(verdict(&exclude, members), None, "{exclude} {members}");
    }
}

#[test]
fn regions_are_met_with_and_without_their_country() {
    let geo = |region: &str| format!(r#""device":{{"geo":{{"region":{region}}}}},"#);
    check(
        r#"regions = ["SG-01", "ID-JK"]"#,
        DropReason::Region,
        &[&geo(r#""SG-01""#), &geo(r#""01""#), &geo(r#"" id-jk ""#)],
        &[&geo(r#""SG-02""#), &geo(r#""JK""#), &geo(r#""TH-01""#)],
        &[&geo(r#""""#), &geo("null"), &geo(r#""Central Singapore""#), r#""device":{"geo":{}},"#],
    );
}

#[test]
fn cities_are_met_in_any_case() {
    let geo = |city: &str| format!(r#""device":{{"geo":{{"city":{city}}}}},"#);
    check(
        r#"cities = ["Jakarta", "Orchard Road"]"#,
        DropReason::City,
        &[&geo(r#""jakarta""#), &geo(r#"" ORCHARD ROAD""#)],
        &[&geo(r#""Bandung""#), &geo(r#""Jakarta Pusat""#)],
        &[&geo(r#"" ""#), &geo("[]")],
    );
}

#[test]
fn a_circle_takes_the_positions_that_are_near_and_exact_enough() {
    let geo = |members: &str| format!(r#""device":{{"geo":{{{members}}}}},"#);
    check(
        r#"within = ["1.2840, 103.8515, 2 km", "-6.2, 106.8, 100 m"]"#,
        DropReason::Radius,
        &[&geo(r#""lat":1.2897,"lon":103.8501"#), &geo(r#""lat":"-6.2001","lon":"106.8","accuracy":50"#)],
        &[&geo(r#""lat":1.3521,"lon":103.8198"#)],
        &[&geo(r#""lat":1.2897"#), &geo(r#""lat":0,"lon":0"#), &geo(r#""lat":"north","lon":1"#)],
    );
    // Known to be less exact than the circle is wide: not known to be inside, nor to be outside.
    let vague = geo(r#""lat":1.2840,"lon":103.8515,"accuracy":2001"#);
    let rule = r#"within = ["1.2840, 103.8515, 2 km"]"#;
    assert_eq!(verdict(&format!("[campaign.include]\n{rule}"), &vague), Some(DropReason::Radius));
    assert_eq!(verdict(&format!("[campaign.exclude]\n{rule}"), &vague), Some(DropReason::Radius));
}

#[test]
fn inventory_tells_apps_from_sites_and_screens() {
    check(
        r#"inventory = ["app", "dooh"]"#,
        DropReason::Inventory,
        &[r#""app":{},"#, r#""dooh":{"id":"1"},"#, r#""app":{},"site":{},"#],
        &[r#""site":{},"#],
        &[r#""app":"none","#],
    );
}

#[test]
fn domains_bundles_and_ids_are_one_list() {
    check(
        "domains = [\"kopi.example\"]\nbundles = [\"com.example.kopi\", \"284882215\"]\nsites = [\"S-1\"]\napps = [\"A-1\"]\npublishers = [\"P-1\"]",
        DropReason::InventoryList,
        &[
            r#""site":{"domain":"kopi.example"},"#,
            r#""site":{"domain":"https://WWW.a.Kopi.example:443/x"},"#,
            r#""site":{"page":"https://kopi.example/menu"},"#,
            r#""app":{"bundle":"COM.example.kopi"},"#,
            r#""app":{"bundle":"id284882215"},"#,
            r#""app":{"domain":"kopi.example","bundle":"other"},"#,
            r#""site":{"id":"s-1"},"#,
            r#""app":{"id":"A-1"},"#,
            r#""site":{"publisher":{"id":"P-1"}},"#,
            r#""dooh":{"domain":"kopi.example"},"#,
        ],
        &[
            r#""site":{"domain":"notkopi.example"},"#,
            r#""site":{"domain":"example"},"#,
            // What the site says of itself counts before where the page is.
            r#""site":{"domain":"news.example","page":"https://kopi.example/"},"#,
            r#""app":{"id":"S-1"},"#,
            r#""site":{"id":"A-1"},"#,
        ],
        &[r#""site":{"domain":""},"#, r#""app":{"bundle":null},"#],
    );
}

#[test]
fn a_category_covers_those_below_it_and_other_taxonomies_say_nothing() {
    check(
        r#"content_categories = ["IAB17", "IAB1-2"]"#,
        DropReason::Category,
        &[
            r#""site":{"cat":["IAB3","iab17-5"]},"#,
            r#""app":{"sectioncat":["IAB17"]},"#,
            r#""site":{"pagecat":"IAB1-2"},"#,
            r#""app":{"cattax":6,"content":{"cat":["IAB17"]}},"#,
        ],
        &[r#""site":{"cat":["IAB1","IAB1-3"]},"#],
        &[
            r#""site":{"cattax":6,"cat":["IAB17"]},"#,
            r#""site":{"content":{"cattax":7,"cat":["IAB17"]}},"#,
            r#""site":{"cat":["sports","483",""]},"#,
        ],
    );
}

#[test]
fn devices_systems_connections_carriers_and_languages_are_met_by_their_names() {
    let device = |members: &str| format!(r#""device":{{{members}}},"#);
    check(
        r#"devices = ["phone", "tv"]"#,
        DropReason::Device,
        &[&device(r#""devicetype":4"#), &device(r#""devicetype":"3""#)],
        // 1 is a phone or a tablet, and does not tell which.
        &[&device(r#""devicetype":5"#), &device(r#""devicetype":1"#)],
        &[&device(r#""devicetype":0"#), &device(r#""devicetype":99"#)],
    );
    check(
        r#"devices = ["mobile"]"#,
        DropReason::Device,
        &[&device(r#""devicetype":1"#), &device(r#""devicetype":4"#), &device(r#""devicetype":5"#)],
        &[&device(r#""devicetype":2"#)],
        &[],
    );
    check(
        r#"os = ["android", "ios"]"#,
        DropReason::Os,
        &[&device(r#""os":"Android OS""#), &device(r#""os":"iPadOS""#)],
        &[&device(r#""os":"Windows 11""#)],
        &[&device(r#""os":"Symbian""#), &device(r#""os":"""#)],
    );
    check(
        r#"connections = ["wifi", "5g"]"#,
        DropReason::Connection,
        &[&device(r#""connectiontype":2"#), &device(r#""connectiontype":7"#)],
        &[&device(r#""connectiontype":3"#), &device(r#""connectiontype":6"#)],
        &[&device(r#""connectiontype":0"#)],
    );
    check(
        r#"carriers = ["Singtel", "510-10"]"#,
        DropReason::Carrier,
        &[&device(r#""carrier":"SINGTEL""#), &device(r#""carrier":"x","mccmnc":"510-10""#)],
        &[&device(r#""carrier":"StarHub","mccmnc":"525-05""#)],
        &[&device(r#""carrier":"""#)],
    );
    check(
        r#"languages = ["en", "fil"]"#,
        DropReason::Language,
        &[&device(r#""language":"EN""#), &device(r#""language":"en_SG""#), &device(r#""langb":"fil-PH""#)],
        &[&device(r#""language":"th","langb":"en""#)],
        &[&device(r#""language":"English""#)],
    );
}

#[test]
fn a_least_version_takes_those_that_tell_one_that_is_new_enough() {
    let os = |os: &str, osv: &str| format!(r#""device":{{"os":"{os}","osv":"{osv}"}},"#);
    let rules = "[campaign.include]\nos = [\"android >= 10\", \"ios\"]";
    for (system, version) in [("android", "10"), ("Android", "10.0.1"), ("android", "14"), ("ios", ""), ("ios", "9")] {
        assert_eq!(verdict(rules, &os(system, version)), None, "{system} {version}");
    }
    for (system, version) in [("android", "9.9"), ("android", ""), ("android", "ten"), ("windows", "11")] {
        assert_eq!(verdict(rules, &os(system, version)), Some(DropReason::Os), "{system} {version}");
    }
}

#[test]
fn formats_are_what_the_imp_takes_and_a_banner_must_be_among_them() {
    let imp = |media: &str| format!(r#""imp":[{{"id":"1",{media}}}],"#);
    let banner = r#""banner":{"w":300,"h":250}"#;
    let both = imp(&format!(r#"{banner},"video":{{}}"#));
    let rule = "formats = [\"video\"]";
    assert_eq!(verdict(&format!("[campaign.include]\n{rule}"), &both), None);
    assert_eq!(verdict(&format!("[campaign.include]\n{rule}"), &imp(banner)), Some(DropReason::Format));
    assert_eq!(verdict(&format!("[campaign.exclude]\n{rule}"), &both), Some(DropReason::Format));
    assert_eq!(verdict(&format!("[campaign.exclude]\n{rule}"), &imp(banner)), None);
    assert_eq!(verdict(&format!("[campaign.include]\n{rule}"), &imp(r#""video":{}"#)), Some(DropReason::NoBanner));
}

#[test]
fn deals_must_be_offered_letter_by_letter() {
    let imp = |deals: &str| format!(r#""imp":[{{"id":"1","banner":{{"w":300,"h":250}},"pmp":{{"deals":{deals}}}}}],"#);
    let rules = "[campaign.include]\ndeals = [\"D-1\", \"D-2\"]";
    assert_eq!(verdict(rules, &imp(r#"[{"id":"x"},{"id":"D-2"}]"#)), None);
    for deals in ["[]", r#"[{"id":"d-1"}]"#, r#"[{}]"#] {
        assert_eq!(verdict(rules, &imp(deals)), Some(DropReason::Deal), "{deals}");
        assert_eq!(verdict("", &imp(deals)), None, "a campaign without deals does not mind");
    }
}

#[test]
fn segments_are_those_of_any_provider_or_of_one_unless_the_user_objects() {
    let data = r#""user":{"data":[{"id":"1","name":"dmp","segment":[{"id":"s1"},{"id":"s2"}]}]},"#;
    check(
        r#"segments = ["s2", "s9"]"#,
        DropReason::Segment,
        &[data],
        &[r#""user":{"data":[{"segment":[{"id":"S2"}]}]},"#],
        &[],
    );
    for (rule, fits) in [("dmp:s1", true), ("1:s1", true), ("other:s1", false), ("dmp:s3", false)] {
        let rules = format!("[campaign.include]\nsegments = [\"{rule}\"]");
        assert_eq!(verdict(&rules, data).is_none(), fits, "{rule}");
    }
    for objection in [r#""device":{"lmt":1},"#, r#""device":{"dnt":1},"#, r#""regs":{"coppa":1},"#] {
        let members = format!("{data}{objection}");
        assert_eq!(verdict("[campaign.include]\nsegments = [\"s1\"]", &members), Some(DropReason::Segment));
        assert_eq!(verdict("[campaign.exclude]\nsegments = [\"s1\"]", &members), None);
    }
}

#[test]
fn hours_are_those_of_the_campaigns_clock() {
    let rules = |side: &str, hours: &str| format!("utc_offset = \"+08:00\"\n[campaign.{side}]\nhours = [\"{hours}\"]");
    for (hours, fits) in [("mon-fri 8-9", true), ("mon 9-24", false), ("sat,sun", false), ("sun-mon 0-24", true)] {
        assert_eq!(verdict(&rules("include", hours), "").is_none(), fits, "{hours}");
        assert_eq!(verdict(&rules("exclude", hours), "").is_none(), !fits, "{hours}");
    }
    // An hour before Monday's midnight in Singapore is still Sunday.
    assert_eq!(verdict_at(&rules("include", "sun 23-24"), "", MONDAY_MS - 9 * 3_600_000), None);
}

#[test]
fn an_excluded_exchange_and_what_has_no_rule_of_its_own_drop_a_campaign_too() {
    assert_eq!(verdict("[campaign.exclude]\nexchanges = [\"xandr\"]", ""), Some(DropReason::Exchange));
    assert_eq!(verdict("[campaign.exclude]\nexchanges = [\"google_adx\"]", ""), None);
    assert_eq!(verdict("exchanges = [\"index\"]", ""), Some(DropReason::Exchange));
    assert_eq!(verdict_at("", "", 0), Some(DropReason::Flight));
    assert_eq!(verdict("", r#""imp":[{"id":"1","banner":{"w":1,"h":1}}],"#), Some(DropReason::Size));
    assert_eq!(verdict("", r#""imp":[{"id":"1","native":{}}],"#), Some(DropReason::NoBanner));
}
