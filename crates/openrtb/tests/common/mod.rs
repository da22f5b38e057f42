//! Recorded requests: this crate's own, and the shared ones where they exist.
#![allow(dead_code)] // each test file uses its part

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Lines of a file beside these tests.
pub(crate) fn fixture(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    lines(&path).unwrap_or_else(|| panic!("{} is part of this crate", path.display()))
}

/// Lines of a file of recorded traffic; `None` on a machine without it.
pub(crate) fn recorded(name: &str) -> Option<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|path| path.join("shared/data"));
    let path: PathBuf = folder.map(|folder| folder.join(name)).find(|path| path.exists())?;
    lines(&path)
}

fn lines(path: &Path) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect())
}

/// The MUSTs of the standard once more, written against a tree of values: which imps may be bid on.
pub(crate) fn biddable_by_the_book(request: &Value) -> Vec<usize> {
    let is_named = |id: &Value| match id {
        Value::String(id) => !id.is_empty(),
        other => other.is_number(),
    };
    let name = |id: &Value| id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    let Some(imps) = request["imp"].as_array() else { return Vec::new() };
    if !is_named(&request["id"]) {
        return Vec::new();
    }
    let twins = |imp: &Value| {
        imps.iter().filter(|other| is_named(&other["id"]) && name(&other["id"]) == name(&imp["id"])).count()
    };
    let media = |imp: &Value| ["banner", "video", "audio", "native"].iter().any(|kind| imp[kind].is_object());
    let sound = |imp: &Value| is_named(&imp["id"]) && media(imp) && twins(imp) == 1;
    imps.iter().enumerate().filter(|(_, imp)| sound(imp)).map(|(index, _)| index).collect()
}
