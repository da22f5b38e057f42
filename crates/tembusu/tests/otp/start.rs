//! Section 1 and case 45: the start of a supervisor, and what a failed one says.

use std::time::Duration;

use tembusu::{AdminError, ExitReason, StartError, Supervisor};
use tembusu_testkit::{EventRecorder, Step, virtual_time};

use crate::stage::{End, HOUR, SECOND, Stage, settled};

/// 1 `sup_start_normal`.
#[test]
fn a_supervisor_without_children_starts_and_stops() {
    virtual_time(async {
        let play = Stage::default().start(Supervisor::one_for_one("root")).await;
        assert_eq!(play.counts(), [0; 4]);
        assert!(matches!(play.tree.shutdown().await, ExitReason::Shutdown));
    });
}

/// 45 `faulty_application_shutdown`: the started siblings are stopped
/// in reverse order, and the error names child and reason up the whole tree.
#[test]
fn a_failed_start_stops_what_has_started_and_names_child_and_reason() {
    virtual_time(async {
        for (step, label) in [(Step::Error, "error"), (Step::Panic, "panic"), (Step::Hang, "error")] {
            let stage = Stage::default();
            let mut inner = Supervisor::one_for_all("inner");
            inner.add(stage.child("child3"));
            let fails = stage.journal.script("child4").init([step]);
            inner.add(stage.scripted("child4", fails).init_timeout(SECOND));
            inner.add(stage.child("child5"));
            let mut sub = Supervisor::rest_for_one("sub");
            sub.add(stage.child("child2"));
            sub.supervisor(inner);
            let mut root = Supervisor::one_for_one("root").intensity(9, HOUR);
            root.add(stage.child("child1"));
            root.supervisor(sub);
            root.add(stage.child("child6"));
            let mut events = EventRecorder::of(&root.handle());
            let Err(StartError::Failed { path, reason }) = root.start().await else { panic!("it does not start") };
            assert_eq!((&*path, reason.label()), ("root/sub/inner/child4", label));
            let did = stage.journal.take();
            let lines = [
                "child1#1 start",
                "child2#1 start",
                "child3#1 start",
                "child4#1 start",
                "child3#1 stop shutdown",
                "child3#1 drop",
                "child2#1 stop shutdown",
                "child2#1 drop",
                "child1#1 stop shutdown",
                "child1#1 drop",
            ];
            assert_eq!(did, lines, "one attempt, nobody later started, and the last one is stopped first");
            events.wait_for_line(&format!("root/sub/inner/child4#1 start failed {label}")).await;
            events.wait_for_line("root/sub/inner#1 start failed failed_to_start").await;
            events.wait_for_line("root/sub#1 start failed failed_to_start").await;
        }
    });
}

/// 45 at run time: whoever asked learns the same.
#[test]
fn a_supervisor_that_cannot_be_added_says_which_child_did_not_start() {
    virtual_time(async {
        let play = Stage::default().start(Supervisor::one_for_one("root")).await;
        let mut inner = Supervisor::one_for_one("inner");
        inner.add(play.stage.scripted("child1", play.stage.journal.script("child1").init([Step::Error])));
        let mut sub = Supervisor::one_for_one("sub");
        sub.supervisor(inner);
        let Err(AdminError::Failed { reason, .. }) = play.root.start_child(sub).await else {
            panic!("it does not start")
        };
        let ExitReason::FailedToStart(failure) = &reason else { panic!("{reason}") };
        assert_eq!(&*failure.child, "root/sub/inner");
        assert!(matches!(failure.root_cause(), (child, ExitReason::Error(_)) if &**child == "root/sub/inner/child1"));
        assert_eq!(reason.to_string(), "root/sub/inner/child1 failed to start: error: boom");
        assert_eq!(play.counts(), [0; 4]);
    });
}

/// Section 13: the start is synchronous, each child after the one before; a stop pre-empts it.
#[test]
fn a_start_waits_for_each_child_and_can_be_given_up() {
    virtual_time(async {
        let stage = Stage::default();
        let late = |name, by: u32| {
            stage.scripted(name, stage.journal.script(name).init([Step::Late(by * SECOND, Box::new(Step::Ok))]))
        };
        let mut root = Supervisor::one_for_one("root");
        root.add(late("child1", 1));
        root.add(late("child2", 2));
        let begun = tokio::time::Instant::now();
        let tree = root.start().await.expect("it starts");
        assert_eq!(begun.elapsed(), 3 * SECOND);
        tree.shutdown().await;
        let mut root = Supervisor::one_for_one("root");
        root.add(stage.child("child3"));
        root.add(stage.scripted("child4", stage.journal.script("child4").init([Step::Hang])));
        drop(stage.journal.take());
        assert!(tokio::time::timeout(Duration::from_millis(1), root.start()).await.is_err());
        settled().await;
        assert_eq!(stage.journal.take(), ["child3#1 start", "child4#1 start", "child3#1 drop"], "all of it is killed");
    });
}

/// Section 13 and beyond: an earlier member's death aborts the inits of the group and extends it to the left; a stop
/// and a termination pre-empt an init.
#[test]
fn the_death_of_an_earlier_member_aborts_the_inits_of_the_group() {
    virtual_time(async {
        let stage = Stage::default();
        let script = stage.journal.script("child3");
        let mut root = Supervisor::rest_for_one("root").intensity(3, HOUR);
        root.add(stage.child("child1"));
        root.add(stage.child("child2"));
        root.add(stage.scripted("child3", script.clone()));
        let play = stage.start(root).await;
        script.next_inits([Step::Hang]);
        play.stage.end("child3", End::Abnormal).await;
        assert_eq!(play.which(), ["child1 running", "child2 running", "child3 restarting"]);
        drop(play.did());
        play.stage.end("child1", End::Abnormal).await;
        let did = [
            "child1#1 drop",
            "child2#1 stop shutdown",
            "child2#1 drop",
            "child1#2 start",
            "child2#2 start",
            "child3#3 start",
        ];
        assert_eq!(play.did(), did);
        script.next_inits([Step::Hang]);
        play.stage.end("child3", End::Abnormal).await;
        let begun = tokio::time::Instant::now();
        play.root.terminate_child("child3").await.expect("it is not waited for");
        assert!(matches!(play.tree.shutdown().await, ExitReason::Shutdown));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    });
}
