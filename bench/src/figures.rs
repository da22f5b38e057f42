//! The figures of one sample: a run of one case by one peer, in a process of its own.

use std::collections::BTreeMap;
use std::time::Duration;

/// Figures by name; the name ends with the unit.
pub(crate) type Figures = BTreeMap<String, f64>;

/// Adds `NAME_us` (the median) and `NAME_p99_us`, divided by `per`.
pub(crate) fn quantiles(figures: &mut Figures, name: &str, durations: &[Duration], per: f64) {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    for (suffix, percent) in [("us", 50), ("p99_us", 99)] {
        let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        let micros = sorted.get(index).map_or(f64::NAN, |duration| duration.as_nanos() as f64 / 1_000.0 / per);
        figures.insert(format!("{name}_{suffix}"), micros);
    }
}

/// The resident memory of this process, in bytes.
pub(crate) fn resident_bytes() -> anyhow::Result<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = statm.split_whitespace().nth(1).unwrap_or_default().parse()?;
    Ok(pages * 4096.0)
}
