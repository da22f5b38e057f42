//! From rounds to rows and verdicts.
//!
//! A row is the median of its rounds with the least and the greatest. A verdict compares within each round, since
//! the machine may be faster in one than in another, and takes the median of those ratios; what misses its target
//! by less than 15 % counts as equal.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cases::{Against, Case, Limit, Target};
use crate::machine::{FOREIGN_CORES_MAX, Machine};
use crate::rounds::{Sample, Series};

/// A difference smaller than this is not resolved.
const EQUAL: f64 = 1.15;

/// One line of output.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Line {
    Machine(Machine),
    Restart(Restart),
    Row(Row),
    Verdict(Verdict),
}

/// Where restarts are measured, a peer's figures at a glance; each of them is a [`Row`] of its own as well.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Restart {
    pub(crate) bench: String,
    pub(crate) system: String,
    pub(crate) case: String,
    pub(crate) threads: usize,
    /// From the crash to the end of the new `init`.
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// From the crash to the first queued message handled.
    pub(crate) first_message_p50_us: f64,
    pub(crate) first_message_p99_us: f64,
    pub(crate) rounds: usize,
}

/// A figure of one peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) bench: String,
    pub(crate) case: String,
    pub(crate) about: String,
    pub(crate) peer: String,
    pub(crate) threads: usize,
    pub(crate) figure: String,
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) rounds: usize,
    /// Rounds in which others used the machine.
    pub(crate) disturbed: usize,
    /// Tembusu's figure over this one: the median of the rounds.
    pub(crate) tembusu_over: Option<f64>,
}

/// Whether a target is met.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) case: String,
    pub(crate) threads: usize,
    pub(crate) figure: String,
    /// Whom it is compared with; `None`: the figure itself.
    pub(crate) against: Option<String>,
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) rounds: usize,
    pub(crate) target: String,
    pub(crate) verdict: Reached,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reached {
    Met,
    Equal,
    Missed,
}

/// The rows of one case at so many threads, then its verdicts.
pub(crate) fn lines(case: &Case, threads: usize, series: &Series) -> Vec<Line> {
    let mut lines = Vec::new();
    let own = series.get("tembusu");
    for peer in case.peers {
        let Some(samples) = series.get(peer.name()) else { continue };
        let Some(figures) = samples.iter().flatten().next().map(|sample| &sample.figures) else { continue };
        lines.extend(restart(case, peer.name(), threads, samples).map(Line::Restart));
        for figure in figures.keys() {
            let Some(spread) = Spread::of(values(samples, figure)) else { continue };
            lines.push(Line::Row(Row {
                bench: case.bench.to_owned(),
                case: case.name.to_owned(),
                about: case.about.to_owned(),
                peer: peer.name().to_owned(),
                threads,
                figure: figure.clone(),
                median: spread.median,
                min: spread.min,
                max: spread.max,
                rounds: spread.rounds,
                disturbed: samples.iter().flatten().filter(|sample| sample.foreign > FOREIGN_CORES_MAX).count(),
                tembusu_over: own
                    .filter(|_| peer.name() != "tembusu")
                    .and_then(|own| Spread::of(ratios(own, samples, figure)))
                    .map(|spread| spread.median),
            }));
        }
    }
    lines.extend(case.targets.iter().filter_map(|target| verdict(case, threads, series, target)).map(Line::Verdict));
    lines
}

fn restart(case: &Case, system: &str, threads: usize, samples: &[Option<Sample>]) -> Option<Restart> {
    let median = |figure| Spread::of(values(samples, figure));
    let init = median("init_us")?;
    Some(Restart {
        bench: case.bench.to_owned(),
        system: system.to_owned(),
        case: case.name.to_owned(),
        threads,
        p50_us: init.median,
        p99_us: median("init_p99_us")?.median,
        first_message_p50_us: median("first_us")?.median,
        first_message_p99_us: median("first_p99_us")?.median,
        rounds: init.rounds,
    })
}

fn verdict(case: &Case, threads: usize, series: &Series, target: &Target) -> Option<Verdict> {
    let own = series.get("tembusu")?;
    let (against, values) = match target.against {
        Against::Itself => (None, values(own, target.figure)),
        Against::Ratio(peer) => (Some(peer.name().to_owned()), ratios(own, series.get(peer.name())?, target.figure)),
    };
    let spread = Spread::of(values)?;
    let (text, reached) = match target.limit {
        Limit::AtMost(limit) => (format!("<= {}", short(limit)), reached(spread.median / limit)),
        Limit::AtLeast(limit) => (format!(">= {}", short(limit)), reached(limit / spread.median)),
    };
    Some(Verdict {
        case: case.name.to_owned(),
        threads,
        figure: target.figure.to_owned(),
        against,
        median: spread.median,
        min: spread.min,
        max: spread.max,
        rounds: spread.rounds,
        target: text,
        verdict: reached,
    })
}

/// `over` is how much of the limit was used: 1 is exactly at it.
fn reached(over: f64) -> Reached {
    if over <= 1.0 {
        Reached::Met
    } else if over < EQUAL {
        Reached::Equal
    } else {
        Reached::Missed
    }
}

fn values(samples: &[Option<Sample>], figure: &str) -> Vec<f64> {
    samples.iter().flatten().filter_map(|sample| sample.figures.get(figure)).copied().collect()
}

/// Ours over theirs, round by round.
fn ratios(own: &[Option<Sample>], theirs: &[Option<Sample>], figure: &str) -> Vec<f64> {
    let pairs = own.iter().zip(theirs);
    pairs
        .filter_map(|(own, theirs)| {
            let own = own.as_ref()?.figures.get(figure)?;
            let theirs = theirs.as_ref()?.figures.get(figure)?;
            Some(own / theirs)
        })
        .collect()
}

struct Spread {
    median: f64,
    min: f64,
    max: f64,
    rounds: usize,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        Some(Self { median: values[values.len() / 2], min, max, rounds: values.len() })
    }
}

/// Three significant digits.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        small if small >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Met => "met",
            Self::Equal => "equal",
            Self::Missed => "MISSED",
        })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine(machine) => f.write_str(&machine.sentence()),
            Self::Restart(restart) => {
                let (init, first) = (short(restart.p50_us), short(restart.first_message_p50_us));
                write!(f, "{:<18} {:<15} {} thread(s) ", restart.case, restart.system, restart.threads)?;
                write!(f, "restarts: {init} us to the end of init, {first} us to the first message")
            }
            Self::Row(row) => {
                let (median, min, max) = (short(row.median), short(row.min), short(row.max));
                write!(f, "{:<18} {:<15} {} thread(s) ", row.case, row.peer, row.threads)?;
                write!(f, "{:<14} {median:>8} [{min}..{max}]", row.figure)?;
                if let Some(over) = row.tembusu_over {
                    write!(f, ", tembusu is {} of it", short(over))?;
                }
                if row.disturbed > 0 {
                    write!(f, ", {} of {} rounds disturbed", row.disturbed, row.rounds)?;
                }
                Ok(())
            }
            Self::Verdict(verdict) => {
                let (median, min, max) = (short(verdict.median), short(verdict.min), short(verdict.max));
                let against = verdict.against.as_deref().map_or(String::new(), |peer| format!(" of {peer}"));
                write!(f, "{:<18} {} thread(s) {}{against}: ", verdict.case, verdict.threads, verdict.figure)?;
                write!(f, "{median} [{min}..{max}], target {}: {}", verdict.target, verdict.verdict)
            }
        }
    }
}
