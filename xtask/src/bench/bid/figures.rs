//! The figures of one case, round by round, and the line that they make.

use std::fmt;

use serde::Serialize;

/// What one round found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    pub(super) requests: u64,
    pub(super) requests_per_second: f64,
    pub(super) cpu_us_per_request: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    /// Of 1000 requests, how many were answered 200: by us, with a bid.
    pub(super) ok_per_mille: u64,
    /// Requests without a valid answer: a round with any is void.
    pub(super) lost: u64,
}

/// What is the same in all rounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) connections: usize,
    pub(super) request_bytes: usize,
    pub(super) campaigns: u32,
}

/// One line of output: medians over the rounds, and their spread.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    bench: &'static str,
    system: &'static str,
    case: &'static str,
    requests_per_second: f64,
    requests_per_second_min: f64,
    requests_per_second_max: f64,
    cpu_us_per_request: f64,
    cpu_us_per_request_min: f64,
    cpu_us_per_request_max: f64,
    p50_us: f64,
    p99_us: f64,
    p99_us_max: f64,
    rounds: usize,
    requests: u64,
    connections: usize,
    request_bytes: usize,
    campaigns: u32,
    ok_per_mille: u64,
    lost: u64,
}

/// By which cases are compared.
impl Line {
    /// Median CPU time of a request over the rounds.
    pub(super) fn cpu_us(&self) -> f64 {
        self.cpu_us_per_request
    }

    /// The least of them.
    pub(super) fn cpu_us_min(&self) -> f64 {
        self.cpu_us_per_request_min
    }

    /// Median of requests per second.
    pub(super) fn rate(&self) -> f64 {
        self.requests_per_second
    }
}

/// The rounds of one case.
#[derive(Debug, Default)]
pub(super) struct Rounds(Vec<Figures>);

impl Rounds {
    pub(super) fn add(&mut self, figures: Figures) {
        self.0.push(figures);
    }

    pub(super) fn line(&self, system: &'static str, case: &'static str, shape: Shape) -> Line {
        let of = |figure: fn(&Figures) -> f64| Spread::of(self.0.iter().map(figure).collect());
        let (rate, cpu) = (of(|figures| figures.requests_per_second), of(|figures| figures.cpu_us_per_request));
        let (p50, p99) = (of(|figures| figures.p50_us), of(|figures| figures.p99_us));
        let rounds = self.0.len().max(1) as u64;
        Line {
            bench: "bid",
            system,
            case,
            requests_per_second: rate.median,
            requests_per_second_min: rate.min,
            requests_per_second_max: rate.max,
            cpu_us_per_request: cpu.median,
            cpu_us_per_request_min: cpu.min,
            cpu_us_per_request_max: cpu.max,
            p50_us: p50.median,
            p99_us: p99.median,
            p99_us_max: p99.max,
            rounds: self.0.len(),
            requests: self.0.iter().map(|figures| figures.requests).sum(),
            connections: shape.connections,
            request_bytes: shape.request_bytes,
            campaigns: shape.campaigns,
            ok_per_mille: self.0.iter().map(|figures| figures.ok_per_mille).sum::<u64>() / rounds,
            lost: self.0.iter().map(|figures| figures.lost).sum(),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>12} {:<12} {:>6} campaigns {:9.0} req/s [{:.0}..{:.0}], {:7.2} us CPU/req [{:.2}..{:.2}], p50 {:8.1} us, p99 {:8.1} us, {} of 1000 answered 200, {} lost",
            self.system,
            self.case,
            self.campaigns,
            self.requests_per_second,
            self.requests_per_second_min,
            self.requests_per_second_max,
            self.cpu_us_per_request,
            self.cpu_us_per_request_min,
            self.cpu_us_per_request_max,
            self.p50_us,
            self.p99_us,
            self.ok_per_mille,
            self.lost
        )
    }
}

/// Median, least and most, to three decimals.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    min: f64,
    max: f64,
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} [{:.2}..{:.2}]", self.median, self.min, self.max)
    }
}

impl Spread {
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).map_or(0.0, |value| (value * 1_000.0).round() / 1_000.0);
        Self { median: at(values.len() / 2), min: at(0), max: at(values.len().saturating_sub(1)) }
    }
}
