//! How long a search of the index takes, and how much memory a campaign: `cargo run --release -p campaign --example index_bench`.
//!
//! Prints a line of JSON for each number of campaigns. Each query is timed in every round, and its least time counts: what
//! other processes do to one round is not the index's. A query is one imp: the columns, the rest of the rules, and every
//! candidate taken; `first` takes one. Numbers as arguments replace 1000, 10000 and 100000; with `--build` only the making is
//! timed: compiling all, an index of all, and one of a sixteenth that has changed; the least of five.

mod mix;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use campaign::{Campaign, Facts, Formats, Index, Scratch, Setting, Size, Want, compile_shared, explain};
use openrtb::{BidRequest, Imp};

use mix::Mix;

const COUNTS: [usize; 3] = [1_000, 10_000, 100_000];
const REQUESTS: usize = 1_000;
const ROUNDS: usize = 15;
const BUILDS: usize = 5;
/// Requests that are scanned linearly: enough for a mean.
const SCANNED: usize = 20;
/// A Tuesday noon.
const NOW_MS: i64 = 1_795_500_000_000;

fn main() {
    let named: Vec<usize> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let only_build = std::env::args().any(|argument| argument == "--build");
    for count in if named.is_empty() { COUNTS.to_vec() } else { named } {
        if only_build { measure_build(count) } else { measure(count) }
    }
}

fn measure_build(count: usize) {
    let mut mix = Mix::new(1);
    let definitions: Vec<Arc<Campaign>> = (1..=count as u32).map(|id| Arc::new(mix.campaign(id))).collect();
    let mut least = [f64::MAX; 3];
    for _ in 0..BUILDS {
        let mut timed =
            |which: usize, begun: Instant| least[which] = least[which].min(begun.elapsed().as_secs_f64() * 1e3);
        let begun = Instant::now();
        let compiled = |definition: &Arc<Campaign>| Arc::new(compile_shared(Arc::clone(definition)).expect("sound"));
        let campaigns: Vec<_> = definitions.iter().map(compiled).collect();
        timed(0, begun);
        let begun = Instant::now();
        black_box(Index::of(campaigns.iter().cloned()));
        timed(1, begun);
        let begun = Instant::now();
        black_box(Index::of(campaigns.iter().step_by(16).cloned()));
        timed(2, begun);
    }
    let [compile_ms, build_ms, part_ms] = least;
    println!(
        "{{\"bench\":\"index_build\",\"campaigns\":{count},\"compile_ms\":{compile_ms:.1},\"build_ms\":{build_ms:.1},\"build_sixteenth_ms\":{part_ms:.1}}}"
    );
}

fn measure(count: usize) {
    let mut mix = Mix::new(1);
    let before = resident_bytes();
    let definitions: Vec<Arc<Campaign>> = (1..=count as u32).map(|id| Arc::new(mix.campaign(id))).collect();
    let shared = definitions.iter().cloned();
    let campaigns: Vec<_> = shared.map(|definition| Arc::new(compile_shared(definition).expect("sound"))).collect();
    let compiled = resident_bytes().saturating_sub(before);
    let begun = Instant::now();
    let index = Index::of(campaigns);
    let build_ms = begun.elapsed().as_secs_f64() * 1e3;

    let texts: Vec<String> = (0..REQUESTS).map(|_| mix.request()).collect();
    let bytes = texts.iter().map(String::len).sum::<usize>() / texts.len();
    let requests: Vec<BidRequest<'_>> =
        texts.iter().map(|text| openrtb::parse_request(text.as_bytes()).expect("an object")).collect();
    let exchanges: Vec<&str> = (0..REQUESTS).map(|_| mix.exchange()).collect();
    let setting = |at: usize| Setting {
        exchange: exchanges[at],
        country: requests[at].country().expect("every request has one"),
        now_ms: NOW_MS,
    };

    let mut scratch = Scratch::new();
    let mut least = vec![[u64::MAX; 3]; REQUESTS];
    let mut matches = 0;
    for round in 0..ROUNDS {
        for (at, request) in requests.iter().enumerate() {
            let (imp, sizes) = (&request.imp[0], sizes(&request.imp[0]));
            let begun = Instant::now();
            let facts = black_box(Facts::of(request, setting(at)));
            let read = begun.elapsed();
            let want = want(&facts, imp, &sizes);
            let begun = Instant::now();
            let found = index.candidates(&want, &mut scratch).count();
            let all = begun.elapsed();
            let begun = Instant::now();
            black_box(index.candidates(&want, &mut scratch).next().is_some());
            let first = begun.elapsed();
            matches += if round == 0 { found } else { 0 };
            for (least, took) in least[at].iter_mut().zip([read, all, first]) {
                *least = (*least).min(took.as_nanos() as u64);
            }
        }
    }
    let begun = Instant::now();
    let step = REQUESTS / SCANNED;
    for at in (0..REQUESTS).step_by(step) {
        let (request, setting) = (&requests[at], setting(at));
        let fits = |campaign: &&Arc<Campaign>| explain(campaign, request, &request.imp[0], &setting).is_none();
        black_box(definitions.iter().filter(fits).count());
    }
    let scan_us = begun.elapsed().as_secs_f64() * 1e6 / SCANNED as f64;

    let [facts, all, first] = [0, 1, 2].map(|which| spread(least.iter().map(|least| least[which]).collect()));
    println!(
        "{{\"bench\":\"index\",\"campaigns\":{count},\"request_bytes\":{bytes},\"mean_matches\":{:.1},{},{},{},\"scan_mean_us\":{scan_us:.0},\"build_ms\":{build_ms:.1},\"index_bytes_per_campaign\":{},\"compiled_bytes_per_campaign\":{}}}",
        matches as f64 / REQUESTS as f64,
        line("query", all),
        line("first", first),
        line("facts", facts),
        index.bytes() / count,
        compiled / count,
    );
}

fn sizes(imp: &Imp<'_>) -> Vec<Size> {
    imp.banner.iter().flat_map(|banner| banner.sizes()).map(|(w, h)| Size::new(w, h)).collect()
}

fn want<'a>(facts: &'a Facts<'a>, imp: &'a Imp<'a>, sizes: &'a [Size]) -> Want<'a> {
    let deals = imp.pmp.as_ref().map_or(&[][..], |pmp| &pmp.deals);
    Want { facts, sizes, secure: imp.is_secure(), deals, formats: Formats::of(imp) }
}

/// Mean, median and 99th percentile, in microseconds.
fn spread(mut nanos: Vec<u64>) -> [f64; 3] {
    nanos.sort_unstable();
    let micros = |nanos: u64| nanos as f64 / 1e3;
    let mean = nanos.iter().sum::<u64>() / nanos.len() as u64;
    [micros(mean), micros(nanos[nanos.len() / 2]), micros(nanos[nanos.len() * 99 / 100])]
}

fn line(name: &str, [mean, median, p99]: [f64; 3]) -> String {
    format!("\"{name}_mean_us\":{mean:.2},\"{name}_p50_us\":{median:.2},\"{name}_p99_us\":{p99:.2}")
}

/// What the process holds, to a page; zero where the system does not tell.
fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4_096
}
