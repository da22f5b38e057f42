//! The arithmetic of the benchmarks: medians, ratios round by round, verdicts, the published table.
//!
//! The benchmarks are a workspace of their own, which takes minutes to build with the peers in it. So the sources that
//! only calculate are compiled once more here, with stand-ins for the machine and for the running of rounds.

#![allow(dead_code, unreachable_pub, reason = "what runs samples is not here")]

use std::time::Duration;

use cases::{Against, CASES, Case, Limit, Peer};
use figures::{Figures, quantiles};
use machine::Machine;
use rounds::{Sample, Series};
use summary::{Line, Reached, Row, Verdict, lines, short};

#[path = "../../bench/src/cases.rs"]
mod cases;
#[path = "../../bench/src/figures.rs"]
mod figures;
#[path = "../../bench/src/summary.rs"]
mod summary;
#[path = "../../bench/src/table.rs"]
mod table;

mod machine {
    #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
    pub(crate) struct Machine {
        pub(crate) sentence: String,
    }

    impl Machine {
        pub(crate) fn sentence(&self) -> String {
            self.sentence.clone()
        }
    }

    pub(crate) const FOREIGN_CORES_MAX: f64 = 0.12;
}

mod rounds {
    use std::collections::BTreeMap;

    #[derive(Clone, Debug)]
    pub(crate) struct Sample {
        pub(crate) figures: crate::figures::Figures,
        pub(crate) foreign: f64,
    }

    pub(crate) type Series = BTreeMap<&'static str, Vec<Option<Sample>>>;
}

/// Rounds in which a figure was this; `None` where the sample failed.
fn rounds(figure: &str, values: &[Option<f64>]) -> Vec<Option<Sample>> {
    let sample = |value| Sample { figures: Figures::from([(figure.to_owned(), value)]), foreign: 0.0 };
    values.iter().map(|value| value.map(sample)).collect()
}

fn some(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

fn case(name: &str) -> &'static Case {
    cases::find(name).expect("there is such a case")
}

/// The row of that peer, and the verdict against it, in the case `call` with these rounds of ours and of ractor's.
fn call(own: &[Option<f64>], ractors: &[Option<f64>]) -> (Row, Verdict) {
    let series = Series::from([("tembusu", rounds("call_us", own)), ("ractor", rounds("call_us", ractors))]);
    let lines = lines(case("call"), 2, &series);
    let row = lines.iter().find_map(|line| match line {
        Line::Row(row) if row.peer == "ractor" => Some(row.clone()),
        _ => None,
    });
    let verdict = lines.iter().find_map(|line| match line {
        Line::Verdict(verdict) => Some(verdict.clone()),
        _ => None,
    });
    (row.expect("it has a row"), verdict.expect("it has a target"))
}

#[test]
fn a_row_is_the_median_of_its_rounds_whatever_their_order() {
    let (row, _) = call(&some(&[1.0, 1.0, 1.0]), &some(&[9.0, 2.0, 3.0]));
    assert_eq!((row.median, row.min, row.max, row.rounds, row.threads), (3.0, 2.0, 9.0, 3, 2));
    let (row, _) = call(&some(&[1.0; 4]), &some(&[4.0, 3.0, 2.0, 1.0]));
    assert_eq!(row.median, 3.0, "of an even number of rounds the upper of the two in the middle");
}

#[test]
fn ratios_are_taken_within_each_round_and_failed_rounds_have_none() {
    // Of the medians it would be 2 / 10; the machine was slow in the third round, for both.
    let (row, verdict) = call(&some(&[1.0, 2.0, 30.0]), &some(&[10.0, 4.0, 60.0]));
    assert_eq!((row.tembusu_over, verdict.median), (Some(0.5), 0.5));
    assert_eq!((verdict.min, verdict.max), (0.1, 0.5));
    let (row, verdict) = call(&[Some(1.0), None, Some(3.0)], &[None, Some(1.0), Some(4.0)]);
    assert_eq!((row.rounds, verdict.rounds, verdict.median), (2, 1, 0.75), "only the third round has both");
}

