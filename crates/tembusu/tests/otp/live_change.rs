//! Section 12: live change; and the upgrades of section 11.

use std::time::Duration;

use tembusu::{
    AdminError, AutoShutdown, Change, ChildChange, ExitReason, Restart, Shutdown, SpecError, Strategy, Supervisor,
};
use tembusu_testkit::{Step, ask, virtual_time};

use crate::stage::{End, HOUR, Play, SECOND, Stage, settled};

/// Two transient children, significant unless nothing could come of it.
async fn play(auto_shutdown: AutoShutdown) -> Play {
    let stage = Stage::default();
    let mut root = Supervisor::one_for_one("root").intensity(4, HOUR).auto_shutdown(auto_shutdown);
    for name in ["child1", "child2"] {
        let spec = stage.child(name).restart(Restart::Transient);
        root.add(if auto_shutdown == AutoShutdown::Never { spec } else { spec.significant() });
    }
    stage.start(root).await
}

fn significant(value: bool) -> ChildChange {
    ChildChange::new().significant(value)
}

async fn make(play: &Play, auto_shutdown: AutoShutdown) {
    play.root.change(Change::new().auto_shutdown(auto_shutdown)).await.expect("it is changed");
}

/// 84 `significant_upgrade_never_any`, 86 `significant_upgrade_never_all`.
#[test]
fn significance_counts_from_the_change_on() {
    virtual_time(async {
        for to in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
            let play = play(AutoShutdown::Never).await;
            make(&play, to).await;
            let change = Change::new().child("child1", significant(true)).child("child2", significant(true));
            play.root.change(change).await.expect("it is changed");
            play.stage.end("child1", End::Normal).await;
            assert_eq!(play.lives(), to == AutoShutdown::AllSignificant);
            if play.lives() {
                play.stage.end("child2", End::Normal).await;
            }
            assert!(matches!(play.ended().await, ExitReason::Shutdown));
        }
    });
}

/// 85 `significant_upgrade_any_never`, 87 `significant_upgrade_all_never`.
#[test]
fn under_never_a_significant_child_has_no_effect_but_goes_on() {
    virtual_time(async {
        for from in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
            let play = play(from).await;
            make(&play, AutoShutdown::Never).await;
            for name in ["child1", "child2"] {
                play.stage.end(name, End::Normal).await;
            }
            assert!(play.lives());
            let spec = play.stage.child("child3").restart(Restart::Transient).significant();
            let refused = play.root.start_child(spec).await;
            assert!(matches!(refused, Err(AdminError::Spec(SpecError::SignificantUnderNever { .. }))));
            play.root.restart_child("child1").await.expect("one that is there can be restarted");
        }
    });
}

/// 88 `significant_upgrade_any_all`, 89 `significant_upgrade_all_any`.
#[test]
fn any_and_all_can_be_exchanged() {
    virtual_time(async {
        let first = play(AutoShutdown::AnySignificant).await;
        make(&first, AutoShutdown::AllSignificant).await;
        first.stage.end("child1", End::Normal).await;
        assert!(first.lives());
        first.stage.end("child2", End::Normal).await;
        assert!(matches!(first.ended().await, ExitReason::Shutdown));
        let second = play(AutoShutdown::AllSignificant).await;
        second.stage.end("child1", End::Normal).await;
        make(&second, AutoShutdown::AnySignificant).await;
        tokio::time::sleep(SECOND).await;
        assert!(second.lives(), "what ended before does not count");
        second.stage.end("child2", End::Normal).await;
        assert!(matches!(second.ended().await, ExitReason::Shutdown));
    });
}

/// 90 `significant_upgrade_child`.
#[test]
fn the_significance_of_a_child_can_be_changed() {
    virtual_time(async {
        let never = play(AutoShutdown::Never).await;
        let refused = never.root.change(Change::new().child("child1", significant(true))).await;
        assert!(matches!(refused, Err(AdminError::Spec(SpecError::SignificantUnderNever { .. }))));
        assert!(!never.root.get_spec("child1").expect("it is there").significant);
        for (value, ends) in [(true, true), (false, false)] {
            let play = play(AutoShutdown::AnySignificant).await;
            play.root.change(Change::new().child("child1", significant(!value))).await.expect("it is changed");
            play.root.change(Change::new().child("child1", significant(value))).await.expect("it is changed");
            play.stage.end("child1", End::Normal).await;
            assert_eq!(!play.lives(), ends);
        }
    });
}

/// 91 `code_change`, 92 `code_change_map`: flags.
#[test]
fn flags_are_replaced_and_hold_from_the_next_failure_on() {
    virtual_time(async {
        let stage = Stage::default();
        let mut root = Supervisor::one_for_one("root").intensity(0, SECOND);
        for name in ["child1", "child2"] {
            root.add(stage.child(name));
        }
        let play = stage.start(root).await;
        let change = Change::new().strategy(Strategy::OneForAll).intensity(2, HOUR);
        play.root.change(change).await.expect("it is changed");
        for incarnation in [2, 3] {
            play.stage.end("child1", End::Abnormal).await;
            assert_eq!(play.stage.incarnation("child2").await, incarnation, "its group is restarted");
        }
        // Two were granted; with one, the next is too many.
        play.root.change(Change::new().intensity(1, HOUR)).await.expect("it is changed");
        play.stage.end("child2", End::Abnormal).await;
        assert!(matches!(play.ended().await, ExitReason::Exhausted(_)));
    });
}

