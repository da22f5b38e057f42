//! The storm: panics in `init`, `handle`, `stop`, inline calls, `Drop` of the state and `Drop` of the payload, at
//! random positions of random trees, one after the other and at once.
//!
//! Afterwards every tree equals the reference model, and nothing is left: no task, no thread, no descriptor, no
//! memory. What cannot be survived is shown by `tests/panics.rs` of `tembusu`: a panic during an unwind ends the process.

mod at_once;
mod dice;
mod grove;
mod leaks;
mod one_by_one;
mod unruly;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;

use dice::Dice;

/// How many trees live at the same time.
const LANES: u64 = 2;
/// How often progress is printed.
const PROGRESS: Duration = Duration::from_secs(10);

/// For how long an idle blocking thread is kept.
const KEEP_ALIVE: Duration = Duration::from_millis(20);

/// Panics by the million.
#[derive(Debug, Parser)]
#[command(name = "storm")]
struct Options {
    /// How many panics.
    #[arg(long, default_value_t = 1_000_000)]
    panics: u64,
    /// The seed of trees and histories; how threads interleave is not in it.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Debug, Default)]
struct Sums {
    trees: AtomicU64,
    agreements: AtomicU64,
}

fn main() -> ExitCode {
    // Reporting is not what is measured, and a million panics would be unreadable.
    std::panic::set_hook(Box::new(|_| {}));
    let options = Options::parse();
    let seed = options.seed.unwrap_or_else(dice::any_seed);
    println!("{} panics, --seed {seed}", options.panics);
    match run(options.panics, seed) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(what) => {
            println!("the storm has broken something: {what}");
            ExitCode::FAILURE
        }
    }
}

fn run(panics: u64, seed: u64) -> Result<String, String> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    // What a supervisor lets go of may be dropped on one of the runtime's blocking threads: kept for 10 s as they are by
    // default, they would be counted as leaked.
    builder.worker_threads(2).thread_keep_alive(KEEP_ALIVE).enable_all();
    let runtime = builder.build().map_err(|error| error.to_string())?;
    let started = Instant::now();
    // Whatever is allocated once and kept is there before the first measurement.
    runtime.block_on(lanes(panics / 20, seed))?;
    let calm = leaks::Holdings::now(&runtime)?;
    let sums = runtime.block_on(lanes(panics / 2, seed.wrapping_add(1)))?;
    let half = leaks::Holdings::now(&runtime)?;
    let more = runtime.block_on(lanes(panics, seed.wrapping_add(2)))?;
    let end = leaks::Holdings::now(&runtime)?;
    let took = started.elapsed();
    let held = leaks::compare(&calm, &half, &end)?;
    let count =
        |pick: fn(&Sums) -> &AtomicU64| pick(&sums).load(Ordering::Relaxed) + pick(&more).load(Ordering::Relaxed);
    Ok(format!(
        "{} panics in {} trees in {took:.1?}; {} comparisons with the model; {held}",
        unruly::panics(),
        count(|sums| &sums.trees),
        count(|sums| &sums.agreements),
    ))
}

/// Trees side by side until there were so many panics.
async fn lanes(until: u64, seed: u64) -> Result<Sums, String> {
    let sums = std::sync::Arc::new(Sums::default());
    let lanes: Vec<_> = (0..LANES).map(|lane| tokio::spawn(lane_of(until, seed, lane, sums.clone()))).collect();
    let progress = tokio::spawn(async {
        loop {
            tokio::time::sleep(PROGRESS).await;
            println!("{} panics", unruly::panics());
        }
    });
    let mut outcome = Ok(());
    for lane in lanes {
        outcome = outcome.and(lane.await.unwrap_or_else(|panic| Err(panic.to_string())));
    }
    progress.abort();
    let _ = progress.await;
    outcome.map(|()| std::sync::Arc::into_inner(sums).unwrap_or_default())
}

async fn lane_of(until: u64, seed: u64, lane: u64, sums: std::sync::Arc<Sums>) -> Result<(), String> {
    let mut trees = 0_u64;
    while unruly::panics() < until {
        let tree = seed.wrapping_mul(1_000_003).wrapping_add(lane + trees * LANES);
        let dice = Dice(tree);
        trees += 1;
        let comparisons =
            if trees.is_multiple_of(8) { at_once::live(dice).await } else { one_by_one::live(dice).await };
        let comparisons = comparisons.map_err(|what| format!("{what} (tree {tree})"))?;
        sums.trees.fetch_add(1, Ordering::Relaxed);
        sums.agreements.fetch_add(comparisons, Ordering::Relaxed);
    }
    Ok(())
}
