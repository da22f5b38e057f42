//! Section 4: child administration at run time; and the requests of sections 1, 3 and 10.

use std::time::Duration;

use tembusu::{AdminError, DynamicSupervisor, ExitReason, Kind, Restart, Shutdown, SpecError, State, Supervisor};
use tembusu_testkit::{Gate, Say, Step, virtual_time};
use tokio::time::Instant;

use crate::stage::{End, HOUR, Play, SECOND, Stage, settled};

async fn one(restart: Restart) -> Play {
    let stage = Stage::default();
    let mut root = Supervisor::one_for_one("root").intensity(2, HOUR);
    root.add(stage.child("child1").restart(restart));
    stage.start(root).await
}

/// 25 `child_adm`, 31 `which_children`.
#[test]
fn child_administration_has_the_answers_of_otp() {
    virtual_time(async {
        let play = one(Restart::Permanent).await;
        let sup = &play.root;
        let again = || play.stage.child("child1");
        assert_eq!(play.counts(), [1, 1, 0, 1]);
        assert!(matches!(sup.start_child(again()).await, Err(AdminError::AlreadyStarted { .. })));
        for name in ["other", "", "root/child1"] {
            assert!(matches!(sup.terminate_child(name).await, Err(AdminError::NotFound { .. })));
            assert!(matches!(sup.restart_child(name).await, Err(AdminError::NotFound { .. })));
            assert!(matches!(sup.delete_child(name).await, Err(AdminError::NotFound { .. })));
            assert!(matches!(sup.get_spec(name), Err(AdminError::NotFound { .. })));
            assert!(matches!(sup.which_child(name), Err(AdminError::NotFound { .. })));
        }
        assert!(matches!(sup.restart_child("child1").await, Err(AdminError::Running { .. })));
        assert!(matches!(sup.delete_child("child1").await, Err(AdminError::Running { .. })));
        for _ in 0..2 {
            sup.terminate_child("child1").await.expect("once more is no error");
            assert_eq!(play.which(), ["child1 stopped"]);
            assert_eq!(play.counts(), [1, 0, 0, 1]);
        }
        assert!(matches!(sup.start_child(again()).await, Err(AdminError::AlreadyPresent { .. })));
        sup.restart_child("child1").await.expect("it is restarted");
        assert_eq!(play.which(), ["child1 running"]);
        assert!(matches!(sup.restart_child("child1").await, Err(AdminError::Running { .. })));
        sup.terminate_child("child1").await.expect("it is terminated");
        sup.delete_child("child1").await.expect("it is deleted");
        assert!(matches!(sup.restart_child("child1").await, Err(AdminError::NotFound { .. })));
        assert!(matches!(sup.delete_child("child1").await, Err(AdminError::NotFound { .. })));
        assert_eq!(play.counts(), [0; 4]);
        sup.start_child(again()).await.expect("the name is free");
        let child = sup.which_child("child1").expect("it is there");
        assert_eq!((child.kind, child.state, child.incarnation), (Kind::Worker, State::Running, 1));
        play.tree.shutdown().await;
        assert!(matches!(sup.terminate_child("child1").await, Err(AdminError::Stopping { .. })));
        assert!(matches!(sup.which_child("child1"), Err(AdminError::Stopping { .. })));
        assert!(matches!(sup.stop().await, Err(AdminError::Stopping { .. })));
        assert!(sup.which_children().is_empty());
    });
}

