//! Durations of one case, summed up round by round.

use std::time::Duration;

use serde::Serialize;

/// One line of output: medians over the rounds' quantiles, and their spread.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) bench: &'static str,
    pub(crate) system: &'static str,
    pub(crate) case: &'static str,
    /// `init`: the new incarnation is ready; `first_message`: it has handled what had been waiting.
    pub(crate) until: &'static str,
    pub(crate) threads: usize,
    pub(crate) p50_us: f64,
    pub(crate) p50_us_min: f64,
    pub(crate) p50_us_max: f64,
    pub(crate) p99_us: f64,
    pub(crate) rounds: usize,
    pub(crate) samples_per_round: usize,
}

/// The rounds of one case.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    p50: Vec<f64>,
    p99: Vec<f64>,
    samples: usize,
}

impl Rounds {
    pub(crate) fn add(&mut self, mut durations: Vec<Duration>) {
        durations.sort_unstable();
        self.samples = durations.len();
        self.p50.push(quantile(&durations, 50));
        self.p99.push(quantile(&durations, 99));
    }

    pub(crate) fn line(&self, system: &'static str, case: &'static str, until: &'static str, threads: usize) -> Line {
        let mut p50 = self.p50.clone();
        p50.sort_by(f64::total_cmp);
        let mut p99 = self.p99.clone();
        p99.sort_by(f64::total_cmp);
        Line {
            bench: "restart",
            system,
            case,
            until,
            threads,
            p50_us: p50[p50.len() / 2],
            p50_us_min: p50[0],
            p50_us_max: p50[p50.len() - 1],
            p99_us: p99[p99.len() / 2],
            rounds: p50.len(),
            samples_per_round: self.samples,
        }
    }
}

fn quantile(sorted: &[Duration], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    let micros = sorted[index].as_nanos() as f64 / 1_000.0;
    (micros * 1_000.0).round() / 1_000.0
}
