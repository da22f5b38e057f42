//! What OTP's suite leaves out, and what the suites of Gleam and Elixir add to it.
//!
//! The letters are those of the list in the head of `otp_suite`; most of them are tested beside what they are about.

use std::time::Duration;

use tembusu::{DynamicSupervisor, ExitReason, Restart, Supervisor};
use tembusu_testkit::{Step, virtual_time};
use tokio::time::Instant;

use crate::stage::{End, HOUR, SECOND, Stage, settled};

/// Beyond OTP's suite (c).
#[test]
fn a_sibling_that_ignores_its_stop_holds_a_group_restart_up_by_its_own_budget_and_no_longer() {
    virtual_time(async {
        let stage = Stage::default();
        let mut root = Supervisor::one_for_all("root").intensity(1, HOUR);
        root.add(stage.child("child1"));
        root.add(stage.child("child2").shutdown(3 * SECOND));
        root.add(stage.child("child3").shutdown(60 * SECOND));
        let mut play = stage.start(root).await;
        play.stage.tell("child2", Step::Hang);
        settled().await;
        let begun = Instant::now();
        play.stage.tell("child1", Step::Error);
        play.events.wait_for_line("root/child3#2 started").await;
        assert_eq!(begun.elapsed(), 3 * SECOND);
        play.tree.shutdown().await;
    });
}

/// Beyond OTP's suite (b): three die at the same moment, and a limit that grants two failures grants one more.
#[test]
fn deaths_of_one_moment_are_one_failure_of_a_group_and_three_of_independent_children() {
    virtual_time(async {
        for group in [true, false] {
            let stage = Stage::default();
            let root = if group { Supervisor::one_for_all("root") } else { Supervisor::one_for_one("root") };
            let mut root = root.intensity(2, HOUR);
            let names = ["child1", "child2", "child3"];
            for name in names {
                root.add(stage.child(name));
            }
            let play = stage.start(root).await;
            for name in names {
                // What waits in a queue would be for the next incarnation; this is in hand.
                play.stage.tell(name, Step::Late(SECOND, Box::new(Step::Error)));
            }
            tokio::time::sleep(2 * SECOND).await;
            assert_eq!(play.lives(), group);
            if group {
                play.stage.end("child1", End::Abnormal).await;
            }
            for name in names {
                assert_eq!(play.stage.incarnation(name).await, if group { 3 } else { 0 });
            }
        }
    });
}

/// Elixir's "mixed children": each of a pool has its own time to end, and all of them have it at the same time.
#[test]
fn the_children_of_a_pool_end_in_parallel_each_by_its_own_protocol() {
    virtual_time(async {
        let stage = Stage::default();
        let mut root = Supervisor::one_for_one("root");
        let pool = root.dynamic("pool", |spec| spec);
        let slow =
            |name, seconds: u32| stage.journal.script(name).stop([Step::Late(seconds * SECOND, Box::new(Step::Ok))]);
        let specs = [
            stage.scripted("killed", slow("killed", 9)).brutal_kill(),
            stage.scripted("expired", slow("expired", 9)).shutdown(2 * SECOND),
            stage.scripted("patient", slow("patient", 4)).shutdown(100 * SECOND),
            stage.scripted("quick", slow("quick", 1)).shutdown(2 * SECOND),
            stage.scripted("panics", stage.journal.script("panics").stop([Step::Panic])),
        ];
        let play = stage.start(root).await;
        for spec in specs {
            pool.start(spec).await.expect("it starts");
        }
        let begun = Instant::now();
        assert!(matches!(play.tree.shutdown().await, ExitReason::Shutdown));
        assert_eq!(begun.elapsed(), 4 * SECOND);
        let lines = play.events.rest().await;
        let at =
            |line: &str| lines.iter().position(|other| other == line).unwrap_or_else(|| panic!("{line}: {lines:#?}"));
        let killed = at("root/pool/killed#1 stopped killed");
        let quick = at("root/pool/quick#1 stopped shutdown");
        let expired = at("root/pool/expired#1 stopped killed");
        let patient = at("root/pool/patient#1 stopped shutdown");
        assert!(killed < quick && quick < expired && expired < patient, "{lines:#?}");
        at("root/pool/panics#1 crashed panic");
    });
}

