//! The parser's two lanes agree: what the fast one takes is JSON, and every field is what the other lane makes of it.
//!
//! How: both read every recorded body, the odd values of hostile traffic in every place, and bodies that are damaged at random.

mod common;

use std::fmt::Write as _;

use openrtb::lanes::{deserialized, scanned};

const SEED: u64 = 20_261_122;

/// Values as no exchange should send them, and what breaks out of them.
const ODD: [&str; 40] = [
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
