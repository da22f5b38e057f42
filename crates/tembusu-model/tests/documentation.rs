//! The statements of OTP's documentation, one a test, and the cases of its `supervisor_SUITE` that pin them down.
//!
//! Numbers ("case 51") count the suite's cases in the order of its groups.

use tembusu_model::Reason::{Error, Killed, Normal, Shutdown};
use tembusu_model::Step::{AutoShutdown, Charged, Ended, Exhausted, Ignored, Removed, StartFailed, Started};
use tembusu_model::{
    AutoShutdown as Auto, BadSpec, ChildSpec, Counts, Id, Life, Refused, Restart, Shutdown as Stop, Start, Step,
    Strategy, SupervisorSpec, Tree, Up, World,
};

const SUP: Id = 0;

/// A started supervisor with workers of this restart type, numbered from 1.
fn workers(strategy: Strategy, intensity: usize, restart: Restart, count: Id) -> Tree {
    with(SupervisorSpec::new(strategy, intensity).children((1..=count).map(|id| ChildSpec::worker(id, restart))))
}

fn permanent(strategy: Strategy, intensity: usize, count: Id) -> Tree {
    workers(strategy, intensity, Restart::Permanent, count)
}

fn with(spec: SupervisorSpec) -> Tree {
    let mut tree = Tree::start(ChildSpec::supervisor(SUP, Restart::Permanent, spec), World::default());
    tree.steps();
    tree
}

fn counts(tree: &mut Tree, of: Id) -> [usize; 4] {
    let Counts { specs, active, supervisors, workers } = tree.count_children(of).expect("it runs");
    [specs, active, supervisors, workers]
}

fn after(tree: &mut Tree, id: Id, reason: tembusu_model::Reason) -> Vec<Step> {
    tree.crash(id, reason);
    tree.steps()
}

// === start and stop ===

#[test]
fn children_are_started_in_order_and_terminated_in_reverse() {
    let spec = SupervisorSpec::new(Strategy::OneForOne, 1)
        .children([7, 3, 10].map(|id| ChildSpec::worker(id, Restart::Permanent)));
    let mut tree = Tree::start(ChildSpec::supervisor(SUP, Restart::Permanent, spec), World::default());
    assert_eq!(tree.steps(), [Started(7), Started(3), Started(10), Started(SUP)]);
    tree.stop();
    assert_eq!(tree.steps(), [10, 3, 7, SUP].map(|id| Ended(id, Shutdown)));
    assert!(!tree.is_up());
}

#[test]
fn a_failed_first_start_terminates_those_already_started() {
    let spec = SupervisorSpec::new(Strategy::OneForOne, 9)
        .children((1..4).map(|id| ChildSpec::worker(id, Restart::Permanent)));
    let mut world = World::default();
    world.script(3, [Start::Fail]);
    let mut tree = Tree::start(ChildSpec::supervisor(SUP, Restart::Permanent, spec), world);
    let expected = [Started(1), Started(2), StartFailed(3), Ended(2, Shutdown), Ended(1, Shutdown), StartFailed(SUP)];
    assert_eq!(tree.steps(), expected, "nothing is charged and nothing tried again");
    assert!(!tree.is_up());
}

#[test]
fn an_ignored_child_keeps_its_specification_unless_it_is_temporary() {
    let spec = SupervisorSpec::new(Strategy::OneForOne, 1)
        .children([ChildSpec::worker(1, Restart::Temporary), ChildSpec::worker(2, Restart::Permanent)]);
    let mut world = World::default();
    world.script(1, [Start::Ignore]);
    world.script(2, [Start::Ignore]);
    let mut tree = Tree::start(ChildSpec::supervisor(SUP, Restart::Permanent, spec), world);
    assert_eq!(tree.steps(), [Ignored(1), Removed(1), Ignored(2), Started(SUP)]);
    assert_eq!(tree.which_children(SUP), Ok(vec![(2, Life::Undefined)]), "cases 3 and 4");
}