/// 26 `child_adm_simple`, 32 `which_children_simple_one_for_one`.
#[test]
fn dynamic_children_are_administered_by_their_handles() {
    virtual_time(async {
        let mut root = Supervisor::one_for_one("root");
        let stage = Stage::default();
        let foreign = root.add(stage.child("child2"));
        let pool = root.dynamic("pool", |spec| spec);
        let play = stage.start(root).await;
        assert_eq!(pool.count_children().specs, 1, "the template");
        let child1 = pool.start(play.stage.child("child1")).await.expect("it starts");
        let child2 = pool.start(play.stage.child("child2")).await.expect("it starts");
        let counts = pool.count_children();
        assert_eq!([counts.specs, counts.active, counts.supervisors, counts.workers], [1, 2, 0, 2]);
        assert_eq!(pool.which_child(&child2).expect("it is there").state, State::Running);
        // Of the same name, and of another supervisor.
        assert!(matches!(pool.which_child(&foreign), Err(AdminError::NotFound { .. })));
        assert!(matches!(pool.terminate_child(&foreign).await, Err(AdminError::NotFound { .. })));
        assert_eq!(foreign.call(Say::Ask, SECOND).await.expect("it lives"), 1);
        for _ in 0..2 {
            pool.terminate_child(&child1).await.expect("once more is no error");
            assert!(matches!(pool.which_child(&child1), Err(AdminError::NotFound { .. })));
        }
        assert!(matches!(pool.supervisor().restart_child("child2").await, Err(AdminError::Dynamic { .. })));
        assert!(matches!(pool.supervisor().delete_child("child2").await, Err(AdminError::Dynamic { .. })));
        let which: Vec<_> = pool.which_children().into_iter().map(|child| child.name).collect();
        assert_eq!(which, ["child2".into()]);
        // A name that was given again belongs to the new child; the old handle still has ended.
        let again = pool.start(play.stage.child("child1")).await.expect("the name is free");
        pool.terminate_child(&child1).await.expect("it has ended");
        assert!(pool.which_child(&again).is_ok());
    });
}

/// Elixir's `max_children`: children that are being restarted count.
#[test]
fn a_dynamic_supervisor_has_at_most_max_children() {
    virtual_time(async {
        let stage = Stage::default();
        let mut root = Supervisor::one_for_one("root");
        let pool = root.add_dynamic(DynamicSupervisor::new("pool", |spec| spec).intensity(5, HOUR).max_children(2));
        let play = stage.start(root).await;
        let script = play.stage.journal.script("child1");
        let child1 = pool.start(play.stage.scripted("child1", script.clone())).await.expect("it starts");
        pool.start(play.stage.child("child2")).await.expect("it starts");
        assert!(matches!(pool.start(play.stage.child("child3")).await, Err(AdminError::MaxChildren { .. })));
        script.next_inits([Step::Hang]);
        play.stage.end("child1", End::Abnormal).await;
        assert_eq!(pool.which_children()[0].state, State::Restarting);
        assert_eq!(pool.count_children().active, 1);
        assert!(matches!(pool.start(play.stage.child("child3")).await, Err(AdminError::MaxChildren { .. })));
        pool.terminate_child(&child1).await.expect("it is terminated");
        pool.start(play.stage.child("child3")).await.expect("there is room");
    });
}

/// 28 `child_specs`, 29 `child_specs_map`, 30 `sup_flags`: what types leave to check, at run time too.
#[test]
fn a_faulty_specification_changes_nothing() {
    virtual_time(async {
        let play = one(Restart::Permanent).await;
        for (spec, wrong) in [
            (play.stage.child("a/b"), "BadName"),
            (play.stage.child(""), "BadName"),
            (play.stage.child("child2").mailbox(0), "ZeroCapacity"),
            (play.stage.child("child2").restart(Restart::Transient).significant(), "SignificantUnderNever"),
        ] {
            let Err(AdminError::Spec(error)) = play.root.start_child(spec).await else { panic!("{wrong} is refused") };
            assert!(format!("{error:?}").starts_with(wrong), "{error:?}");
        }
        let nested = Supervisor::one_for_one("sub").intensity(1, Duration::ZERO);
        let refused = play.root.start_child(nested).await;
        assert!(matches!(refused, Err(AdminError::Spec(SpecError::ZeroPeriod { .. }))));
        assert_eq!(play.counts(), [1, 1, 0, 1]);
    });
}

/// 13 `sup_start_map`: defaults, and what `get_spec` says of them.
#[test]
fn a_specification_can_be_read_back_with_its_defaults() {
    virtual_time(async {
        let mut root = Supervisor::one_for_one("root");
        root.add(tembusu::child::<tembusu_testkit::Scripted>("plain", tembusu_testkit::Journal::new().script("plain")));
        root.add(Stage::default().child("killed").brutal_kill().restart(Restart::Temporary));
        root.supervisor(Supervisor::one_for_one("sub"));
        let tree = root.start().await.expect("it starts");
        let spec = |name| tree.handle().get_spec(name).expect("it is there");
        let plain = spec("plain");
        assert_eq!((plain.kind, plain.restart, plain.significant), (Kind::Worker, Restart::Permanent, false));
        assert_eq!(plain.shutdown, Shutdown::Within(5 * SECOND));
        assert_eq!(plain.init_timeout, Some(5 * SECOND));
        let killed = spec("killed");
        assert_eq!((killed.restart, killed.shutdown), (Restart::Temporary, Shutdown::Kill));
        let sub = spec("sub");
        assert_eq!((sub.kind, sub.shutdown, sub.init_timeout), (Kind::Supervisor, Shutdown::Unlimited, None));
    });
}

