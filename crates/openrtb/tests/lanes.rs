//! The parser's two lanes agree: what the fast one takes is JSON, and every field is what the other lane makes of it.
//!
//! How: both read every recorded body, the odd values of hostile traffic in every place, and bodies that are damaged at random.

mod common;

use std::fmt::Write as _;

use openrtb::lanes::{deserialized, scanned};

const SEED: u64 = 20_261_122;

/// Values as no exchange should send them, and what breaks out of them.
const ODD: [&str; 52] = [
    "1e400",
    "-1e400",
    "-0",
    "01",
    "1.",
    ".5",
    "-",
    "1e",
    "1E+2",
    "1.5e-3",
    "+1",
    "99999999999999999999",
    "true",
    "false",
    "null",
    "nul",
    "True",
    "\"\"",
    "\"a\"",
    "\"250\"",
    "\" 7 \"",
    "\"\\ud800\"",
    "\"\\u00e9\"",
    "\"\\x\"",
    "\"\\u12g4\"",
    "\"a\\\"b\"",
    "\"\u{7}\"",
    "\"\u{e9}\u{10ffff}\"",
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "[1,\"x\",null,{},[2]]",
    "[1,]",
    "[,]",
    "{\"id\":1,\"id\":\"2\"}",
    "{\"i\\u0064\":3}",
    "{\"id\" : \"x\" , }",
    "{\"id\"}",
    "\"true\"",
    "0",
    "7",
    "0.000001",
    "-0.5",
    "179.9999995",
    "-180.000001",
    "103.81983",
    "1234567",
    "12345678",
    "123456789012",
    "0.1234567",
    "[0,10,007]",
];

/// Says what the fast lane left to the other.
fn compare(text: &str) -> bool {
    let Some(fast) = scanned(text) else { return false };
    match deserialized(text) {
        Ok(other) => assert_eq!(fast, other, "{text}"),
        Err(error) => panic!("the fast lane takes what is no JSON ({error}): {text}"),
    }
    true
}

fn corpus() -> Vec<String> {
    let mut lines = common::fixture("requests.jsonl");
    lines.extend(common::fixture("invalid.jsonl"));
    for name in ["prebid", "other", "odd", "invalid"] {
        lines.extend(common::recorded(&format!("bid-requests-{name}.jsonl")).unwrap_or_default());
    }
    lines
}

#[test]
fn the_fast_lane_takes_recorded_requests_and_makes_the_same_of_them() {
    let lines = corpus();
    let taken = lines.iter().filter(|line| compare(line)).count();
    println!("{taken} of {} by the fast lane", lines.len());
    assert!(taken * 100 >= lines.len() * 99, "{taken} of {}", lines.len());
}