#[test]
fn a_deaf_child_is_killed_and_so_is_one_of_brutal_kill() {
    let mut tree = with(SupervisorSpec::new(Strategy::OneForOne, 1).children([
        ChildSpec::worker(1, Restart::Permanent),
        ChildSpec::worker(2, Restart::Permanent),
        ChildSpec::worker(3, Restart::Permanent).shutdown(Stop::BrutalKill),
    ]));
    tree.world.deaf.insert(2);
    tree.stop();
    let expected = [Ended(3, Killed), Ended(2, Killed), Ended(1, Shutdown), Ended(SUP, Shutdown)];
    assert_eq!(tree.steps(), expected, "cases 17 and 19");
}

// === restart types ===

#[test]
fn restart_types_answer_each_exit_reason_as_the_table_says() {
    use Restart::{Permanent, Temporary, Transient};
    let table = [
        (Permanent, Normal, true, [1, 1, 0, 1]),
        (Permanent, Shutdown, true, [1, 1, 0, 1]),
        (Permanent, Error, true, [1, 1, 0, 1]),
        (Permanent, Killed, true, [1, 1, 0, 1]),
        (Transient, Normal, false, [1, 0, 0, 1]),
        (Transient, Shutdown, false, [1, 0, 0, 1]),
        (Transient, Error, true, [1, 1, 0, 1]),
        (Transient, Killed, true, [1, 1, 0, 1]),
        (Temporary, Normal, false, [0, 0, 0, 0]),
        (Temporary, Shutdown, false, [0, 0, 0, 0]),
        (Temporary, Error, false, [0, 0, 0, 0]),
        (Temporary, Killed, false, [0, 0, 0, 0]),
    ];
    for (restart, reason, restarted, counted) in table {
        let mut tree = workers(Strategy::OneForOne, 1, restart, 1);
        let steps = after(&mut tree, 1, reason);
        assert_eq!(steps.contains(&Started(1)), restarted, "{restart:?} {reason:?} (cases 34 to 42)");
        assert_eq!(counts(&mut tree, SUP), counted, "{restart:?} {reason:?}");
    }
}

#[test]
fn a_temporary_bystander_is_terminated_with_its_group_and_never_comes_back() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let mut tree = with(
            SupervisorSpec::new(strategy, 2)
                .children([ChildSpec::worker(1, Restart::Permanent), ChildSpec::worker(2, Restart::Temporary)]),
        );
        let expected = [Ended(1, Normal), Charged(SUP), Ended(2, Shutdown), Removed(2), Started(1)];
        assert_eq!(after(&mut tree, 1, Normal), expected, "case 44");
        assert_eq!(tree.which_children(SUP), Ok(vec![(1, Life::Running)]));
    }
}

// === strategies ===

#[test]
fn one_for_one_concerns_nobody_else() {
    let mut tree = permanent(Strategy::OneForOne, 2, 2);
    assert_eq!(after(&mut tree, 1, Error), [Ended(1, Error), Charged(SUP), Started(1)]);
}

#[test]
fn one_for_all_terminates_all_others_in_reverse_and_starts_all_in_order() {
    let mut tree = permanent(Strategy::OneForAll, 2, 3);
    let expected =
        [Ended(2, Error), Charged(SUP), Ended(3, Shutdown), Ended(1, Shutdown), Started(1), Started(2), Started(3)];
    assert_eq!(after(&mut tree, 2, Error), expected, "case 49");
}

#[test]
fn rest_for_one_concerns_those_after_it() {
    let mut tree = permanent(Strategy::RestForOne, 2, 5);
    let expected =
        [Ended(3, Error), Charged(SUP), Ended(5, Shutdown), Ended(4, Shutdown), Started(3), Started(4), Started(5)];
    assert_eq!(after(&mut tree, 3, Error), expected, "cases 52 and 62");
}

#[test]
fn a_group_restart_also_starts_a_transient_sibling_that_had_finished() {
    let mut tree = workers(Strategy::OneForAll, 2, Restart::Transient, 2);
    tree.crash(2, Normal);
    tree.steps();
    let expected = [Ended(1, Error), Charged(SUP), Started(1), Started(2)];
    assert_eq!(after(&mut tree, 1, Error), expected, "case 61");
}