/// 72 `do_not_save_child_specs_for_temporary_children`, 39 `temporary_shutdown`.
#[test]
fn the_name_of_a_temporary_child_that_has_ended_is_free() {
    virtual_time(async {
        for how in [Some(End::Normal), Some(End::Abnormal), Some(End::Shutdown), None] {
            for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
                let play = one(restart).await;
                match how {
                    Some(how) => play.stage.end("child1", how).await,
                    None => play.root.terminate_child("child1").await.expect("it is terminated"),
                }
                let again = play.root.start_child(play.stage.child("child1").restart(restart)).await;
                let runs = match restart {
                    Restart::Permanent => how.is_some(),
                    Restart::Transient => how.is_some_and(End::is_abnormal),
                    _ => false,
                };
                match again {
                    Ok(_) => assert_eq!(restart, Restart::Temporary),
                    Err(AdminError::AlreadyStarted { .. }) => assert!(runs && restart != Restart::Temporary),
                    Err(AdminError::AlreadyPresent { .. }) => {
                        assert!(!runs && restart != Restart::Temporary);
                        play.root.restart_child("child1").await.expect("it is restarted");
                    }
                    Err(error) => panic!("{error}"),
                }
                assert_eq!(play.counts(), [1, 1, 0, 1]);
            }
        }
    });
}

/// A name given again is given back when the supervisor is restarted with its own children.
#[test]
fn a_restarted_supervisor_has_the_children_of_its_specification() {
    virtual_time(async {
        let stage = Stage::default();
        let mut sub = Supervisor::one_for_one("sub").intensity(0, SECOND);
        sub.add(stage.child("own").restart(Restart::Temporary));
        sub.add(stage.child("other"));
        let mut root = Supervisor::one_for_one("root").intensity(5, HOUR);
        let sub = root.supervisor(sub);
        let play = stage.start(root).await;
        play.stage.end("own", End::Normal).await;
        let added = play.stage.child("own");
        sub.start_child(added).await.expect("the name is free");
        assert_eq!(sub.which_child("own").expect("it is there").incarnation, 1);
        play.stage.end("other", End::Abnormal).await;
        assert_eq!(sub.which_child("own").expect("it is back").incarnation, 2);
        assert_eq!(sub.count_children().specs, 2);
    });
}

/// 3 `sup_start_ignore_child`, 4 `sup_start_ignore_temporary_child`,
/// 5 `sup_start_ignore_temporary_child_start_child`, 6 `sup_start_ignore_temporary_child_start_child_simple`,
/// 7 `sup_start_ignore_permanent_child_start_child_simple`.
#[test]
fn a_child_that_ignores_is_kept_without_a_process_unless_nothing_could_start_it_again() {
    virtual_time(async {
        let stage = Stage::default();
        let ignores = |name: &'static str| stage.scripted(name, stage.journal.script(name).init([Step::Ignore]));
        let mut root = Supervisor::one_for_one("root");
        root.add(ignores("first").restart(Restart::Temporary));
        root.add(stage.child("second").restart(Restart::Temporary));
        let pool = root.dynamic("pool", |spec| spec);
        let specs = [
            ignores("third").restart(Restart::Permanent),
            ignores("fourth").restart(Restart::Temporary),
            ignores("fifth").restart(Restart::Temporary),
            ignores("sixth").restart(Restart::Permanent),
        ];
        let play = stage.start(root).await;
        assert_eq!(play.which(), ["second running", "pool running"]);
        let [third, fourth, fifth, sixth] = specs;
        play.root.start_child(third).await.expect("to ignore is no error");
        play.root.start_child(fourth).await.expect("to ignore is no error");
        assert_eq!(play.which(), ["second running", "pool running", "third stopped"]);
        assert_eq!(play.counts(), [3, 2, 1, 2]);
        for spec in [fifth, sixth] {
            pool.start(spec).await.expect("to ignore is no error");
            assert_eq!(pool.count_children().workers, 0, "nothing could start it again");
        }
        pool.start(play.stage.child("seventh")).await.expect("it starts");
        assert_eq!(pool.count_children().workers, 1);
        assert!(matches!(play.tree.shutdown().await, ExitReason::Shutdown));
    });
}

