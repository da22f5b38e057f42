//! The programs in `examples/` run to their end; they assert what they show.

use std::path::{Path, PathBuf};
use std::process::Command;

/// How long a program may be, so that it is read in one go.
const LINES_MAX: usize = 120;

/// What the smallest useful program takes, comments and empty lines left out.
const QUICKSTART_LINES_MAX: usize = 35;

fn sources() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = std::fs::read_dir(&folder).expect("the folder of examples");
    let mut sources: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    sources.sort();
    sources
}

#[test]
fn every_example_runs_to_its_end() {
    // Cargo builds them with the tests, beside the folder that this program is in, unless it was asked for this test only.
    let own = std::env::current_exe().expect("the path of this program");
    let built = own.ancestors().nth(2).expect("the profile's folder").join("examples");
    if !sources().iter().all(|source| built.join(source.file_stem().expect("a name")).exists()) {
        let build =
            Command::new(env!("CARGO")).args(["build", "--locked", "--package", "tembusu", "--examples"]).status();
        assert!(build.expect("cargo runs").success(), "the examples do not compile");
    }
    let mut ran = 0;
    for source in sources() {
        let name = source.file_stem().expect("a name").to_owned();
        let output = Command::new(built.join(&name)).output().unwrap_or_else(|why| panic!("{}: {why}", name.display()));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} ended with {}: {said}", name.display(), output.status);
        ran += 1;
    }
    assert!(ran >= 4, "only {ran} examples were found");
}

#[test]
fn examples_are_short() {
    for source in sources() {
        let text = std::fs::read_to_string(&source).expect("an example");
        assert!(text.lines().count() < LINES_MAX, "{} is too long to be an example", source.display());
    }
}

#[test]
fn an_actor_a_chain_and_a_call_take_few_lines() {
    let text = include_str!("../examples/quickstart.rs");
    let code = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    assert!(code.count() <= QUICKSTART_LINES_MAX, "the smallest useful program has grown");
}
