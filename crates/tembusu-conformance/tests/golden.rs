//! What Erlang/OTP said once, replayed without it.

use std::collections::BTreeMap;

use tembusu_conformance::compare::{Verdict, judge};
use tembusu_conformance::golden::{FILE, Golden};
use tembusu_conformance::ours::Runner;

#[test]
fn tembusu_does_what_erlang_did() {
    let golden = Golden::read(FILE).expect("a golden file");
    assert!(golden.cases.len() >= 2000, "{} scenarios", golden.cases.len());
    assert!(golden.release.starts_with(|c: char| c.is_ascii_digit()), "it names its release: {}", golden.release);
    let runner = Runner::new();
    let mut explained: BTreeMap<&str, usize> = BTreeMap::new();
    for (scenario, theirs) in &golden.cases {
        let ours = runner.trace(scenario);
        match judge(scenario, theirs, &ours) {
            Verdict::Equal => {}
            Verdict::Explained(row) => *explained.entry(row.id).or_default() += 1,
            Verdict::Unexplained => panic!("{scenario}\nOTP  {theirs}\nours {ours}"),
        }
    }
    println!("{} scenarios of OTP {}, explained: {explained:?}", golden.cases.len(), golden.release);
    // Deviations are exceptions: a list that explains everything would prove nothing.
    assert!(explained.values().sum::<usize>() * 12 < golden.cases.len(), "{explained:?}");
}

#[test]
fn a_golden_file_reads_as_it_was_written() {
    assert_eq!(Golden::read(FILE).expect("a golden file").write(), FILE);
}