/// 91 `code_change`, 92 `code_change_map`: faulty flags and specifications.
#[test]
fn a_faulty_change_leaves_everything_as_it_was() {
    virtual_time(async {
        let play = play(AutoShutdown::Never).await;
        let before = (play.which(), play.root.get_spec("child1").expect("it is there"));
        let permanent = || ChildChange::new().restart(Restart::Permanent);
        let with = |spec| {
            let mut change = Change::new().child("child1", permanent()).intensity(9, HOUR);
            change.add(spec);
            change
        };
        let faulty = [
            (Change::new().child("child1", permanent()).intensity(1, Duration::ZERO), "ZeroPeriod"),
            (Change::new().child("child1", permanent()).max_children(3), "NotChangeable"),
            (Change::new().child("child1", permanent()).child("child2", significant(true)), "SignificantUnderNever"),
            (with(play.stage.child("child2")), "DuplicateName"),
            (with(play.stage.child("a/b")), "BadName"),
            (with(play.stage.child("child3").mailbox(0)), "ZeroCapacity"),
            (with(play.stage.child("child3").significant()), "SignificantPermanent"),
        ];
        for (change, wrong) in faulty {
            let Err(AdminError::Spec(error)) = play.root.change(change).await else { panic!("{wrong} is refused") };
            assert!(format!("{error:?}").starts_with(wrong), "{error:?}");
            assert_eq!((play.which(), play.root.get_spec("child1").expect("it is there")), before, "{wrong}");
        }
        for change in [Change::new().child("nobody", permanent()), Change::new().order(["child2", "nobody"])] {
            assert!(matches!(play.root.change(change).await, Err(AdminError::NotFound { .. })));
        }
        assert!(
            play.root.start_child(Stage::default().child("child3")).await.is_ok(),
            "the name has become free again"
        );
        let which = play.which();
        play.root.change(Change::new()).await.expect("nothing to change is no error");
        assert_eq!(play.which(), which);
        play.tree.shutdown().await;
        assert!(matches!(play.root.change(Change::new()).await, Err(AdminError::Stopping { .. })));
    });
}

/// 91 `code_change`, 92 `code_change_map`: children.
#[test]
fn new_children_are_added_and_not_started_and_the_others_keep_their_places() {
    virtual_time(async {
        let stage = Stage::default();
        let mut sub = Supervisor::rest_for_one("sub").intensity(1, HOUR);
        sub.add(stage.child("child1"));
        let mut root = Supervisor::one_for_one("root").intensity(5, HOUR);
        let sub = root.supervisor(sub);
        let play = stage.start(root).await;
        let mut change = Change::new().order(["child2", "child3"]);
        let child2 = change.add(play.stage.child("child2"));
        let _ = change.add(play.stage.child("child3"));
        sub.change(change).await.expect("it is changed");
        assert_eq!(play.which_of(&sub), ["child2 waiting", "child3 waiting", "child1 running"]);
        assert!(child2.tell(Step::Ok.into()).is_err(), "nobody would read it");
        sub.restart_child("child3").await.expect("it starts");
        assert_eq!(play.which_of(&sub), ["child2 waiting", "child3 running", "child1 running"]);
        drop(play.did());
        play.stage.end("child3", End::Abnormal).await;
        let did = ["child3#1 drop", "child1#1 stop shutdown", "child1#1 drop", "child3#2 start", "child1#2 start"];
        assert_eq!(play.did(), did, "in the new order");
        // The supervisor's next incarnation starts them all.
        play.stage.end("child1", End::Abnormal).await;
        assert_eq!(play.which_of(&sub), ["child2 running", "child3 running", "child1 running"]);
        assert_eq!(ask(&child2).await, 1);
        let did = play.did();
        assert_eq!(did[did.len() - 3..], ["child2#1 start", "child3#3 start", "child1#3 start"]);
    });
}

/// What a change says of a child's stop and start holds for the next one.
#[test]
fn budgets_and_restart_types_hold_from_the_change_on() {
    virtual_time(async {
        let play = play(AutoShutdown::Never).await;
        let change = ChildChange::new().shutdown(Shutdown::Kill).restart(Restart::Temporary).init_timeout(SECOND);
        play.root.change(Change::new().child("child1", change)).await.expect("it is changed");
        let spec = play.root.get_spec("child1").expect("it is there");
        assert_eq!(
            (spec.shutdown, spec.restart, spec.init_timeout),
            (Shutdown::Kill, Restart::Temporary, Some(SECOND))
        );
        play.stage.tell("child1", Step::Hang);
        settled().await;
        play.root.terminate_child("child1").await.expect("it is killed at once");
        assert_eq!(play.which(), ["child2 running"], "and forgotten");
        let sub = play.root.start_child(Supervisor::one_for_one("sub")).await.expect("it starts");
        let change = Change::new().child("sub", ChildChange::new().init_timeout(SECOND));
        assert!(matches!(play.root.change(change).await, Err(AdminError::Spec(SpecError::NotChangeable { .. }))));
        assert_eq!(sub.path(), "root/sub");
    });
}

