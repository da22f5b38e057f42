//! The demonstration's campaigns, with flights that are always on and budgets that no benchmark uses up.

use campaign::{Campaign, parse_campaigns};

const DEMO: &str = include_str!("../../../../crates/adserver/src/demo/campaigns.toml");

/// The definitions as a file.
pub(super) fn text() -> String {
    let line = |line: &str| match line.split_once(" = ") {
        Some(("budget", _)) => "budget = \"5000000.00\"\n".to_owned(),
        Some(("starts", _)) => "starts = \"2020-01-01\"\n".to_owned(),
        Some(("ends", _)) => "ends = \"2090-12-31\"\n".to_owned(),
        // One exchange is configured, and every campaign may bid on it.
        Some(("exchanges", _)) => String::new(),
        // Even pacing of such a budget over such a flight is nobody's.
        Some(("pacing", _)) => "pacing = \"asap\"\n".to_owned(),
        _ => format!("{line}\n"),
    };
    DEMO.lines().map(line).collect()
}

pub(super) fn parsed() -> anyhow::Result<Vec<Campaign>> {
    Ok(parse_campaigns(&text())?)
}
