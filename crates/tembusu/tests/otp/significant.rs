//! Section 11: significant children and automatic shutdown.

use tembusu::{AutoShutdown, ExitReason, Restart, SpecError, StartError, Supervisor};
use tembusu_testkit::virtual_time;

use crate::stage::{End, HOUR, Play, SECOND, Stage, settled};

const AUTO: [AutoShutdown; 3] = [AutoShutdown::Never, AutoShutdown::AnySignificant, AutoShutdown::AllSignificant];

/// Two significant children and one that is not, as in OTP's cases.
async fn significant(auto_shutdown: AutoShutdown, restart: Restart) -> Play {
    let stage = Stage::default();
    let mut root = Supervisor::one_for_one("root").intensity(4, HOUR).auto_shutdown(auto_shutdown);
    root.add(stage.child("child1").restart(restart).significant());
    root.add(stage.child("child2").restart(restart).significant());
    root.add(stage.child("child3").restart(restart));
    stage.start(root).await
}

/// 77 `nonsignificant_temporary`, 78 `nonsignificant_transient`.
#[test]
fn a_child_that_is_not_significant_ends_alone() {
    virtual_time(async {
        for auto_shutdown in AUTO {
            for restart in [Restart::Temporary, Restart::Transient] {
                for how in End::ALL {
                    let stage = Stage::default();
                    let mut root = Supervisor::one_for_one("root").intensity(2, HOUR).auto_shutdown(auto_shutdown);
                    root.add(stage.child("child1").restart(restart));
                    let play = stage.start(root).await;
                    play.stage.end("child1", how).await;
                    let restarted = restart == Restart::Transient && how.is_abnormal();
                    assert_eq!(play.stage.incarnation("child1").await, if restarted { 2 } else { 0 });
                    assert!(play.lives());
                    if !restarted {
                        // And one that runs, by an operator.
                        let stage = Stage::default();
                        play.root.start_child(stage.child("child2").restart(restart)).await.expect("it starts");
                        play.root.terminate_child("child2").await.expect("it is terminated");
                        settled().await;
                    }
                    let known = play.root.terminate_child("child1").await.is_ok();
                    assert_eq!(known, restart == Restart::Transient);
                    assert!(play.lives());
                }
            }
        }
    });
}

/// 79 `significant_temporary`, 80 `significant_transient`: any.
#[test]
fn any_significant_child_that_ends_for_good_takes_its_supervisor_with_it() {
    virtual_time(async {
        for restart in [Restart::Temporary, Restart::Transient] {
            for how in End::ALL {
                let mut play = significant(AutoShutdown::AnySignificant, restart).await;
                play.root.terminate_child("child1").await.expect("it is terminated");
                tokio::time::sleep(SECOND).await;
                assert!(play.lives(), "what an operator does ends nobody else");
                play.stage.end("child2", how).await;
                if restart == Restart::Transient && how.is_abnormal() {
                    assert_eq!(play.stage.incarnation("child2").await, 2);
                    assert!(play.lives());
                    continue;
                }
                assert!(matches!(play.ended().await, ExitReason::Shutdown));
                play.events.wait_for_line("root#1 auto shutdown by root/child2").await;
                play.events.wait_for_line("root/child3#1 stopped shutdown").await;
            }
        }
    });
}

/// 79 `significant_temporary`, 80 `significant_transient`: all.
#[test]
fn the_last_significant_child_takes_its_supervisor_with_it() {
    virtual_time(async {
        for restart in [Restart::Temporary, Restart::Transient] {
            let play = significant(AutoShutdown::AllSignificant, restart).await;
            play.stage.end("child1", End::Normal).await;
            tokio::time::sleep(SECOND).await;
            assert!(play.lives());
            play.stage.end("child2", End::Normal).await;
            assert!(matches!(play.ended().await, ExitReason::Shutdown));
            assert_eq!(play.did().last().map(String::as_str), Some("child3#1 drop"));
        }
    });
}