/// Elixir's `max_children`: children whose restart has failed count until they are given up.
#[test]
fn a_dynamic_child_whose_restart_fails_takes_a_place() {
    virtual_time(async {
        let stage = Stage::default();
        let mut root = Supervisor::one_for_one("root");
        let pool = root.add_dynamic(DynamicSupervisor::new("pool", |spec| spec).intensity(9, HOUR).max_children(1));
        let script = stage.journal.script("child1");
        let spec = stage.scripted("child1", script.clone());
        let play = stage.start(root).await;
        pool.start(spec).await.expect("it starts");
        script.next_inits([Step::Error, Step::Late(SECOND, Box::new(Step::Error)), Step::Ignore]);
        play.stage.end("child1", End::Abnormal).await;
        let refused = pool.start(play.stage.child("child2")).await;
        assert!(matches!(refused, Err(tembusu::AdminError::MaxChildren { .. })));
        tokio::time::sleep(2 * SECOND).await;
        assert!(pool.which_children().is_empty(), "it had nothing to do in the end");
        pool.start(play.stage.child("child3")).await.expect("there is room");
    });
}

/// Gleam's `transient_test`, `temporary_test` and `permanent_test` of its factory supervisor.
#[test]
fn the_restart_types_mean_the_same_in_a_pool_where_what_is_not_restarted_is_forgotten() {
    virtual_time(async {
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            for how in End::ALL {
                let stage = Stage::default();
                let mut root = Supervisor::one_for_one("root");
                let pool = root.dynamic("pool", |spec| spec);
                let spec = stage.child("child1").restart(restart);
                let play = stage.start(root).await;
                pool.start(spec).await.expect("it starts");
                play.stage.end("child1", how).await;
                let restarted = restart == Restart::Permanent || restart == Restart::Transient && how.is_abnormal();
                assert_eq!(pool.count_children().workers, usize::from(restarted), "{restart:?} {how:?}");
                assert_eq!(play.stage.incarnation("child1").await, if restarted { 2 } else { 0 });
            }
        }
    });
}

async fn a_life() -> (Vec<String>, Vec<String>, Duration) {
    let begun = Instant::now();
    let stage = Stage::default();
    let mut sub = Supervisor::rest_for_one("sub").intensity(2, HOUR);
    for name in ["child2", "child3"] {
        let script = stage.journal.script(name).init([Step::Ok, Step::Late(SECOND / 3, Box::new(Step::Error))]);
        sub.add(stage.scripted(name, script));
    }
    let mut root = Supervisor::one_for_all("root").intensity(5, HOUR);
    root.add(stage.child("child1"));
    root.supervisor(sub);
    let mut play = stage.start(root).await;
    for (name, how) in
        [("child2", End::Panic), ("child3", End::Abnormal), ("child1", End::Normal), ("child3", End::Panic)]
    {
        // Together, and while something is under way.
        let _ = play.stage.address(name).tell(Step::Late(SECOND / 9, Box::new(Step::Ok)).into());
        let _ = play.stage.address("child1").tell(Step::Ok.into());
        play.stage.end(name, how).await;
        tokio::time::sleep(SECOND / 4).await;
    }
    play.tree.shutdown().await;
    (play.did(), play.events.take(), begun.elapsed())
}

/// Beyond OTP's suite (l).
#[test]
fn a_tree_in_virtual_time_does_the_same_each_time() {
    let first = virtual_time(a_life());
    assert!(first.0.len() > 10 && first.1.len() > 10, "{first:?}");
    for _ in 0..20 {
        assert_eq!(virtual_time(a_life()), first);
    }
}
