//! Rehearsals for tests.

use rehearsal::fault::Fault;
use rehearsal::judge::{Limits, Verdict, judge};
use rehearsal::world::Scenario;
use rehearsal::{Played, Watch, play};

pub(crate) const SEED: u64 = 20_260_928;

/// Plays a scenario, and judges it.
pub(crate) async fn rehearse(scenario: &Scenario, fault: Option<Fault>) -> (Played, Verdict) {
    println!("seed {}", scenario.seed);
    let played = play(scenario, fault, Watch::default(), |_| {}).await.expect("the rehearsal comes to its end");
    let verdict = judge(scenario, &played.cast, &played.record, &played.supply, Limits::PROMISED);
    (played, verdict)
}

/// The complaints that begin so.
pub(crate) fn complaints<'a>(verdict: &'a Verdict, beginning: &str) -> Vec<&'a String> {
    verdict.broken.iter().filter(|broken| broken.starts_with(beginning)).collect()
}
