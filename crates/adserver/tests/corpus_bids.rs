//! The same requests moved to Singapore, Indonesia and Thailand: what can be bid on is bid on, and every bid is good.
//!
//! A region takes a campaign's first lease when somebody wants to bid for it, and larger ones as it sees how much; until
//! the ledger has granted them it answers `unfunded`. The share is counted when traffic has flowed: every line is sent
//! in rounds before, until none is refused for want of a lease, and then once for the count.

mod corpus_support;
mod support;

use corpus_support::{Corpus, Exchange, Kind, Pass, SERVED, World, corpora, exchanges, start};
use simulator::{CurrencyRewrite, RequestView, transform};

const SEED: u64 = 20_261_122;

/// Of a hundred lines that a house campaign can serve, how many must be bid on.
const BID_PERCENT_MIN: usize = 85;

/// Lines that flow before the count: a small corpus goes round often.
const WARM_UP_LINES_MIN: usize = 2_000;

/// Lines after which regions without leases are a defect.
const WARM_UP_LINES_MAX: usize = 20_000;

/// The lines of a file, moved; those that are no object stay as they are.
fn moved(lines: &[String], seed: u64, currency: CurrencyRewrite) -> Vec<Vec<u8>> {
    let numbered = (1..).zip(lines);
    numbered
        .map(|(number, line)| match transform(line.as_bytes(), seed, number, currency) {
            Ok(moved) => moved.json,
            Err(_) => line.clone().into_bytes(),
        })
        .collect()
}

/// Whether a house campaign can be expected to bid: no test, a banner with a size, USD accepted.
fn is_for_the_house(line: &[u8]) -> bool {
    RequestView::read(line).is_some_and(|view| !view.test && view.has_sized_banner() && view.accepts("USD"))
}

/// Sends all files; says how many of the prebid lines for the house were bid on, of how many.
fn send(corpus: &Corpus, world: &World, exchange: &Exchange, currency: CurrencyRewrite) -> (usize, usize) {
    let mut share = (0, 0);
    for (kind, lines) in &corpus.files {
        let lines = moved(lines, SEED, currency);
        let counts = Pass { exchange, rates: &world.config.rates, name: kind.name() }.run(&lines);
        println!("{} corpus, {:>10} {:>7} {} lines:{counts}", corpus.name, exchange.name, kind.name(), lines.len());
        assert!(counts.complaints.is_empty(), "{:#?}", counts.complaints);
        if *kind == Kind::Prebid {
            let for_the_house = |number: &usize| is_for_the_house(&lines[*number - 1]);
            let bid_on = counts.bid_on.iter().filter(|number| for_the_house(number)).count();
            share = (bid_on, (1..=lines.len()).filter(for_the_house).count());
        }
    }
    share
}

/// Sends the prebid lines again and again until the regions have the leases that such traffic takes.
fn warm_up(corpus: &Corpus, world: &World, exchange: &Exchange) {
    let lines = moved(corpus.of(Kind::Prebid), SEED, CurrencyRewrite::Keep);
    let (mut sent, mut unfunded) = (0, 0);
    while sent < WARM_UP_LINES_MIN || 0 < unfunded {
        assert!(
            sent < WARM_UP_LINES_MAX,
            "after {sent} lines {unfunded} of {} are refused for want of a lease",
            lines.len()
        );
        let counts = Pass { exchange, rates: &world.config.rates, name: "warm-up" }.run(&lines);
        assert!(counts.complaints.is_empty(), "{:#?}", counts.complaints);
        unfunded = counts.reasons.get("unfunded").copied().unwrap_or(0);
        if sent == 0 {
            println!("{} corpus, first of all: {unfunded} of {} unfunded", corpus.name, lines.len());
        }
        sent += lines.len();
    }
}

#[test]
fn most_of_what_a_house_campaign_can_serve_is_bid_on_and_every_reply_is_valid() {
    println!("seed {SEED}");
    for corpus in corpora() {
        let world = start(&corpus, &SERVED, |_| {});
        let before = world.incarnations();
        let exchanges = exchanges(&world);
        warm_up(&corpus, &world, &exchanges[0]);
        for exchange in exchanges {
            let (bid_on, of) = send(&corpus, &world, &exchange, CurrencyRewrite::Keep);
            println!(
                "{:>10} bid on {bid_on} of the {of} prebid lines that are no test, have a sized banner and accept USD",
                exchange.name
            );
            assert!(of * BID_PERCENT_MIN <= bid_on * 100, "{}: only {bid_on} of {of}", exchange.name);
        }
        assert_eq!(before, world.incarnations(), "something restarted");
    }
}

#[test]
fn bids_in_local_currencies_are_valid_too() {
    println!("seed {SEED}");
    for corpus in corpora() {
        let world = start(&corpus, &SERVED, |_| {});
        let before = world.incarnations();
        for exchange in exchanges(&world) {
            send(&corpus, &world, &exchange, CurrencyRewrite::Mixed);
        }
        assert_eq!(before, world.incarnations(), "something restarted");
    }
}