#[test]
fn one_for_all_tries_again_with_everybody_when_another_child_fails_to_start() {
    let mut tree = permanent(Strategy::OneForAll, 3, 2);
    tree.world.script(2, [Start::Fail]);
    let expected = [
        Ended(1, Error),
        Charged(SUP),
        Ended(2, Shutdown),
        Started(1),
        StartFailed(2),
        Charged(SUP),
        Ended(1, Shutdown),
        Started(1),
        Started(2),
    ];
    assert_eq!(after(&mut tree, 1, Error), expected, "case 51");
}

#[test]
fn rest_for_one_tries_again_from_the_child_that_failed_to_start() {
    let mut tree = permanent(Strategy::RestForOne, 3, 3);
    tree.world.script(2, [Start::Fail]);
    let expected = [
        Ended(1, Error),
        Charged(SUP),
        Ended(3, Shutdown),
        Ended(2, Shutdown),
        Started(1),
        StartFailed(2),
        Charged(SUP),
        Started(2),
        Started(3),
    ];
    assert_eq!(after(&mut tree, 1, Error), expected, "case 54");
}

// === intensity ===

#[test]
fn the_failure_after_the_last_granted_one_ends_the_supervisor() {
    for intensity in [0, 1, 2, 5] {
        let mut tree = permanent(Strategy::OneForOne, intensity, 2);
        for _ in 0..intensity {
            tree.crash(1, Error);
            assert!(tree.is_up());
        }
        tree.steps();
        let expected = [Ended(1, Error), Exhausted(SUP), Ended(2, Shutdown), Ended(SUP, Shutdown)];
        assert_eq!(after(&mut tree, 1, Error), expected, "case 47");
    }
}

#[test]
fn every_failed_attempt_is_charged() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let mut tree = permanent(strategy, 4, 2);
        tree.world.always.insert(1, Start::Fail);
        let steps = after(&mut tree, 1, Error);
        assert_eq!(steps.iter().filter(|&&step| step == Charged(SUP)).count(), 4, "cases 48, 50 and 53");
        assert_eq!(steps.iter().filter(|&&step| step == StartFailed(1)).count(), 4);
        assert!(!tree.is_up());
    }
}

#[test]
fn charges_leave_the_window_after_the_period_and_not_at_its_end() {
    let mut tree = with(
        SupervisorSpec::new(Strategy::OneForOne, 1).period(1_000).children([ChildSpec::worker(1, Restart::Permanent)]),
    );
    for _ in 0..4 {
        tree.crash(1, Error);
        assert!(tree.is_up(), "case 46");
        tree.pass(1_001);
    }
    tree.crash(1, Error);
    tree.pass(1_000);
    tree.crash(1, Error);
    assert!(!tree.is_up(), "the window is inclusive");
}

#[test]
fn siblings_that_die_at_the_same_moment_are_absorbed_by_the_group() {
    let together = [(1, Killed), (2, Killed), (3, Killed)];
    let mut tree = permanent(Strategy::OneForAll, 1, 3);
    tree.crash_together(&together);
    assert!(tree.is_up());
    let steps = tree.steps();
    assert_eq!(steps[3..], [Charged(SUP), Started(1), Started(2), Started(3)]);
    let mut tree = permanent(Strategy::OneForOne, 1, 3);
    tree.crash_together(&together);
    assert!(!tree.is_up());
    let mut tree = permanent(Strategy::RestForOne, 2, 3);
    tree.crash_together(&[(3, Killed), (1, Killed), (2, Killed)]);
    let expected = [Charged(SUP), Started(3), Charged(SUP), Ended(3, Shutdown), Started(1), Started(2), Started(3)];
    assert_eq!(tree.steps()[3..], expected, "section 13");
}

// === nesting ===

