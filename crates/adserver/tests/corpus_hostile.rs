//! Hostile payloads of every kind, to every exchange: each gets an answer that is right for it, and nothing restarts.

mod corpus_support;
mod support;

use corpus_support::{SERVED, exchanges, own, start};
use simulator::{HostileKind, Outcome, Probe};

/// Payloads of each kind, each drawn anew.
const SEEDS: std::ops::Range<u64> = 0..8;

#[test]
fn every_hostile_payload_gets_a_right_answer_and_nothing_restarts() {
    println!("seeds {SEEDS:?}");
    let world = start(&own(), &SERVED, |_| {});
    let before = world.incarnations();
    let mut wrong = Vec::new();
    for exchange in exchanges(&world) {
        for kind in HostileKind::ALL {
            let mut statuses = Vec::new();
            for seed in SEEDS {
                let payload = kind.payload(seed);
                let mut probe = Probe::new(exchange.endpoint.clone(), support::WITHIN);
                let outcome = exchange.block_on(probe.hostile(&payload));
                match &outcome {
                    Outcome::Answered(answer) if payload.expectation.allows(answer.status.as_u16()) => {
                        statuses.push(answer.status.as_u16());
                    }
                    _ => wrong.push(format!("{} {kind:?} seed {seed}: {outcome:?}", exchange.name)),
                }
            }
            println!("{:>10} {kind:?}: {statuses:?}", exchange.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(before, world.incarnations(), "something restarted");
}