/// 81 `significant_simple`: a dynamic supervisor has no `auto_shutdown` to set; what is left is its children.
#[test]
fn the_children_of_a_dynamic_supervisor_cannot_be_significant() {
    virtual_time(async {
        let stage = Stage::default();
        let spec = stage.child("child1").restart(Restart::Temporary).significant();
        let mut root = Supervisor::one_for_one("root");
        let pool = root.dynamic("pool", |spec| spec);
        let _tree = root.start().await.expect("it starts");
        let refused = pool.start(spec).await.expect_err("it is refused").to_string();
        let path = "root/pool/child1".into();
        assert!(refused.ends_with(&SpecError::SignificantInDynamic { path }.to_string()), "{refused}");
    });
}

/// 82 `significant_bystander`: siblings that the strategy ends do not count.
#[test]
fn a_significant_bystander_of_a_group_restart_does_not_count() {
    virtual_time(async {
        for auto_shutdown in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
            for root in
                [Supervisor::one_for_one("root"), Supervisor::one_for_all("root"), Supervisor::rest_for_one("root")]
            {
                let stage = Stage::default();
                let mut root = root.intensity(2, HOUR).auto_shutdown(auto_shutdown);
                root.add(stage.child("child1").restart(Restart::Transient).significant());
                root.add(stage.child("child2").restart(Restart::Transient));
                root.add(stage.child("child3").restart(Restart::Transient).significant());
                let play = stage.start(root).await;
                play.stage.end("child2", End::Panic).await;
                tokio::time::sleep(SECOND).await;
                assert!(play.lives());
                assert_eq!(play.stage.incarnation("child2").await, 2);
            }
        }
    });
}

/// 83 `significant_escalation`.
#[test]
fn automatic_shutdown_climbs_through_significant_supervisors() {
    virtual_time(async {
        for climbs in [true, false] {
            let stage = Stage::default();
            let mut b =
                Supervisor::one_for_one("b").restart(Restart::Transient).auto_shutdown(AutoShutdown::AnySignificant);
            b.add(stage.child("c").restart(Restart::Transient).significant());
            let mut a = Supervisor::one_for_one("a").auto_shutdown(AutoShutdown::AnySignificant);
            a.supervisor(if climbs { b.significant() } else { b });
            let mut play = stage.start(a).await;
            play.stage.end("c", End::Normal).await;
            tokio::time::sleep(SECOND).await;
            assert_eq!(play.lives(), !climbs);
            play.events.wait_for_line("a/b#1 auto shutdown by a/b/c").await;
            play.events.wait_for_line("a/b#1 stopped shutdown").await;
            if climbs {
                assert!(matches!(play.ended().await, ExitReason::Shutdown));
            }
        }
    });
}

/// 29 `child_specs_map`: the combinations that OTP refuses, in a tree and at run time.
#[test]
fn bad_combinations_of_significance_are_refused() {
    virtual_time(async {
        for auto_shutdown in AUTO {
            for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
                let path = || "root/child1".to_owned();
                let expected = match (restart, auto_shutdown) {
                    (Restart::Permanent, _) => Some(SpecError::SignificantPermanent { path: path() }),
                    (_, AutoShutdown::Never) => Some(SpecError::SignificantUnderNever { path: path() }),
                    _ => None,
                };
                let stage = Stage::default();
                let root = || Supervisor::one_for_one("root").auto_shutdown(auto_shutdown);
                let spec = || stage.child("child1").restart(restart).significant();
                let mut with = root();
                with.add(spec());
                let started = with.start().await;
                match (&expected, started) {
                    (None, Ok(_)) => {}
                    (Some(expected), Err(StartError::Spec(error))) => assert_eq!(error, *expected),
                    (_, other) => panic!("{auto_shutdown:?} {restart:?}: {other:?}"),
                }
                let tree = root().start().await.expect("it starts");
                let added = tree.handle().start_child(spec()).await;
                assert_eq!(added.is_err(), expected.is_some());
                settled().await;
            }
        }
        let nested = Supervisor::one_for_one("root").restart(Restart::Transient).significant();
        assert!(matches!(nested.start().await, Err(StartError::Spec(SpecError::SignificantRoot { .. }))));
        let mut root = Supervisor::one_for_one("root");
        root.supervisor(Supervisor::one_for_one("sub").restart(Restart::Transient).significant());
        assert!(matches!(root.start().await, Err(StartError::Spec(SpecError::SignificantUnderNever { .. }))));
    });
}