/// `0` with a worker 1 and a supervisor 2 of the workers 3 and 4.
fn nested(strategy: Strategy, restart: Restart) -> Tree {
    let below = SupervisorSpec::new(Strategy::OneForOne, 1)
        .children([3, 4].map(|id| ChildSpec::worker(id, Restart::Permanent)));
    with(
        SupervisorSpec::new(strategy, 1)
            .children([ChildSpec::worker(1, Restart::Permanent), ChildSpec::supervisor(2, restart, below)]),
    )
}

#[test]
fn a_permanent_supervisor_that_gave_up_is_restarted_by_its_own() {
    let mut tree = nested(Strategy::OneForOne, Restart::Permanent);
    tree.crash(3, Error);
    tree.steps();
    let expected = [
        Ended(3, Error),
        Exhausted(2),
        Ended(4, Shutdown),
        Ended(2, Shutdown),
        Charged(SUP),
        Started(3),
        Started(4),
        Started(2),
    ];
    assert_eq!(after(&mut tree, 3, Error), expected);
    for _ in 0..2 {
        tree.crash(3, Error);
    }
    assert!(!tree.is_up(), "intensities multiply");
}

#[test]
fn a_transient_supervisor_that_gave_up_is_not_restarted() {
    let mut tree = nested(Strategy::OneForOne, Restart::Transient);
    tree.crash(3, Error);
    tree.crash(3, Error);
    assert_eq!(tree.which_children(SUP), Ok(vec![(2, Life::Undefined), (1, Life::Running)]), "section 13");
}

#[test]
fn a_group_restart_takes_whole_subtrees_along() {
    let mut tree = nested(Strategy::OneForAll, Restart::Permanent);
    let expected = [
        Ended(1, Error),
        Charged(SUP),
        Ended(4, Shutdown),
        Ended(3, Shutdown),
        Ended(2, Shutdown),
        Started(1),
        Started(3),
        Started(4),
        Started(2),
    ];
    assert_eq!(after(&mut tree, 1, Error), expected);
}

#[test]
fn a_restarted_supervisor_has_forgotten_added_children_and_remembers_deleted_ones() {
    let mut tree = nested(Strategy::OneForAll, Restart::Permanent);
    tree.start_child(2, ChildSpec::worker(5, Restart::Permanent)).expect("it starts");
    tree.terminate_child(2, 3).expect("it runs");
    tree.delete_child(2, 3).expect("it does not run");
    tree.crash(1, Error);
    assert_eq!(tree.which_children(2), Ok(vec![(4, Life::Running), (3, Life::Running)]), "case 61");
}

// === administration ===

#[test]
fn administration_answers_as_the_manual_says() {
    let mut tree = permanent(Strategy::OneForOne, 1, 1);
    let spec = || ChildSpec::worker(1, Restart::Permanent);
    assert_eq!(tree.start_child(SUP, spec()), Err(Refused::AlreadyStarted), "case 25");
    assert_eq!(tree.terminate_child(SUP, 9), Err(Refused::NotFound));
    assert_eq!(tree.terminate_child(9, 1), Err(Refused::NoProcess));
    assert_eq!(tree.delete_child(SUP, 1), Err(Refused::Running));
    assert_eq!(tree.restart_child(SUP, 1), Err(Refused::Running));
    assert_eq!(tree.terminate_child(SUP, 1), Ok(()));
    assert_eq!(counts(&mut tree, SUP), [1, 0, 0, 1]);
    assert_eq!(tree.terminate_child(SUP, 1), Ok(()), "idempotent");
    assert_eq!(tree.start_child(SUP, spec()), Err(Refused::AlreadyPresent));
    assert_eq!(tree.restart_child(SUP, 1), Ok(Up::Started));
    assert_eq!(tree.restart_child(SUP, 9), Err(Refused::NotFound));
    assert_eq!(tree.terminate_child(SUP, 1), Ok(()));
    assert_eq!(tree.get_spec(SUP, 1), Ok(spec()));
    assert_eq!(tree.delete_child(SUP, 1), Ok(()));
    assert_eq!(tree.restart_child(SUP, 1), Err(Refused::NotFound));
    assert_eq!(tree.get_spec(SUP, 1), Err(Refused::NotFound));
    assert_eq!(counts(&mut tree, SUP), [0; 4]);
}

