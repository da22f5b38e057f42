//! Sections 5 to 8: restart types, intensity, one_for_all, rest_for_one.

use std::time::Duration;

use tembusu::{ExitReason, Restart, Supervisor};
use tembusu_testkit::{Step, virtual_time};

use crate::stage::{End, HOUR, Play, SECOND, Stage};

const NAMES: [&str; 3] = ["child1", "child2", "child3"];

async fn play(root: Supervisor, limit: u32, count: usize) -> Play {
    let stage = Stage::default();
    let mut root = root.intensity(limit, HOUR);
    for name in &NAMES[..count] {
        root.add(stage.child(name));
    }
    stage.start(root).await
}

async fn incarnations(play: &Play, count: usize) -> Vec<u64> {
    let mut all = Vec::new();
    for name in &NAMES[..count] {
        all.push(play.stage.incarnation(name).await);
    }
    all
}

/// 34 `permanent_normal`, 35 `transient_normal`, 36 `temporary_normal`, 37 `permanent_shutdown`,
/// 38 `transient_shutdown`, 39 `temporary_shutdown`, 40 `permanent_abnormal`, 41 `transient_abnormal`,
/// 42 `temporary_abnormal`.
#[test]
fn each_restart_type_and_each_end_is_followed_by_what_otp_does() {
    virtual_time(async {
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            for how in End::ALL {
                let stage = Stage::default();
                let mut root = Supervisor::one_for_one("root").intensity(2, HOUR);
                root.add(stage.child("child1").restart(restart));
                let play = stage.start(root).await;
                play.stage.end("child1", how).await;
                let restarted = restart == Restart::Permanent || restart == Restart::Transient && how.is_abnormal();
                let counts = match restart {
                    _ if restarted => [1, 1, 0, 1],
                    Restart::Temporary => [0; 4],
                    _ => [1, 0, 0, 1],
                };
                assert_eq!(play.counts(), counts, "{restart:?} {how:?}");
                assert_eq!(play.stage.incarnation("child1").await, if restarted { 2 } else { 0 });
                assert!(play.lives());
            }
        }
    });
}

/// 44 `temporary_bystander`.
#[test]
fn a_temporary_bystander_of_a_group_restart_does_not_come_back() {
    virtual_time(async {
        for root in [Supervisor::one_for_all("root"), Supervisor::rest_for_one("root")] {
            let stage = Stage::default();
            let mut root = root.intensity(2, 300 * SECOND);
            root.add(stage.child("child1"));
            root.add(stage.child("child2").restart(Restart::Temporary));
            let play = stage.start(root).await;
            play.stage.end("child1", End::Normal).await;
            tokio::time::sleep(Duration::from_millis(350)).await;
            assert_eq!(play.which(), ["child1 running"]);
        }
    });
}

/// 46 `multiple_restarts`.
#[test]
fn failures_further_apart_than_the_period_never_add_up() {
    virtual_time(async {
        let stage = Stage::default();
        let mut root = Supervisor::one_for_one("root").intensity(1, SECOND);
        root.add(stage.child("child1").brutal_kill());
        let play = stage.start(root).await;
        for incarnation in 2..=5 {
            play.stage.end("child1", End::Abnormal).await;
            assert_eq!(play.stage.incarnation("child1").await, incarnation);
            tokio::time::sleep(Duration::from_millis(2100)).await;
        }
        play.root.terminate_child("child1").await.expect("it is terminated");
        play.root.delete_child("child1").await.expect("it is deleted");
    });
}

/// 47 `one_for_one`, 49 `one_for_all`, 52 `rest_for_one`: who is restarted, and the failure after the last granted one.
#[test]
fn two_failures_are_granted_and_the_third_ends_the_supervisor() {
    virtual_time(async {
        let after = |strategy: &str| match strategy {
            "one_for_one" => [[2, 1, 1], [2, 2, 1]],
            "one_for_all" => [[2, 2, 2], [3, 3, 3]],
            _ => [[2, 2, 2], [2, 3, 3]],
        };
        for strategy in ["one_for_one", "one_for_all", "rest_for_one"] {
            let root = match strategy {
                "one_for_one" => Supervisor::one_for_one("root"),
                "one_for_all" => Supervisor::one_for_all("root"),
                _ => Supervisor::rest_for_one("root"),
            };
            let mut play = play(root, 2, 3).await;
            for (name, expected) in NAMES.into_iter().zip(after(strategy)) {
                play.stage.end(name, End::Abnormal).await;
                assert_eq!(incarnations(&play, 3).await, expected, "{strategy}");
                assert_eq!(play.counts(), [3, 3, 0, 3]);
            }
            play.stage.end("child1", End::Abnormal).await;
            let ExitReason::Exhausted(report) = play.ended().await else { panic!("it is exhausted") };
            assert_eq!((&*report.child, report.limit), ("root/child1", 2));
            play.events.wait_for_line("root#1 escalated by root/child1").await;
        }
    });
}

/// 48 `one_for_one_escalation`, 50 `one_for_all_escalation`, 53 `rest_for_one_escalation`: each attempt is charged.
#[test]
fn a_child_that_cannot_be_restarted_uses_up_the_intensity() {
    virtual_time(async {
        let roots =
            [Supervisor::one_for_one("root"), Supervisor::one_for_all("root"), Supervisor::rest_for_one("root")];
        for (index, root) in roots.into_iter().enumerate() {
            let stage = Stage::default();
            // Under one_for_one the child that dies is the one that cannot start.
            let failing = if index == 0 { "child1" } else { "child2" };
            let mut root = root.intensity(4, HOUR);
            for name in ["child1", "child2"] {
                let script = stage.journal.script(name);
                let steps = if name == failing { 9 } else { 0 };
                let inits = std::iter::once(Step::Ok).chain(std::iter::repeat_n(Step::Error, steps));
                root.add(stage.scripted(name, script.init(inits)));
            }
            let play = stage.start(root).await;
            play.stage.end("child1", End::Abnormal).await;
            assert!(matches!(play.ended().await, ExitReason::Exhausted(_)));
            let attempts =
                play.did().iter().filter(|line| line.starts_with(failing) && line.ends_with("start")).count();
            assert_eq!(attempts, 4, "one failure and four failed starts are five");
        }
    });
}

/// 51 `one_for_all_other_child_fails_restart`, 54 `rest_for_one_other_child_fails_restart`.
#[test]
fn a_failed_start_in_a_group_stops_whom_the_strategy_says_before_the_next_attempt() {
    virtual_time(async {
        for all in [true, false] {
            let stage = Stage::default();
            let script = stage.journal.script("child2");
            let root = if all { Supervisor::one_for_all("root") } else { Supervisor::rest_for_one("root") };
            let mut root = root.intensity(3, HOUR);
            root.add(stage.child("child1"));
            root.add(stage.scripted("child2", script.clone()));
            let mut play = stage.start(root).await;
            script.next_inits([Step::Error]);
            play.stage.end("child1", End::Abnormal).await;
            let begun =
                ["child1#1 drop", "child2#1 stop shutdown", "child2#1 drop", "child1#2 start", "child2#2 start"];
            let retried: &[&str] = match all {
                true => &["child1#2 stop shutdown", "child1#2 drop", "child1#3 start", "child2#3 start"],
                false => &["child2#3 start"],
            };
            assert_eq!(play.did(), [&begun[..], retried].concat());
            play.events.wait_for_line("root/child1#1 crashed error 1/3").await;
            play.events.wait_for_line("root/child2#2 start failed error 2/3").await;
            assert!(play.lives());
        }
    });
}
