//! Each deviation explains what it is for and nothing that is close by; the list agrees with the document.

use tembusu_conformance::compare::{Verdict, judge};
use tembusu_conformance::deviations;
use tembusu_conformance::ours::Runner;
use tembusu_conformance::scenario::Scenario;
use tembusu_conformance::trace::Trace;

const DOCUMENT: &str = include_str!("../../../docs/otp-deviations.md");

/// What comes of `theirs`, which is what OTP said, or a version of it that it would never say.
fn verdict(scenario: &str, theirs: &str) -> Option<&'static str> {
    let scenario: Scenario = scenario.parse().expect("a scenario");
    let theirs: Trace = theirs.parse().expect("a trace");
    match judge(&scenario, &theirs, &Runner::new().trace(&scenario)) {
        Verdict::Equal => Some("equal"),
        Verdict::Explained(row) => Some(row.id),
        Verdict::Unexplained => None,
    }
}

#[test]
fn the_list_and_the_document_name_the_same_rows() {
    let table = DOCUMENT.split("\n## ").next().unwrap_or_default();
    let documented: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let listed: Vec<&str> = deviations::ALL.iter().map(|row| row.id).collect();
    assert_eq!(documented, listed);
}

#[test]
fn preempted_start_explains_a_start_for_nothing_under_one_for_one() {
    let scenario = "0 s0:o1p{w0:p w1:p};!! s0 w0 e w1 e";
    assert_eq!(verdict(scenario, "w0+1 w1+1>ok;w0-1e w1-1e w0+2 w0-2s s0-s>2"), Some("preempted-start"));
    assert_eq!(verdict(scenario, "w0+1 w1+1>ok;w0-1e w1-1e w0+2 w1+2>2;w1-2s w0-2s s0-s>"), None, "another charge");
    assert_eq!(verdict(scenario, "w0+1 w1+1>ok;w0-1e w1-1e w0+2 w0-2s s0-s>1"), None, "another answer");
}

#[test]
fn preempted_start_explains_a_start_for_nothing_in_a_group() {
    let scenario = "0 s0:r3p{w0:p w1:p w2:p};!! s0 w2 k w1 e;? s0";
    let start = "w0+1 w1+1 w2+1>ok;w2-1k w1-1e";
    let end = "w0=u,w1=u,w2=u;w2-3s w1-2s w0-1s s0-s>";
    let otp = |between: &str| format!("{start} {between}>2;>{end}");
    assert_eq!(verdict(scenario, &otp("w2+2 w2-2s w1+2 w2+3")), Some("preempted-start"));
    assert_eq!(verdict(scenario, &otp("w1+2 w2+3")), Some("equal"), "OTP could have been as fast");
    assert_eq!(verdict(scenario, &otp("w2+2 w2-2s w2+3 w1+2")), None, "in the wrong order");
    assert_eq!(verdict(scenario, &otp("w2+2 w2-2s w1+2")), None, "one did not come back");
}

#[test]
fn preempted_start_explains_nothing_where_one_child_dies_alone() {
    let scenario = "0 s0:o1p{w0:p w1:p};! s0 w0 e";
    assert_eq!(verdict(scenario, "w0+1 w1+1>ok;w0-1e w0+2>;w1-1s w0-2s s0-s>"), Some("equal"));
    assert_eq!(verdict(scenario, "w0+1 w1+1>ok;w0-1e w0+2 w0-2s w0+3>;w1-1s w0-3s s0-s>"), None);
}

#[test]
fn served_while_starting_explains_a_start_that_is_given_up_for_a_request() {
    let scenario = "0 s0:r2p{w0:p w1:p w2:p};!? s0 w0 e = - s0 w1;? s0";
    let start = "w0+1 w1+1 w2+1>ok;w0-1e w2-1s w1-1s w0+2";
    let end = "w0=u,w1=d,w2=u;w2-2s w0-2s s0-s>";
    let otp = |rest: &str| format!("{start} {rest};>{end}");
    assert_eq!(verdict(scenario, &otp("w1+2 w2+2 w1-2s>ok")), Some("served-while-starting"));
    assert_eq!(verdict(scenario, &otp("w2+2>ok")), Some("equal"), "OTP could have been as fast");
    assert_eq!(verdict(scenario, &otp("w1+2 w2+2 w1-2s>running")), None, "another answer");
    assert_eq!(verdict(scenario, &otp("w1+2 w1-2s>ok")), None, "one did not come back");
}