#[test]
fn a_failed_start_asked_for_is_neither_charged_nor_tried_again() {
    let mut tree = permanent(Strategy::OneForOne, 0, 1);
    tree.world.always.insert(1, Start::Fail);
    tree.terminate_child(SUP, 1).expect("it runs");
    assert_eq!(tree.restart_child(SUP, 1), Err(Refused::StartFailed), "case 10");
    assert_eq!(tree.which_children(SUP), Ok(vec![(1, Life::Undefined)]));
    tree.world.always.insert(2, Start::Fail);
    assert_eq!(tree.start_child(SUP, ChildSpec::worker(2, Restart::Permanent)), Err(Refused::StartFailed), "case 11");
    assert_eq!(counts(&mut tree, SUP), [1, 0, 0, 1], "its specification is discarded");
    assert!(tree.is_up());
}

#[test]
fn requests_are_served_between_attempts_and_terminate_ends_them() {
    let mut tree = permanent(Strategy::RestForOne, 8, 3);
    tree.world.always.insert(2, Start::Fail);
    tree.end(2, Error);
    tree.read_exit(2);
    assert!(tree.try_again());
    let states = vec![(3, Life::Undefined), (2, Life::Restarting), (1, Life::Running)];
    assert_eq!(tree.which_children(SUP), Ok(states), "case 65");
    assert_eq!(counts(&mut tree, SUP), [3, 1, 0, 3]);
    assert_eq!(tree.restart_child(SUP, 2), Err(Refused::Restarting), "case 64");
    assert_eq!(tree.delete_child(SUP, 2), Err(Refused::Restarting));
    let spec = ChildSpec::worker(2, Restart::Permanent);
    assert_eq!(tree.start_child(SUP, spec), Err(Refused::AlreadyPresent));
    assert_eq!(tree.terminate_child(SUP, 2), Ok(()));
    tree.settle();
    tree.world.always.clear();
    let states = vec![(3, Life::Undefined), (2, Life::Undefined), (1, Life::Running)];
    assert_eq!(tree.which_children(SUP), Ok(states));
    assert_eq!(tree.restart_child(SUP, 2), Ok(Up::Started));
}

// === simple_one_for_one ===

fn simple(restart: Restart, intensity: usize) -> Tree {
    let template = ChildSpec::worker(0, restart);
    with(SupervisorSpec::new(Strategy::SimpleOneForOne, intensity).children([template]).max_children(3))
}

#[test]
fn instances_are_added_terminated_and_neither_restarted_nor_deleted_by_hand() {
    let mut tree = simple(Restart::Temporary, 1);
    let instance = |id| ChildSpec::worker(id, Restart::Permanent);
    assert_eq!(counts(&mut tree, SUP), [1, 0, 0, 0], "case 26");
    for id in [11, 12, 13] {
        assert_eq!(tree.start_child(SUP, instance(id)), Ok(Up::Started));
    }
    assert_eq!(tree.start_child(SUP, instance(14)), Err(Refused::MaxChildren), "section 15");
    assert_eq!(counts(&mut tree, SUP), [1, 3, 0, 3]);
    assert_eq!(tree.restart_child(SUP, 11), Err(Refused::SimpleOneForOne));
    assert_eq!(tree.delete_child(SUP, 11), Err(Refused::SimpleOneForOne));
    assert_eq!(tree.terminate_child(SUP, 11), Ok(()));
    assert_eq!(tree.terminate_child(SUP, 11), Err(Refused::NotFound));
    tree.crash(12, Killed);
    assert_eq!(counts(&mut tree, SUP), [1, 1, 0, 1]);
}

