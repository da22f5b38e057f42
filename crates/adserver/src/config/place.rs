//! Finds the line and the name of a key in TOML text, from an offset or from a path.
//!
//! A place is always found: where the exact key is absent, its table is named.

use std::fmt::Write as _;

use toml::de::{DeTable, DeValue};

/// One step from the top of the file to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A key of a table.
    Key(&'static str),
    /// An element of an array, counted from 0.
    Index(usize),
}

/// Where something stands in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Counted from 1.
    pub(super) line: usize,
    /// The key with its table; empty at the top of the file.
    pub(super) key: String,
}

impl Place {
    /// Finds the place of a path; if its end is absent, that of the last table on the way.
    pub(super) fn of_key(text: &str, steps: &[Step]) -> Place {
        let line = DeTable::parse(text).map_or(1, |top| line_of(text, offset_of(top.get_ref(), steps)));
        Place { line, key: name(steps) }
    }

    /// Finds the key whose value stands at `offset`.
    pub(super) fn at_offset(text: &str, offset: usize) -> Place {
        let offset = offset.min(text.len());
        let line = line_of(text, offset);
        let mut table = None;
        let mut key = None;
        let mut arrays = Vec::<(String, usize)>::new();
        for row in text.lines().take(line).map(str::trim) {
            if let Some(header) = row.strip_prefix("[[").and_then(|rest| rest.split_once("]]")) {
                let name = header.0.trim().to_owned();
                let count = match arrays.iter_mut().find(|(held, _)| *held == name) {
                    Some((_, count)) => {
                        *count += 1;
                        *count
                    }
                    None => {
                        arrays.push((name.clone(), 1));
                        1
                    }
                };
                (table, key) = (Some(format!("{name}[{count}]")), None);
            } else if let Some((name, _)) = row.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                (table, key) = (Some(name.trim().to_owned()), None);
            } else if let Some((name, _)) = row.split_once('=')
                && is_key(name.trim())
            {
                key = Some(name.trim().to_owned());
            }
        }
        let key = match (table, key) {
            (Some(table), Some(key)) => format!("{table}.{key}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => String::new(),
        };
        Place { line, key }
    }
}

fn is_key(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '"'))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

fn offset_of(top: &DeTable<'_>, steps: &[Step]) -> usize {
    let mut offset = 0;
    let mut table = Some(top);
    let mut value: Option<&DeValue<'_>> = None;
    for step in steps {
        let next = match step {
            Step::Key(key) => table.and_then(|table| table.get(*key)),
            Step::Index(index) => value.and_then(DeValue::as_array).and_then(|array| array.get(*index)),
        };
        let Some(next) = next else { break };
        offset = next.span().start;
        value = Some(next.get_ref());
        table = next.get_ref().as_table();
    }
    offset
}

/// `exchange[2].listen`: elements counted from 1, as people do.
fn name(steps: &[Step]) -> String {
    let mut name = String::new();
    for step in steps {
        match step {
            Step::Key(key) if name.is_empty() => name.push_str(key),
            Step::Key(key) => {
                name.push('.');
                name.push_str(key);
            }
            Step::Index(index) => {
                let _ = write!(name, "[{}]", index + 1);
            }
        }
    }
    name
}
