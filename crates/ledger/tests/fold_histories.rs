//! Random histories, with crashes and folding: a folded ledger answers every question as one does that keeps everything.

mod common;

use common::World;
use common::history::{REGIONS, Step, answers, folded_at_once, for_random_histories, never_folded, take};
use ledger::{Store, StoreError};
use proptest::prelude::*;

fn play(steps: &[Step]) -> Result<(), TestCaseError> {
    let fail = |error: StoreError| TestCaseError::fail(error.to_string());
    let (one, other) = (World::new(), World::new());
    let (one, other) = ((folded_at_once(&one.options), one), (never_folded(&other.options), other));
    let open = |of: &ledger::StoreOptions| Store::open(of.clone()).map_err(fail);
    let (mut folded, mut whole) = (open(&one.0)?, open(&other.0)?);
    let mut now_ms = 0;
    for (at, step) in steps.iter().enumerate() {
        match *step {
            Step::Pass(ms) => now_ms += ms,
            Step::Crash => {
                drop((folded, whole));
                (folded, whole) = (open(&one.0)?, open(&other.0)?);
            }
            Step::Fold(rows) => {
                prop_assert_eq!(
                    take(&mut folded, &Step::Commit, now_ms).map_err(fail)?,
                    take(&mut whole, &Step::Commit, now_ms).map_err(fail)?
                );
                let before = folded.books().clone();
                let folding = folded.fold(now_ms, rows).map_err(fail)?;
                prop_assert_eq!(folded.books(), &before, "folding moves nothing");
                prop_assert!(folding.rows <= 3 * rows && folding.events <= rows, "{:?} of {}", folding, rows);
                prop_assert_eq!(whole.fold(now_ms, rows).map_err(fail)?, ledger::Folding::default());
                continue;
            }
            _ => {}
        }
        prop_assert_eq!(
            take(&mut folded, step, now_ms).map_err(fail)?,
            take(&mut whole, step, now_ms).map_err(fail)?,
            "{}",
            at
        );
        prop_assert_eq!(folded.books(), whole.books());
        if matches!(step, Step::Crash) {
            compare(&folded, &one.0, &whole, &other.0)?;
        }
    }
    folded.commit().map_err(fail)?;
    whole.commit().map_err(fail)?;
    compare(&folded, &one.0, &whole, &other.0)?;
    while folded.fold(now_ms, 1).map_err(fail)?.is_more {}
    prop_assert_eq!(folded.folded_seq(), whole.books().last_seq(), "all of it can be folded");
    compare(&folded, &one.0, &whole, &other.0)?;
    drop(folded);
    compare(&open(&one.0)?, &one.0, &whole, &other.0)
}

fn compare(
    folded: &Store,
    options: &ledger::StoreOptions,
    whole: &Store,
    whole_options: &ledger::StoreOptions,
) -> Result<(), TestCaseError> {
    let fail = |error: StoreError| TestCaseError::fail(error.to_string());
    // What was folded is not told again, and the answer says so.
    let mut from = [0; 3];
    for (region, from) in REGIONS.into_iter().zip(&mut from) {
        let page = folded.events_since(region, 0).map_err(fail)?;
        *from = page.folded;
        prop_assert!(page.folded == 0 || page.events.is_empty());
    }
    prop_assert_eq!(
        answers(folded, options, &from).map_err(fail)?,
        answers(whole, whole_options, &from).map_err(fail)?
    );
    Ok(())
}

#[test]
fn a_folded_ledger_answers_every_question_as_one_does_that_keeps_everything() {
    for_random_histories(16, play);
}