#[test]
fn an_instance_that_ignores_or_has_finished_is_forgotten() {
    let mut tree = simple(Restart::Transient, 9);
    let instance = |id| ChildSpec::worker(id, Restart::Permanent);
    tree.world.script(11, [Start::Ignore]);
    assert_eq!(tree.start_child(SUP, instance(11)), Ok(Up::Ignored), "case 7");
    tree.world.script(12, [Start::Ok, Start::Ok, Start::Ignore]);
    tree.start_child(SUP, instance(12)).expect("it starts");
    tree.steps();
    assert_eq!(after(&mut tree, 12, Killed), [Ended(12, Killed), Charged(SUP), Started(12)]);
    let expected = [Ended(12, Killed), Charged(SUP), Ignored(12), Removed(12)];
    assert_eq!(after(&mut tree, 12, Killed), expected, "case 60");
    tree.start_child(SUP, instance(13)).expect("it starts");
    tree.crash(13, Normal);
    assert_eq!(counts(&mut tree, SUP), [1, 0, 0, 0]);
}

// === automatic shutdown ===

fn significant(auto: Auto, restart: Restart) -> Tree {
    let child = |id| ChildSpec::worker(id, restart);
    let children = [child(1).significant(), child(2).significant(), child(3)];
    with(SupervisorSpec::new(Strategy::OneForOne, 9).auto_shutdown(auto).children(children))
}

#[test]
fn any_significant_end_shuts_down_and_one_that_is_restarted_does_not() {
    for reason in [Killed, Error, Normal] {
        let mut tree = significant(Auto::AnySignificant, Restart::Temporary);
        let steps = after(&mut tree, 1, reason);
        let expected = [
            Ended(1, reason),
            Removed(1),
            AutoShutdown(SUP),
            Ended(3, Shutdown),
            Removed(3),
            Ended(2, Shutdown),
            Removed(2),
            Ended(SUP, Shutdown),
        ];
        assert_eq!(steps, expected, "case 79");
    }
    let mut tree = significant(Auto::AnySignificant, Restart::Transient);
    assert_eq!(after(&mut tree, 1, Error), [Ended(1, Error), Charged(SUP), Started(1)], "case 80");
    tree.crash(3, Normal);
    assert!(tree.is_up(), "3 is not significant");
    tree.crash(1, Normal);
    assert!(!tree.is_up());
}

#[test]
fn all_significant_waits_for_the_last_active_one() {
    let mut tree = significant(Auto::AllSignificant, Restart::Transient);
    tree.crash(1, Normal);
    assert!(tree.is_up(), "cases 79 and 80");
    tree.crash(2, Normal);
    assert!(!tree.is_up());
}

#[test]
fn what_the_supervisor_causes_triggers_no_automatic_shutdown() {
    for auto in [Auto::AnySignificant, Auto::AllSignificant] {
        let mut tree = significant(auto, Restart::Temporary);
        tree.terminate_child(SUP, 1).expect("it runs");
        tree.terminate_child(SUP, 2).expect("it runs");
        assert!(tree.is_up(), "case 79");
        let child = |id| ChildSpec::worker(id, Restart::Transient);
        for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
            let children = [child(1).significant(), child(2), child(3).significant()];
            let mut tree = with(SupervisorSpec::new(strategy, 9).auto_shutdown(auto).children(children));
            tree.crash(2, Killed);
            assert!(tree.is_up(), "case 82");
        }
    }
}

#[test]
fn an_automatic_shutdown_climbs_through_significant_supervisors() {
    for climbs in [true, false] {
        let below = SupervisorSpec::new(Strategy::OneForOne, 1)
            .auto_shutdown(Auto::AnySignificant)
            .children([ChildSpec::worker(2, Restart::Transient).significant()]);
        let mut middle = ChildSpec::supervisor(1, Restart::Transient, below);
        middle.significant = climbs;
        let mut tree =
            with(SupervisorSpec::new(Strategy::OneForOne, 1).auto_shutdown(Auto::AnySignificant).children([middle]));
        tree.crash(2, Normal);
        assert_eq!(tree.is_up(), !climbs, "case 83");
        assert_eq!(tree.running(), if climbs { vec![] } else { vec![SUP] });
    }
}