#[test]
fn odd_values_in_every_place_are_the_same_on_both_lanes() {
    let outer = [
        "id", "imp", "tmax", "at", "test", "cur", "bcat", "site", "app", "device", "user", "regs", "source", "ext",
        "x", "wseat", "allimps",
    ];
    let inner = ["id", "banner", "native", "pmp", "bidfloor", "bidfloorcur", "secure", "exp", "ext", "x"];
    let (mut taken, mut left) = (0, 0);
    let mut count = |text: &str| if compare(text) { taken += 1 } else { left += 1 };
    for value in ODD {
        for field in outer {
            count(&format!(r#"{{"id":"a","{field}":{value},"tmax":7}}"#));
            count(&format!(" {{ \"{field}\" :\t{value}\r\n }} "));
        }
        for field in inner {
            count(&format!(r#"{{"id":"a","imp":[{{"id":"1","{field}":{value}}}]}}"#));
        }
        for field in ["w", "format", "btype", "mimes"] {
            count(&format!(r#"{{"imp":[{{"banner":{{"{field}":{value}}}}}]}}"#));
            count(&format!(r#"{{"imp":[{{"banner":{{"{field}":[1,{value}]}}}}]}}"#));
        }
        count(&format!("{{}}{value}"));
        count(value);
    }
    assert!(taken > 500 && left > 200, "both ways are met: {taken} taken, {left} left");
}

#[test]
fn numbers_in_every_place_are_the_same_on_both_lanes() {
    let whole =
        ["0", "1", "9", "10", "42", "300", "1080", "99999", "9999999", "10000000", "4294967296", "999999999999"];
    let fractions =
        ["", ".0", ".5", ".05", ".35", ".000001", ".123456", ".1234565", ".9999995", ".12345678901234567890"];
    for number in whole.iter().flat_map(|whole| fractions.map(|fraction| format!("{whole}{fraction}"))) {
        for number in [format!("-{number}"), format!("{number}e1"), format!("\"{number}\""), number] {
            for geo in ["lat", "lon", "accuracy", "type"] {
                assert!(compare(&format!(r#"{{"device":{{"geo":{{"{geo}":{number}}}}}}}"#)));
            }
            for imp in ["bidfloor", "exp", "secure", "instl"] {
                assert!(compare(&format!(r#"{{"imp":[{{"{imp}":{number}}}]}}"#)));
                assert!(compare(&format!(r#"{{"imp":[{{"{imp}":{number} ,"id":"1"}}]}}"#)));
            }
            assert!(compare(&format!(
                r#"{{"imp":[{{"banner":{{"battr":[{number},{number}],"mimes":[{number}]}}}}]}}"#
            )));
        }
    }
}

#[test]
fn a_string_is_read_to_its_end_wherever_that_stands() {
    let ends = [
        "",
        "\\\"",
        "\\\\",
        "\\u00e9",
        "\u{e9}",
        "\u{10ffff}",
        "\u{7f}",
        "\u{80}",
        "\u{1f}",
        "\\",
        "\\u12",
        "\\ud800",
        "!",
        "#",
        " ",
    ];
    let (mut taken, mut left) = (0, 0);
    for length in 0..40 {
        for end in ends {
            let string = format!("\"{}{end}\"", "x".repeat(length));
            let bodies = [
                format!(r#"{{"device":{{"ua":{string},"ip":{string}}}}}"#),
                format!(r#"{{"bcat":[{string},"a",{string}]}}"#),
                format!(r#"{{"unknown":{string},"id":{string}}}"#),
                format!(r#"{{"unknown":[{{{string}:{string}}}],{string}:1}}"#),
                format!(r#"{{"unknown":{string}"#),
                format!(r#"{{"id":{string}"#),
                format!(r#"{{{string}"#),
            ];
            for body in bodies {
                if compare(&body) { taken += 1 } else { left += 1 }
            }
        }
    }
    assert!(taken > 1_000 && left > 1_000, "both ways are met: {taken} taken, {left} left");
}

#[test]
fn a_name_that_is_nearly_a_fields_is_none() {
    let names = ["id", "at", "imp", "app", "tmax", "site", "cattax", "device", "bidfloor", "bidfloorcur", "allimps"];
    let value = |name: &str| {
        format!(r#"{{"{name}":"7","imp":[{{"{name}":"7","banner":{{"{name}":"7"}}}}],"device":{{"{name}":"7"}}}}"#)
    };
    for name in names {
        assert!(compare(&value(name)));
        for at in 0..=name.len() {
            for letter in ["", "a", "r", "x", "I", " ", "\u{7f}", "\u{e9}", "\\u0064", "bidfloor"] {
                let mut near = name.to_owned();
                near.insert_str(at, letter);
                compare(&value(&near));
                if at < name.len() {
                    near = name.to_owned();
                    near.replace_range(at..=at, letter);
                    compare(&value(&near));
                }
            }
        }
    }
}

#[test]
fn a_request_that_is_read_in_place_is_the_same_on_whichever_lane() {
    let lines = corpus();
    // Each other one is given up by the fast lane at its very end, for the escape in a name.
    let odd = |line: &String| {
        line.trim_end().strip_suffix('}').map(|line| format!(r#"{line},"imp":[],"cur":["a"],"ext":{{}},"\u0078":1}}"#))
    };
    let some = lines.iter().step_by(lines.len() / 200 + 1);
    let texts: Vec<String> = some.flat_map(|line| [Some(line.clone()), odd(line)]).flatten().collect();
    for text in &texts {
        let mut request = openrtb::BidRequest::default();
        let read = openrtb::read_request(text.as_bytes(), &mut request);
        match openrtb::parse_request(text.as_bytes()) {
            Ok(fresh) => assert!(read.is_ok() && request == fresh, "{text}"),
            Err(malformed) => assert_eq!(read, Err(malformed)),
        }
    }
}

#[test]
fn nesting_beyond_the_fast_lane_is_left_to_the_other() {
    for levels in [1, 62, 63, 64, 65, 200] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let text = format!(r#"{{"x":{}1{},"id":"a"}}"#, open.repeat(levels), close.repeat(levels));
            let brackets = levels * open.matches(['[', '{']).count();
            assert_eq!(compare(&text), brackets <= 63, "{levels} times {open}");
            assert_eq!(&*openrtb::parse_request(text.as_bytes()).unwrap().id, "a");
        }
    }
}

/// A generator of numbers that is the same everywhere (`splitmix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ word >> 31) % bound as u64) as usize
    }

    /// Damages a text in one place.
    fn damage(&mut self, text: &mut String) {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let Some(&at) = places.get(self.below(places.len().max(1))) else { return };
        match self.below(7) {
            0 => text.truncate(at),
            1 => text.insert_str(at, ODD[self.below(ODD.len())]),
            2 => drop(text.remove(at)),
            3 => {
                text.insert(at, [' ', '"', '\\', ',', ':', '{', '}', '[', ']', '0', '-', '\n', '\u{1}'][self.below(13)])
            }
            4 => {
                let tail = text[at..].to_owned();
                text.push_str(&tail);
            }
            // A value, or the beginning of one, gives way to another.
            _ => {
                let Some(colon) = text[at..].find(':').map(|found| at + found + 1) else { return };
                let end = text[colon..].find([',', '}', ']']).map_or(text.len(), |found| colon + found);
                text.replace_range(colon..end, ODD[self.below(ODD.len())]);
            }
        }
    }
}

#[test]
fn damaged_requests_are_the_same_on_both_lanes() {
    println!("seed {SEED}");
    let corpus = corpus();
    let mut dice = Dice(SEED);
    let (mut taken, mut left) = (0, 0);
    let mut text = String::new();
    for _ in 0..8_000 {
        text.clear();
        let _ = write!(text, "{}", corpus[dice.below(corpus.len())]);
        for _ in 0..=dice.below(3) {
            dice.damage(&mut text);
        }
        if compare(&text) { taken += 1 } else { left += 1 }
    }
    println!("{taken} taken, {left} left");
    assert!(taken > 1_000 && left > 1_000, "both ways are met: {taken} taken, {left} left");
}
