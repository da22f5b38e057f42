//! Scenarios that were once told apart from what Erlang/OTP does, with what it does: replayed without it.

use tembusu_conformance::compare::{Verdict, judge};
use tembusu_conformance::ours::Runner;
use tembusu_conformance::scenario::Scenario;
use tembusu_conformance::trace::Trace;

/// Scenarios and OTP's traces.
const CASES: &[(&str, &str)] = &[
    // A significant child ends while the restart of another is in flight, and that one ignores.
    ("0 s0:o3pL{w0:t*+oi w1:t*};!! s0 w0 e w1 n", "w0+1 w1+1>ok;w0-1e w1-1n w0?2 s0-s>2"),
    // The same with a slow init, and in a group.
    ("0 s0:o3pL{w0:t*+oi w1:t*};!! s0 w1 n w0 e", "w0+1 w1+1>ok;w1-1n w0-1e w0?2>2;s0-s>"),
    ("0 s0:o3pL{w0:t*+ofi w1:t*};!! s0 w0 e w1 n", "w0+1 w1+1>ok;w0-1e w1-1n w0x2 w0?3>2;s0-s>"),
    ("0 s0:r3pL{w0:t* w1:p w2:t*+oi};!! s0 w1 e w0 n", "w0+1 w1+1 w2+1>ok;w1-1e w0-1n w2-1s w1+2 w2?2 w1-2s s0-s>2"),
    ("0 s0:r3pL{w0:t* w1:p+os w2:t*+oi};!! s0 w1 e w0 n", "w0+1 w1+1 w2+1>ok;w1-1e w0-1n w2-1s w1+2 w2?2 w1-2s s0-s>2"),
    // A temporary child that a change of the code has added, and that nobody has started.
    (
        "0 s0:a3p{w0:p};~ s0 s0:a3p{w0:p c1:e c2:t};! s0 w0 e;? s0",
        "w0+1>ok;>ok;w0-1e w0+2 c2+1>;>w0=u,c2=u;c2-1s w0-2s s0-s>",
    ),
    ("0 s0:o1p{w0:t};~ s0 s0:r4pY{w0:t c3:e+i};^ s0 c3;? s0", "w0+1>ok;>ok;c3?1>ok;>w0=u,c3=d;w0-1s s0-s>"),
    // Whom the failed attempt of a group has not reached is undefined, not restarting.
    ("0 s0:r3pL{w0:t* w1:p+of w2:t*};!! s0 w1 e w0 n", "w0+1 w1+1 w2+1>ok;w1-1e w0-1n w2-1s w1x2 s0-s>2"),
    (
        "0 s0:r3pL{w0:t* w1:p w2:t*+of};!! s0 w1 e w0 n",
        "w0+1 w1+1 w2+1>ok;w1-1e w0-1n w2-1s w1+2 w2x2 w2+3>2;w2-3s w1-2s s0-s>",
    ),
];

#[test]
fn what_once_differed_from_erlang_does_not_any_more() {
    for (scenario, theirs) in CASES {
        let scenario: Scenario = scenario.parse().expect("a scenario");
        let theirs: Trace = theirs.parse().expect("a trace");
        let ours = Runner::new().trace(&scenario);
        assert!(matches!(judge(&scenario, &theirs, &ours), Verdict::Equal), "{scenario}\nOTP  {theirs}\nours {ours}");
    }
}
