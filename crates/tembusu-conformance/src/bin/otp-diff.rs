//! `otp-diff`: runs random scenarios on Erlang/OTP and on tembusu, and says where they differ.
//!
//! It ends non-zero when a difference is unexplained.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Parser;
use tembusu_conformance::compare::{Verdict, judge};
use tembusu_conformance::deviations;
use tembusu_conformance::erlang::Erlang;
use tembusu_conformance::generate;
use tembusu_conformance::golden::Golden;
use tembusu_conformance::ours::Runner;
use tembusu_conformance::scenario::Scenario;
use tembusu_conformance::shrink::shrink;
use tembusu_conformance::trace::Trace;

/// How many scenarios are compared at a time.
const BATCH: usize = 1000;

/// How many of the unexplained are shrunk and printed.
const SHOWN: usize = 8;

/// How often a scenario is run to make it smaller.
const SHRINKS: usize = 400;

/// Compares tembusu with Erlang/OTP on random trees with random scripts.
#[derive(Debug, Parser)]
struct Options {
    /// How many scenarios.
    #[arg(long, default_value_t = 10_000)]
    scenarios: u64,
    /// The seed of the first; the others follow.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this seed: prints its text and both traces.
    #[arg(long)]
    only: Option<u64>,
    /// Only this text of a scenario, as an unexplained one is printed.
    #[arg(long, conflicts_with = "only")]
    text: Option<String>,
    /// Prints the result as JSON.
    #[arg(long)]
    json: bool,
    /// How many `erl`s run at once.
    #[arg(long, default_value_t = 2)]
    beams: usize,
    /// Writes the scenarios and OTP's traces into this file instead.
    #[arg(long)]
    write_golden: Option<PathBuf>,
}

#[derive(Default)]
struct Sum {
    scenarios: u64,
    events: u64,
    explained: BTreeMap<&'static str, u64>,
    unexplained: u64,
    shown: Vec<(Scenario, Trace, Trace)>,
    ours: Duration,
    theirs: Duration,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut erlang = Erlang::start(options.beams.max(1))?;
    let runner = Runner::new();
    if let Some(text) = &options.text {
        return one(&text.parse()?, &mut erlang, &runner);
    }
    if let Some(seed) = options.only {
        return one(&generate::scenario(seed), &mut erlang, &runner);
    }
    let end = options.seed + options.scenarios;
    if let Some(path) = &options.write_golden {
        let scenarios: Vec<Scenario> =
            (options.seed..end).map(generate::scenario).filter(|scenario| !scenario.has_gaps()).collect();
        let traces = erlang.traces(&scenarios)?;
        let golden =
            Golden { release: erlang.release().to_owned(), cases: scenarios.into_iter().zip(traces).collect() };
        std::fs::write(path, golden.write())?;
        println!("{} scenarios of OTP {} in {}", golden.cases.len(), golden.release, path.display());
        return Ok(());
    }
    let started = Instant::now();
    let mut sum = Sum::default();
    let mut gaps = Vec::new();
    let mut batch = Vec::new();
    for seed in options.seed..end {
        let scenario = generate::scenario(seed);
        // Those that wait for real time to pass wait together.
        if scenario.has_gaps() {
            gaps.push(scenario)
        } else {
            batch.push(scenario)
        }
        if batch.len() == BATCH {
            compare(&std::mem::take(&mut batch), &mut erlang, &runner, &mut sum)?;
            eprintln!("{} compared, {} unexplained, {:.0?}", sum.scenarios, sum.unexplained, started.elapsed());
        }
    }
    compare(&batch, &mut erlang, &runner, &mut sum)?;
    for batch in gaps.chunks(BATCH) {
        compare(batch, &mut erlang, &runner, &mut sum)?;
    }
    let took = started.elapsed();
    for (scenario, theirs, ours) in std::mem::take(&mut sum.shown) {
        let smaller = shrink(&scenario, SHRINKS, |smaller| {
            let theirs = erlang.traces(std::slice::from_ref(smaller))?;
            Ok::<_, anyhow::Error>(matches!(judge(smaller, &theirs[0], &runner.trace(smaller)), Verdict::Unexplained))
        })?;
        eprintln!("\nunexplained, seed {}:\n  {scenario}\n  OTP  {theirs}\n  ours {ours}\nsmaller:", scenario.seed);
        let theirs = erlang.traces(std::slice::from_ref(&smaller))?;
        eprintln!("  {smaller}\n  OTP  {}\n  ours {}", theirs[0], runner.trace(&smaller));
    }
    report(&options, erlang.release(), &sum, took);
    if sum.unexplained > 0 {
        bail!("{} scenarios differ and nothing explains it", sum.unexplained);
    }
    Ok(())
}

fn one(scenario: &Scenario, erlang: &mut Erlang, runner: &Runner) -> anyhow::Result<()> {
    let theirs = erlang.traces(std::slice::from_ref(scenario))?.remove(0);
    let ours = runner.trace(scenario);
    println!("{scenario}\nOTP  {theirs}\nours {ours}");
    match judge(scenario, &theirs, &ours) {
        Verdict::Equal => println!("equal"),
        Verdict::Explained(row) => println!("explained by {}: {}", row.id, row.what),
        Verdict::Unexplained => bail!("unexplained"),
    }
    Ok(())
}

fn compare(batch: &[Scenario], erlang: &mut Erlang, runner: &Runner, sum: &mut Sum) -> anyhow::Result<()> {
    let (theirs, ours) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| {
            let started = Instant::now();
            (erlang.traces(batch), started.elapsed())
        });
        let started = Instant::now();
        let ours: Vec<Trace> = batch.iter().map(|scenario| runner.trace(scenario)).collect();
        sum.ours += started.elapsed();
        (theirs.join().expect("it does not panic"), ours)
    });
    sum.theirs += theirs.1;
    for ((scenario, theirs), ours) in batch.iter().zip(theirs.0?).zip(ours) {
        sum.scenarios += 1;
        sum.events += theirs.len() as u64;
        match judge(scenario, &theirs, &ours) {
            Verdict::Equal => {}
            Verdict::Explained(row) => *sum.explained.entry(row.id).or_default() += 1,
            Verdict::Unexplained => {
                sum.unexplained += 1;
                if sum.shown.len() < SHOWN {
                    sum.shown.push((scenario.clone(), theirs, ours));
                }
            }
        }
    }
    Ok(())
}

fn report(options: &Options, release: &str, sum: &Sum, took: Duration) {
    let explained: BTreeMap<&str, u64> =
        deviations::ALL.iter().map(|row| (row.id, sum.explained.get(row.id).copied().unwrap_or(0))).collect();
    let rate = sum.scenarios as f64 / took.as_secs_f64();
    if options.json {
        let value = serde_json::json!({
            "otp_release": release,
            "seed": options.seed,
            "scenarios": sum.scenarios,
            "compared_events": sum.events,
            "explained": explained,
            "unexplained": sum.unexplained,
            "seconds": took.as_secs_f64(),
            "seconds_otp": sum.theirs.as_secs_f64(),
            "seconds_tembusu": sum.ours.as_secs_f64(),
            "scenarios_per_second": rate,
        });
        println!("{value:#}");
        return;
    }
    println!("Erlang/OTP {release}");
    println!("{} scenarios from seed {}, {} events and answers compared", sum.scenarios, options.seed, sum.events);
    for (id, count) in explained {
        println!("explained by {id}: {count}");
    }
    println!("unexplained: {}", sum.unexplained);
    println!("{took:.1?}, {rate:.0} scenarios a second (OTP {:.1?}, tembusu {:.1?})", sum.theirs, sum.ours);
}