// === specifications ===

#[test]
fn bad_specifications_are_refused() {
    let child = |id| ChildSpec::worker(id, Restart::Transient);
    let flags = || SupervisorSpec::new(Strategy::OneForOne, 0);
    assert_eq!(flags().children([child(1), child(1)]).check(), Err(BadSpec::Duplicate(1)), "case 28");
    assert_eq!(flags().children([child(1).significant()]).check(), Err(BadSpec::BadCombination), "case 29");
    let any = || flags().auto_shutdown(Auto::AnySignificant);
    let permanent = ChildSpec::worker(1, Restart::Permanent).significant();
    assert_eq!(any().children([permanent]).check(), Err(BadSpec::BadCombination));
    assert_eq!(any().children([child(1).significant()]).check(), Ok(()));
    assert_eq!(flags().period(0).check(), Err(BadSpec::InvalidPeriod), "case 30");
    let simple = SupervisorSpec::new(Strategy::SimpleOneForOne, 0);
    assert_eq!(simple.check(), Err(BadSpec::BadStartSpec));
    let simple = simple.children([child(1)]).auto_shutdown(Auto::AllSignificant);
    assert_eq!(simple.check(), Err(BadSpec::BadCombination), "case 81");
}

#[test]
fn a_change_adds_without_starting_keeps_what_is_not_named_and_refuses_what_is_faulty() {
    let mut tree = permanent(Strategy::OneForOne, 1, 1);
    let child = |id| ChildSpec::worker(id, Restart::Permanent);
    let new = SupervisorSpec::new(Strategy::OneForOne, 3).children([child(2), child(3)]);
    assert_eq!(tree.change(SUP, new), Ok(()));
    let states = vec![(1, Life::Running), (3, Life::Undefined), (2, Life::Undefined)];
    assert_eq!(tree.which_children(SUP), Ok(states.clone()), "case 92");
    assert_eq!(tree.restart_child(SUP, 2), Ok(Up::Started));
    let faulty = SupervisorSpec::new(Strategy::OneForOne, 3).period(0);
    assert_eq!(tree.change(SUP, faulty), Err(Refused::Bad(BadSpec::InvalidPeriod)));
    for _ in 0..3 {
        tree.crash(1, Error);
    }
    assert!(tree.is_up(), "the new intensity counts");
}

#[test]
fn what_was_changed_stays_so_when_the_supervisor_is_started_again() {
    // Its own `init` says so now.
    let child = |id| ChildSpec::worker(id, Restart::Permanent);
    let below = SupervisorSpec::new(Strategy::OneForOne, 0).children([child(2)]);
    let above = ChildSpec::supervisor(1, Restart::Permanent, below.clone());
    let mut tree = with(SupervisorSpec::new(Strategy::OneForOne, 5).children([above]));
    let new = SupervisorSpec { intensity: 1, children: vec![child(3), child(2)], ..below };
    assert_eq!(tree.change(1, new), Ok(()));
    assert_eq!(tree.running(), [SUP, 1, 2]);
    tree.crash(2, Error);
    tree.crash(2, Error);
    assert_eq!(tree.running(), [SUP, 1, 3, 2], "its second failure was one too many");
}

#[test]
fn a_temporary_child_that_ignores_when_it_is_asked_for_stays_undefined() {
    let mut tree = permanent(Strategy::OneForOne, 1, 1);
    let added = ChildSpec::worker(2, Restart::Temporary);
    let new = SupervisorSpec::new(Strategy::OneForOne, 1).children([ChildSpec::worker(1, Restart::Permanent), added]);
    assert_eq!(tree.change(SUP, new), Ok(()));
    tree.world.script(2, [Start::Ignore]);
    assert_eq!(tree.restart_child(SUP, 2), Ok(Up::Ignored));
    assert_eq!(tree.which_children(SUP), Ok(vec![(2, Life::Undefined), (1, Life::Running)]));
}
