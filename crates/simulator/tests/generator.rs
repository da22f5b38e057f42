//! Generated requests are valid, varied, of the right size and repeatable.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use money::Cpm;
use openrtb::{Country, parse_request, validate};
use serde_json::Value;
use simulator::{Dialect, Generator, Market, TrafficMix};
use support::adx_keys;

const SEED: u64 = 20_261_122;
const REQUESTS: u64 = 2_000;

fn dialects() -> [(&'static str, Dialect); 3] {
    [("google_adx", Dialect::google_adx(adx_keys())), ("xandr", Dialect::xandr()), ("index", Dialect::index())]
}

#[test]
fn the_same_seed_gives_the_same_requests_in_any_order() {
    for (name, dialect) in dialects() {
        let mut ordered = Generator::new(dialect.clone(), TrafficMix::usual(), SEED);
        let numbered = Generator::new(dialect.clone(), TrafficMix::usual(), SEED);
        let other = Generator::new(dialect, TrafficMix::usual(), SEED + 1);
        let first: Vec<_> = (0..50).map(|_| ordered.next_request().json).collect();
        let again: Vec<_> = (0..50).rev().map(|number| numbered.request(number).json).collect();
        assert!(first.iter().eq(again.iter().rev()), "{name}");
        assert_ne!(first[0], other.request(0).json, "{name}");
    }
}

#[test]
fn every_request_is_valid_by_the_standard_and_says_what_it_was_drawn_for() {
    println!("seed {SEED}");
    for (name, dialect) in dialects() {
        let generator = Generator::new(dialect, TrafficMix::usual(), SEED);
        let mut ids = BTreeSet::new();
        for number in 0..REQUESTS {
            let made = generator.request(number);
            let text = String::from_utf8_lossy(&made.json);
            let request = parse_request(&made.json).unwrap_or_else(|error| panic!("{name} {number}: {error}\n{text}"));
            validate(&request).unwrap_or_else(|error| panic!("{name} {number}: {error}\n{text}"));
            assert!(ids.insert(made.id.clone()), "{name} {number}: id twice");

            let json: Value = serde_json::from_slice(&made.json).expect("json");
            let country = json["device"]["geo"]["country"].as_str().expect("a country");
            let country: Country = country.parse().unwrap_or_else(|error| panic!("{country}: {error}"));
            assert_eq!(country.to_string(), made.market.alpha2());
            assert_eq!(json["tmax"].as_u64().map(Duration::from_millis), Some(made.tmax));
            assert_eq!(json["id"], made.id);
            for imp in json["imp"].as_array().expect("imps") {
                let floor = imp.get("bidfloor").map(|floor| Cpm::parse_exact(&floor.to_string()).expect("a floor"));
                assert!(floor.is_none_or(|floor| Cpm(0) < floor), "{text}");
                assert!(imp["banner"]["w"].as_u64().is_some_and(|w| 0 < w));
            }
        }
    }
}

#[test]
fn requests_are_of_the_size_of_real_ones() {
    for (name, dialect) in dialects() {
        let generator = Generator::new(dialect, TrafficMix::usual(), SEED);
        let mut sizes: Vec<usize> = (0..REQUESTS).map(|number| generator.request(number).json.len()).collect();
        sizes.sort_unstable();
        let (least, median, most) = (sizes[0], sizes[sizes.len() / 2], sizes[sizes.len() - 1]);
        println!("{name}: {least} to {most} bytes, median {median}");
        assert!((1_200..2_200).contains(&median), "{name}: median {median}");
        assert!(1_000 < least && most < 4_096, "{name}: {least} to {most}");
    }
}

#[test]
fn the_mix_shows_everything_that_bidding_must_cope_with() {
    let generator = Generator::new(Dialect::xandr(), TrafficMix::usual(), SEED);
    let mut seen = BTreeSet::new();
    for number in 0..REQUESTS {
        let json: Value = serde_json::from_slice(&generator.request(number).json).expect("json");
        let mut see = |what: &str| seen.insert(what.to_owned());
        see(&format!("cur {}", json["cur"]));
        see(&format!("at {}", json["at"]));
        see(&format!("imps {}", json["imp"].as_array().map_or(0, Vec::len)));
        see(&format!("country {}", json["device"]["geo"]["country"]));
        for (path, name) in
            [("/device/lmt", "lmt"), ("/device/dnt", "dnt"), ("/regs/coppa", "coppa"), ("/test", "test")]
        {
            if json.pointer(path) == Some(&Value::from(1)) {
                see(name);
            }
        }
        see(if json.get("app").is_some() { "app" } else { "site" });
        see(&format!("secure {}", json["imp"][0]["secure"]));
        see(&format!("floor {}", json["imp"][0]["bidfloorcur"]));
        if json["device"]["lmt"] == 1 && json["device"].get("ifa").is_some() {
            assert_eq!(json["device"]["ifa"], "00000000-0000-0000-0000-000000000000");
        }
    }
    for market in Market::ALL {
        let local = market.currency();
        for form in [market.alpha3().to_owned(), market.alpha2().to_owned(), market.alpha2().to_lowercase()] {
            assert!(seen.contains(&format!("country \"{form}\"")), "{form} of {seen:?}");
        }
        for cur in
            [format!("[\"{local}\"]"), format!("[\"{local}\",\"USD\"]"), "[\"USD\"]".to_owned(), "null".to_owned()]
        {
            assert!(seen.contains(&format!("cur {cur}")), "{cur} of {seen:?}");
        }
        assert!(seen.contains(&format!("floor \"{local}\"")), "{local} of {seen:?}");
    }
    for what in [
        "at 1",
        "at 2",
        "at null",
        "imps 1",
        "imps 3",
        "lmt",
        "dnt",
        "coppa",
        "test",
        "app",
        "site",
        "secure 0",
        "secure 1",
        "floor null",
    ] {
        assert!(seen.contains(what), "{what} of {seen:?}");
    }
}
