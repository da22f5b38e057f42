//! Every case of OTP's suite is tested under its number and name or explained in `docs/otp-deviations.md`, and every
//! letter of the list beyond it is tested.
//!
//! A citation is a line of a test's documentation: `/// 44 `temporary_bystander`` or `/// Beyond OTP's suite (b)`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The cases of `supervisor_SUITE` in the order of its groups; the first is number 1.
const CASES: [&str; 96] = [
    "sup_start_normal",
    "sup_start_ignore_init",
    "sup_start_ignore_child",
    "sup_start_ignore_temporary_child",
    "sup_start_ignore_temporary_child_start_child",
    "sup_start_ignore_temporary_child_start_child_simple",
    "sup_start_ignore_permanent_child_start_child_simple",
    "sup_start_error_return",
    "sup_start_fail",
    "sup_start_restart_child_returns_error",
    "sup_start_child_returns_error",
    "sup_start_child_returns_error_simple",
    "sup_start_map",
    "sup_start_map_simple",
    "sup_start_map_faulty_specs",
    "sup_stop_infinity",
    "sup_stop_timeout",
    "sup_stop_timeout_dynamic",
    "sup_stop_brutal_kill",
    "sup_stop_brutal_kill_dynamic",
    "sup_stop_race",
    "sup_stop_non_shutdown_exit_dynamic",
    "sup_stop_manual",
    "sup_stop_manual_timeout",
    "child_adm",
    "child_adm_simple",
    "extra_return",
    "child_specs",
    "child_specs_map",
    "sup_flags",
    "which_children",
    "which_children_simple_one_for_one",
    "already_started_outside_supervisor",
    "permanent_normal",
    "transient_normal",
    "temporary_normal",
    "permanent_shutdown",
    "transient_shutdown",
    "temporary_shutdown",
    "permanent_abnormal",
    "transient_abnormal",
    "temporary_abnormal",
    "external_start_no_progress_log",
    "temporary_bystander",
    "faulty_application_shutdown",
    "multiple_restarts",
    "one_for_one",
    "one_for_one_escalation",
    "one_for_all",
    "one_for_all_escalation",
    "one_for_all_other_child_fails_restart",
    "rest_for_one",
    "rest_for_one_escalation",
    "rest_for_one_other_child_fails_restart",
    "simple_one_for_one",
    "simple_one_for_one_shutdown",
    "simple_one_for_one_extra",
    "simple_one_for_one_escalation",
    "simple_one_for_one_corruption",
    "simple_one_for_one_restart_ignore",
    "tree",
    "order_of_children",
    "child_unlink",
    "hanging_restart_loop",
    "hanging_restart_loop_rest_for_one",
    "hanging_restart_loop_simple",
    "simple_global_supervisor",
    "count_children",
    "count_children_supervisor",
    "count_restarting_children",
    "do_not_save_start_parameters_for_temporary_children",
    "do_not_save_child_specs_for_temporary_children",
    "simple_one_for_one_scale_many_temporary_children",
    "scale_start_stop_many_children",
    "get_callback_module",
    "auto_hibernate",
    "nonsignificant_temporary",
    "nonsignificant_transient",
    "significant_temporary",
    "significant_transient",
    "significant_simple",
    "significant_bystander",
    "significant_escalation",
    "significant_upgrade_never_any",
    "significant_upgrade_any_never",
    "significant_upgrade_never_all",
    "significant_upgrade_all_never",
    "significant_upgrade_any_all",
    "significant_upgrade_all_any",
    "significant_upgrade_child",
    "code_change",
    "code_change_map",
    "code_change_simple",
    "code_change_simple_map",
    "format_log_1",
    "format_log_2",
];

/// What OTP's suite leaves out, as listed in the head of `otp_suite.rs`.
const BEYOND: std::ops::RangeInclusive<char> = 'a'..='l';

