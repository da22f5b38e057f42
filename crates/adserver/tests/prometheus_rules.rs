//! What the shipped rules look at is what the running server exports: names, labels and the values asked for.
//!
//! How: the expressions are read as far as that needs; whether they are right is shown by `promtool`, in the test command.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use support::{bid, get, post, start};

const RULES: &str = include_str!("../../../packaging/prometheus/adserver.rules.yml");
const RUNBOOK: &str = include_str!("../../../docs/operating.md");

/// What Prometheus adds to every series.
const OF_PROMETHEUS: &str = "instance";

#[derive(Debug)]
struct Rule<'a> {
    name: &'a str,
    is_record: bool,
    expr: String,
    runbook: Option<&'a str>,
}

/// Metrics with their labels, and the values of each.
type Exported = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn rules() -> Vec<Rule<'static>> {
    let mut rules: Vec<Rule<'static>> = Vec::new();
    let mut in_expr = false;
    for line in RULES.lines() {
        let text = line.trim();
        let named = text.strip_prefix("- record: ").map(|name| (name, true));
        if let Some((name, is_record)) = named.or(text.strip_prefix("- alert: ").map(|name| (name, false))) {
            rules.push(Rule { name, is_record, expr: String::new(), runbook: None });
            in_expr = false;
        } else if let Some(rule) = rules.last_mut() {
            if let Some(expr) = text.strip_prefix("expr: ") {
                in_expr = expr == "|";
                rule.expr.push_str(expr.trim_start_matches('|'));
            } else if ["for:", "labels:", "annotations:"].iter().any(|key| text.starts_with(key))
                || text.starts_with('#')
            {
                in_expr = false;
            } else if let Some(runbook) = text.strip_prefix("runbook: ") {
                rule.runbook = Some(runbook);
            } else if in_expr {
                rule.expr.push(' ');
                rule.expr.push_str(text);
            }
        }
    }
    rules
}

fn exported(page: &str) -> Exported {
    let mut exported = Exported::new();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let series = line.rsplit_once(' ').map_or(line, |(series, _)| series);
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let metric = exported.entry(name.to_owned()).or_default();
        for (label, value) in matchers(labels.trim_end_matches('}')) {
            metric.entry(label.to_owned()).or_default().insert(value.to_owned());
        }
    }
    exported
}

/// `a="x",b=~"y|z"` as names and values.
fn matchers(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("\",").filter_map(|pair| {
        let (label, value) = pair.split_once('=')?;
        let label = label.trim().trim_end_matches('!');
        Some((label, value.trim_start_matches(['~', '=']).trim_matches('"')))
    })
}

/// Names of metrics in an expression, with what stands in the braces behind each.
fn metrics(expr: &str) -> Vec<(&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut found = Vec::new();
    let mut rest = expr;
    while let Some(begin) = rest.find(is_part) {
        rest = &rest[begin..];
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        rest = behind;
        let braces = behind.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        if let Some((inside, behind)) = braces {
            rest = behind;
            found.push((name, inside));
        } else if ["adserver_", "tembusu_", "exchange:"].iter().any(|prefix| name.starts_with(prefix)) {
            found.push((name, ""));
        }
    }
    found
}

/// What is grouped by.
fn groups(expr: &str) -> BTreeSet<&str> {
    let lists = expr.split("by (").skip(1).filter_map(|list| list.split_once(')'));
    lists.flat_map(|(list, _)| list.split(',').map(str::trim)).collect()
}

#[test]
fn every_metric_and_label_of_the_rules_is_exported() {
    let world = start();
    bid(&world, "xandr");
    let port = world.system.ports().exchange("xandr").expect("configured").clone();
    // Kinds of malformation appear with their first.
    assert_eq!(post(port.address, &port.path, "{").status, 400);
    let exported = exported(&get(world.system.ports().admin, "/metrics").body);
    let rules = rules();
    let recorded: BTreeSet<&str> = rules.iter().filter(|rule| rule.is_record).map(|rule| rule.name).collect();
    assert_eq!((recorded.len(), rules.len()), (7, 22), "the file is read: {rules:#?}");
    for Rule { name, expr, .. } in &rules {
        let metrics = metrics(expr);
        assert!(!metrics.is_empty(), "{name} looks at something: {expr}");
        for (metric, matched) in metrics {
            if recorded.contains(metric) {
                continue;
            }
            let labels = exported.get(metric).unwrap_or_else(|| panic!("{name}: `{metric}` is not exported"));
            for (label, wanted) in matchers(matched) {
                let values = labels.get(label).unwrap_or_else(|| panic!("{name}: `{metric}` has no label `{label}`"));
                for value in wanted.split('|') {
                    assert!(values.contains(value), "{name}: no `{metric}` has {label}=\"{value}\": {values:?}");
                }
            }
            for group in groups(expr) {
                let is_there = group == OF_PROMETHEUS || labels.contains_key(group);
                assert!(is_there, "{name}: `{metric}` has no label `{group}` to group by");
            }
        }
    }
}

#[test]
fn every_alert_leads_to_a_chapter_of_the_runbook() {
    let anchors: BTreeSet<String> = RUNBOOK
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')))
        .map(|title| title.to_lowercase().replace(' ', "-"))
        .collect();
    for Rule { name, is_record, runbook, .. } in rules() {
        let Some(runbook) = runbook else {
            assert!(is_record, "{name} has no runbook");
            continue;
        };
        let (file, anchor) = runbook.split_once('#').expect("a chapter");
        assert_eq!(file, "docs/operating.md");
        assert!(anchors.contains(anchor), "{name}: there is no chapter `{anchor}` in {anchors:?}");
    }
}
