//! The Markdown table of the README, made from the lines of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context;

use crate::cases::{CASES, Peer};
use crate::summary::{Line, Row, short};

/// The columns, in order.
const COLUMNS: [(Peer, &str); 6] = [
    (Peer::Tembusu, "Tembusu"),
    (Peer::Otp, "Erlang/OTP"),
    (Peer::Ractor, "ractor"),
    (Peer::Kameo, "kameo"),
    (Peer::TokioSpawn, "bare Tokio"),
    (Peer::TokioInPlace, "in place"),
];

pub(crate) fn print(results: &[PathBuf]) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for path in results {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        for line in text.lines().filter(|line| line.starts_with('{')) {
            lines.push(serde_json::from_str(line).with_context(|| format!("a line of {}", path.display()))?);
        }
    }
    println!("{}", markdown(&lines));
    Ok(())
}

/// One row a case and number of threads, one column a peer; then what the targets say.
pub(crate) fn markdown(lines: &[Line]) -> String {
    let mut text = String::new();
    let machine = lines.iter().find_map(|line| if let Line::Machine(machine) = line { Some(machine) } else { None });
    if let Some(machine) = machine {
        let _ = writeln!(text, "{}. Medians of interleaved rounds [least..greatest].", machine.sentence());
        let _ = writeln!(
            text,
            "Restarts, µs: `init` done, p50 [..] / first queued message handled, p50; p99 of `init`. The others as they say.\n"
        );
    }
    let rows: Vec<&Row> =
        lines.iter().filter_map(|line| if let Line::Row(row) = line { Some(row) } else { None }).collect();
    let heads: Vec<&str> = COLUMNS.iter().map(|(_, head)| *head).collect();
    let _ = writeln!(text, "| case | threads | {} |", heads.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(COLUMNS.len()));
    for case in &CASES {
        let threads: BTreeSet<usize> = rows.iter().filter(|row| row.case == case.name).map(|row| row.threads).collect();
        for threads in threads {
            let cells: Vec<String> = COLUMNS
                .iter()
                .map(|(peer, _)| {
                    let figures: BTreeMap<&str, &Row> = rows
                        .iter()
                        .filter(|row| row.case == case.name && row.threads == threads && row.peer == peer.name())
                        .map(|row| (row.figure.as_str(), *row))
                        .collect();
                    cell(&figures)
                })
                .collect();
            let _ = writeln!(text, "| {} | {threads} | {} |", case.about, cells.join(" | "));
        }
    }
    let _ = writeln!(
        text,
        "\n| case | threads | figure | compared with | reached | target | |\n|---|---|---|---|---|---|---|"
    );
    for line in lines {
        let Line::Verdict(verdict) = line else { continue };
        let against = verdict.against.as_deref().unwrap_or("itself");
        let (median, min, max) = (short(verdict.median), short(verdict.min), short(verdict.max));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {against} | {median} [{min}..{max}] | {} | {} |",
            verdict.case,
            verdict.threads,
            words(&verdict.figure),
            verdict.target,
            verdict.verdict
        );
    }
    text
}

/// All that a peer did in one case.
fn cell(figures: &BTreeMap<&str, &Row>) -> String {
    if let (Some(init), Some(first)) = (figures.get("init_us"), figures.get("first_us")) {
        let mut text = format!("{} / {}", spread(init), short(first.median));
        if let Some(p99) = figures.get("init_p99_us") {
            let _ = write!(text, "; p99 {}", short(p99.median));
        }
        if let Some(growth) = figures.get("growth") {
            let _ = write!(text, "; growth {}", short(growth.median));
        }
        return text;
    }
    let cells: Vec<String> = figures.iter().map(|(figure, row)| format!("{} {}", spread(row), words(figure))).collect();
    if cells.is_empty() { "–".to_owned() } else { cells.join("; ") }
}

fn spread(row: &Row) -> String {
    let (median, min, max) = (short(row.median), short(row.min), short(row.max));
    if row.peer == "tembusu" { format!("**{median}** [{min}..{max}]") } else { format!("{median} [{min}..{max}]") }
}

/// A figure's name for people.
fn words(figure: &str) -> String {
    match figure {
        "init_us" => "init done, p50, µs".to_owned(),
        "init_p99_us" => "init done, p99, µs".to_owned(),
        "first_us" => "first message handled, p50, µs".to_owned(),
        "first_p99_us" => "first message handled, p99, µs".to_owned(),
        "call_us" => "p50, µs".to_owned(),
        "call_p99_us" => "p99, µs".to_owned(),
        "million_per_s" => "million/s".to_owned(),
        "spawn_us" => "µs a child".to_owned(),
        "bytes" => "bytes a child".to_owned(),
        other => other.replace('_', " "),
    }
}