/// The order is what a group restart goes by.
#[test]
fn the_order_cannot_be_changed_during_a_group_restart() {
    virtual_time(async {
        let stage = Stage::default();
        let script = stage.journal.script("child1");
        let mut root = Supervisor::one_for_all("root");
        root.add(stage.scripted("child1", script.clone()));
        root.add(stage.child("child2"));
        let play = stage.start(root).await;
        script.next_inits([Step::Late(SECOND, Box::new(Step::Ok))]);
        play.stage.end("child1", End::Abnormal).await;
        let refused = play.root.change(Change::new().order(["child2"])).await;
        assert!(matches!(refused, Err(AdminError::Restarting { .. })));
        play.root.change(Change::new().intensity(4, HOUR)).await.expect("the rest can be");
        tokio::time::sleep(SECOND).await;
        play.root.change(Change::new().order(["child2"])).await.expect("now it can be");
        assert_eq!(play.which(), ["child2 running", "child1 running"]);
    });
}

fn stage_of_others() -> tembusu_testkit::Script {
    Stage::default().journal.script("other")
}

/// Another template says of a running child what OTP's says, when it is told so by name: what it was made from stays.
#[test]
fn a_running_dynamic_child_is_restarted_from_what_it_was_made_from_and_treated_as_changed() {
    virtual_time(async {
        let stage = Stage::default();
        let mut root = Supervisor::one_for_one("root");
        let pool = root.dynamic("pool", |spec: tembusu::ChildSpec<_>| spec);
        let (a, b) = (stage.child("a"), stage.child("b"));
        let play = stage.start(root).await;
        pool.start(a).await.expect("it starts");
        pool.start(b).await.expect("it starts");
        let other = stage_of_others();
        pool.change_template(move |_| tembusu::child("other", other.clone()).restart(Restart::Temporary));
        play.stage.end("a", End::Abnormal).await;
        assert_eq!(play.which_of(pool.supervisor()), ["a running", "b running"], "permanent, as it was made");
        let treated = ["a", "b"].into_iter().fold(Change::new(), |change, name| {
            change.child(name, ChildChange::new().restart(Restart::Temporary).shutdown(Shutdown::Kill))
        });
        pool.supervisor().change(treated).await.expect("they are treated otherwise");
        play.stage.end("a", End::Abnormal).await;
        assert_eq!(play.which_of(pool.supervisor()), ["b running"], "temporary now");
        let spec = pool.supervisor().get_spec("b").expect("it is there");
        assert_eq!((spec.restart, spec.shutdown), (Restart::Temporary, Shutdown::Kill));
        assert_eq!(play.did(), ["a#1 start", "b#1 start", "a#1 drop", "a#2 start", "a#2 drop"]);
        pool.start(Stage::default().child("ignored")).await.expect("it starts");
        assert_eq!(play.which_of(pool.supervisor()), ["b running", "other running"]);
    });
}

/// 93 `code_change_simple`, 94 `code_change_simple_map`, 14 `sup_start_map_simple`.
#[test]
fn a_template_can_be_changed_and_not_taken_away() {
    virtual_time(async {
        let stage = Stage::default();
        let mut root = Supervisor::one_for_one("root");
        let old = stage.child("old").restart(Restart::Transient);
        let new = stage.child("new");
        let pool = root.dynamic("pool", |spec: tembusu::ChildSpec<_>| spec.restart(Restart::Temporary));
        let play = stage.start(root).await;
        pool.start(old).await.expect("it starts");
        pool.clone().change_template(|spec| spec.restart(Restart::Permanent));
        pool.start(new).await.expect("it starts");
        for (name, restart) in [("old", Restart::Temporary), ("new", Restart::Permanent)] {
            let spec = pool.supervisor().get_spec(name).expect("it is there");
            assert_eq!((spec.restart, spec.shutdown, spec.significant), (restart, Shutdown::Within(SECOND), false));
        }
        assert!(matches!(pool.supervisor().get_spec("stranger"), Err(AdminError::NotFound { .. })));
        let mut added = Change::new();
        let _ = added.add(Stage::default().child("child1"));
        for change in [added, Change::new().strategy(Strategy::OneForAll), Change::new().order(["new"])] {
            let refused = pool.supervisor().change(change).await;
            assert!(matches!(refused, Err(AdminError::Spec(SpecError::NotChangeable { .. }))), "{refused:?}");
        }
        let none = pool.supervisor().change(Change::new().max_children(0)).await;
        assert!(matches!(none, Err(AdminError::Spec(SpecError::ZeroMaxChildren { .. }))), "{none:?}");
        pool.supervisor().change(Change::new().max_children(2).intensity(3, HOUR)).await.expect("these can be");
        assert!(matches!(pool.start(Stage::default().child("more")).await, Err(AdminError::MaxChildren { .. })));
        assert_eq!(play.which_of(pool.supervisor()), ["old running", "new running"]);
    });
}
