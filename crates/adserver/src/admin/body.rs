//! The definition in the body of a request.
//!
//! JSON has the keys of the file and takes its way: what is flawed is told as for the file, but by its key, for no line of
//! the body is known.

use campaign::Campaign;
use serde_json::{Value, json};

use crate::book::{BookError, read_campaigns_text};

/// Reads exactly one campaign.
pub(super) fn read_definition(body: &[u8], is_json: bool, exchanges: &[String]) -> Result<Campaign, BookError> {
    let invalid = |problem: String| BookError::Invalid(vec![problem]);
    let text = std::str::from_utf8(body).map_err(|error| invalid(format!("the body is not UTF-8: {error}")))?;
    let read = if is_json {
        let written = toml_of(text).map_err(invalid)?;
        read_campaigns_text(&written, exchanges).map_err(|error| match error {
            BookError::Invalid(problems) => {
                BookError::Invalid(problems.iter().map(|problem| by_key(problem, &written)).collect())
            }
            other => other,
        })
    } else {
        read_campaigns_text(text, exchanges)
    };
    let mut campaigns = read?;
    match (campaigns.pop(), campaigns.len()) {
        (Some(campaign), 0) => Ok(campaign),
        (found, more) => {
            let count = more + usize::from(found.is_some());
            Err(invalid(format!("{count} campaigns in the body: write exactly one [[campaign]]")))
        }
    }
}

/// The same definition as TOML. A key whose value is null is one that is left out.
fn toml_of(text: &str) -> Result<String, String> {
    let mut value: Value = serde_json::from_str(text).map_err(|error| format!("the body is no JSON: {error}"))?;
    drop_nulls(&mut value);
    if value.get("campaign").is_none() {
        value = json!({ "campaign": [value] });
    }
    toml::to_string(&value).map_err(|error| format!("the body is no definition: {error}"))
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(keys) => {
            keys.retain(|_, value| !value.is_null());
            keys.values_mut().for_each(drop_nulls);
        }
        Value::Array(values) => values.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Names the key where a flaw of a text names the line.
fn by_key(problem: &str, written: &str) -> String {
    let Some((line, rest)) = problem.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) else {
        return problem.to_owned();
    };
    if rest.starts_with("campaign ") {
        return rest.to_owned();
    }
    let row = line.parse::<usize>().ok().and_then(|line| written.lines().nth(line.saturating_sub(1)));
    match row.and_then(|row| row.split_once(" = ")) {
        Some((key, _)) => format!("{key}: {rest}"),
        None => rest.to_owned(),
    }
}
