//! Each seeded fault of the core is found by the golden traces, within 1,000 scenarios.
//!
//! Run by `cargo test -p tembusu-conformance --features mutations --test mutations`; without the feature there are
//! no faults to find.

#![cfg(feature = "mutations")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use tembusu::mutations::{Mutation, activate};
use tembusu_conformance::compare::{Verdict, judge};
use tembusu_conformance::golden::{FILE, Golden};
use tembusu_conformance::ours::Runner;

/// Within how many scenarios each is to be found.
const WITHIN: usize = 1000;

/// At which scenario the active fault shows.
fn found_at(golden: &Golden) -> Option<usize> {
    let runner = Runner::new();
    golden.cases.iter().take(WITHIN).position(|(scenario, theirs)| {
        // A fault may also break an invariant that the runner relies on.
        let ours = catch_unwind(AssertUnwindSafe(|| runner.trace(scenario)));
        ours.map_or(true, |ours| matches!(judge(scenario, theirs, &ours), Verdict::Unexplained))
    })
}

#[test]
fn every_seeded_fault_of_the_core_is_found() {
    let golden = Golden::read(FILE).expect("a golden file");
    activate(None);
    assert_eq!(found_at(&golden), None, "without a fault nothing is found");
    let mut missed = Vec::new();
    for mutation in Mutation::ALL {
        activate(Some(mutation));
        match found_at(&golden) {
            Some(at) => println!("{mutation:?}: found by scenario {}", at + 1),
            None => missed.push(mutation),
        }
    }
    activate(None);
    assert!(missed.is_empty(), "not found within {WITHIN} scenarios: {missed:?}");
}
