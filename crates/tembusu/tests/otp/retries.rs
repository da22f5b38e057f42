//! Section 10, the hanging restart loops: requests are served between the attempts to bring a child back.

use std::time::Duration;

use tembusu::{AdminError, ExitReason, Supervisor};
use tembusu_testkit::{Journal, Script, Step, virtual_time};

use crate::stage::{End, Play, SECOND, Stage};

/// How often the helper's start fails before it succeeds again.
const FAILURES: usize = 5;

/// OTP's `supervisor_deadlock`: from the second start on it waits two seconds, then fails.
fn failing(journal: &Journal, name: &'static str) -> Script {
    journal.script(name).init([Step::Ok])
}

async fn fail_for_a_while(play: &Play, script: &Script, name: &str) {
    script.next_inits((0..FAILURES).map(|_| Step::Late(2 * SECOND, Box::new(Step::Error))));
    play.stage.end(name, End::Abnormal).await;
}

/// 64 `hanging_restart_loop`.
#[test]
fn requests_are_served_while_a_child_cannot_be_restarted() {
    virtual_time(async {
        let stage = Stage::default();
        let script = failing(&stage.journal, "child1");
        let mut root = Supervisor::one_for_one("root").intensity(8, 10 * SECOND);
        root.add(stage.scripted("child1", script.clone()).init_timeout(5 * SECOND));
        let play = stage.start(root).await;
        fail_for_a_while(&play, &script, "child1").await;
        for _ in 0..3 {
            assert!(matches!(
                play.root.start_child(Stage::default().child("child1")).await,
                Err(AdminError::AlreadyPresent { .. })
            ));
            assert!(matches!(play.root.restart_child("child1").await, Err(AdminError::Restarting { .. })));
            assert!(matches!(play.root.delete_child("child1").await, Err(AdminError::Restarting { .. })));
            assert_eq!(play.which(), ["child1 restarting"]);
            assert_eq!(play.counts(), [1, 0, 0, 1]);
            tokio::time::sleep(SECOND).await;
        }
        play.root.terminate_child("child1").await.expect("it ends the attempts");
        assert_eq!(play.which(), ["child1 stopped"]);
        tokio::time::sleep(10 * SECOND).await;
        assert_eq!(play.which(), ["child1 stopped"]);
        script.forget_inits();
        play.root.restart_child("child1").await.expect("it starts again");
        fail_for_a_while(&play, &script, "child1").await;
        let ended = tokio::time::timeout(Duration::from_millis(1), play.tree.shutdown()).await;
        assert!(matches!(ended, Ok(ExitReason::Shutdown)), "it stops promptly");
    });
}

/// 65 `hanging_restart_loop_rest_for_one`.
#[test]
fn a_group_that_cannot_be_restarted_is_given_up_with_the_child_that_fails() {
    virtual_time(async {
        let stage = Stage::default();
        let script = failing(&stage.journal, "child2");
        let mut root = Supervisor::rest_for_one("root").intensity(8, 10 * SECOND);
        root.add(stage.child("child1"));
        root.add(stage.scripted("child2", script.clone()).init_timeout(5 * SECOND));
        root.add(stage.child("child3"));
        let play = stage.start(root).await;
        fail_for_a_while(&play, &script, "child2").await;
        tokio::time::sleep(3 * SECOND).await;
        assert_eq!(play.which(), ["child1 running", "child2 restarting", "child3 waiting"]);
        assert_eq!(play.counts(), [3, 1, 0, 3]);
        for name in ["child2", "child3"] {
            assert!(matches!(play.root.restart_child(name).await, Err(AdminError::Restarting { .. })));
            assert!(matches!(play.root.delete_child(name).await, Err(AdminError::Restarting { .. })));
        }
        play.root.terminate_child("child2").await.expect("it ends the attempts");
        tokio::time::sleep(10 * SECOND).await;
        assert_eq!(play.which(), ["child1 running", "child2 stopped", "child3 stopped"]);
        script.forget_inits();
        for name in ["child2", "child3"] {
            play.root.restart_child(name).await.expect("it starts again");
        }
        fail_for_a_while(&play, &script, "child2").await;
        assert!(matches!(play.tree.shutdown().await, ExitReason::Shutdown));
    });
}

/// 66 `hanging_restart_loop_simple`.
#[test]
fn a_dynamic_child_that_cannot_be_restarted_is_forgotten_when_it_is_terminated() {
    virtual_time(async {
        let stage = Stage::default();
        let script = failing(&stage.journal, "child1");
        let spec = stage.scripted("child1", script.clone()).init_timeout(5 * SECOND);
        let mut root = Supervisor::one_for_one("root");
        let pool = root.add_dynamic(tembusu::DynamicSupervisor::new("pool", |spec| spec).intensity(8, 10 * SECOND));
        let play = stage.start(root).await;
        let child = pool.start(spec).await.expect("it starts");
        fail_for_a_while(&play, &script, "child1").await;
        assert_eq!(play.which_of(pool.supervisor()), ["child1 restarting"]);
        let counts = pool.count_children();
        assert_eq!([counts.specs, counts.active, counts.workers], [1, 0, 1]);
        pool.terminate_child(&child).await.expect("a handle outlives the incarnation");
        assert!(pool.which_children().is_empty());
        script.forget_inits();
        pool.start(play.stage.scripted("child1", script.clone())).await.expect("it starts");
        fail_for_a_while(&play, &script, "child1").await;
        assert_eq!(play.which_of(pool.supervisor()), ["child1 restarting"]);
        let ended = tokio::time::timeout(Duration::from_millis(1), play.tree.shutdown()).await;
        assert!(matches!(ended, Ok(ExitReason::Shutdown)), "it stops promptly while it tries");
    });
}

/// 70 `count_restarting_children`.
#[test]
fn a_child_that_is_being_restarted_is_a_worker_but_not_active() {
    virtual_time(async {
        let stage = Stage::default();
        let mut root = Supervisor::one_for_one("root");
        let pool = root.add_dynamic(tembusu::DynamicSupervisor::new("pool", |spec| spec).intensity(20, 10 * SECOND));
        let scripts = ["a", "b", "c"].map(|name| failing(&stage.journal, name));
        let specs =
            ["a", "b", "c"].into_iter().zip(&scripts).map(|(name, script)| stage.scripted(name, script.clone()));
        let specs: Vec<_> = specs.collect();
        let play = stage.start(root).await;
        for spec in specs {
            pool.start(spec).await.expect("it starts");
        }
        let counts = || {
            let counts = pool.count_children();
            [counts.specs, counts.active, counts.supervisors, counts.workers]
        };
        for name in ["a", "b", "c"] {
            play.stage.end(name, End::Abnormal).await;
        }
        assert_eq!(counts(), [1, 3, 0, 3]);
        fail_for_a_while(&play, &scripts[0], "a").await;
        fail_for_a_while(&play, &scripts[1], "b").await;
        tokio::time::sleep(4 * SECOND).await;
        assert_eq!(counts(), [1, 1, 0, 3]);
        for script in &scripts {
            script.forget_inits();
        }
        tokio::time::sleep(4 * SECOND).await;
        assert_eq!(counts(), [1, 3, 0, 3]);
        for (left, name) in [(2, "a"), (1, "b"), (0, "c")] {
            pool.terminate(name).await.expect("it is terminated");
            assert_eq!(counts(), [1, left, 0, left]);
        }
    });
}
