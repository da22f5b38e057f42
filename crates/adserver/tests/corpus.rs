//! Requests that nobody here wrote, sent as they are: each gets 200, 204 or 400 in time, and nothing restarts.
//!
//! Requests without a known country are given to Singapore, and the house campaigns run where they come from, so that
//! what can be bid on is.

mod corpus_support;
mod support;

use corpus_support::{Corpus, Kind, Pass, corpora, exchanges, start};

/// Of a hundred lines of the file `other`, how many must parse.
const OTHER_PERCENT_MIN: usize = 98;

/// Where most of the recorded requests come from.
const COUNTRIES: [&str; 12] = ["US", "CA", "GB", "DE", "FR", "ES", "IT", "NL", "PL", "SG", "ID", "TH"];

#[test]
fn every_recorded_request_is_answered_in_time_and_nothing_restarts() {
    for corpus in corpora() {
        send(&corpus);
    }
}

fn send(corpus: &Corpus) {
    let world = start(corpus, &COUNTRIES, |config| {
        for exchange in &mut config.exchanges {
            exchange.default_region = Some("sg".to_owned());
        }
    });
    let before = world.incarnations();
    let mut complaints = Vec::new();
    for exchange in exchanges(&world) {
        for (kind, lines) in &corpus.files {
            let pass = Pass { exchange: &exchange, rates: &world.config.rates, name: kind.name() };
            let counts = pass.run(lines);
            println!("{} corpus, {:>10} {:>7} {} lines:{counts}", corpus.name, exchange.name, kind.name(), lines.len());
            let refused = counts.status(400);
            let enough = match kind {
                Kind::Prebid | Kind::Odd => refused == 0,
                Kind::Other => lines.len() * OTHER_PERCENT_MIN <= (lines.len() - refused) * 100,
                Kind::Invalid => true,
            };
            if !enough {
                complaints.push(format!("{}: {refused} of {} do not parse", kind.name(), lines.len()));
            }
            complaints.extend(counts.complaints);
        }
        let meters = world.system.meters().exchange(&exchange.name).expect("the exchange has meters");
        println!("{:>10} 400 by kind: {:?}", exchange.name, meters.malformed.iter().collect::<Vec<_>>());
    }
    assert!(complaints.is_empty(), "{} complaints: {complaints:#?}", complaints.len());
    assert_eq!(before, world.incarnations(), "something restarted");
}