/// 10 `sup_start_restart_child_returns_error`, 11 `sup_start_child_returns_error`, 12 `sup_start_child_returns_error_simple`.
#[test]
fn a_start_by_request_that_fails_is_an_answer_and_nothing_else() {
    virtual_time(async {
        let play = one(Restart::Permanent).await;
        let fails = |name: &'static str, steps: Vec<Step>| {
            play.stage.scripted(name, play.stage.journal.script(name).init(steps))
        };
        play.root.start_child(fails("child2", vec![Step::Ok, Step::Error])).await.expect("it starts once");
        play.root.terminate_child("child2").await.expect("it is terminated");
        let refused = play.root.restart_child("child2").await;
        assert!(matches!(refused, Err(AdminError::Failed { reason: ExitReason::Error(_), .. })), "{refused:?}");
        assert_eq!(play.which(), ["child1 running", "child2 stopped"]);
        for step in [Step::Error, Step::Panic] {
            let refused = play.root.start_child(fails("child3", vec![step])).await.err();
            assert!(matches!(refused, Some(AdminError::Failed { .. })), "{refused:?}");
            assert_eq!(play.counts(), [2, 1, 0, 2], "it is forgotten");
        }
        assert!(play.lives());
        let mut root = Supervisor::one_for_one("root");
        let pool = root.dynamic("pool", |spec| spec);
        let _tree = root.start().await.expect("it starts");
        let refused = pool.start(fails("child4", vec![Step::Error])).await.err();
        assert!(matches!(refused, Some(AdminError::Failed { reason: ExitReason::Error(_), .. })));
        assert_eq!(pool.count_children().workers, 0);
    });
}

/// 23 `sup_stop_manual`.
#[test]
fn a_supervisor_that_is_stopped_ends_normally() {
    virtual_time(async {
        let stage = Stage::default();
        let mut root = Supervisor::one_for_one("root");
        root.add(stage.child("child1").brutal_kill());
        root.add(stage.child("child2"));
        root.add(stage.child("child3"));
        let mut play = stage.start(root).await;
        play.stage.tell("child3", Step::Hang);
        settled().await;
        play.root.stop().await.expect("it is stopped");
        assert!(matches!(play.ended().await, ExitReason::Normal));
        for line in ["root/child3#1 stopped killed", "root/child2#1 stopped shutdown", "root/child1#1 stopped killed"] {
            play.events.wait_for_line(line).await;
        }
    });
}

/// 24 `sup_stop_manual_timeout`: who gives up waiting does not call the end off.
#[test]
fn a_stop_goes_on_when_nobody_waits_for_it() {
    virtual_time(async {
        let stage = Stage::default();
        let gate = Gate::new();
        let mut root = Supervisor::one_for_one("root");
        let script = stage.journal.script("child1").stop([Step::Pass(gate.clone())]);
        root.add(stage.scripted("child1", script).shutdown(5 * SECOND));
        root.add(stage.child("child2"));
        let play = stage.start(root).await;
        let begun = Instant::now();
        assert!(tokio::time::timeout(SECOND / 10, play.root.stop()).await.is_err());
        assert_eq!(begun.elapsed(), SECOND / 10);
        gate.open();
        assert!(matches!(play.ended().await, ExitReason::Normal));
        let did = ["child2#1 stop shutdown", "child2#1 drop", "child1#1 stop shutdown", "child1#1 drop"];
        assert_eq!(play.did(), did);
    });
}

/// `supervisor:stop/1` of a nested supervisor: its end is normal, and its parent decides.
#[test]
fn the_parent_decides_what_follows_when_a_nested_supervisor_is_stopped() {
    virtual_time(async {
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            let stage = Stage::default();
            let mut sub = Supervisor::one_for_one("sub").restart(restart);
            sub.add(stage.child("child1"));
            let mut root = Supervisor::one_for_one("root").intensity(1, HOUR);
            let sub = root.supervisor(sub);
            let play = stage.start(root).await;
            sub.stop().await.expect("it is stopped");
            settled().await;
            let restarted = restart == Restart::Permanent;
            assert_eq!(play.stage.incarnation("child1").await, if restarted { 2 } else { 0 });
            assert_eq!(play.counts()[0], usize::from(restart != Restart::Temporary));
        }
    });
}