const HEADING: &str = "\n## Cases of OTP's suite without a test here\n";

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The documentation of every test, one after the other: what stands between `///` and a `#[test]` below it.
fn documentation_of_tests(source: &str) -> String {
    let (mut all, mut block) = (String::new(), String::new());
    for line in source.lines().map(str::trim_start) {
        match line.strip_prefix("///") {
            Some(text) => block.push_str(text),
            None if line.starts_with("#[") && line.contains("test") => {
                all.push_str(&std::mem::take(&mut block));
                all.push('\n');
            }
            None => block.clear(),
        }
    }
    all
}

/// All that tests say of themselves.
fn tests() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["tests", "src/core/tests"] {
        sources(&root.join(folder), &mut files);
    }
    files.iter().map(|file| documentation_of_tests(&fs::read_to_string(file).expect("a source"))).collect()
}

/// The cases that the document has a row for: `| 2 | `sup_start_ignore_init` | why |`.
fn explained(document: &str) -> Vec<(usize, String)> {
    let section = document.split_once(HEADING).expect("the section").1;
    let section = section.split("\n## ").next().unwrap_or_default();
    let row = |line: &str| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let number = cells.next()?.parse().ok()?;
        let name = cells.next()?.trim_matches('`').to_owned();
        assert!(cells.next().is_some_and(|reason| reason.len() > 20), "{number} has a reason");
        Some((number, name))
    };
    section.lines().filter_map(row).collect()
}

/// Those numbers whose name does not stand behind them.
fn misnamed(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (before, name) in text.split('`').zip(text.split('`').skip(1)).step_by(2) {
        let before = before.strip_suffix(' ').unwrap_or_default();
        let digits = before.len() - before.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
        let Ok(number) = before[before.len() - digits..].parse::<usize>() else { continue };
        if number == 0 || CASES.get(number - 1) != Some(&name) {
            wrong.push(format!("{number} `{name}`"));
        }
    }
    wrong
}

fn cites(text: &str, number: usize) -> bool {
    let citation = format!("{number} `{}`", CASES[number - 1]);
    text.match_indices(&citation).any(|(at, _)| !text[..at].ends_with(|letter: char| letter.is_ascii_digit()))
}

#[test]
fn every_case_of_the_suite_is_tested_or_explained_and_never_both() {
    let tests = tests();
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/otp-deviations.md");
    let explained = explained(&fs::read_to_string(document).expect("the document"));
    for (number, name) in &explained {
        assert_eq!(CASES.get(number - 1), Some(&name.as_str()), "the row {number}");
    }
    let explained: BTreeSet<usize> = explained.iter().map(|(number, _)| *number).collect();
    for line in tests.lines() {
        assert_eq!(misnamed(line), [""; 0], "{line}");
    }
    for number in 1..=CASES.len() {
        let tested = cites(&tests, number);
        assert!(tested || explained.contains(&number), "{number} {} is neither", CASES[number - 1]);
        assert!(!tested || !explained.contains(&number), "{number} {} is both", CASES[number - 1]);
    }
}

#[test]
fn everything_on_the_list_beyond_the_suite_is_tested() {
    let tests = tests();
    let listed = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/otp_suite.rs")).expect("it");
    for letter in BEYOND {
        assert!(tests.contains(&format!("Beyond OTP's suite ({letter})")), "({letter}) is tested");
        assert!(listed.contains(&format!("//! | ({letter}) |")), "({letter}) is listed");
    }
}

/// The search itself can fail.
#[test]
fn a_citation_counts_with_its_own_number_and_name_and_above_a_test_only() {
    assert_eq!(
        documentation_of_tests("/// 1 `a`.\n#[test]\nfn a() {}\n/// 2 `b`.\nfn b() {}\n#[test]\n"),
        " 1 `a`.\n\n"
    );
    assert!(cites("44 `temporary_bystander`", 44) && !cites("144 `temporary_bystander`", 44));
    assert!(!cites("43 `temporary_bystander`", 43));
    assert_eq!(misnamed("44 `temporary_bystander`, 43 `tree`, `Self::new`"), ["43 `tree`"]);
    let document =
        format!("# T\n| 1 | `x` | a reason that is long enough |{HEADING}| 2 | `y` | a reason that is long enough |\n");
    assert_eq!(explained(&document), [(2, "y".to_owned())]);
}
