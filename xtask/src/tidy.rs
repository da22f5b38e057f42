//! The house rules that no compiler knows: files that say what they promise, and figures that follow from their inputs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::scale;

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

pub(crate) fn run() -> anyhow::Result<()> {
    let mut complaints = Vec::new();
    let mut files = 0;
    for folder in ["crates", "xtask", "bench"] {
        visit(&workspace().join(folder), &mut |path| {
            files += 1;
            check(path, &mut complaints)
        })?;
    }
    if let Err(error) = scale::check() {
        complaints.push(format!("{error:#}"));
    }
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if !complaints.is_empty() {
        bail!("{} complaints about {files} files", complaints.len());
    }
    println!("tidy: {files} files are in order");
    Ok(())
}

fn check(path: &Path, complaints: &mut Vec<String>) -> anyhow::Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let compile_fail = path.components().any(|part| part.as_os_str() == "ui");
    if !text.starts_with("//!") && !compile_fail {
        complaints.push(format!("{}:1: a file says what it promises first: `//! …`", path.display()));
    }
    for (number, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t']) {
            complaints.push(format!("{}:{}: white space at the end of the line", path.display(), number + 1));
        }
    }
    Ok(())
}

fn visit(folder: &Path, found: &mut impl FnMut(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                visit(&path, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found(&path)?;
        }
    }
    Ok(())
}