#[test]
fn what_misses_its_target_by_less_than_fifteen_percent_counts_as_equal() {
    let verdict = |own: f64| call(&some(&[own]), &some(&[1.0])).1.verdict;
    assert_eq!(
        [0.65, 0.66, 0.747, 0.748].map(verdict),
        [Reached::Met, Reached::Equal, Reached::Equal, Reached::Missed]
    );
    let rate = |own: f64| {
        let series = Series::from([
            ("tembusu", rounds("million_per_s", &[Some(own)])),
            ("tokio-spawn", rounds("million_per_s", &[Some(10.0)])),
        ]);
        let lines = lines(case("tell_1_1"), 1, &series);
        let verdicts: Vec<_> = lines
            .iter()
            .filter_map(|line| match line {
                Line::Verdict(verdict) => Some((verdict.verdict, verdict.target.clone())),
                _ => None,
            })
            .collect();
        let [verdict] = &verdicts[..] else { panic!("of the peers only one took part: {verdicts:?}") };
        verdict.clone()
    };
    let expected = [Reached::Met, Reached::Equal, Reached::Missed].map(|reached| (reached, ">= 0.900".to_owned()));
    assert_eq!([9.0, 7.9, 7.8].map(rate), expected, "at least, where more is better");
}

#[test]
fn a_figure_without_a_peer_is_compared_with_its_limit() {
    let series = Series::from([("tembusu", rounds("bytes", &some(&[900.0, 700.0, 800.0])))]);
    let lines = lines(case("spawn"), 1, &series);
    let verdicts: Vec<_> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Verdict(verdict) => Some((verdict.against.clone(), verdict.median, verdict.verdict)),
            _ => None,
        })
        .collect();
    assert_eq!(verdicts, [(None, 800.0, Reached::Met)]);
}

#[test]
fn rounds_in_which_others_used_the_machine_are_counted_and_kept() {
    let mut samples = rounds("call_us", &some(&[1.0, 2.0]));
    samples[1].as_mut().expect("it did not fail").foreign = 0.5;
    let lines = lines(case("call"), 1, &Series::from([("tembusu", samples)]));
    let [Line::Row(row)] = &lines[..] else { panic!("one row, and nobody to be compared with: {lines:?}") };
    assert_eq!((row.disturbed, row.rounds, row.tembusu_over), (1, 2, None));
}

#[test]
fn quantiles_are_those_of_the_sorted_durations_per_member() {
    let mut figures = Figures::new();
    let durations: Vec<_> = (0..100).rev().map(Duration::from_micros).collect();
    quantiles(&mut figures, "init", &durations, 2.0);
    assert_eq!((figures["init_us"], figures["init_p99_us"]), (25.0, 49.5));
    quantiles(&mut figures, "none", &[], 1.0);
    assert!(figures["none_us"].is_nan(), "there is no figure of nothing");
}

#[test]
fn every_target_names_a_figure_that_is_compared_with_a_peer_that_takes_part() {
    for case in &CASES {
        assert!(case.peers.contains(&Peer::Tembusu), "{}", case.name);
        for target in case.targets {
            let limit = match target.limit {
                Limit::AtMost(limit) | Limit::AtLeast(limit) => limit,
            };
            assert!(limit > 0.0, "{}: {}", case.name, target.figure);
            if let Against::Ratio(peer) = target.against {
                assert!(case.peers.contains(&peer), "{}: {}", case.name, peer.name());
            }
        }
    }
}

#[test]
fn the_table_has_a_row_for_each_number_of_threads_and_a_column_for_each_peer() {
    let mut all = vec![Line::Machine(Machine { sentence: "Two cores".to_owned() })];
    for threads in [1, 2] {
        let series = Series::from([
            ("tembusu", rounds("call_us", &some(&[0.25]))),
            ("ractor", rounds("call_us", &some(&[0.5]))),
        ]);
        all.extend(lines(case("call"), threads, &series));
    }
    // As it is written and read again.
    let all: Vec<Line> = all
        .iter()
        .map(|line| serde_json::from_str(&serde_json::to_string(line).expect("it is JSON")).expect("it is a line"))
        .collect();
    let table = table::markdown(&all);
    assert!(table.starts_with("Two cores. Medians of interleaved rounds"), "{table}");
    for threads in [1, 2] {
        let row = format!(
            "| call round trip | {threads} | **0.250** [0.250..0.250] p50, µs | – | 0.500 [0.500..0.500] p50, µs | – | – | – |"
        );
        assert!(table.contains(&row), "{table}");
        let verdict = format!("| call | {threads} | p50, µs | ractor | 0.500 [0.500..0.500] | <= 0.650 | met |");
        assert!(table.contains(&verdict), "{table}");
    }
    assert_eq!(table.matches("call round trip").count(), 2, "only what was measured");
}

#[test]
fn figures_have_three_digits() {
    assert_eq!([0.0123, 1.234, 12.34, 123.4].map(short), ["0.012", "1.23", "12.3", "123"]);
}