#[test]
fn served_while_starting_explains_what_is_said_of_one_that_is_starting() {
    let scenario = "0 s0:o2p{w0:p w1:p};!? s0 w0 e = ^ s0 w0;! s0 w0 e";
    let otp = "w0+1 w1+1>ok;w0-1e w0+2>running;w0-2e w0+3>;w1-1s w0-3s s0-s>";
    assert_eq!(verdict(scenario, otp), Some("served-while-starting"));
    assert_eq!(verdict(scenario, &otp.replace("running", "restarting")), Some("equal"));
    assert_eq!(verdict(scenario, &otp.replace("running", "ok")), None, "it would have been started twice");
    assert_eq!(verdict(scenario, &otp.replace(">;w1-1s w0-3s", " s0-s>;w1-1s")), None, "another charge");
    let other = "0 s0:o2p{w0:p w1:p};!? s0 w0 e = ^ s0 w1";
    assert_eq!(verdict(other, "w0+1 w1+1>ok;w0-1e w0+2>restarting;w1-1s w0-2s s0-s>"), None, "w1 runs");
}

#[test]
fn served_while_starting_explains_what_is_asked_of_one_that_gives_up_meanwhile() {
    let scenario = "0 s0:o1p{w0:p+off w1:pD};!? s0 w0 e = - s0 w1";
    let otp = "w0+1 w1+1>ok;w0-1e w0x2 w1-1k s0-s>ok";
    assert_eq!(verdict(scenario, otp), Some("served-while-starting"));
    assert_eq!(verdict(scenario, &otp.replace(" s0-s>ok", ">ok;s0-s>")), None, "it gave up for a reason");
}

#[test]
fn served_while_starting_explains_what_is_told_of_those_who_come_up() {
    let scenario = "0 s0:a2p{w0:p w1:p w2:t};- s0 w2;!? s0 w0 e = ? s0;!? s0 w0 e = # s0";
    let start = "w0+1 w1+1 w2+1>ok;w2-1s>ok;w0-1e w1-1s w0+2 w1+2 w2+2";
    let between = "w0-2e w2-2s w1-2s w0+3 w1+3 w2+3";
    let end = "w2-3s w1-3s w0-3s s0-s>";
    let otp = |which: &str, counts: &str| format!("{start}>{which};{between}>{counts};{end}");
    let told = ("w0=u,w1=u,w2=u", "3/3/0/3");
    assert_eq!(verdict(scenario, &otp(told.0, told.1)), Some("served-while-starting"));
    assert_eq!(verdict(scenario, &otp("w0=r,w1=d,w2=d", "3/0/0/3")), Some("equal"), "OTP could have been as fast");
    assert_eq!(verdict(scenario, &otp("w1=u,w0=u,w2=u", told.1)), None, "another order");
    assert_eq!(verdict(scenario, &otp("w0=u,w1=u", told.1)), None, "one is missing");
    assert_eq!(verdict(scenario, &otp("w0=d,w1=u,w2=u", told.1)), None, "it has come up");
    assert_eq!(verdict(scenario, &otp(told.0, "3/4/0/3")), None, "more than have come up");
    assert_eq!(verdict(scenario, &otp(told.0, "2/3/0/2")), None, "one is missing");
    let alone = "0 s0:o2p{w0:p w1:p};- s0 w1;!? s0 w0 e = ? s0";
    let of_alone = |which: &str| format!("w0+1 w1+1>ok;w1-1s>ok;w0-1e w0+2>{which};w0-2s s0-s>");
    assert_eq!(verdict(alone, &of_alone("w0=u,w1=d")), Some("served-while-starting"));
    assert_eq!(verdict(alone, &of_alone("w0=u,w1=u")), None, "nobody has started it");
}

#[test]
fn a_request_before_or_after_a_start_is_served_as_in_otp() {
    let scenario = "0 s0:o2p{w0:p w1:p};! s0 w0 e;^ s0 w0";
    assert_eq!(verdict(scenario, "w0+1 w1+1>ok;w0-1e w0+2>;>running;w1-1s w0-2s s0-s>"), Some("equal"));
    assert_eq!(verdict(scenario, "w0+1 w1+1>ok;w0-1e w0+2>;>restarting;w1-1s w0-2s s0-s>"), None);
}

#[test]
fn deleted_stays_deleted_explains_what_the_deleted_child_does_after_a_restart_of_its_supervisor() {
    let scenario = "0 s0:r3p{w0:t s1:a3p{w1:t w2:t}};- s1 w2;x s1 w2;! s0 w0 k;? s1;# s1";
    let otp = "w0+1 w1+1 w2+1>ok;w2-1s>ok;>ok;w0-1k w1-1s s1-s w0+2 w1+2 w2+2>;>w1=u,w2=u;>2/2/0/2;\
               w2-2s w1-2s s1-s w0-2s s0-s>";
    assert_eq!(verdict(scenario, otp), Some("deleted-stays-deleted"));
    assert_eq!(verdict(scenario, &otp.replace("w1=u,w2=u", "w1=d,w2=u")), None, "its sibling is down");
    assert_eq!(verdict(scenario, &otp.replace("w0+2 w1+2 w2+2", "w0+2 w2+2")), None, "its sibling stays away");
    assert_eq!(verdict(scenario, &otp.replacen("w2-1s>ok;>ok", "w2-1s>ok;>running", 1)), None, "it was not deleted");
}
