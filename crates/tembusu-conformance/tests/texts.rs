//! Scenarios and traces are written as they are read.

use tembusu_conformance::generate;
use tembusu_conformance::ours::Runner;
use tembusu_conformance::scenario::Scenario;
use tembusu_conformance::trace::Trace;

#[test]
fn a_scenario_reads_as_it_was_written() {
    for seed in 1..500 {
        let scenario = generate::scenario(seed);
        assert_eq!(scenario.to_string().parse::<Scenario>(), Ok(scenario.clone()), "seed {seed}: {scenario}");
    }
}

#[test]
fn a_trace_reads_as_it_was_written_and_is_the_same_again() {
    let runner = Runner::new();
    for seed in 1..200 {
        let scenario = generate::scenario(seed);
        let trace = runner.trace(&scenario);
        assert_eq!(trace.to_string().parse::<Trace>(), Ok(trace.clone()), "seed {seed}: {trace}");
        assert_eq!(runner.trace(&scenario), trace, "seed {seed}: virtual time repeats itself");
    }
}

#[test]
fn what_is_no_scenario_is_refused_with_what_was_expected() {
    let error = "1 s0:q3p{}".parse::<Scenario>().expect_err("no such strategy");
    assert!(error.to_string().starts_with("no scenario:"), "{error}");
}
